"""From files to a measured pianist that plays."""

import json

import numpy as np
import pytest
import torch

import melodia
from melodia.checkpoint import read_info
from melodia.corpus import Corpus
from melodia.errors import ConfigError
from melodia.performance.codec import as_score, decode
from melodia.performance.data import DataConfig, Performances, pieces_of
from melodia.performance.model import Pianist
from melodia.performance.recall import heard
from melodia.performance.train import PerformanceTask, make_config
from melodia.score import Note, Part, Score
from melodia.training import Trainer
from tests.commands.conftest import run
from tests.performance.test_model import performance

SMALL = ["--hidden-size", 8, "--num-layers", 1, "--batch-size", 4, "--length", 16, "--validate-every", 5, "--quiet"]


@pytest.fixture(scope="module")
def maestro(tmp_path_factory):
    """Folder of six performances, and one that is none."""
    folder = tmp_path_factory.mktemp("maestro")
    lines = ["canonical_composer,split,midi_filename"]
    for i, split in enumerate(["train", "train", "train", "validation", "validation", "test"]):
        as_score(decode(performance(i, 30 + i))).write(folder / "2004" / f"{i}.midi")
        lines.append(f"Somebody,{split},2004/{i}.midi")
    Score([Part(is_drum=True, notes=[Note(i, i + 9, 36, 64) for i in range(20)])]).write(folder / "2004" / "drums.midi")
    (folder / "maestro-v3.0.0.csv").write_text("\n".join(lines))
    return folder


@pytest.fixture(scope="module")
def prepared(maestro, tmp_path_factory):
    output = tmp_path_factory.mktemp("corpus")
    done = run("prepare", f"maestro={maestro}", "-o", output, "--as", "performance")
    assert "1 files were left out" in done.stderr and "events" in done.stdout
    return output


def test_the_split_is_that_of_the_table(prepared):
    corpus = Corpus(prepared)
    assert corpus.manifest["counts"]["splits"] == {"train": 3, "valid": 2, "test": 1}
    np.testing.assert_array_equal(pieces_of(corpus, "test")[0], performance(5, 35))
    assert "drums.midi: 0 notes for a piano" in (prepared / "rejected.tsv").read_text().replace("2004/", "")


def test_streams_read_each_performance_once_and_then_changed():
    pieces = [performance(i, 40) for i in range(4)]
    data = Performances(pieces, DataConfig(batch_size=2, length=30))
    assert sorted(data.changed(turn).tolist() for turn in range(4)) == sorted(p.tolist() for p in pieces)
    assert data.changed(5).tolist() not in [p.tolist() for p in pieces]
    np.testing.assert_array_equal(data.changed(5), Performances(pieces, data.config).changed(5))
    batches, read, recalled = data.batches(0, 1, None), [[], []], [[], []]
    positions = []
    for _ in range(12):
        loaded = next(batches)
        for row, (events, length, fresh) in enumerate(
            zip(loaded.batch.events, loaded.batch.lengths, loaded.batch.fresh, strict=True)
        ):
            assert bool(fresh) == (not read[row] or len(read[row]) in np.cumsum([len(data.changed(t)) for t in range(row, 30, 2)]))
            read[row] += events[:length].tolist()
        positions.append(loaded.position)
        for row, (length, before) in enumerate(zip(loaded.batch.lengths, loaded.batch.recalled, strict=True)):
            recalled[row] += before[:length].tolist()
    for row in (0, 1):
        expected = np.concatenate([data.changed(turn) for turn in range(row, 20, 2)])
        assert read[row] == expected[: len(read[row])].tolist()
        before = np.concatenate([heard(data.changed(turn)).recalled for turn in range(row, 20, 2)])
        assert recalled[row] == before[: len(read[row])].tolist()
    again = data.batches(0, 1, positions[4])
    assert next(again).position == positions[5]
    halves = [next(data.batches(part, 2, None)).batch for part in range(2)]
    whole = next(data.batches(0, 1, None)).batch
    assert [half.events[0, :9].tolist() for half in halves] == whole.events[:, :9].tolist()


def test_from_performances_to_takes(prepared, maestro, tmp_path):
    done = run("train", "--corpus", prepared, "-o", tmp_path / "m", "--iterations", 10, *SMALL)
    info = read_info(tmp_path / "m")
    assert "nats an event" in done.output and info.domain == "performance"
    assert "under CC-BY-NC-SA-4.0" in (tmp_path / "m" / "README.md").read_text()
    report = json.loads(run("evaluate", prepared, "--model", tmp_path / "m", "--json", "-q").stdout)
    assert report["nats"] == pytest.approx(info.metrics["valid_nats_an_event"], rel=1e-3) and report["pieces"] == 2
    assert "nats an event" in run("evaluate", prepared, "--model", tmp_path / "m", "--split", "test").stdout
    assert "name a checkpoint of performance" in run("evaluate", prepared, code=1).stderr
    assert type(melodia.load_checkpoint(tmp_path / "m")) is Pianist
    with pytest.raises(ConfigError, match="whole: has no meaning for a corpus of performances"):
        melodia.train(prepared, tmp_path / "x", whole=True)
    with pytest.raises(ConfigError, match="hidden_size: the network is that of"):
        melodia.train(prepared, tmp_path / "x", start=tmp_path / "m", hidden_size=4)
    melodia.train(prepared, tmp_path / "tuned", start=tmp_path / "m", iterations=1, batch_size=4, length=16)

    suite = ["evaluate", "maestro388", "--model", tmp_path / "m", "--data"]
    row = json.loads(run(*suite, maestro, "--json").stdout)
    assert (row["set"], row["split"], row["pieces"], row["events"]) == ("maestro388", "test", 1, len(performance(5, 35)))
    assert {"nats", "nats_a_note", "nats_a_second", "seconds"} <= set(row)
    named = run(*suite, maestro, "--split", "valid").stdout
    assert "nats an event" in named and "2 pieces of valid" in named
    missing = run(*suite, tmp_path / "none", code=1).stderr
    assert len(missing.splitlines()) == 1 and "no such folder" in missing

    song = ["generate", maestro / "2004" / "1.midi", "--model", tmp_path / "m", "-o", tmp_path / "out.mid"]
    made = run(*song, "--seconds", 1, "--count", 2, "--random-seed", 1, "--json")
    assert [row["midi"] for row in json.loads(made.stdout)] == [str(tmp_path / f"out-{i}.mid") for i in (1, 2)]
    refused = run(*song, "--instruments", "piano", code=1).stderr
    assert len(refused.splitlines()) == 1 and "instruments: has no meaning for" in refused


def test_a_run_that_was_stopped_goes_on(prepared, tmp_path):
    corpus = Corpus(prepared)
    config = make_config(corpus, hidden_size=8, num_layers=1, batch_size=4, length=16, iterations=6, validate_every=3)

    def trainer(folder):
        folder.mkdir(exist_ok=True)
        torch.manual_seed(0)
        return Trainer(PerformanceTask(Pianist(config.model), corpus, config), config.training, folder)

    whole = [progress.train_loss for progress in trainer(tmp_path / "a").run()]
    first, losses = trainer(tmp_path / "b"), []
    for progress in first.run():
        losses.append(progress.train_loss)
        if progress.iteration == 4:
            first.stop()
    second = trainer(tmp_path / "b")
    second.resume()
    losses += [progress.train_loss for progress in second.run()]
    np.testing.assert_allclose(losses, whole, rtol=1e-5)
