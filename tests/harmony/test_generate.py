"""Chorales that go on from voices, or begin from silence."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

import melodia
from melodia.api.music import make_takes
from melodia.errors import ConfigError
from melodia.harmony.draw import DrawConfig, Outline, _Setting, draw
from melodia.harmony.generate import GenerateConfig, four_voices, generate
from melodia.harmony.model import UNGIVEN
from melodia.harmony.prepare import REST
from melodia.harmony.reading import Outset, facts
from melodia.harmony.rules import RANGES
from melodia.harmony.tonic import NO_TONIC, tonic_of
from melodia.score import PPQ, Meter, Note, Part, Score, Tempo
from tests.harmony.test_harmony import piece, said, small


@pytest.fixture(scope="module")
def choir():
    return small(36, 81)


def hymn(beats=4, short_by=30, meter=(3, 4)):
    """Four parts of quarters, in no order, and a drum."""
    lines = {"Low": 48, "High": 72, "Third": 55, "Second": 64}
    parts = [
        Part(name, 19, notes=[Note(i * PPQ, (i + 1) * PPQ - short_by, pitch + i % 3, 60) for i in range(beats)])
        for name, pitch in lines.items()
    ]
    return Score([*parts, Part("Kit", 0, True, [Note(0, 60, 36, 99)])], [Tempo(0, 70.0)], [Meter(0, *meter)])


def test_a_chorale_from_silence(choir):
    score = melodia.generate(model=choir, bars=3, meter="3/4", tempo=99, key="F", random_seed=4)
    assert [part.name for part in score.parts] == ["soprano", "alto", "tenor", "bass"]
    assert score.meters == [Meter(0, 3, 4)] and score.tempos == [Tempo(0, 99)]
    for part, (low, high) in zip(score.parts, RANGES, strict=True):
        assert part.notes[0].onset_ticks == 0 and part.notes[-1].offset_ticks == 9 * PPQ
        assert all(one.offset_ticks == other.onset_ticks for one, other in pairwise(part.notes))
        assert all(low <= note.pitch <= high and note.pitch % 12 in (5, 7, 9, 10, 0, 2, 4) for note in part.notes)
    assert melodia.generate(model=choir, bars=3, meter="3/4", tempo=99, key="F", random_seed=4) == score
    others = melodia.generate_takes(count=2, model=choir, bars=3, meter="3/4", tempo=99, key="F", random_seed=4)
    assert others[0] == score and others[1] != score


def test_four_voices_go_on_at_the_bar_line_for_the_bars_asked(choir):
    score = hymn(beats=4)  # one beat of the second bar
    made = melodia.generate(score, model=choir, bars=2, random_seed=1)
    assert made.meters == score.meters and made.tempos == score.tempos
    assert [part.name for part in made.parts] == [part.name for part in score.parts]
    for part, whole in zip(score.parts, made.parts, strict=True):
        assert whole.notes[: len(part.notes)] == part.notes and whole.program == part.program
        if not part.is_drum:
            assert whole.notes[4].onset_ticks == 6 * PPQ and whole.notes[-1].offset_ticks == (6 + 6) * PPQ
            assert {note.velocity for note in whole.notes} == {60}
    alone = melodia.generate(score, model=choir, bars=2, random_seed=1, continuation_only=True)
    assert [p.notes for p in alone.parts] == [p.notes for p in made.clip(6 * PPQ, 12 * PPQ).parts]
    lines = four_voices(score)
    assert [line.part.name for line in lines] == ["High", "Second", "Third", "Low"]
    assert four_voices(Score(score.parts[:3])) is None
    assert generate(lines, choir, GenerateConfig(bars=2), DrawConfig(random_seed=1)).join_ticks == 6 * PPQ


def test_a_held_pitch_is_struck_anew_where_another_voice_moves(monkeypatch):
    take = np.full((16, 4), 60, np.uint8)
    take[4:, 3], take[6:, 2], take[8:] = 48, 50, 62  # a beat, half a beat later, a beat
    monkeypatch.setattr("melodia.harmony.generate.draw", lambda *_, **__: [take])
    made = generate(None, small(), GenerateConfig(bars=1), DrawConfig())
    onsets = [[note.onset_ticks * 4 // PPQ for note in part.notes] for part in made.scores[0].parts]
    assert onsets == [[0, 4, 8], [0, 4, 8], [0, 4, 6, 8], [0, 4, 8]]


def test_what_is_heard_decides_as_the_likelihood_has_it():
    model, heard = small(48, 83), piece(12, 3)
    voices = np.concatenate([heard, np.full((1, 4), REST, np.uint8)])
    outline = Outline(voices=voices, given=UNGIVEN, begun=len(heard))
    (taken,) = draw(outline, model, DrawConfig(temperature=0, strictness=0))
    np.testing.assert_array_equal(taken[:-1], heard)
    log_probs = said(model, taken).reshape(len(taken), 4, -1)[-1]
    for voice, (low, high) in enumerate(RANGES):
        allowed = log_probs[voice, max(low - 48, 0) : high - 48 + 1]
        assert taken[-1, voice] == max(low, 48) + int(allowed.argmax())


@pytest.mark.parametrize(("meter", "quarters"), [("4/4", 2), ("12/8", 3), ("6/8", 3), ("2/2", 4), ("3/8", 1.5), ("1/8", 0.5)])
@pytest.mark.parametrize(("key", "chord"), [("F", {5, 9, 0}), ("D minor", {2, 5, 9}), ("D harmonic minor", {2, 5, 9})])
def test_it_ends_on_its_tonic_and_holds_it(choir, key, chord, meter, quarters):
    for bars in (1, 3):
        score = melodia.generate(model=choir, bars=bars, key=key, meter=meter, random_seed=bars)
        last, bar = [part.notes[-1] for part in score.parts], score.meters[0].bar_ticks
        held = bar // 2 if bars == 1 else quarters * PPQ
        assert all(note.onset_ticks <= bars * bar - held and note.offset_ticks == bars * bar for note in last)
        assert {note.pitch % 12 for note in last} <= chord and last[3].pitch % 12 == min(chord - {0}) % 12


@pytest.mark.parametrize("steps", [8, 20, 48])
def test_without_a_key_it_ends_in_the_one_that_it_has_been_in(choir, steps):
    for random_seed in range(3):
        outline = Outline(voices=np.full((steps, 4), REST, np.uint8), given=UNGIVEN, closing=4)
        (sung,) = draw(outline, choir, DrawConfig(random_seed=random_seed))
        tonic = tonic_of(sung[:-4], (True,) * 4, ended=False)
        assert (sung[-4:] == sung[-1]).all() and sung[-1, 3] % 12 == tonic
        assert {int(pitch - tonic) % 12 for pitch in sung[-1]} <= {0, 4, 7}


def test_a_primer_may_close_in_another_key(choir):
    made = melodia.generate(hymn(), model=choir, bars=2, key="Eb", random_seed=2)
    assert [part.notes[-1].pitch % 12 for part in made.parts if part.name == "Low"] == [3]
    own = melodia.generate(hymn(), model=choir, bars=2, random_seed=2)  # C, E, G
    assert {part.notes[-1].pitch % 12 for part in own.parts if not part.is_drum} <= {0, 4, 7}


def test_nothing_holds_for_ever(choir, monkeypatch):
    monkeypatch.setattr(choir, "voiced", lambda known, read: torch.where(
        torch.arange(choir.config.num_pitches + 1) == torch.where(known.previous < choir.config.num_pitches, known.previous, 30)[..., None],
        0.0, -8.0))  # fmt: skip
    outline = Outline(voices=np.full((64, 4), REST, np.uint8), given=UNGIVEN)
    (sung,) = draw(outline, choir, DrawConfig(temperature=0, strictness=0))
    moves = np.flatnonzero((sung[1:] != sung[:-1]).any(axis=1)) + 1
    assert moves.tolist() == [16, 32, 48] and (np.diff(sung[:, 0].astype(int)) != 0).sum() == 3


def test_a_candidate_that_is_there_already_is_not_taken(choir):
    outline = Outline(voices=np.full((8, 4), REST, np.uint8), given=UNGIVEN, closing=4, closes_in=0)
    for random_seed in range(5):
        (sung,) = draw(outline, choir, DrawConfig(random_seed=random_seed))
        assert (sung[4] != sung[3]).any() and sung[4, 3] % 12 == 0


def test_of_the_candidates_one_is_chosen_by_its_weight(choir):
    outline = Outline(voices=np.full((3, 4), REST, np.uint8), given=UNGIVEN, closing=1)
    setting = _Setting(outline, choir, DrawConfig(), range(2))
    setting.branch(4)
    setting.pitches[:] = np.arange(8)[:, None, None]
    for likely in (0, 2, 3):
        setting.weights[:] = -50
        setting.weights[[likely, 4 + 1]] = 0
        assert setting.chosen()[:, 0, 0].tolist() == [likely, 5]
    setting.weights[:] = 0
    assert len({tuple(setting.chosen()[:, 0, 0].tolist()) for _ in range(20)}) > 4


def test_voices_out_of_range_go_on_where_they_are(choir):
    low = [replace(part, notes=[n._replace(pitch=n.pitch - 36) for n in part.notes]) if part.name == "Low" else part
           for part in hymn().parts]  # fmt: skip
    takes = make_takes(replace(hymn(), parts=low), model=choir, bars=2)
    assert "Low is out of a bass's range" in takes.messages[0]
    (bass,) = (part for part in takes.scores[0].parts if part.name == "Low")
    assert all(RANGES[3][0] - 36 <= note.pitch <= RANGES[3][1] - 36 + 12 for note in bass.notes)
    assert max(note.pitch for note in bass.notes) < 40


def test_a_note_that_rings_on_is_not_cut_into(choir):
    made = melodia.generate(hymn(beats=6, short_by=-50), model=choir, bars=1, random_seed=3)
    for part in made.parts[:4]:
        assert part.notes[5].offset_ticks == part.notes[6].onset_ticks == 6 * PPQ + 50


def test_a_long_primer_is_heard_from_a_bar_line_on(choir, monkeypatch):
    outlines = []
    monkeypatch.setattr("melodia.harmony.generate.draw", lambda outline, *_: outlines.append(outline) or [outline.voices])
    melodia.generate(hymn(beats=100), model=choir, bars=1)
    assert outlines[0].begun == 408 and outlines[0].tonic == NO_TONIC
    monkeypatch.setattr("melodia.harmony.generate.LISTEN_STEPS", 100)
    melodia.generate(hymn(beats=100), model=choir, bars=1)
    assert outlines[1].begun == 408 - 336 and outlines[1].tonic == 0
    np.testing.assert_array_equal(outlines[1].voices[:72], outlines[0].voices[336:408])


@pytest.mark.parametrize("lowest", [72, 40])
def test_a_melody_is_harmonised_first_and_stays_the_soprano(choir, harmonizer, monkeypatch, lowest):
    monkeypatch.setattr("melodia.api.chorales.load_choir", lambda name: harmonizer)
    tune = Score([Part("Tune", 73, notes=[Note(i * PPQ, (i + 1) * PPQ, lowest - i, 80) for i in range(4)])])
    takes = make_takes(tune, model=choir, bars=2)
    soprano = takes.scores[0].parts[0]
    assert "Tune is harmonised first" in takes.messages[0] and len(takes.scores[0].parts) == 4
    assert soprano.notes[:4] == tune.parts[0].notes and takes.join_ticks == 4 * PPQ
    assert any("out of a soprano's range" in message for message in takes.messages) == (lowest == 40)
    assert all(abs(note.pitch - lowest) <= 24 for note in soprano.notes)
    with pytest.raises(ConfigError, match="seed: there are no notes in it but drums"):
        make_takes(Score([Part(is_drum=True, notes=[Note(0, 60, 36, 99)])]), model=choir)


def test_the_tonic_of_a_key_is_home(choir, monkeypatch):
    tokens = torch.full((1, 3, 4), 12)
    nothing = torch.zeros((1, 3, 4, 2), dtype=torch.int64)
    outset = choir.outset(torch.zeros(1, 4, dtype=torch.bool), torch.tensor([5]))
    assert set(facts(tokens, nothing, nothing, outset, 40).home.flatten().tolist()) == {5}  # F above the lowest, C
    unknown = Outset(outset.given, torch.tensor([NO_TONIC]))
    assert facts(tokens, nothing, nothing, unknown, 40).home[0, 1:].unique().tolist() == [12]
    one, other = (melodia.generate(model=choir, bars=3, key=key, random_seed=2) for key in ("C chromatic", "F chromatic"))
    assert one.clip(0, 4 * PPQ) != other.clip(0, 4 * PPQ)  # long before they close


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"instruments": "piano"}, "instruments: has no meaning for this model, which sings in four voices"),
        ({"seconds": 3}, "seconds: has no meaning"),
        ({"top_k": 3}, "top_k: has no meaning"),
        ({"density": "1-2"}, "density: has no meaning"),
        ({"rank": True}, "rank: has no meaning"),
        ({"temperature": "pitch=1"}, "takes one number, such as 0.9"),
        ({"scale": "dorian"}, "it needs a key"),
        ({"meter": "9/1"}, "meter: 9/1 is out of range"),
        ({"bars": 0}, "bars: 0 is out of range"),
        ({"tempo": 1}, "tempo: 1 is out of range"),
    ],
)
def test_what_has_no_meaning_is_refused(choir, options, message):
    with pytest.raises(ConfigError, match=message):
        make_takes(model=choir, **options)


def test_a_meter_beside_voices_is_refused(choir):
    with pytest.raises(ConfigError, match="a chorale goes on in the seed's"):
        melodia.generate(hymn(), model=choir, meter="3/4")
