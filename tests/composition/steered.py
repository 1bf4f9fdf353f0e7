"""What music was asked to be, measured on the events themselves: an account that shares nothing with the sampler's."""

from collections import Counter
from itertools import pairwise

import numpy as np

from melodia.composition.codec import (
    BAR_STEPS,
    BEATS,
    KIND,
    KIND_BAR,
    METER,
    PART,
    PITCH,
    POSITION,
    STEPS,
    VELOCITY,
)
from melodia.instruments import DRUMS


def bars_of(events):
    """Of each bar its length in steps and its notes: (position, part, pitch, velocity, duration)."""
    bars = []
    for row in events.tolist():
        if row[KIND] == KIND_BAR:
            bars.append((int(BAR_STEPS[row[METER]]), []))
        elif row[POSITION] >= 0:
            bars[-1][1].append((row[POSITION], row[PART], row[PITCH], 4 * row[VELOCITY] + 2, 24 * row[BEATS] + row[STEPS]))
    return bars


def broken(events, constraints):
    """What of the constraints does not hold, in words."""
    bars, steering, programs = bars_of(events), constraints.steering, constraints.programs
    found = [f"{len(bars)} bars"] if len(bars) != constraints.bars else []
    start, sounding = 0, []
    for number, (steps, notes) in enumerate(bars, constraints.first_bar):
        if steering.density and not steering.density[0] <= len(notes) <= steering.density[1]:
            found.append(f"bar {number}: {len(notes)} notes")
        if [n[:3] for n in notes] != sorted({n[:3] for n in notes}):
            found.append(f"bar {number}: out of order")
        for position, part, pitch, velocity, duration in notes:
            program = programs[part]
            if not 0 <= position < steps or duration < 1 or part not in constraints.playing:
                found.append(f"bar {number}: {position} {part} {duration}")
            if (program == DRUMS) != (pitch >= 128) or not in_register(program, pitch % 128, steering):
                found.append(f"bar {number}: pitch {pitch} of {program}")
            softest, loudest = loudness(steering.velocity, number + position / steps)
            if not softest - 1e-6 <= velocity <= loudest + 1e-6:
                found.append(f"bar {number}: velocity {velocity} outside of {softest}-{loudest}")
            sounding.append((start + position, start + position + duration, program))
        start += steps
    starts = np.concatenate([[0], np.cumsum([steps for steps, _ in bars])]).tolist()
    found += [f"{program} plays {on}-{off}" for on, off, program in sounding if not is_in(program, on, off, starts, constraints)]
    for limit in steering.polyphony:
        new = [(on, off) for on, off, program in sounding if limit.program in (None, program)]
        old = [
            (h.onset, h.offset) for h in constraints.sounding if limit.program in (None, programs[h.part] if h.part >= 0 else -1)
        ]
        times = [on for on, _ in new + old if any(a <= on < b for a, b in new)]
        most = max((sum(a <= on < b for a, b in new + old) for on in times), default=0)
        if most > limit.most:
            found.append(f"{most} notes of {limit.program} at once")
    if steering.repetition:
        times = Counter(tuple(n[:3] for n in notes) for _, notes in bars if notes)
        found += [f"a bar stands {n} times" for n in times.values() if n > steering.repetition]
    return found


def in_register(program, pitch, steering):
    registers = {r.program: r for r in steering.registers}
    register = registers.get(program, None if program == DRUMS else registers.get(None))
    if steering.pitch_classes is not None and program != DRUMS and pitch % 12 not in steering.pitch_classes:
        return False
    return not register or register.lowest_pitch <= pitch <= register.highest_pitch


def loudness(curve, bar):
    """Straight lines from point to point."""
    if not curve:
        return 1, 127
    for a, b in pairwise(curve):
        if a.bar <= bar <= b.bar:
            share = (bar - a.bar) / (b.bar - a.bar)
            return a.softest + share * (b.softest - a.softest), a.loudest + share * (b.loudest - a.loudest)
    return curve[0 if bar < curve[0].bar else -1][1:]


def is_in(program, on, off, starts, constraints):
    """Whether its instrument plays in every bar that a note sounds in."""
    spans = [e for e in constraints.steering.entries if e.program == program]
    for bar, (begin, end) in enumerate(pairwise(starts), constraints.first_bar):
        plays = any(e.first <= bar and (e.last is None or bar <= e.last) for e in spans)
        if spans and not plays and on < end and off > begin:
            return False
    return True
