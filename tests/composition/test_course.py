"""Constraints hold whatever the model says: walks through the masks alone, and takes of random networks."""

import os
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from melodia.composition.codec import (
    BEATS,
    KIND,
    KIND_BAR,
    KIND_CHORD,
    KIND_END,
    KIND_NOTE,
    KIND_PART,
    METER,
    METER_INDEX,
    METERS,
    NUM_COLUMNS,
    PART,
    PITCH,
    POSITION,
    PROGRAM,
    STEPS,
    TEMPO,
    VELOCITY,
)
from melodia.composition.constraints import Constraints, Held
from melodia.composition.course import Course
from melodia.composition.model import NEXT_KINDS, Composer, ComposerConfig
from melodia.composition.performer import perform
from melodia.composition.repeats import Repeats
from melodia.composition.rules import Rules
from melodia.composition.steering import Entry, Limit, Loudness, Register, Steering
from melodia.errors import ConfigError
from melodia.sampling import SamplingConfig
from tests.composition.steered import broken

PROGRAMS = (0, 40, 33, 128)
KEYS = (None, frozenset({0, 2, 4, 5, 7, 9, 11}), frozenset({1, 6}))


@st.composite
def steerings(draw, bars=8):
    """Anything that can be asked, tight more often than loose."""
    program = st.sampled_from(PROGRAMS)
    spans = st.tuples(st.integers(0, 127), st.sampled_from([0, 0, 1, 3, 11, 40])).map(lambda s: (s[0], min(sum(s), 127)))
    registers = draw(st.dictionaries(st.sampled_from((None, *PROGRAMS)), spans, max_size=2))
    limits = draw(st.dictionaries(st.sampled_from((None, *PROGRAMS)), st.integers(1, 4), max_size=3))
    fewest = draw(st.sampled_from([0, 0, 1, 3, 8, 20, 96]))
    entries = draw(st.lists(st.tuples(program, st.integers(1, bars), st.none() | st.integers(0, bars)), max_size=3))
    points = draw(st.dictionaries(st.integers(1, bars), st.tuples(st.integers(1, 123), st.integers(4, 30)), max_size=3))
    return Steering(
        pitch_classes=draw(st.sampled_from(KEYS)),
        registers=tuple(Register(p, *span) for p, span in registers.items()),
        density=draw(st.sampled_from([None, (fewest, fewest + draw(st.sampled_from([0, 0, 2, 30])) or 1)])),
        polyphony=tuple(Limit(p, n) for p, n in limits.items()),
        entries=tuple(Entry(p, a, None if n is None else a + n) for p, a, n in entries),
        velocity=tuple(Loudness(bar, a, min(a + n, 127)) for bar, (a, n) in sorted(points.items())),
        repetition=draw(st.none() | st.integers(1, 2)),
    )


@st.composite
def all_constraints(draw):
    """Takes of up to eight bars, long and short ones, with notes that still ring from before."""
    parts = draw(st.integers(1, 4))
    first = draw(st.integers(0, 3))
    programs = tuple((PROGRAMS * 2)[first : first + parts])
    meter = draw(st.sampled_from([(4, 4), (3, 4), (1, 8), (1, 32), (12, 4), None]))
    held = draw(st.lists(st.tuples(st.integers(-1, parts - 1), st.integers(0, 127), st.integers(1, 3)), max_size=3))
    return Constraints(
        bars=draw(st.integers(1, 8)),
        programs=programs,
        playing=tuple(range(parts)),
        meter=None if meter is None else METER_INDEX[meter],
        tempo=24,
        steering=draw(steerings()),
        sounding=() if meter is None else tuple(Held(part, pitch, 0, end) for part, pitch, end in held),
    )


def allowed_rules(constraints):
    try:
        rules = Rules(constraints)
    except ConfigError:
        assume(False)
    return rules


def chosen(mask, codec, taste, random):
    """One of what is allowed, by mask and codec: the first, the last, or any."""
    able = np.flatnonzero(mask & codec)
    assert len(able), "nothing is left to choose from"
    return int(able[{"first": 0, "last": -1}.get(taste, random.integers(len(able)))])


def walk(rules, tastes, random, last=(0, *[-1] * (NUM_COLUMNS - 1))):
    """A take without a model: every choice by a taste, within the masks and the codec's order."""
    programs, bars = rules.constraints.programs, rules.constraints.bars
    course, rows = Course(rules, list(last)), []
    everything = np.ones(400, dtype=bool)
    while True:
        last, row = course.last, [-1] * NUM_COLUMNS
        kinds = np.isin(np.arange(5), NEXT_KINDS[last[KIND]])
        row[KIND] = chosen(course.kinds(), kinds, tastes[KIND], random)
        if row[KIND] in (KIND_BAR, KIND_END) and course.bar == bars:
            return np.array(rows, dtype=np.int16)
        if row[KIND] in (KIND_BAR, KIND_END):
            row[KIND] = KIND_BAR
            for column in (METER, TEMPO):
                mask = course.line(column)
                row[column] = chosen(mask, everything[: len(mask)], tastes[column], random)
        else:
            chord = row[KIND] == KIND_CHORD
            row[METER : POSITION + 1] = last[METER : POSITION + 1]
            for column in (POSITION, PART, PITCH, VELOCITY, BEATS, STEPS) if not chord else (PART, PITCH, VELOCITY, BEATS, STEPS):
                mask = course.positions() if column == POSITION else course.of_note(column, row)
                row[column] = chosen(mask, codec_order(column, row, last, programs, len(mask)), tastes[column], random)
                if column == PART:
                    row[PROGRAM] = programs[row[PART]]
        course.accept(row)
        rows.append(row)


