"""Written music, played."""

import json
from itertools import pairwise

import numpy as np
import pytest

import melodia
from melodia.errors import ConfigError
from melodia.performance.humanize import HumanizeConfig, apart, humanize
from melodia.score import PPQ, Note, Part, Score, Tempo
from tests.commands.conftest import run


def song():
    """Two parts that share pitches, chords, repeated notes and a long rest; and drums."""
    tune = [Note(i * 120, i * 120 + 120, 72 - i % 3, 80) for i in range(6)] + [Note(4800, 5000, 72, 80)]
    chords = [Note(i * 480, i * 480 + 480, pitch, 60) for i in range(2) for pitch in (48, 60, 72)]
    drums = [Note(i * 240, i * 240 + 30, 36, 100) for i in range(8)]
    parts = [Part("Tune", 73, notes=tune), Part("Chords", 4, notes=chords), Part("Drums", is_drum=True, notes=drums)]
    return Score(parts, [Tempo(0, 100.0), Tempo(960, 130.0)])


def test_the_notes_stay_and_their_times_and_velocities_are_played(pianist):
    score = song()
    played = humanize(score, pianist, HumanizeConfig(random_seed=1))
    assert played == humanize(score, pianist, HumanizeConfig(random_seed=1))
    assert played != humanize(score, pianist, HumanizeConfig(random_seed=2))
    assert played.parts[2] == score.parts[2] and played.tempos == score.tempos
    moved, velocities = [], set()
    for before, after in zip(score.parts[:2], played.parts[:2], strict=True):
        assert sorted(note.pitch for note in before.notes) == sorted(note.pitch for note in after.notes)
        for pitch in {note.pitch for note in before.notes}:
            old, new = ([note for note in part.notes if note.pitch == pitch] for part in (before, after))
            moved += [played.seconds_at(b.onset_ticks) - score.seconds_at(a.onset_ticks) for a, b in zip(old, new, strict=True)]
            assert all(a.offset_ticks <= b.onset_ticks for a, b in pairwise(new))
        velocities |= {note.velocity for note in after.notes}
        assert all(note.offset_ticks > note.onset_ticks >= 0 for note in after.notes)
    tick = 60 / min(tempo.tempo_bpm for tempo in score.tempos) / PPQ
    assert 0.003 < np.abs(moved).max() <= 0.035 + tick and len(velocities) > 3
    tune = [note.pitch for note in played.parts[0].notes]
    assert tune == [note.pitch for note in score.parts[0].notes]


def test_none_of_it_is_as_it_is_written(pianist):
    score = song()
    same = humanize(score, pianist, HumanizeConfig(amount=0))
    assert [part.notes for part in same.parts] == [sorted(part.notes) for part in score.parts]
    half = humanize(score, pianist, HumanizeConfig(amount=0.5, random_seed=1)).parts[0].notes
    whole = humanize(score, pianist, HumanizeConfig(random_seed=1)).parts[0].notes
    for written, some, all_ in zip(score.parts[0].notes, half, whole, strict=True):
        assert some.velocity == pytest.approx((written.velocity + all_.velocity) / 2, abs=1)
        assert some.onset_ticks == pytest.approx((written.onset_ticks + all_.onset_ticks) / 2, abs=1)


def test_strokes_of_a_pitch_stay_apart():
    notes = [Note(0, 100, 60, 9), Note(0, 50, 60, 9), Note(1, 2, 62, 9), Note(1, 3, 60, 9)]
    assert [note[:3] for note in apart(notes)] == [(0, 1, 60), (1, 2, 60), (1, 2, 62), (2, 3, 60)]


def test_the_command(pianist, tmp_path, monkeypatch):
    monkeypatch.setattr("melodia.api.performance.load_pianist", lambda name: pianist)
    path = song().write(tmp_path / "song.mid")
    row = json.loads(run("humanize", path, "-o", tmp_path / "out.mid", "--random-seed", 3, "--json", "-q").stdout)
    assert row["notes"] == song().num_notes == Score.read(row["midi"]).num_notes and row["random_seed"] == 3
    assert "random seed" in run("humanize", path, "-o", tmp_path / "b.mid", "--amount", 0.2).stderr
    assert "does not end in .mid" in run("humanize", path, "-o", tmp_path / "b.wav", code=1).stderr
    assert "is the song itself" in run("humanize", path, "-o", path, code=1).stderr
    assert "is a file, so nothing can be written in it" in run("humanize", path, "-o", path / "x.mid", code=1).stderr
    assert "is a folder" in run("humanize", path, "-o", tmp_path, code=1).stderr
    assert "amount" in run("humanize", path, "--amount", 2, "-o", tmp_path / "b.mid", code=1).stderr
    with pytest.raises(ConfigError, match="no notes in it but drums'"):
        melodia.humanize(Score([song().parts[2]]), model=pianist)
