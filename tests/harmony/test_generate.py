"""Chorales that go on from voices, or begin from silence."""

from itertools import pairwise

import numpy as np
import pytest
import torch

import melodia
from melodia.errors import ConfigError
from melodia.harmony.generate import GenerateConfig, four_voices, generate
from melodia.harmony.harmonize import HarmonizeConfig, draw
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
    others = melodia.generate_takes(count=2, model=choir, bars=3, meter="3/4", tempo=99, key="F", random_seed=3)
    assert others[1] == score and others[0] != score


def test_four_voices_go_on_on_the_next_beat_and_end_with_a_bar(choir):
    score = hymn(beats=4)  # one beat of the second bar
    made = melodia.generate(score, model=choir, bars=2, random_seed=1)
    assert made.meters == score.meters and made.tempos == score.tempos
    assert [part.name for part in made.parts] == [part.name for part in score.parts]
    for part, whole in zip(score.parts, made.parts, strict=True):
        assert whole.notes[: len(part.notes)] == part.notes and whole.program == part.program
        if not part.is_drum:
            assert whole.notes[4].onset_ticks == 4 * PPQ and whole.notes[-1].offset_ticks == (6 + 6) * PPQ
            assert {note.velocity for note in whole.notes} == {60}
    alone = melodia.generate(score, model=choir, bars=2, random_seed=1, continuation_only=True)
    assert [p.notes for p in alone.parts] == [p.notes for p in made.clip(4 * PPQ, 12 * PPQ).parts]
    lines = four_voices(score, "seed")
    assert [line.part.name for line in lines] == ["High", "Second", "Third", "Low"]
    assert four_voices(Score(score.parts[:3]), "seed") is None
    assert generate(lines, choir, GenerateConfig(bars=2), HarmonizeConfig(random_seed=1)).join_ticks == 4 * PPQ


