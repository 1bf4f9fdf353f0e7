import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import melodia
from melodia.api.vary import make_variations
from melodia.composition.codec import KIND, KIND_BAR, PART, PITCH, POSITION, encode
from melodia.composition.constraints import Constraints
from melodia.composition.data import make_piece, window
from melodia.composition.particles import fill, systematic
from melodia.composition.performer import Ensemble
from melodia.composition.rules import Rules
from melodia.composition.steering import Entry, Limit, Register, Steering
from melodia.composition.taste import parse_taste
from melodia.composition.vary import VaryConfig, constraints_of, make_gap
from melodia.errors import ConfigError
from melodia.midi import midi_bytes, parse_midi
from melodia.score import BEND, BEND_CENTRE, PPQ, SUSTAIN, Control, Meter, Note, Part, Score, Tempo
from tests.composition.steered import broken
from tests.composition.test_course import TASTES, random_composer, walk


def band(bars=10, meter=(4, 4)):
    """Two hands on one channel, a bass, drums, notes across bar lines and off the grid, pedal and bend."""
    length = meter[0] * 4 * PPQ // meter[1]
    right = [Note(i * 480 + i % 3, i * 480 + 700, 60 + i * 7 % 12, 80) for i in range(bars * length // 480)]
    left = [Note(b * length + 11, (b + 1) * length + 200, 48 + b % 5, 70) for b in range(bars)]
    bass = [Note(b * length - 4 if b else 0, (b + 2) * length - 30, 36 + b % 4, 90) for b in range(bars)]
    drums = [Note(i * 240, i * 240 + 60, 42 if i % 2 else 36, 100) for i in range(bars * length // 240)]
    moves = [Control(b * length + 5, SUSTAIN, 127) for b in range(bars)] + [
        Control(b * length - 5, SUSTAIN, 0) for b in range(1, bars)
    ]
    parts = [
        Part("Right", 0, notes=right, controls=sorted([Control(0, 7, 100), Control(9000, 7, 90), *moves]), channel=0),
        Part("Left", 0, notes=left, channel=0),
        Part("Bass", 33, notes=bass, controls=[Control(100, BEND, 9000), Control(5 * length + 7, BEND, BEND_CENTRE)], channel=1),
        Part("Kit", 0, True, drums, channel=9),
    ]
    return parse_midi(midi_bytes(Score(parts, [Tempo(0, 90.0), Tempo(4000, 96.0)], [Meter(0, *meter)])))


def outside(score, begin, end):
    """All that is not within a span."""
    notes = [[n for n in p.notes if not begin <= n.onset_ticks < end] for p in score.parts]
    controls = [{c for c in p.controls if not begin <= c.tick < end} for p in score.parts]  # the writer repeats those at the end
    kinds = [(p.name, p.program, p.is_drum, p.channel) for p in score.parts]
    return kinds, notes, controls, score.tempos, score.meters


@pytest.mark.parametrize(
    "bars, instruments", [((3, 4), None), ((1, 2), "piano"), ((6, 6), "bass,drums"), ((9, 10), None), ((1, 10), None)]
)
def test_all_else_stays_as_it_is(tiny, bars, instruments):
    song = band()
    score = melodia.vary(song, bars, instruments=instruments, model=tiny, random_seed=3, particles=4)
    written = parse_midi(midi_bytes(score))
    begin, end = (bars[0] - 1) * 1920, bars[1] * 1920
    assert bars[1] == 10 or outside(written, begin, end) == outside(song, begin, end)
    assert outside(score, begin, end) == outside(song, begin, end)
    assert [p.notes for p in written.parts] == [p.notes for p in score.parts if p.notes]  # a file has no part without notes
    rewritten = {"piano": {0, 1}, "bass,drums": {2, 3}}.get(instruments, {0, 1, 2, 3})
    for i, (old, new) in enumerate(zip(song.parts, score.parts, strict=True)):
        assert (old == new) == (i not in rewritten) or not any(begin <= n.onset_ticks < end for n in old.notes)


def test_pedal_and_bend_rest_in_the_span_and_are_as_before_after_it(tiny):
    score = melodia.vary(band(), (3, 4), model=tiny, random_seed=3, particles=2)
    right, bass = score.parts[0].controls, score.parts[2].controls
    assert [c for c in right if c.number == SUSTAIN and 3840 <= c.tick < 7680] == []  # it was up before, and is up after
    assert [c for c in bass if 3840 <= c.tick < 7680] == [Control(3840, BEND, BEND_CENTRE), Control(7679, BEND, 9000)]


def test_the_same_random_seed_gives_the_same_bytes_and_takes_differ(tiny, song):
    a, b = (make_variations(song, (2, 3), count=2, random_seed=4, particles=4, model=tiny).scores for _ in range(2))
    assert [midi_bytes(s) for s in a] == [midi_bytes(s) for s in b]
    assert midi_bytes(a[0]) != midi_bytes(a[1])


def gap_and_constraints(song, config):
    gap = make_gap(song, config)
    return gap, constraints_of(gap, config)


STEERINGS = (
    Steering(),
    Steering(density=(3, 6), polyphony=(Limit(None, 3), Limit(0, 1)), repetition=1),
    Steering(density=(2, 2), registers=(Register(None, 60, 61), Register(128, 36, 36)), polyphony=(Limit(None, 2),), repetition=1),
    Steering(registers=(Register(None, 60, 60),), repetition=1),
    Steering(entries=(Entry(0, 4, 4), Entry(33, 3, None)), density=(0, 9)),
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(STEERINGS),
    st.sampled_from([(), (0,), (33, 128), (0, 33)]),
    st.sampled_from([(3, 5), (1, 4), (8, 10)]),
    TASTES,
    st.integers(0, 2**32),
)
def test_what_is_given_comes_and_what_is_asked_holds_whatever_is_chosen(steering, programs, bars, tastes, random_seed):
    playing = {0, 33, 128} & set(programs or (0, 33, 128))
    steering = Steering(
        **{f: getattr(steering, f) for f in ("density", "velocity", "repetition")},
        registers=tuple(r for r in steering.registers if r.program in {None, *playing}),
        polyphony=tuple(r for r in steering.polyphony if r.program in {None, *playing}),
        entries=tuple(e for e in steering.entries if e.program in playing and bars == (3, 5)),
    )
    gap, constraints = gap_and_constraints(
        band(), VaryConfig(first_bar=bars[0], last_bar=bars[1], programs=programs, steering=steering)
    )
    try:
        rules = Rules(constraints)
    except ConfigError as error:
        assert "density" in str(error)
        return
    events = walk(rules, tastes, np.random.default_rng(random_seed), gap.primer[-1].tolist())
    lines = [*np.flatnonzero(events[:, KIND] == KIND_BAR), len(events)]
    assert len(lines) - 1 == len(gap.given)
    for bar, stands in enumerate(gap.given):
        found = events[lines[bar] : lines[bar + 1]]
        own = np.isin(found[:, PART], gap.slots) & (bar < len(gap.bars))
        assert (found[~own][:, 1:] == stands[:, 1:]).all() and len(found[~own]) == len(stands)
    new = events[: lines[len(gap.bars)]]
    own = (new[:, POSITION] < 0) | np.isin(new[:, PART], gap.slots)
    alone = Constraints(
        bars=len(gap.bars),
        programs=constraints.programs,
        playing=constraints.playing,
        steering=steering,
        first_bar=bars[0],
        sounding=constraints.sounding,
    )
    assert broken(new[own], alone) == []
    for row in new[own]:
        assert row[POSITION] < 0 or gap.order[row[PART]] != 3 or row[PITCH] >= 128


def test_the_weight_is_what_the_model_gives_to_what_stands(tiny, song):
    """Nothing is free: the nats of a particle are those of the events."""
    config = VaryConfig(first_bar=2, last_bar=2, following_bars=2)
    gap, constraints = gap_and_constraints(song, config)
    lines = gap.given
    kept = Constraints(bars=3, programs=constraints.programs, playing=(), given=(lines[1], lines[2], lines[1]), free_bars=0)
    ensemble = Ensemble(tiny, gap.primer, kept, parse_taste(0.3), count=2, random_seed=0, weigh=True)
    with torch.inference_mode():
        ensemble.play(3)
        events = np.concatenate([gap.primer, lines[1], lines[2], lines[1][:1]])
        nats, _, _ = tiny.surprise(window([(make_piece(events), 0)], len(events)), None)
    given_nats = float(nats[len(gap.primer) - 1 :].sum())
    assert [take.nats for take in ensemble.takes] == pytest.approx([given_nats] * 2, rel=1e-4)


def test_the_bars_that_follow_decide_with_the_bars_before():
    """One note of two pitches: how often particles take the first is what weighing many takes whole says, not what the model
    would play by itself."""
    song = Score([Part(notes=[Note(480 * i, 480 * i + 400, 60 + i % 2, 66) for i in range(8)])], meters=[Meter(0, 1, 4)])
    events = encode(song)
    lines = [*np.flatnonzero(events[:, KIND] == KIND_BAR), len(events) - 1]
    given = tuple(events[lines[bar] : lines[bar + 1]] for bar in range(4, 8))
    steering = Steering(density=(1, 1), registers=(Register(None, 60, 61),))
    free = {"bars": 4, "programs": (0,), "playing": (0,), "free_bars": 1, "steering": steering}
    constraints = Constraints(**free, given=(given[0][:1], *given[1:]))
    composer, primer = random_composer(5, boldness=4.0), events[: lines[4]]

    def first(take):
        return next(row[PITCH] for row in take.tolist() if row[PITCH] >= 0) == 60

    with torch.inference_mode():
        many = Ensemble(composer, primer, constraints, parse_taste(1.0), count=1000, random_seed=0, weigh=True)
        many.play()
        weights = torch.softmax(-torch.tensor([take.nats for take in many.takes], dtype=torch.float64), 0).numpy()
    alone = np.array([first(take.events()) for take in many.takes])
    drawn = np.mean([first(fill(composer, primer, constraints, parse_taste(1.0), particles=32, random_seed=i)) for i in range(40)])
    assert weights[alone].sum() > alone.mean() + 0.25
    assert drawn == pytest.approx(weights[alone].sum(), abs=0.15)


def test_systematic_draws_follow_the_weights():
    generator = torch.Generator().manual_seed(0)
    weights = torch.tensor([0.5, 0.26, 0.24, 0.0], dtype=torch.float64)
    for _ in range(50):
        drawn = systematic(weights, generator)
        assert drawn.count(0) == 2 and 1 <= drawn.count(1) <= 2 and drawn.count(3) == 0


@pytest.mark.parametrize(
    "bars, options, message",
    [
        ((0, 2), {}, "bars: 0-2 is no range of bars"),
        ((3, 2), {}, "bars: 3-2 is no range of bars"),
        ((3, 12), {}, "bars: 3-12 is past the end; there are 11 bars"),
        (
            (3, 4),
            {"instruments": "violin"},
            "instruments: Violin does not play in the score; Acoustic grand piano, Finger bass, Drums do",
        ),
        (
            (3, 4),
            {"instruments": "bass", "register": "piano=1-2"},
            "register: Acoustic grand piano does not play here; Finger bass",
        ),
        ((3, 4), {"particles": 0}, "particles: 0 is out of range"),
        ((3, 4), {"following": -1}, "following_bars: -1 is out of range"),
        ((3, 4), {"instruments": "piano,bass@5"}, "instruments: Finger bass at bar 5 is outside of bars 3 to 4"),
        ((3, 4), {"instruments": "left"}, "instruments: 'left' is not an instrument"),
        ((3, 4), {"instruments": "bass", "density": (1, 2), "polyphony": 1}, "density: bar 3 has 0 free places"),
    ],
)
def test_what_cannot_be_done_is_refused(tiny, bars, options, message):
    with pytest.raises(ConfigError, match=message):
        melodia.vary(band(), bars, model=tiny, **options)
