import numpy as np
import pytest

from melodia.composition.align import align
from melodia.composition.arrange import band, split_bass
from melodia.composition.codec import KIND, KIND_BAR, PITCH, POSITION, decode, encode
from melodia.composition.prepare import SONG, TAKE, EventsRepresentation, shingles, tag_of
from melodia.corpus import Corpus
from melodia.errors import MidiError
from melodia.midi import parse_midi
from melodia.preparation import PrepareConfig, prepare
from melodia.recipe import Recipe
from melodia.score import Meter, Note, Part, Score
from melodia.sources import Source
from melodia.splits import minhash, near_duplicates


def tune(seed, length=60, transposed=0):
    random = np.random.default_rng(seed)
    pitches = 60 + np.cumsum(random.integers(-3, 4, length)) % 24
    notes = [Note(i * 240, i * 240 + 200, int(p) + transposed, 80) for i, p in enumerate(pitches)]
    return Score([Part(notes=notes)])


@pytest.fixture
def folder(tmp_path):
    music = tmp_path / "music"
    for i in range(30):
        tune(i).write(music / f"tune-{i:02}.mid")
    tune(3, transposed=5).write(music / "deep" / "another title.MID")
    (music / "broken.mid").write_bytes(b"MThd")
    (music / "notes.txt").write_text("not music")
    return music


def prepared(folder, out, held_out=0.2, recipe=None, **settings):
    source = Source(recipe or Recipe(name="mine"), folder)
    prepare([source], out, EventsRepresentation(**settings), PrepareConfig(held_out=held_out))
    return Corpus(out)


def test_a_folder_becomes_a_corpus(folder, tmp_path):
    corpus = prepared(folder, tmp_path / "out")
    found = {r.path: r for r in corpus.records()}
    assert len(found) == 31 and found["tune-04.mid"].size == 60
    assert (tmp_path / "out" / "rejected.tsv").read_text().splitlines()[1].startswith("mine/broken.mid\tbroken.mid: cut off")
    for split in ("train", "valid", "test"):
        of_split = [r for r in found.values() if r.split == split]
        for record, rows in zip(of_split, corpus.pieces(split), strict=True):
            assert (rows == encode(Score.read(folder / record.path))).all()


def test_a_transposed_copy_is_never_in_another_split(folder, tmp_path):
    found = {r.path: r for r in prepared(folder, tmp_path / "out", held_out=0.3).records()}
    original, copy = found["tune-03.mid"], found["deep/another title.MID"]
    assert original.group == copy.group and original.split == copy.split
    assert len({r.group for r in found.values()}) == 30


def test_near_duplicates_are_found_and_others_are_not():
    pieces = [tune(1), tune(2), tune(1, transposed=-7), tune(1, length=50), tune(5)]
    signatures = np.stack([minhash(shingles(encode(p))) for p in pieces])
    assert near_duplicates(signatures, 0.35).tolist() == [0, 1, 0, 0, 4]


def test_a_recipe_can_correct_the_ticks(tmp_path):
    path = tune(1).write(tmp_path / "tune.mid")
    wrong = bytearray(path.read_bytes())
    wrong[12:14] = (400).to_bytes(2, "big")
    assert parse_midi(bytes(wrong), ppq_known=480).parts[0].notes == Score.read(path).parts[0].notes
    asked = EventsRepresentation().for_recipe(Recipe(name="x", ppq=480)).read(path, bytes(wrong))
    assert (asked.arrays["events"] == encode(Score.read(path))).all()


def test_tags_tell_what_can_be_arranged(song):
    assert tag_of(encode(tune(1))) == SONG
    assert tag_of(encode(song)) == ""  # 3/4, with drums
    drums = [Note(i * 240, i * 240 + 60, 36, 90) for i in range(64)]
    assert tag_of(encode(Score([Part(is_drum=True, notes=drums)]))) == TAKE
    assert tag_of(encode(Score([Part(is_drum=True, notes=drums[:8])]))) == ""


