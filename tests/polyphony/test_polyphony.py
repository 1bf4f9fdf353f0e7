"""Piano rolls, the model of their frames, and the benchmark that it is measured on."""

import itertools
import json
import math
import runpy
import sys

import numpy as np
import pytest
import scipy.io
import torch

import melodia
from melodia.checkpoint import read_info
from melodia.corpus import Corpus
from melodia.errors import ConfigError, CorpusError
from melodia.files import shipped
from melodia.polyphony.benchmark import SETS, read_mat
from melodia.polyphony.data import DataConfig, Pieces, keys_of, transposed
from melodia.polyphony.evaluate import evaluate
from melodia.polyphony.model import OUTSIDE, PolyphonyConfig, PolyphonyModel, collated, stretch
from melodia.polyphony.prepare import KEYS
from melodia.polyphony.reading import HISTORY, Reader
from tests.commands.conftest import run

SMALL = ["--hidden-size", 8, "--num-layers", 1, "--batch-size", 4, "--length", 16, "--validate-every", 5, "--quiet"]


def piece(length, seed, low=40, high=52):
    """Three notes a frame, each held for a while."""
    random = np.random.default_rng(seed)
    frames = np.zeros((length, KEYS), np.uint8)
    for first in range(0, length, 4):
        frames[first : first + 4, random.choice(np.arange(low, high), 3, replace=False)] = 1
    return frames


def small(low=39, high=43, **sizes):
    """A model of few keys, counted from the first."""
    torch.manual_seed(0)
    return PolyphonyModel(
        PolyphonyConfig(lowest_pitch=21 + low, highest_pitch=21 + high, time_size=12, pitch_size=8, dropout=0.2, **sizes)
    ).eval()


def test_pitches_may_be_independent_given_the_past():
    one = piece(20, 1, 39, 44)
    for independent in (True, False):
        model, whole = small(independent=independent), {}
        for keys in itertools.product((0, 1), repeat=5):
            frames = one.copy()
            frames[-1, 39:44] = keys
            whole[keys] = math.exp(model.nats([one[:-1]])[0] - model.nats([frames])[0]) / (1 - OUTSIDE) ** (KEYS - 5)
        assert sum(whole.values()) == pytest.approx(1, abs=1e-3)
        alone = [sum(p for keys, p in whole.items() if keys[i]) for i in range(5)]
        product = math.prod(p if key else 1 - p for key, p in zip((1, 0, 1, 0, 1), alone, strict=True))
        assert (whole[1, 0, 1, 0, 1] == pytest.approx(product, rel=1e-3)) == independent


@pytest.fixture
def files(tmp_path):
    """The four files of the benchmark, made up."""
    folder = tmp_path / "mat"
    folder.mkdir()
    for number, name in enumerate(SETS.values()):
        rows = {}
        for part, count in (("traindata", 5), ("validdata", 3), ("testdata", 2)):
            rows[part] = np.empty((1, count), object)
            for i in range(count):
                rows[part][0, i] = piece(10 + 4 * i, [number, i, count])
        scipy.io.savemat(folder / name, rows)
    return folder


@pytest.fixture
def prepared(files, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["make.py", str(files / "JSB_Chorales.mat"), str(tmp_path / "jsb")])
    runpy.run_path(str(shipped("corpora") / "polyphonic" / "make.py"), run_name="__main__")
    (tmp_path / "jsb" / "train" / "bad.npy").write_bytes(b"no")
    np.save(tmp_path / "jsb" / "train" / "wide.npy", np.zeros((9, 89)))
    run("prepare", f"polyphonic={tmp_path / 'jsb'}", "-o", tmp_path / "corpus", "--as", "frames", "--quiet")
    return tmp_path / "corpus"


def test_the_probabilities_of_all_next_frames_sum_to_one():
    model = small()
    past = piece(6, 1, 38, 46)  # also of keys that are not modelled
    nexts = []
    for bits in itertools.product((0, 1), repeat=5):
        frame = np.zeros((1, KEYS), np.uint8)
        frame[0, 39:44] = bits
        nexts.append(np.concatenate([past, frame]))
    before = model.nats([past])[0]
    total = sum(math.exp(before - nats) for nats in model.nats(nexts))
    silent = (1 - OUTSIDE) ** (KEYS - 5)  # that no other key sounds
    assert total == pytest.approx(silent, abs=1e-4)
    outside = nexts[0].copy()
    outside[-1, 80] = 1
    assert model.nats([outside])[0] - model.nats([nexts[0]])[0] == pytest.approx(-math.log(OUTSIDE), abs=1e-3)


