import numpy as np
import pytest
import soundfile
import torch

from melodia.corpus import Corpus
from melodia.detection.evaluate import recordings_of
from melodia.detection.prepare import LONGEST_SECONDS, KindsRepresentation
from melodia.errors import ConfigError
from melodia.features import log_mel, unpacked
from melodia.preparation import PrepareConfig, prepare
from melodia.sources import parse_source
from melodia.workshop import representation
from tests.detection.conftest import RATE, talk, tune


def run(source, out):
    return prepare([parse_source(str(source))], out, KindsRepresentation(), PrepareConfig(held_out=0.2))


def test_a_corpus_holds_spectrograms_and_what_they_are_of(folder, tmp_path):
    soundfile.write(folder / "music" / "silent.wav", np.zeros(RATE), RATE)
    soundfile.write(folder / "music" / "empty.wav", np.zeros(0), RATE)
    (folder / "music" / "broken.wav").write_bytes(b"RIFF")
    counts = run(folder, tmp_path / "out")
    assert counts["pieces"] == 16 and counts["rejected"] == 4
    rejected = (tmp_path / "out" / "rejected.tsv").read_text()
    assert "neither.flac: in no folder called music or speech" in rejected and "silent.wav: silent, or nearly so" in rejected
    corpus = Corpus(tmp_path / "out")
    found = [r for split in ("train", "valid", "test") for r in recordings_of(corpus, split)]
    assert sorted((r.kind, r.source) for r in found) == [(k, s) for k in ("music", "speech") for s in "ab" for _ in range(4)]
    wanted = log_mel(torch.from_numpy(tune(6.0, 0)), KindsRepresentation().features).numpy()
    assert any(np.abs(unpacked(np.asarray(r.frames)) - np.maximum(wanted, -100)).max() < 2 for r in found)  # of 16 bits


def test_of_long_recordings_the_first_minutes_are_kept(folder, tmp_path):
    soundfile.write(folder / "music" / "long.flac", np.tile(tune(), 60), RATE)
    run(folder, tmp_path / "out")
    lengths = [r.size for r in Corpus(tmp_path / "out").records() if r.path == "music/long.flac"]
    assert lengths == [KindsRepresentation().features.num_frames(round(LONGEST_SECONDS * RATE))]


def test_the_recipe_splits_by_folder(folder, tmp_path):
    for i in range(3):
        path = folder / "valid" / "speech" / "someone" / f"{i}.flac"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, talk(3.0, 20 + i), RATE)
    prepare([parse_source(f"kinds={folder}")], tmp_path / "out", KindsRepresentation(), PrepareConfig())
    splits = {r.path: r.split for r in Corpus(tmp_path / "out").records()}
    assert all(splits[f"valid/speech/someone/{i}.flac"] == "valid" for i in range(3)) and "train" in splits.values()


def test_what_has_no_meaning_is_refused():
    for setting in ({"bands": 2}, {"live": True}):
        with pytest.raises(ConfigError, match=f"{next(iter(setting))}: "):
            representation("kinds", **setting)
    with pytest.raises(ConfigError, match="must be events, notes"):
        representation("songs")
