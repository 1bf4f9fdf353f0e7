import itertools

import numpy as np
import pytest
import torch

from melodia.composition.augment import AugmentConfig, excerpt
from melodia.composition.codec import KIND, KIND_BAR, KIND_END, KIND_PART, encode
from melodia.composition.data import DataConfig, by_length, fitted_length, in_order, streams, whole_pieces
from melodia.composition.recall import recall
from melodia.errors import ConfigError

PLAIN = AugmentConfig(semitones=0, tempo_bins=0, velocity_bins=0, other_instrument=0, later_start=0, no_recall=0)


@pytest.fixture
def pieces(song):
    return [encode(song), encode(song.clip(0, 1440)), encode(song.clip(0, 4320)), encode(song.clip(1440, 5760))]


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def test_a_stream_reads_one_piece_after_another(pieces):
    config = DataConfig(batch_size=1, length=10)
    found, read = streams(pieces, config, PLAIN), []
    while len(read) < 2 * sum(len(p) - 1 for p in pieces):
        targets = next(found).batch.targets[0]
        read += targets[targets[:, KIND] >= 0].tolist()
    ends = [i + 1 for i, row in enumerate(read) if row[KIND] == KIND_END]
    lengths = np.diff([0, *ends]).tolist()
    assert sorted(lengths[:4]) == sorted(lengths[4:8]) == sorted(len(p) - 1 for p in pieces)  # each once an epoch
    heard = np.array(read[: ends[0]])
    (piece,) = [p for p in pieces if len(p) - 1 == lengths[0] and (p[1:] == heard).all()][:1]
    assert len(piece)


def test_the_state_starts_anew_with_each_piece(pieces):
    ended = torch.ones(3, dtype=torch.bool)
    for loaded in itertools.islice(streams(pieces, DataConfig(batch_size=3, length=16), AugmentConfig()), 60):
        assert (loaded.batch.fresh == ended).all()
        ended = (loaded.batch.targets[..., KIND] == KIND_END).any(dim=1)


def test_reading_goes_on_from_a_position(pieces):
    config = DataConfig(batch_size=3, length=16, random_seed=4)
    whole = list(itertools.islice(streams(pieces, config, AugmentConfig()), 12))
    for cut in (1, 5, 11):
        again = streams(pieces, config, AugmentConfig(), position=whole[cut - 1].position)
        assert all(same(a.batch, b.batch) for a, b in zip(again, whole[cut:], strict=False))


@pytest.mark.parametrize("kind", ["streams", "whole"])
def test_parts_together_are_the_whole_batch(pieces, kind):
    config = DataConfig(batch_size=4, length=30)
    lengths = np.array([len(p) for p in pieces])

    def rows(part, num_parts):
        found = (
            streams(pieces, config, AugmentConfig(), part, num_parts)
            if kind == "streams"
            else whole_pieces(pieces, lengths, config, AugmentConfig(), part, num_parts)
        )
        for loaded in itertools.islice(found, 8):
            targets = loaded.batch.targets
            yield sorted(targets[targets[..., KIND] >= 0].tolist())

    for whole, first, second in zip(rows(0, 1), rows(0, 2), rows(1, 2), strict=True):
        assert sorted(first + second) == whole


def test_streams_of_unlike_pieces_have_little_padding():
    random = np.random.default_rng(0)
    pieces = [np.zeros((int(n), 10), dtype=np.int16) for n in random.lognormal(6.8, 0.8, 60)]
    for i, piece in enumerate(pieces):
        piece[:, 1:] = -1
        piece[:2, KIND] = [KIND_PART, KIND_BAR]
        piece[0, 4:6] = 0
        piece[:, 8] = i
    lengths = np.array([len(p) for p in pieces])
    config = DataConfig(batch_size=32, length=160)
    for found in (streams(pieces, config, PLAIN), whole_pieces(pieces, lengths, config, PLAIN)):
        batches = [loaded.batch.targets[..., KIND] >= 0 for loaded in itertools.islice(found, 60)]
        assert 1 - sum(int(b.sum()) for b in batches) / sum(b.numel() for b in batches) < 0.10


def test_windows_are_shorter_where_pieces_are_short():
    assert fitted_length(160, np.array([2000, 3000])) == 160
    short = fitted_length(160, np.array([171] * 20))
    assert short < 160 and 1 - 170 / (-(-170 // short) * short) <= 0.08
    assert fitted_length(160, np.array([3, 4, 5])) == 32
    assert fitted_length(20, np.array([3, 4, 5])) == 20


def test_whole_pieces_come_whole_once_an_epoch(pieces):
    config = DataConfig(batch_size=2, length=60, whole=True)
    lengths = np.array([len(p) for p in pieces])
    found, seen = whole_pieces(pieces, lengths, config, PLAIN), []
    for loaded in found:
        if loaded.epoch > 1:
            break
        assert not loaded.carried and loaded.batch.fresh.all()
        for item in loaded.batch.targets:
            seen.append(tuple(map(tuple, item[item[:, KIND] >= 0].tolist())))
    assert sorted(seen) == sorted(tuple(map(tuple, p[1:].tolist())) for p in pieces)
    again = whole_pieces(pieces, lengths, config, PLAIN, position=loaded.position)
    assert all(same(a.batch, b.batch) for a, b in zip(itertools.islice(again, 5), found, strict=False))


def test_groups_of_like_length_keep_to_the_budget():
    lengths = np.random.default_rng(1).integers(10, 1000, 500)
    groups = by_length(lengths, 4000, np.random.default_rng(2))
    assert sorted(np.concatenate(groups).tolist()) == list(range(500))
    cells = [len(g) * lengths[g].max() for g in groups]
    assert max(cells) <= 4000 * 1.07
    assert 1 - lengths.sum() / sum(cells) < 0.10


def test_an_excerpt_begins_at_a_bar_line(pieces):
    piece = pieces[0]
    for seed in range(20):
        part = excerpt(piece, 30, np.random.default_rng(seed))
        assert len(part) == 30
        assert (part[:3, KIND] == KIND_PART).all() and part[3, KIND] == KIND_BAR
    assert excerpt(piece, 1000, np.random.default_rng(0)) is piece


def test_in_order_reads_every_event_once(pieces):
    for size in (1, 3, 8):
        seen = sum(int((b.targets[..., KIND] >= 0).sum()) for b in in_order(pieces, size, 10))
        assert seen == sum(len(p) - 1 for p in pieces)


def test_recall_is_withheld_at_times(pieces):
    config = DataConfig(batch_size=1, length=400)
    withheld = next(streams(pieces[:1], config, AugmentConfig(no_recall=1, later_start=0))).batch.recalled
    assert (withheld == -1).all() and (recall(pieces[0]) >= 0).any()


def test_refusals(pieces):
    with pytest.raises(ConfigError, match="batch_size: 4 cannot be cut into 3 equal parts"):
        next(streams(pieces, DataConfig(batch_size=4), PLAIN, 0, 3))
    with pytest.raises(ConfigError, match="longest: 3"):
        DataConfig(longest=3)