def test_pieces_side_by_side_are_pieces_alone(monkeypatch):
    model, pieces = small(), [piece(length, length, 38, 46) for length in (12, 2, 30, 7)]
    alone = [model.nats([one])[0] for one in pieces]
    np.testing.assert_allclose(model.nats(pieces), alone, rtol=1e-5)
    monkeypatch.setattr("melodia.polyphony.model.WINDOW", 5)
    monkeypatch.setattr("melodia.polyphony.model.SIDE_BY_SIDE", 3)
    np.testing.assert_allclose(model.nats(pieces), alone, rtol=1e-5)
    batch = collated([stretch(one, 1, 40) for one in pieces], [1] * 4)
    assert model.loss(batch)[0].item() == pytest.approx(sum(alone), rel=1e-5)
    report = evaluate(model, pieces)
    assert report["frames"] == 47 and report["pieces"] == 4
    assert report["nats"] == pytest.approx(sum(alone) / 47, rel=1e-5)
    means = [nats / (len(one) - 1) for nats, one in zip(alone, pieces, strict=True)]
    assert report["nats_a_piece_mean"] == pytest.approx(sum(means) / 4, rel=1e-5)


def test_nothing_is_known_of_what_is_to_come():
    model, begin = small(), piece(30, 1, 38, 46)
    begin[12:24] = begin[:12]
    with torch.no_grad():
        nats = [model(collated([stretch(np.concatenate([begin, piece(30, seed)]), 1, 59)], [1]))[0] for seed in (2, 3)]
    np.testing.assert_allclose(nats[0][:29], nats[1][:29], rtol=1e-5)
    assert (nats[0][29:] - nats[1][29:]).abs().max() > 1e-3


def test_what_a_pitch_reads():
    reader = Reader(40, 44, 2)
    frames = np.zeros((1, HISTORY + 1, KEYS), np.float32)
    frames[0, -2, [41, 43, 53]] = 1
    frames[0, -1] = 1  # the next one, of which nothing is told
    past = reader.past(torch.from_numpy(frames), torch.tensor([[4]]))
    assert past.shape == (1, 1, 4, reader.past_size)
    key = past[0, 0, 1].numpy()  # 41
    assert key[:5].tolist() == [0, 0, 1, 0, 1] and key[5] == 0
    assert key[6:18].tolist() == [0.5] + [0, 0.25] + [0] * 9  # 41 and 53, 43
    assert key[18:20].tolist() == [0, 0.5]
    assert key[20:32].argmax() == (41 + 21) % 12
    assert not past[0, 0, :, -6:].any()
    below = reader.below(torch.from_numpy(frames[0, -2:-1]))
    assert below.shape == (1, 4, reader.below_size)
    assert below[0, 1].abs().sum() == 0  # its own note is not told
    last = below[0, 3]  # 43: 41 sounds two below it
    assert last[:12].nonzero().ravel().tolist() == [10] and last[12:24].nonzero().ravel().tolist() == [10] and last[24] == 0.25


def test_echoes_are_what_followed_where_the_music_was_the_same():
    whole = np.zeros((1, HISTORY + 3, KEYS), np.float32)
    whole[0, -43:] = np.tile(piece(20, 5), (3, 1))[-43:]
    notes, likeness = Reader(0, KEYS, 2).echoes(torch.from_numpy(whole))
    assert notes.shape == (1, 3, 3, KEYS) and likeness.shape == (1, 3, 3)
    np.testing.assert_array_equal(notes[0, :, 0].numpy(), whole[0, -3:])
    assert (likeness[0, :, 0] == 1).all() and (likeness[0, :, 2] < 1).all()


def test_transposition_moves_notes_within_the_keys_that_are_modelled():
    one = piece(9, 0)
    assert (transposed(one, 3)[:, 3:] == one[:, :-3]).all() and (transposed(transposed(one, -5), 5) == one).all()
    low, high = keys_of([one])
    pieces = Pieces([one], DataConfig(transpose=6), low - 2, high + 2)
    shifts = {pieces.stretches(epoch)[0].shift for epoch in range(40)}
    assert shifts == {-2, -1, 0, 1}
    for epoch in range(5):
        low_now, high_now = keys_of([pieces.frames(pieces.stretches(epoch)[0])])
        assert low - 2 <= low_now and high_now <= high + 1


def test_stretches_have_each_frame_once():
    pieces = Pieces([piece(n, n) for n in (50, 9, 17)], DataConfig(batch_size=2, length=8, transpose=0), 0, KEYS)
    for epoch in range(4):
        found = pieces.stretches(epoch)
        assert max(one.length for one in found) <= 8 and min(one.length for one in found) >= 1
        for i, whole in enumerate(pieces.pieces):
            mine = sorted((one.first, one.length) for one in found if one.piece == i)
            assert [t for first, count in mine for t in range(first, first + count)] == list(range(1, len(whole)))
    one = next(one for one in pieces.stretches(0) if one.first > 2)
    np.testing.assert_array_equal(
        pieces.frames(one)[HISTORY - 2 :], pieces.pieces[one.piece][one.first - 2 : one.first + one.length]
    )
    whole = [next(pieces.batches(0, 1, [[0, i]])) for i in range(3)]
    parts = [[next(pieces.batches(part, 2, [[0, i]])) for part in range(2)] for i in range(3)]
    for batch, halves in zip(whole, parts, strict=True):
        if len(batch.batch.lengths) > 1:
            assert batch.batch.lengths.sum() == sum(half.batch.lengths.sum() for half in halves)
        assert batch.position == halves[0].position