def test_a_held_pitch_is_struck_anew_where_another_voice_moves(monkeypatch):
    take = np.full((16, 4), 60, np.uint8)
    take[4:, 3], take[6:, 2], take[8:] = 48, 50, 62  # a beat, half a beat later, a beat
    monkeypatch.setattr("melodia.harmony.generate.draw", lambda *_, **__: [take])
    made = generate(None, small(), GenerateConfig(bars=1), HarmonizeConfig())
    onsets = [[note.onset_ticks * 4 // PPQ for note in part.notes] for part in made.scores[0].parts]
    assert onsets == [[0, 4, 8], [0, 4, 8], [0, 4, 6, 8], [0, 4, 8]]


def test_what_is_heard_decides_as_the_likelihood_has_it():
    model, heard = small(48, 83), piece(12, 3)
    nothing = np.full((1, 4), REST, np.uint8)
    taken = draw(np.concatenate([heard, nothing]), UNGIVEN, NO_TONIC, model, HarmonizeConfig(temperature=0, strictness=0),
                 lambda done, total: None, begun=len(heard))[0]  # fmt: skip
    np.testing.assert_array_equal(taken[:-1], heard)
    log_probs = said(model, taken).reshape(len(taken), 4, -1)[-1]
    for voice, (low, high) in enumerate(RANGES):
        allowed = log_probs[voice, max(low - 48, 0) : high - 48 + 1]
        assert taken[-1, voice] == max(low, 48) + int(allowed.argmax())


@pytest.mark.parametrize(
    ("key", "chord"), [("F", {5, 9, 0}), ("D minor", {2, 5, 9}), ("D harmonic minor", {2, 5, 9}), (None, None)]
)
def test_it_ends_on_its_tonic(choir, key, chord):
    for random_seed in range(4):
        score = melodia.generate(model=choir, bars=3, key=key, random_seed=random_seed)
        last = [part.notes[-1] for part in score.parts]
        assert all(note.onset_ticks <= 11 * PPQ and note.offset_ticks == 12 * PPQ for note in last)
        if chord is None:  # of the key that the take has been in
            sung = draw(np.full((48, 4), REST, np.uint8), UNGIVEN, NO_TONIC, choir, HarmonizeConfig(random_seed=random_seed),
                        lambda done, total: None, closes=True)[0]  # fmt: skip
            assert (sung[-4:] == sung[-1]).all()
            chord = {int(sung[-1, 3] + interval) % 12 for interval in (0, 4, 7)}
            assert sung[-1, 3] % 12 == tonic_of(sung[:16], (True,) * 4) and {int(p) % 12 for p in sung[-1]} <= chord
            chord = None
        else:
            tonic = 5 if key == "F" else 2
            assert {note.pitch % 12 for note in last} <= chord and last[3].pitch % 12 == tonic


def test_the_candidate_that_comes_to_the_chord_by_itself_is_taken(choir):
    nothing = np.full((40, 4), REST, np.uint8)
    costs = {}
    for many in (1, 8):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("melodia.harmony.harmonize.CANDIDATES", many)
            takes = [draw(nothing, UNGIVEN, 0, choir, HarmonizeConfig(random_seed=i), lambda done, total: None, closes=True)[0]
                     for i in range(6)]  # fmt: skip
        costs[many] = sum(
            -said(choir, take).reshape(40, 4, -1)[36].gather(-1, torch.from_numpy(take[36, :, None].astype(np.int64)) - 36).sum()
            for take in takes
        )
    assert costs[8] < costs[1]


def test_a_melody_is_harmonised_first(choir, harmonizer, monkeypatch):
    monkeypatch.setattr("melodia.api.harmony.load_choir", lambda name: harmonizer)
    tune = Score([Part("Tune", 73, notes=[Note(i * PPQ, (i + 1) * PPQ, 72 - i, 80) for i in range(4)])])
    takes = melodia.api.music.make_takes(tune, model=choir, bars=1)
    assert "harmonised first" in takes.messages[0] and len(takes.scores[0].parts) == 4
    assert takes.scores[0].parts[0].notes[:4] == tune.parts[0].notes and takes.join_ticks == 4 * PPQ


def test_the_tonic_of_a_key_is_home(choir):
    tokens = torch.full((1, 3, 4), 12)
    nothing = torch.zeros((1, 3, 4, 2), dtype=torch.int64)
    outset = choir.outset(torch.zeros(1, 4, dtype=torch.bool), torch.tensor([5]))
    assert set(facts(tokens, nothing, nothing, outset, 40).home.flatten().tolist()) == {5}  # F above the lowest, C
    unknown = Outset(outset.given, torch.tensor([NO_TONIC]))
    assert facts(tokens, nothing, nothing, unknown, 40).home[0, 1:].unique().tolist() == [12]
    keyless, keyed = (melodia.generate(model=choir, bars=2, key=key, random_seed=2) for key in (None, "C chromatic"))
    assert keyless != keyed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"instruments": "piano"}, "instruments: has no meaning for this model, which sings in four voices"),
        ({"seconds": 3}, "seconds: has no meaning"),
        ({"top_k": 3}, "top_k: has no meaning"),
        ({"density": "1-2"}, "density: has no meaning"),
        ({"rank": True}, "rank: has no meaning"),
        ({"temperature": "pitch=1"}, "one for all, such as 0.9"),
        ({"scale": "dorian"}, "it needs a key"),
        ({"meter": "9/1"}, "meter: 9/1 is out of range"),
        ({"bars": 0}, "bars: 0 is out of range"),
        ({"tempo": 1}, "tempo: 1 is out of range"),
    ],
)
def test_what_has_no_meaning_is_refused(choir, options, message):
    with pytest.raises(ConfigError, match=message):
        melodia.api.music.make_takes(model=choir, **options)


def test_a_meter_beside_voices_is_refused(choir):
    with pytest.raises(ConfigError, match="a chorale goes on in the seed's"):
        melodia.generate(hymn(), model=choir, meter="3/4")