def codec_order(column, row, last, programs, classes):
    """What the model itself masks."""
    index, chord = np.arange(classes), row[KIND] == KIND_CHORD
    if column == POSITION:
        n, d = METERS[last[METER]]
        return (index > last[POSITION]) & (index < 96 * n // d)
    if column == PART:
        return (index < len(programs)) & (not chord or index >= last[PART])
    if column == PITCH:
        same = chord and row[PART] == last[PART]
        return ((index >= 128) == (row[PROGRAM] == 128)) & (index > last[PITCH] if same else True)
    return np.ones(classes, dtype=bool)


TASTES = st.lists(st.sampled_from(["first", "last", "any", "any"]), min_size=NUM_COLUMNS, max_size=NUM_COLUMNS)


@settings(max_examples=int(os.environ.get("MELODIA_SAMPLES", 120)), deadline=None, suppress_health_check=list(HealthCheck))
@given(all_constraints(), TASTES, st.integers(0, 2**32))
def test_no_mask_is_empty_and_nothing_is_broken_whatever_is_chosen(constraints, tastes, random_seed):
    rules = allowed_rules(constraints)
    events = walk(rules, tastes, np.random.default_rng(random_seed))
    assert not broken(events, constraints)


def random_composer(random_seed=0, boldness=3.0):
    """Weights at random, but for a liking of notes: nothing steers it but the masks."""
    torch.manual_seed(random_seed)
    composer = Composer(ComposerConfig(embedding_size=8, hidden_size=16, num_layers=1, head_size=8, dropout=0.0))
    with torch.no_grad():
        for parameter in composer.parameters():
            parameter.mul_(boldness)
        composer.heads["kind"].output.bias[[KIND_NOTE, KIND_CHORD]] += 1.0
    return composer.eval()


def count_notes(events):
    return int((events[:, POSITION] >= 0).sum())


BAND = {"programs": PROGRAMS, "playing": (0, 1, 2, 3), "meter": METER_INDEX[4, 4], "tempo": 24, "bars": 8}
MAJOR = KEYS[1]
WISHES = {
    "register": Steering(registers=(Register(None, 60, 72), Register(33, 28, 30), Register(128, 36, 38))),
    "key and register": Steering(pitch_classes=MAJOR, registers=(Register(None, 59, 60),)),
    "density": Steering(density=(4, 12)),
    "exactly 9 notes": Steering(density=(9, 9)),
    "polyphony": Steering(polyphony=(Limit(None, 3),)),
    "one note at once": Steering(polyphony=(Limit(None, 1),)),
    "polyphony of instruments": Steering(polyphony=(Limit(None, 4), Limit(0, 2), Limit(33, 1), Limit(128, 1))),
    "entries": Steering(entries=(Entry(33, 3, None), Entry(128, 5, 6), Entry(40, 1, 2), Entry(40, 8, 8))),
    "velocity": Steering(velocity=(Loudness(1, 60, 64),)),
    "a curve": Steering(velocity=(Loudness(2, 20, 30), Loudness(5, 100, 110), Loudness(7, 60, 127))),
    "repetition": Steering(repetition=1, registers=(Register(None, 60, 60), Register(128, 36, 36)), density=(0, 1)),
    "all": Steering(
        pitch_classes=MAJOR,
        registers=(Register(None, 48, 84), Register(33, 28, 40)),
        density=(6, 10),
        polyphony=(Limit(None, 4), Limit(33, 1)),
        entries=(Entry(33, 2, 7),),
        velocity=(Loudness(1, 40, 60), Loudness(8, 90, 120)),
        repetition=1,
    ),
}


@pytest.mark.parametrize("name", WISHES)
def test_random_networks_keep_to_it(name):
    steering = replace(WISHES[name], density=WISHES[name].density or (8, 60))  # left to itself a random network says little
    constraints = Constraints(**BAND, steering=steering)
    number = list(WISHES).index(name)
    sampling = SamplingConfig(temperature=(1.0, 3.0)[number % 2], top_p=(1.0, 0.9)[number % 3 % 2])
    takes = perform(random_composer(number), None, constraints, sampling, count=16, random_seed=number)
    assert [broken(take, constraints) for take in takes] == [[]] * 16
    assert sum(count_notes(take) for take in takes) >= 16 * 8 * steering.density[0]


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_bold_network_that_would_never_stop_keeps_to_it(temperature):
    constraints = Constraints(**BAND, steering=WISHES["all"])
    for take in perform(random_composer(3, boldness=20.0), None, constraints, SamplingConfig(temperature=temperature), count=4):
        assert broken(take, constraints) == []


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(all_constraints(), st.integers(0, 2**20))
def test_random_networks_keep_to_anything(constraints, random_seed):
    allowed_rules(constraints)
    for take in perform(random_composer(random_seed % 3), None, constraints, SamplingConfig(), count=4, random_seed=random_seed):
        assert broken(take, constraints) == []


@pytest.mark.parametrize(
    "steering, message",
    [
        ({"registers": (Register(None, 61, 61),), "pitch_classes": MAJOR}, "register: there is no pitch of the key in it for Acou"),
        (
            {"registers": (Register(73, 60, 72),)},
            "register: Flute does not play here; Acoustic grand piano, Violin, Finger bass, Drums",
        ),
        ({"polyphony": (Limit(73, 1),)}, "polyphony: Flute does not play here"),
        ({"entries": (Entry(0, 9, None),)}, "instruments: Acoustic grand piano at bar 9 is outside of bars 1 to 8"),
        (
            {"entries": tuple(Entry(p, 2, None) for p in PROGRAMS), "density": (1, 9)},
            "density: nobody plays in bar 1, so it cannot",
        ),
        ({"density": (97, 99)}, "density: bar 1 has 96 free places, too few for 97 notes"),
        ({"density": (96, 99), "repetition": 1, "registers": tuple(Register(p, 60, 60) for p in (None, 128))}, "no bar too often"),
        ({"density": (5, 4)}, "density: 5-4 runs downwards; write 4-5"),
        ({"registers": (Register(None, 60, 50),)}, "register: 60-50 runs downwards; write 50-60"),
        ({"polyphony": (Limit(None, 0),)}, "polyphony: 0 is out of range"),
        ({"velocity": (Loudness(1, 60, 62),)}, "velocity: 60-62 is too narrow"),
        ({"velocity": (Loudness(4, 60, 72), Loudness(2, 60, 72))}, "velocity: bar 2 comes after bar 4"),
        ({"velocity": (Loudness(1, 60, 128),)}, "velocity: 128 is out of range"),
        ({"repetition": 0}, "repetition: 0 is out of range"),
        ({"entries": (Entry(0, 4, 3),)}, "instruments: 4-3 runs downwards; write 3-4"),
    ],
)
def test_what_cannot_be_met_is_refused(steering, message):
    with pytest.raises(ConfigError, match=message):
        Rules(Constraints(**BAND, steering=Steering(**steering)))


def test_a_meter_that_holds_the_notes_is_chosen_where_none_is_told():
    constraints = Constraints(**BAND | {"meter": None}, steering=Steering(density=(100, 120)))
    for take in perform(random_composer(), None, constraints, SamplingConfig(), count=4):
        assert broken(take, constraints) == []


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 3), st.integers(0, 3), st.lists(st.lists(st.tuples(*[st.integers(0, 1)] * 3), max_size=4), max_size=8))
def test_repeats_are_counted(most, fewest, bars):
    repeats, seen = Repeats(most, fewest), []
    for bar in bars:
        for i, stroke in enumerate(bar):
            prefix, children = (
                tuple(bar[:i]),
                {b[i] for b in seen if len(b) == i + 1 and b[:i] == bar[:i] and seen.count(b) >= most},
            )
            assert repeats.full(repeats.node) == (i > 0 and seen.count(list(prefix)) >= most)
            if i >= max(fewest - 1, 0):
                assert repeats.widest(repeats.node, i) == len(children)
            repeats.add(stroke)
        repeats.end_bar()
        seen += [bar] if bar else []
        repeats = repeats.copy()


def test_a_note_that_rings_into_the_longest_bars_leaves_their_voices():
    constraints = Constraints(
        bars=7,
        programs=(0,),
        playing=(0,),
        meter=METER_INDEX[12, 4],
        tempo=24,
        steering=Steering(density=(1, 1), polyphony=(Limit(None, 1),)),
    )
    tastes = ["last"] * NUM_COLUMNS
    assert broken(walk(Rules(constraints), tastes, np.random.default_rng(0)), constraints) == []


def test_no_take_ends_before_it_has_begun():
    rules = Rules(Constraints(bars=4, programs=(0,), playing=(0,)))
    part, note = [-1] * NUM_COLUMNS, [KIND_NOTE, 0, 0, 0, 0, 0, 60, 20, 1, 0]
    part[KIND], part[PART], part[PROGRAM] = KIND_PART, 0, 0
    assert np.flatnonzero(Course(rules, part).kinds()).tolist() == [KIND_BAR]
    assert np.flatnonzero(Course(rules, note).kinds()).tolist() == [KIND_BAR, KIND_END]  # after a seed the music may be over
