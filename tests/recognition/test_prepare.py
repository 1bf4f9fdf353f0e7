"""Recordings and where their texts stand."""

import numpy as np
import pytest
import soundfile

import melodia
from melodia.corpus import Corpus
from melodia.errors import CorpusError
from melodia.pronunciation.phonemes import sounds_of
from melodia.recipe import Transcripts
from melodia.recognition.prepare import WordsRepresentation
from melodia.recognition.train import utterances_of
from melodia.recognition.transcribed import text_by_recipe
from melodia.text import text_of
from tests.commands.conftest import run
from tests.recognition.conftest import RATE, said, sentence


def test_a_folder_of_recordings_and_texts(speech, tmp_path):
    (speech / "noise.txt").write_text("No sound belongs to this.")
    soundfile.write(speech / "long.wav", said("bed"), RATE)
    (speech / "long.txt").write_text("far too many words for so short a recording " * 3)
    soundfile.write(speech / "mute.wav", said("bed"), RATE)
    (speech / "mute.txt").write_text("[beep]")
    done = run("prepare", speech, "-o", tmp_path / "corpus", "--as", "words", "--held-out", 0.2)
    corpus = Corpus(tmp_path / "corpus")
    assert corpus.manifest["domain"] == "recognition" and sum(corpus.manifest["counts"]["splits"].values()) == 12
    texts = {record.path: record for record in corpus.records()}
    assert "00.wav" in texts
    letters = [text_of(piece.tolist()) for split in ("train", "valid", "test") for piece in corpus.pieces(split, "letters")]
    assert sorted(letters) == sorted(sentence(100 + i) for i in range(12))
    rejected = (tmp_path / "corpus" / "rejected.tsv").read_text()
    assert "alone.wav: no text beside it (alone.txt)" in rejected and "is it the text of another?" in rejected
    assert "says nothing that can be spoken" in rejected and "3 files were left out" in done.stderr


def test_a_text_that_changes_is_read_anew(speech, tmp_path):
    run("prepare", speech, "-o", tmp_path / "c", "--as", "words", "--held-out", 0.2, "--quiet")
    (speech / "00.txt").write_text("egg egg")
    done = run("prepare", speech, "-o", tmp_path / "c", "--as", "words", "--held-out", 0.2, "--quiet")
    assert " 1 files read" in done.stdout
    letters = [text_of(p.tolist()) for split in ("train", "valid", "test") for p in Corpus(tmp_path / "c").pieces(split, "letters")]
    assert "egg egg" in letters
    corpus = Corpus(tmp_path / "c")
    sounds = {
        text_of(letters.tolist()): piece.tolist()
        for split in ("train", "valid", "test")
        for letters, piece in zip(corpus.pieces(split, "letters"), corpus.pieces(split, "sounds"), strict=True)
    }
    assert sounds["egg egg"] == sounds_of("ɛɡɛɡ") and any(not len(piece) for piece in sounds.values())


def test_texts_by_name_and_by_table(tmp_path):
    digits = Transcripts(name_pattern=r"(?P<text>\d)_(?P<speaker>[a-z]+)_\d+")
    assert text_by_recipe(tmp_path / "7_ann_0.wav", digits) == "7"
    with pytest.raises(CorpusError, match="not of the form"):
        text_by_recipe(tmp_path / "seven.wav", digits)
    (tmp_path / "wavs").mkdir()
    (tmp_path / "metadata.csv").write_text('A-1|Mr. "X"|mister x\nA-2|no|no "quotes\n')
    lj = Transcripts(files=("metadata.csv",), delimiter="|", path_column="0", text_column="2")
    assert text_by_recipe(tmp_path / "wavs" / "A-1.wav", lj) == "mister x"
    assert text_by_recipe(tmp_path / "wavs" / "A-2.wav", lj) == 'no "quotes'
    with pytest.raises(CorpusError, match="do not name it"):
        text_by_recipe(tmp_path / "wavs" / "A-3.wav", lj)
    (tmp_path / "84.trans.txt").write_text("84-1-0000 GO DO YOU HEAR\n")
    libri = Transcripts(files=("*.trans.txt",), delimiter=" ", path_column="0", text_column="1")
    assert text_by_recipe(tmp_path / "84-1-0000.flac", libri) == "GO DO YOU HEAR"
    named = Transcripts(files=("t.tsv",), delimiter="\t", header=True, path_column="path", text_column="sentence")
    (tmp_path / "t.tsv").write_text("path\tsentence\nwavs/x.mp3\thello\n")
    assert text_by_recipe(tmp_path / "wavs" / "x.mp3", named) == "hello"
    wrong = Transcripts(files=("t.tsv",), delimiter="\t", header=True, path_column="path", text_column="text")
    with pytest.raises(CorpusError, match="columns are not those of the recipe"):
        text_by_recipe(tmp_path / "wavs" / "x.mp3", wrong)


def test_the_recipe_of_the_digits_reads_them(tmp_path):
    folder = tmp_path / "recordings"
    folder.mkdir()
    for digit in range(10):
        for speaker in ("george", "theo"):
            soundfile.write(folder / f"{digit}_{speaker}_0.wav", np.sin(np.arange(8000) * (digit + 1) / 20) * 0.1, 8000)
    run("prepare", f"fsdd={folder}", "-o", tmp_path / "c", "--as", "words", "--quiet")
    records = list(Corpus(tmp_path / "c").records())
    assert len(records) == 20 and all(r.split == "test" for r in records if "theo" in r.path)
    assert text_of(Corpus(tmp_path / "c").pieces("test", "letters")[0].tolist()) == "zero"


def test_what_is_no_text(tmp_path):
    soundfile.write(tmp_path / "a.wav", said("bed"), RATE)
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CorpusError, match="no text that can be read"):
        WordsRepresentation().read(tmp_path / "a.wav", b"")
    (tmp_path / "a.txt").write_text("bed")
    soundfile.write(tmp_path / "a.wav", np.zeros(RATE * 130), RATE)
    with pytest.raises(CorpusError, match="longer than 120 s"):
        WordsRepresentation().read(tmp_path / "a.wav", b"")


def test_a_corpus_without_phonemes_is_to_be_prepared_again(speech, tmp_path):
    corpus = melodia.prepare(speech, tmp_path / "corpus", made_of="words", held_out=0.2)
    corpus.arrays.remove("sounds")
    with pytest.raises(CorpusError, match="prepared by an older melodia, without phonemes"):
        utterances_of(corpus, "train")
