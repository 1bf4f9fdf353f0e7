import json

import numpy as np
import pytest

from melodia.composition.align import align
from melodia.composition.arrange import band, split_bass
from melodia.composition.codec import KIND, KIND_BAR, PITCH, POSITION, decode, encode
from melodia.composition.prepare import PrepareConfig, prepare, read_piece, shingles
from melodia.corpus import SPLITS, Corpus, assign_splits, minhash, near_duplicates
from melodia.errors import CorpusError
from melodia.recipe import load_recipe
from melodia.score import Meter, Note, Part, Score


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


def test_a_folder_becomes_a_corpus(folder, tmp_path):
    seen = []
    counts = prepare(
        [("mine", folder)], tmp_path / "out", PrepareConfig(held_out=0.2), lambda done, total: seen.append((done, total))
    )
    corpus = Corpus(tmp_path / "out")
    assert counts["pieces"] == len(corpus.entries) == 31 and counts["rejected"] == 1
    assert seen[-1] == (32, 32)
    assert (tmp_path / "out" / "rejected.tsv").read_text().splitlines()[1].split("\t")[0].endswith("broken.mid")
    assert sum(len(corpus.pieces(s)) for s in SPLITS) == 31
    first = corpus.entries[1]
    assert (corpus.all_pieces()[1] == encode(Score.read(folder / first.path))).all()


def test_two_runs_and_more_processes_give_the_same_bytes(folder, tmp_path):
    for name, jobs in (("a", 1), ("b", 1), ("c", 2)):
        prepare([("mine", folder)], tmp_path / name, PrepareConfig(held_out=0.2, jobs=jobs))
    for file in ("manifest.json", "rows.npy"):
        assert len({(tmp_path / name / file).read_bytes() for name in "abc"}) == 1


def test_a_transposed_copy_is_never_in_another_split(folder, tmp_path):
    prepare([("mine", folder)], tmp_path / "out", PrepareConfig(held_out=0.3))
    entries = {e.path: e for e in Corpus(tmp_path / "out").entries}
    original, copy = entries["tune-03.mid"], entries["deep/another title.MID"]
    assert original.group == copy.group and original.split == copy.split
    assert len({e.group for e in entries.values()}) == 30


def test_near_duplicates_are_found_and_others_are_not():
    pieces = [tune(1), tune(2), tune(1, transposed=-7), tune(1, length=50), tune(5)]
    groups = near_duplicates([minhash(shingles(encode(p))) for p in pieces], 0.35)
    assert groups == [0, 1, 0, 0, 4]


def test_a_given_split_wins_and_the_strictest_of_a_group():
    splits = assign_splits([0, 0, 2, 3], ["a", "b", "c", "d"], ["train", "test", "valid", None], 0.1)
    assert splits[:3] == ["test", "test", "valid"] and splits[3] in SPLITS
    many = assign_splits(list(range(2000)), [str(i) for i in range(2000)], [None] * 2000, 0.1)
    assert 150 < many.count("test") < 250 and 150 < many.count("valid") < 250


def test_refusals(tmp_path):
    with pytest.raises(CorpusError, match="no such folder"):
        prepare([("x", tmp_path / "none")], tmp_path / "out", PrepareConfig())
    (tmp_path / "empty").mkdir()
    with pytest.raises(CorpusError, match="no MIDI files"):
        prepare([("x", tmp_path / "empty")], tmp_path / "out", PrepareConfig())
    (tmp_path / "empty" / "a.mid").write_bytes(b"")
    with pytest.raises(CorpusError, match="none of 1 files could be used.*empty"):
        prepare([("x", tmp_path / "empty")], tmp_path / "out", PrepareConfig())
    assert not (tmp_path / "out").exists()
    with pytest.raises(CorpusError, match="not a prepared corpus"):
        Corpus(tmp_path / "empty")


def test_a_corpus_of_another_format_or_damaged(folder, tmp_path):
    prepare([("mine", folder)], tmp_path / "out", PrepareConfig())
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    (tmp_path / "out" / "manifest.json").write_text(json.dumps({**manifest, "format": 0}))
    with pytest.raises(CorpusError, match="of format 0"):
        Corpus(tmp_path / "out")
    (tmp_path / "out" / "rows.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(CorpusError, match="damaged"):
        Corpus(tmp_path / "out")


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
    prepare([("mine", folder)], tmp_path / "out", PrepareConfig(held_out=0.1, bands=1))
    corpus = Corpus(tmp_path / "out")
    bands = [(e, rows) for e, rows in zip(corpus.entries, corpus.all_pieces(), strict=True) if e.source == "mine+band"]
    assert bands and {e.split for e, _ in bands} == {"train"}
    assert any((rows[rows[:, POSITION] >= 0, PITCH] >= 128).any() for _, rows in bands)
    assert all(decode(rows).num_notes > 0 and (rows[:, KIND] == KIND_BAR).any() for _, rows in bands)


def test_a_split_table_is_followed(tmp_path):
    folder = tmp_path / "set"
    for i in range(3):
        tune(i).write(folder / "sub" / f"{i}.mid")
    (folder / "sub" / "info.csv").write_text("midi_filename,split\n0.mid,train\n1.mid,validation\n2.mid,test\n")
    recipes = tmp_path / "recipes"
    (recipes / "set").mkdir(parents=True)
    (recipes / "set" / "corpus.toml").write_text(
        'split_table = "info.csv"\npath_column = "midi_filename"\nsplit_column = "split"\n'
    )
    from melodia.composition.prepare import given_splits

    given = given_splits(load_recipe("set", recipes), folder)
    assert given == {"sub/0.mid": "train", "sub/1.mid": "valid", "sub/2.mid": "test"}
    (recipes / "set" / "corpus.toml").write_text("colour = 1\n")
    with pytest.raises(CorpusError, match="colour"):
        load_recipe("set", recipes)


def test_short_files_are_left_out_with_a_reason(tmp_path):
    path = tune(1, length=3).write(tmp_path / "short.mid")
    assert read_piece(path, False, 8).reason == "fewer than 8 notes"