def test_alignment_finds_the_bars_of_shifted_music():
    notes = []
    for bar in range(16):
        root = 36 + [0, 5, 7, 0][bar % 4]
        notes.append(Note(bar * 1920, bar * 1920 + 1800, root, 80))
        notes += [Note(bar * 1920 + i * 480, bar * 1920 + i * 480 + 200, root + 24 + s, 70) for i, s in enumerate((0, 4, 7, 4))]
    straight = Score([Part(notes=sorted(notes))], meters=[Meter(0, 1, 4)])
    late = Score([Part(notes=[Note(n[0] + 763, n[1] + 763, n[2], n[3]) for n in sorted(notes)])], meters=[Meter(0, 1, 4)])
    for score in (straight, late):
        aligned = align(score)
        assert aligned.meters == [Meter(0, 4, 4)]
        assert {n.onset_ticks % 1920 for n in aligned.parts[0].notes if n.pitch < 50} == {0}


def test_a_band_keeps_the_tune_and_adds_bass_and_drums(song):
    four = Score(
        [Part(notes=tune(1).parts[0].notes), Part(notes=[Note(i * 1920, i * 1920 + 1900, 40 + i % 3, 80) for i in range(8)])]
    )
    drums = Score([Part(is_drum=True, notes=[Note(i * 240, i * 240 + 60, 36, 90) for i in range(32)])])
    made = [band(four, drums, np.random.default_rng(i)) for i in range(20)]
    assert all(sum(len(p.notes) for p in score.parts if not p.is_drum) <= four.num_notes for score in made)
    assert any(p.is_drum for score in made for p in score.parts)
    assert any(32 <= p.program < 40 for score in made for p in score.parts)
    upper, bass = split_bass(four.parts[1].notes)
    assert upper == [] and len(bass) == 8


def test_bands_come_into_train_alone(folder, tmp_path):
    for i in range(12):
        notes = [Note(j * 240, j * 240 + 60, 36 + (j * (i + 3)) % 9, 90) for j in range(64)]
        Score([Part(is_drum=True, notes=notes)]).write(folder / f"beat-{i}.mid")
    corpus = prepared(folder, tmp_path / "out", held_out=0.1, bands=2)
    records = [r for r in corpus.records() if r.derived]
    songs = [r for r in corpus.records() if r.split == "train" and r.tag == SONG]
    assert len(records) == 2 * len(songs) and {(r.source, r.split) for r in records} == {("mine+band", "train")}
    assert {r.group for r in records} == {r.group for r in songs}
    plain = corpus.pieces("train", derived=False)
    assert len(corpus.pieces("train")) == len(plain) + len(records)
    bands = [(None, rows) for rows in corpus.pieces("train")[len(plain) :]]
    assert any((rows[rows[:, POSITION] >= 0, PITCH] >= 128).any() for _, rows in bands)
    assert all(decode(rows).num_notes > 0 and (rows[:, KIND] == KIND_BAR).any() for _, rows in bands)


def test_a_split_table_is_followed(tmp_path):
    folder = tmp_path / "set"
    for i in range(3):
        tune(i).write(folder / "sub" / f"{i}.mid")
    (folder / "sub" / "info.csv").write_text("midi_filename,split\n0.mid,train\n1.mid,validation\n2.mid,test\n")
    recipe = Recipe(name="set", split_table="info.csv", path_column="midi_filename", split_column="split")
    splits = {r.path: r.split for r in prepared(folder, tmp_path / "out", recipe=recipe).records()}
    assert splits == {"sub/0.mid": "train", "sub/1.mid": "valid", "sub/2.mid": "test"}


def test_short_files_are_left_out_with_a_reason(tmp_path):
    path = tune(1, length=3).write(tmp_path / "short.mid")
    with pytest.raises(MidiError, match=r"short.mid: fewer than 8 notes"):
        EventsRepresentation().read(path, path.read_bytes())
