"""What events say of the keys, and what can come next."""

import numpy as np
import torch
from hypothesis import given, settings

from melodia.performance.codec import EVENTS, OFF, SHIFT, VELOCITIES, VELOCITY, encode
from melodia.performance.reading import BEGIN, NEVER, NO_PITCH, STEPS, follow, silent
from tests.performance.test_codec import NOTES


def read(events, *cuts):
    """What is known before each event, read in one go or cut into several."""
    keys, found = silent(1), []
    for part in np.split(np.asarray(events, np.int64), cuts):
        if len(part):
            known, keys = follow(torch.from_numpy(part)[None], keys)
            found.append(known)
    return [torch.cat(parts, dim=1)[0] for parts in zip(*found, strict=True)], keys


@given(NOTES)
@settings(max_examples=40, deadline=None)
def test_what_is_written_is_allowed_and_windows_are_as_one(notes):
    events = encode(notes)
    whole, keys = read(events)
    assert whole[-1][torch.arange(len(events)), torch.from_numpy(events.astype(np.int64))].all()
    cut, again = read(events, len(events) // 3, len(events) // 2)
    for one, other in zip([*whole, *keys], [*cut, *again], strict=True):
        assert torch.equal(one, other)
    assert int(keys.step) == notes[:, 1].max() and int(keys.so_far) == len(events)
    assert not (keys.on > keys.off).any()


def test_what_is_known():
    events = [VELOCITY + 9, 60, 64, SHIFT + 19, OFF + 64, VELOCITY + 3, 67, SHIFT + 99, OFF + 60]
    (last, velocity, silence, strokes, loudness, since_beats, sounding, age, began, released, _), keys = read(events)
    assert last.tolist() == [BEGIN, *events[:-1]]
    assert velocity.tolist() == [VELOCITIES, *[9] * 5, *[3] * 3]
    assert silence.tolist() == [0, 0, 0, 0, 20, 20, 20, 0, 100]
    assert strokes[0].tolist() == [NO_PITCH] * 3 and strokes[4].tolist() == [NO_PITCH, 60, 64]
    assert strokes[-1].tolist() == keys.strokes[0].tolist() == [60, 64, 67]
    assert sounding[:, 60].tolist() == [False, False, *[True] * 7] and sounding[-1].nonzero().flatten().tolist() == [60, 67]
    assert loudness[3].tolist() == [VELOCITIES, 9, 9] and loudness[-1].tolist() == keys.loudness[0].tolist() == [9, 9, 3]
    assert since_beats[:3, -1].tolist() == [-NEVER, -NEVER, 0]
    assert since_beats[-1].tolist() == [100 + 20 - NEVER] * 2 + [120, 100] and keys.beats[0, 1:].tolist() == [NEVER, 0, 20]
    assert age[0, 60] == STEPS and age[-1, [60, 64, 67]].tolist() == [120, 120, 100]
    assert began[-1, 60] < began[-1, 64] < began[-1, 67]
    assert released.nonzero().flatten().tolist() == [5] and released[5] == began[5, 64]


def allowed(*events):
    keys = follow(torch.tensor([events]), silent(1))[1] if events else silent(1)
    return set(follow(torch.zeros((1, 1), dtype=torch.int64), keys)[0].allowed[0, 0].nonzero().flatten().tolist())


def test_what_can_come_next():
    ons, shifts, velocities = set(range(128)), set(range(SHIFT, VELOCITY)), set(range(VELOCITY, EVENTS))
    assert allowed() == shifts | velocities
    assert allowed(VELOCITY + 5) == ons
    chord = (VELOCITY + 5, 60, 50, 70)
    after_on = (ons - {50, 60, 70}) | (velocities - {VELOCITY + 5})
    assert allowed(*chord) == after_on | shifts
    assert allowed(*chord, SHIFT + 4) == after_on | {OFF + 50, OFF + 60, OFF + 70}
    assert allowed(*chord, SHIFT + 99) == after_on | {OFF + 50, OFF + 60, OFF + 70} | shifts
    assert allowed(*chord, SHIFT + 4, OFF + 50) == after_on | {50, OFF + 70} | shifts
    assert allowed(*chord, SHIFT + 4, OFF + 50, SHIFT + 1) == after_on | {50, OFF + 60, OFF + 70}