def test_it_learns_a_piece():
    model = small(40, 51)
    batch = collated([stretch(piece(24, 3), 1, 30)], [1])
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    for _ in range(150):
        nats, count, _ = model.loss(batch)
        optimizer.zero_grad()
        (nats / count).backward()
        optimizer.step()
    assert float(nats.detach() / count) < 1.0  # three of twelve are 5.4


def test_the_split_is_that_of_the_files(prepared, files):
    corpus = Corpus(prepared)
    assert corpus.manifest["counts"]["splits"] == {"train": 5, "valid": 3, "test": 2}
    assert all(record.split == record.path.split("/")[0] for record in corpus.records())
    from melodia.polyphony.data import pieces_of

    for split in ("train", "valid", "test"):
        for mine, theirs in zip(pieces_of(corpus, split), read_mat(files / "JSB_Chorales.mat", split), strict=True):
            np.testing.assert_array_equal(mine, theirs)
    rejected = (prepared / "rejected.tsv").read_text()
    assert "bad.npy: no array" in rejected and "wide.npy: (9, 89) is no piano roll" in rejected


def test_from_piano_rolls_to_a_measured_model(prepared, files, tmp_path):
    done = run("train", "--corpus", prepared, "-o", tmp_path / "m", "--iterations", 10, *SMALL)
    info = read_info(tmp_path / "m")
    assert "nats a frame on valid" in done.output and info.domain == "polyphony"
    low, high = keys_of(read_mat(files / "JSB_Chorales.mat", "train"))
    assert (info.model["lowest_pitch"], info.model["highest_pitch"]) == (21 + low - 6, 21 + high + 6)
    report = json.loads(run("evaluate", prepared, "--model", tmp_path / "m", "--json", "-q").stdout)
    assert report["nats"] == pytest.approx(info.metrics["valid_nats_a_frame"], rel=1e-2) and report["frames"] == 9 + 13 + 17
    assert "nats a frame" in run("evaluate", prepared, "--model", tmp_path / "m", "--split", "test").stdout
    melodia.train(prepared, tmp_path / "tuned", start=tmp_path / "m", iterations=1, batch_size=4, length=16)
    assert type(melodia.load_checkpoint(tmp_path / "tuned")) is PolyphonyModel
    with pytest.raises(ConfigError, match="whole: has no meaning"):
        melodia.train(prepared, tmp_path / "x", whole=True)
    with pytest.raises(ConfigError, match="hidden_size: the network is that of"):
        melodia.train(prepared, tmp_path / "x", start=tmp_path / "m", hidden_size=4)
    assert "name a checkpoint with --model" in run("evaluate", prepared, code=1).stderr

    suite = ["evaluate", "polyphonic-nll", "--data", files]
    named = [part for name in SETS for part in ("--model", f"{name}={tmp_path / 'm'}")]
    rows = [json.loads(line) for line in run(*suite, *named, "--json").stdout.splitlines()]
    assert [row["set"] for row in rows] == list(SETS)
    assert set(rows[0]) == {"set", "split", "nats", "nats_a_piece_mean", "pieces", "frames", "seconds"}
    assert rows[0]["split"] == "test" and (rows[0]["pieces"], rows[0]["frames"]) == (2, 22)
    (files / SETS["piano"]).write_bytes(b"no")
    (files / SETS["musedata"]).unlink()
    some = run(*suite, *named[:-4], "--model", f"musedata={tmp_path / 'm'}", "--model", f"piano={tmp_path / 'm'}", code=1)
    assert len(some.stdout.splitlines()) == 2 and "jsb" in some.stdout
    assert "melodia: musedata: " in some.stderr and "no such file" in some.stderr
    assert "melodia: piano: " in some.stderr and "damaged" in some.stderr and len(some.stderr.splitlines()) == 2
    missing = run(*suite, *named[:2], "--model", f"piano={tmp_path / 'nothing'}", code=1)
    assert "nothing: no such model" in missing.stderr
    assert "SET is jsb" in run(*suite, "--model", tmp_path / "m", code=2).stderr
    assert "needs --data" in run("evaluate", "polyphonic-nll", code=2).stderr
    assert "--data is of suites" in run("evaluate", prepared, "--data", files, code=2).stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"testdata": np.zeros((1, 2))}, "no piano roll"),
        ({"other": np.zeros((1, 2))}, "no testdata in it"),
        ({"testdata": np.empty((1, 0), object)}, "no pieces in its testdata"),
    ],
)
def test_files_of_another_kind_are_refused(tmp_path, content, message):
    scipy.io.savemat(tmp_path / "a.mat", content)
    with pytest.raises(CorpusError, match=message):
        read_mat(tmp_path / "a.mat", "test")


def test_a_damaged_file_is_refused(files):
    path = files / "JSB_Chorales.mat"
    data = path.read_bytes()
    for damaged in (b"", data[:100], data[:200], data[: len(data) // 2], data[:300] + b"x" * 400 + data[700:]):
        path.write_bytes(damaged)
        with pytest.raises(CorpusError, match="JSB_Chorales.mat"):
            read_mat(path, "train")
