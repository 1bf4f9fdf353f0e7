"""Four voices, the choir that sings them, and the benchmark that it is measured on."""

import json
import os
import pickle
import runpy
import sys

import numpy as np
import pytest
import torch

import melodia
from melodia.checkpoint import read_info
from melodia.corpus import Corpus
from melodia.errors import ConfigError, CorpusError
from melodia.files import shipped
from melodia.harmony.benchmark import FILE, read_npz
from melodia.harmony.data import DataConfig, Pieces, pieces_of, ranges_of, transposed
from melodia.harmony.echoes import echoes
from melodia.harmony.evaluate import evaluate
from melodia.harmony.model import UNGIVEN, Choir, ChoirConfig, collated
from melodia.harmony.prepare import REST, VoicesRepresentation, as_voices, four_parts
from melodia.harmony.reading import HELD, NARROW, past, past_sizes, within, within_sizes
from melodia.harmony.rules import errors_a_hundred_steps
from melodia.score import Meter, Note, Part, Score
from tests.commands.conftest import run

SMALL = ["--hidden-size", 8, "--num-layers", 1, "--batch-size", 4, "--length", 16, "--validate-every", 5, "--quiet"]


def piece(steps, seed, lowest=50):
    """Four voices of notes of two steps each, and now and then a rest."""
    random = np.random.default_rng(seed)
    notes = np.sort(random.integers(lowest, lowest + 12, (-(-steps // 2), 4)), axis=1)[:, ::-1]
    voices = np.repeat(notes, 2, axis=0)[:steps].astype(np.uint8)
    voices[random.integers(steps), random.integers(4)] = REST
    return voices


def small(low=48, high=63, **sizes):
    torch.manual_seed(0)
    model = Choir(ChoirConfig(lowest_pitch=low, highest_pitch=high, time_size=12, voice_size=8, dropout=0.2, code_size=4, **sizes))
    for parameter in model.head.parameters():  # so that each score has a say
        torch.nn.init.normal_(parameter, std=0.5)
    return model.eval()


def batch_of(*pieces):
    return collated([(one, *echoes(one)) for one in pieces])


def said(model, one, given=UNGIVEN):
    """What a model says of one piece: (steps, 4, tokens)."""
    batch = collated([(one, *echoes(one))], [given])
    known = model.read(batch)
    return model(known, model.look(known, batch.lengths))[0][0]


@pytest.fixture
def folder(tmp_path):
    """The file of the benchmark, made up."""
    made = tmp_path / "npz"
    made.mkdir()
    splits = {}
    for number, (split, count) in enumerate((("train", 5), ("valid", 3), ("test", 2))):
        splits[split] = np.empty(count, object)
        for i in range(count):
            voices = piece(10 + 4 * i, [number, i]).astype(np.float16)
            splits[split][i] = np.where(voices == REST, np.nan, voices)
    np.savez(made / FILE, **splits)
    return made


@pytest.fixture
def prepared(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["make.py", str(folder / FILE), str(tmp_path / "npy")])
    runpy.run_path(str(shipped("corpora") / "chorales" / "make.py"), run_name="__main__")
    (tmp_path / "npy" / "train" / "bad.npy").write_bytes(b"no")
    np.save(tmp_path / "npy" / "train" / "five.npy", np.zeros((9, 5)))
    run("prepare", f"chorales={tmp_path / 'npy'}", "-o", tmp_path / "corpus", "--as", "voices", "--quiet")
    return tmp_path / "corpus"


def test_the_probabilities_of_the_next_token_sum_to_one():
    model, one = small(48, 51), piece(5, 1, 48) % 4 + 48
    with torch.no_grad():
        log_probs = said(model, one)[None]
    assert log_probs.shape == (1, 5, 4, 5)
    np.testing.assert_allclose(log_probs.exp().sum(dim=-1), 1, rtol=1e-5)
    tokens = [48, 49, 50, 51, REST]
    steps = [np.array([[s, a, t, b]], np.uint8) for s in tokens for a in tokens for t in tokens for b in tokens]
    nexts = [np.concatenate([one, step]) for step in steps]  # all that can be sung in the next step
    assert np.exp(model.nats([one])[0] - np.array(model.nats(nexts))).sum() == pytest.approx(1, abs=1e-4)


def test_nothing_is_known_of_what_is_to_come():
    model, one = small(), np.tile(piece(24, 1), (2, 1))
    with torch.no_grad():
        whole = said(model, one)
        for step, voice in ((0, 0), (0, 3), (17, 1), (40, 0), (40, 3)):
            other = one.copy()
            other[step, voice] = 48 if one[step, voice] != 48 else 49
            other[step + 1 :] = REST
            changed = said(model, other)
            told = (whole - changed).abs().amax(dim=-1).flatten()
            assert (told[: 4 * step + voice + 1] < 1e-5).all()
            assert told[4 * step + voice + 1 :].max() > 1e-4


def test_pieces_side_by_side_are_pieces_alone(monkeypatch):
    model, pieces = small(), [piece(steps, steps) for steps in (12, 2, 30, 7)]
    alone = [model.nats([one])[0] for one in pieces]
    np.testing.assert_allclose(model.nats(pieces), alone, rtol=1e-5)
    monkeypatch.setattr("melodia.harmony.model.WINDOW", 5)
    monkeypatch.setattr("melodia.harmony.model.SIDE_BY_SIDE", 3)
    np.testing.assert_allclose(model.nats(pieces), alone, rtol=1e-5)
    nats, count, _ = model.loss(batch_of(*pieces))
    assert nats.item() == pytest.approx(sum(alone), rel=1e-5) and count.item() == 4 * 51
    report = evaluate(model, pieces)
    assert (report["pieces"], report["tokens"]) == (4, 204)
    assert report["nats"] == pytest.approx(sum(alone) / 204, rel=1e-5)
    assert report["nats_a_step"] == pytest.approx(sum(alone) / 51, rel=1e-5)
    assert report["nats_a_piece"] == pytest.approx(sum(alone) / 4, rel=1e-5)


def test_a_pitch_that_is_not_modelled_is_refused():
    with pytest.raises(CorpusError, match="pitches from 40 to 60 in a piece; the model knows those from 48 to 63"):
        small().nats([np.array([[60, 55, 50, 40], [REST] * 4], np.uint8)])


def test_what_the_stacks_read():
    model = small()
    one = np.array([[60, 57, 53, 48], [60, 57, 53, 48], [62, REST, 53, 50], [62, 57, 53, 50]], np.uint8)
    known, rest, nothing = model.read(batch_of(one)), 16, 17
    assert known.tokens[0, 2].tolist() == [14, rest, 5, 2]
    assert known.previous[0, :, 0].tolist() == [nothing, 12, 12, 14] and known.previous[0, 3].tolist() == [14, rest, 5, 2]
    assert known.held[0, :, 0].tolist() == [0, 1, 2, 1] and known.held[0, :, 2].tolist() == [0, 1, 2, 3]
    none = 2 * NARROW + 1
    assert known.motion[0, :, 0].tolist() == [none, none, NARROW, NARROW + 2]
    assert known.before[0, :, 0].tolist() == [none, none, none, NARROW + 2]
    assert known.degree[0, :, 0].tolist() == [12, 0, 0, 2] and known.degree[0, 3].tolist() == [2, 12, 5, 2]
    assert known.position[0, 3].tolist() == [3, 3, 0]
    held = model.read(batch_of(np.tile(one[:1], (30, 1)))).held
    assert held.max() == HELD
    for codes, sizes in ((past(known, 16), past_sizes(16)), (within(known, 16), within_sizes(16))):
        assert codes.shape[-1] == len(sizes) and (codes >= 0).all()
        assert (codes < torch.tensor(sizes)).all()


def test_echoes_are_what_followed_where_the_music_was_the_same():
    phrase = piece(16, 3)
    said, likeness = echoes(np.concatenate([phrase, phrase, piece(8, 4)]))
    np.testing.assert_array_equal(said[18:32, :, 0], phrase[2:])
    assert (likeness[17:33, 0, 0] == [1, 2, 2, 3, 3, 3, 3, *[4] * 8, 5]).all()
    one = np.array([[60, 57, 53, 48], [61, 57, 53, 48], [62, 57, 53, 48], [63, 57, 53, 48]] * 2, np.uint8)
    one[4:, 3] = 40  # another bass
    said, likeness = echoes(one)
    assert said[5:, 0, 1].tolist() == [61, 62, 63] and likeness[5:, 0, 1].tolist() == [1, 2, 2]
    assert not likeness[:5].any() and not likeness[5:, :, 0].any() and (said[5:, :, 0] == REST).all()


def test_transposition_moves_tokens_within_the_range_of_each_voice():
    one = piece(9, 0)
    up = transposed(one, 3)
    assert (up[one != REST] == one[one != REST] + 3).all() and (up[one == REST] == REST).all()
    others = [np.array([[62, 60, 55, 40], [67, 64, 59, 52]], np.uint8), np.array([[64, 62, 57, 43], [65, 62, 57, REST]], np.uint8)]
    pieces = Pieces(others, DataConfig(down=5, up=6))
    assert ranges_of(others).tolist() == [[62, 67], [60, 64], [55, 59], [40, 52]]
    assert pieces.room == [(0, 0), (-2, 2)]
    assert {pieces.shifts(epoch)[1] for epoch in range(60)} == {-2, -1, 0, 1, 2}
    assert Pieces([one, transposed(one, 12), transposed(one, 24)], DataConfig()).room == [(0, 6), (-5, 6), (-5, 0)]
    whole = np.tile(piece(16, 5), (2, 1))
    again = echoes(transposed(whole, 2))
    moved = Pieces([whole], DataConfig()).moved(0, 2)
    for mine, theirs in zip(moved, (transposed(whole, 2), *again), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_what_moves_with_the_key_is_scored_by_intervals_alone():
    model, one = small(40, 80), piece(12, 2)
    for name, parameter in model.named_parameters():
        if name in ("head.pitch.weight", "head.pitch.bias", "head.ranges"):
            torch.nn.init.zeros_(parameter)
    known = [model.read(batch_of(transposed(one, shift))) for shift in (0, 5)]
    y = torch.randn(1, 12, 4, 8)
    first, second = (model.head(y, k)[:, 1:] for k in known)
    np.testing.assert_allclose(first[..., :-6].detach(), second[..., 5:-1].detach(), rtol=1e-4, atol=1e-5)


def test_batches_have_each_piece_once_and_parts_share_them():
    pieces = Pieces([piece(n, n) for n in (50, 9, 17, 12, 30)], DataConfig(batch_size=2, length=30))
    found, position = [], None
    for loaded in pieces.batches(0, 1, None):
        if loaded.position[0][0]:
            break
        found += loaded.batch.lengths.tolist()
        position = loaded.position
        if loaded.epoch == 1:
            break
    assert sorted(found) == [9, 12, 17, 30, 50] and position == [[0, position[0][1]]]
    whole = [next(pieces.batches(0, 1, [[1, i]])) for i in range(2)]
    again = pieces.batches(0, 1, [[1, 0]])
    for one in whole:
        assert torch.equal(next(again).batch.voices, one.batch.voices)
    halves = [next(pieces.batches(part, 2, [[1, 0]])) for part in range(2)]
    assert sum(len(half.batch.lengths) for half in halves) >= len(whole[0].batch.lengths)


def test_it_learns_a_piece():
    model, batch = small(), batch_of(piece(24, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    for _ in range(120):
        nats, count, _ = model.loss(batch)
        optimizer.zero_grad()
        (nats / count).backward()
        optimizer.step()
    assert float(nats.detach() / count) < 0.1  # one of 17 is 2.8


def test_the_split_is_that_of_the_file(prepared, folder):
    corpus = Corpus(prepared)
    assert corpus.manifest["counts"]["splits"] == {"train": 5, "valid": 3, "test": 2}
    for split in ("train", "valid", "test"):
        for mine, theirs in zip(pieces_of(corpus, split), read_npz(folder / FILE, split), strict=True):
            np.testing.assert_array_equal(mine, theirs)
    assert (pieces_of(corpus, "train")[0] == REST).sum() == 1
    rejected = (prepared / "rejected.tsv").read_text()
    assert "bad.npy: no array" in rejected and "five.npy: (9, 5) is no piece of four voices" in rejected


def test_from_voices_to_a_measured_choir(prepared, folder, tmp_path):
    done = run("train", "--corpus", prepared, "-o", tmp_path / "m", "--iterations", 10, *SMALL)
    info = read_info(tmp_path / "m")
    assert "nats a token on valid" in done.output and info.domain == "harmony"
    assert info.training["trainer"]["average"] == 0.995
    assert (info.model["lowest_pitch"], info.model["highest_pitch"]) == (47, 64)
    report = json.loads(run("evaluate", prepared, "--model", tmp_path / "m", "--json", "-q").stdout)
    assert report["nats"] == pytest.approx(info.metrics["valid_nats_a_token"], rel=1e-4) and report["tokens"] == 4 * 42
    assert "nats a token" in run("evaluate", prepared, "--model", tmp_path / "m", "--split", "test").stdout
    melodia.train(prepared, tmp_path / "tuned", start=tmp_path / "m", iterations=1, batch_size=4, length=16)
    assert type(melodia.load_checkpoint(tmp_path / "tuned")) is Choir
    with pytest.raises(ConfigError, match="whole: has no meaning"):
        melodia.train(prepared, tmp_path / "x", whole=True)
    with pytest.raises(ConfigError, match="hidden_size: the network is that of"):
        melodia.train(prepared, tmp_path / "x", start=tmp_path / "m", hidden_size=4)
    assert "name a checkpoint with --model" in run("evaluate", prepared, code=1).stderr

    suite = ["evaluate", "jsb16", "--data", folder]
    row = json.loads(run(*suite, "--model", tmp_path / "m", "--json").stdout)
    assert list(row) == ["set", "split", "nats", "nats_a_step", "nats_a_piece", "pieces", "tokens", "seconds"]
    assert (row["set"], row["split"], row["pieces"], row["tokens"]) == ("jsb16", "test", 2, 96)
    assert row["nats_a_step"] == pytest.approx(4 * row["nats"])
    named = run(*suite, "--model", f"jsb16={tmp_path / 'm'}", "--split", "valid")
    assert "nats a token" in named.stdout and "3 pieces of valid" in named.stdout
    (folder / FILE).write_bytes((folder / FILE).read_bytes()[:200])
    damaged = run(*suite, "--model", tmp_path / "m", code=1)
    assert not damaged.stdout and len(damaged.stderr.splitlines()) == 1 and "damaged" in damaged.stderr
    (folder / FILE).unlink()
    assert "no such file" in run(*suite, "--model", tmp_path / "m", code=1).stderr


def test_from_voices_to_a_measured_harmonizer(prepared, folder, tmp_path):
    run("train", "--corpus", prepared, "-o", tmp_path / "m", "--harmonizer", "--iterations", 3, *SMALL)
    info = read_info(tmp_path / "m")
    assert info.model["ahead_size"] == 4 and info.title == "sets voices to those that are given (chorales)"
    assert "the soprano given" in (tmp_path / "m" / "README.md").read_text()
    report = json.loads(run("evaluate", prepared, "--model", tmp_path / "m", "--json", "-q").stdout)
    assert report["nats"] == pytest.approx(info.metrics["valid_nats_a_token"], rel=1e-4) and report["tokens"] == 3 * 42
    suite = ["evaluate", "jsb16-harmony", "--data", folder, "--split", "valid", "--model", tmp_path / "m"]
    row = json.loads(run(*suite, "--json").stdout)
    assert (row["set"], row["pieces"], row["steps"]) == ("jsb16-harmony", 3, 42) and row["nats"] == pytest.approx(report["nats"])
    assert row["bach"] == errors_a_hundred_steps(read_npz(folder / FILE, "valid")) and row["model"].keys() == row["bach"].keys()
    assert "Bach's own" in run(*suite).stdout
    refused = run("evaluate", "jsb16", "--data", folder, "--model", tmp_path / "m", code=1)
    assert "measure it on jsb16-harmony" in refused.stderr
    tuned = ["train", "--corpus", prepared, "-o", tmp_path / "t", "--from", tmp_path / "m", "--iterations", 1]
    run(*tuned, "--batch-size", 4, "--length", 16, "--quiet")
    assert read_info(tmp_path / "t").model == info.model
    assert "harmonizer: the network is that of" in run(*tuned, "--harmonizer", code=1).stderr


def objects(*pieces):
    row = np.empty(len(pieces), object)
    row[:] = pieces
    return row


class Evil:
    def __reduce__(self):
        return os.mkdir, ("evil",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"other": objects(np.zeros((4, 4)))}, "no test in it"),
        ({"test": objects()}, "no pieces in its test"),
        ({"test": np.zeros((2, 3, 4))}, "damaged, .*numbers, not pieces"),
        ({"test": objects(np.zeros((4, 3)), None)}, r"piece 0: \(4, 3\) is no piece of four voices"),
        ({"test": objects(np.full((4, 4), 60.5), None)}, "its numbers must be pitches from 0 to 127"),
        ({"test": objects(np.full((4, 4), 60), np.full((4, 4), 200))}, "piece 1: no piece of four voices"),
        ({"test": objects(np.full((1, 4), 60), None)}, "piece 0: 1 steps"),
        ({"test": objects(Evil(), None)}, r"mkdir in it is no array"),
    ],
)
def test_files_of_another_kind_are_refused(tmp_path, monkeypatch, content, message):
    monkeypatch.chdir(tmp_path)
    np.savez(tmp_path / "a.npz", **content)
    with pytest.raises(CorpusError, match=message):
        read_npz(tmp_path / "a.npz", "test")
    assert not (tmp_path / "evil").exists()


def test_a_damaged_file_is_refused(folder):
    data = (folder / FILE).read_bytes()
    for damaged in (b"", data[:100], data[: len(data) // 2], data[:300] + b"x" * 400 + data[700:], pickle.dumps([1])):
        (folder / FILE).write_bytes(damaged)
        with pytest.raises(CorpusError, match=FILE):
            read_npz(folder / FILE, "train")


def test_four_parts_of_midi(tmp_path):
    rows = [(72, 67, 64, 48), (71, 67, 62, 55)]
    parts = [
        Part(notes=[Note(240 * i, 240 * i + 240 - 5 * (voice == 0), row[voice], 80) for i, row in enumerate(rows)])
        for voice in (3, 0, 1, 2)
    ]
    parts[2].notes.pop()  # the alto rests
    score = Score(parts=parts, meters=[Meter(0, 4, 4)])
    expected = np.repeat(np.array(rows, np.uint8), 2, axis=0)
    one = Score(parts=[Part(notes=sorted(Note(240 * i, 240 * i + 240, p, 80) for i, row in enumerate(rows) for p in row))])
    path = one.write(tmp_path / "one.mid")
    np.testing.assert_array_equal(VoicesRepresentation().read(path, path.read_bytes()).arrays["voices"], expected)
    expected[2:, 1] = REST
    np.testing.assert_array_equal(four_parts(score, "a"), expected)
    with pytest.raises(CorpusError, match="a: 3 parts with notes; it must have four"):
        four_parts(Score(parts=parts[:3]), "a")
    one.parts[0].notes.pop()
    with pytest.raises(CorpusError, match="one part, with 3 notes at a time"):
        four_parts(one, "a")
    with pytest.raises(CorpusError, match="b: list is no piece"):
        as_voices([1], "b")
