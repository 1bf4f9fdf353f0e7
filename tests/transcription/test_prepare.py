"""Recordings with labels as a corpus: cached, and read anew when either of the two changes."""

import os
import tarfile

import numpy as np
import soundfile
import torch

from melodia.audio import read_audio
from melodia.corpus import Corpus
from melodia.features import spectrogram, unpacked
from melodia.preparation import PrepareConfig, prepare
from melodia.sources import parse_source
from melodia.transcription.prepare import NotesRepresentation
from tests.transcription.conftest import RATE, played, scale


def run(folder, out):
    return prepare([parse_source(str(folder))], out, NotesRepresentation(), PrepareConfig(held_out=0.2))


def test_a_corpus_holds_spectrograms_and_notes(folder, tmp_path):
    counts = run(folder, tmp_path / "out")
    assert counts["pieces"] == 6 and counts["rejected"] == 2  # one without a recording, one that is a pedal's
    rejected = (tmp_path / "out" / "rejected.tsv").read_text()
    assert "alone.tsv: no recording of that name" in rejected and "0.pedal.tsv: belongs to another file" in rejected
    corpus = Corpus(tmp_path / "out")
    record = next(r for r in corpus.records() if r.path == "0.tsv")
    frames, notes, pedal = (corpus.pieces(record.split, array) for array in ("frames", "notes", "pedal"))
    at = [r.path for r in corpus.records() if r.split == record.split].index("0.tsv")
    decibels = spectrogram(torch.from_numpy(read_audio(folder / "0.flac", RATE)), NotesRepresentation().features).numpy()
    assert np.abs(unpacked(frames[at]) - np.maximum(decibels, -100)).max() <= 0.26
    np.testing.assert_allclose(notes[at], scale(4.0, 55), atol=1e-3)
    np.testing.assert_allclose(pedal[at], [[0.5, 1.5]])


def test_what_has_changed_is_read_again(folder, tmp_path):
    run(folder, tmp_path / "out")
    assert run(folder, tmp_path / "out")["read"] == 0
    soundfile.write(folder / "1.flac", played(scale(4.0, 70), 4.0), RATE)  # another sound, the same labels
    assert run(folder, tmp_path / "out")["read"] == 1
    (folder / "2.pedal.tsv").write_text("0.1\t0.2\n")
    assert run(folder, tmp_path / "out")["read"] == 2  # it, and what it belongs to
    os.utime(folder / "3.flac", (1, 1))  # another date, the same sound
    before = {p.name for p in (tmp_path / "out" / "shards").glob("*.npy")}
    run(folder, tmp_path / "out")
    assert before == {p.name for p in (tmp_path / "out" / "shards").glob("*.npy")}


def test_a_recording_counts_once_and_a_piece_comes_into_one_split(folder, tmp_path):
    (folder / "1.mid").write_bytes((folder / "1.tsv").read_bytes())
    for i in range(3):  # the piece of 0, in another sound
        soundfile.write(folder / f"again{i}.flac", 0.3 * played(scale(4.0, 55), 4.0), RATE)
        (folder / f"again{i}.tsv").write_bytes((folder / "0.tsv").read_bytes())
    assert run(folder, tmp_path / "out")["pieces"] == 9
    assert "1.mid: 1.tsv is read instead" in (tmp_path / "out" / "rejected.tsv").read_text()
    records = list(Corpus(tmp_path / "out").records())
    assert len({r.split for r in records if r.path == "0.tsv" or r.path.startswith("again")}) == 1


def test_a_list_notices_what_its_files_stand_beside(folder, tmp_path):
    (tmp_path / "list.txt").write_text("".join(f"music/{i}.tsv\n" for i in range(6)))
    run(tmp_path / "list.txt", tmp_path / "out")
    soundfile.write(folder / "1.flac", played(scale(4.0, 70), 4.0), RATE)
    assert run(tmp_path / "list.txt", tmp_path / "out")["read"] == 1


def test_archives_hold_both(folder, tmp_path):
    with tarfile.open(tmp_path / "music.tar.gz", "w:gz") as tar:
        tar.add(folder, "music")
    assert run(tmp_path / "music.tar.gz", tmp_path / "out")["pieces"] == 6


def test_labels_that_do_not_belong_are_refused(folder, tmp_path):
    soundfile.write(folder / "1.flac", played(scale(4.0), 4.0)[:RATE], RATE)  # one second
    assert run(folder, tmp_path / "out")["pieces"] == 5
    assert "do the two belong together" in (tmp_path / "out" / "rejected.tsv").read_text()
