"""Recordings of a speaker and what stands beside them."""

import numpy as np
import pytest
import soundfile

from melodia.corpus import Corpus
from melodia.errors import CorpusError
from melodia.synthesis.data import utterances_of
from melodia.synthesis.prepare import SpeechRepresentation
from melodia.synthesis.signs import SIGNS, number_of
from tests.commands.conftest import run
from tests.synthesis.conftest import RATE, rows_of, sound_of, write_recording


def test_a_folder_of_recordings(speaker, tmp_path):
    done = run("prepare", speaker, "-o", tmp_path / "corpus", "--as", "speech", "--held-out", 0.1)
    corpus = Corpus(tmp_path / "corpus")
    assert corpus.manifest["domain"] == "synthesis" and "frames" in done.stdout
    records = {split: [r.path for r in corpus.records() if r.split == split] for split in ("train", "valid", "test")}
    assert all(records.values()) and sum(map(len, records.values())) == 24
    path, utterance = records["train"][0], utterances_of(corpus, "train")[0]
    rows, sound = rows_of(int(path[:2])), sound_of(rows_of(int(path[:2])))
    assert utterance.signs.tolist() == [[*number_of(sign), count] for sign, count in rows]
    heard = utterance.sound()
    assert np.mean((heard.pitch > 0) == (sound.pitch > 0)) > 0.9
    loud = (sound.pitch > 0)[:, None] & (sound.bands > -50)
    assert np.median(np.abs(heard.bands - sound.bands)[loud]) < 3


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (None, "no table of its phonemes beside it"),
        ("onset\tsign\n", "its first line must be"),
        ("onset\toffset\tsign\n0\t0.5\n", "line 2: .* is not onset, offset and sign"),
        ("onset\toffset\tsign\n0\t0.5\ts\n0.2\t1\ts\n", "line 3: from 0.2 to 1 s does not follow 0.5 s"),
        ("onset\toffset\tsign\n0\t0.5\ts\n0.7\t1\ts\n", "line 3: from 0.7 to 1 s does not follow 0.5 s"),
        ("onset\toffset\tsign\n0\t0.5\ts\n", "1.00 s, but its phonemes end at 0.50 s"),
        ("onset\toffset\tsign\n0\t1\tqq\n", "'qq' is no phoneme"),
    ],
)
def test_tables_that_cannot_be_used(table, message, tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(RATE, np.float32), RATE)
    if table is not None:
        (tmp_path / "a.tsv").write_text(table)
    with pytest.raises(CorpusError, match=message):
        SpeechRepresentation().read(tmp_path / "a.wav", b"")


def test_without_a_table_the_pitch_is_found(tmp_path):
    write_recording(tmp_path, 5)
    (tmp_path / "05.pitch.tsv").unlink()
    found = SpeechRepresentation().read(tmp_path / "05.flac", b"").arrays["pitch"]
    true = sound_of(rows_of(5)).pitch
    both = (found[: len(true)] > 0) & (true > 0)
    assert both.sum() > 0.6 * (true > 0).sum()
    assert np.median(np.abs(np.log2(found[: len(true)][both] / true[both]))) < 0.03


def test_signs_have_numbers():
    assert number_of("ˈi") == (SIGNS.index("i") + 1, 1) and number_of("ˌi")[1] == 2 and number_of(" ") == (2, 0)
    with pytest.raises(CorpusError, match="'ˈ' is no phoneme"):
        number_of("ˈ")
