import numpy as np
import pytest

from melodia.harmony.prepare import REST
from melodia.harmony.rules import BACH, KINDS, PARALLEL, cost_of_next, count_errors, errors_a_hundred_steps

CLEAN = [[72, 67, 64, 48], [71, 67, 62, 55], [72, 67, 64, 48]]  # I V I


def errors(*rows):
    return {kind: count for kind, count in count_errors(np.array(rows, np.uint8)).items() if count}


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        (CLEAN, {}),
        ([[72, 67, 64, 48], [74, 69, 65, 50]], {"octaves": 1, "fifths": 1}),  # S-B octaves, A-B fifths
        ([[72, 67, 64, 57], [71, 67, 62, 55]], {"fifths": 1}),  # T-B
        ([[72, 67, 64, 57], [71, 67, 64, 55]], {}),
        ([[72, 64, 55, 48], [74, 65, 57, 50]], {"octaves": 1, "fifths": 1}),  # S-B octaves, T-B fifths
        ([[67, 64, 60, 48], [69, 64, 60, 50]], {"fifths": 1}),  # a twelfth and another one
        ([[67, 64, 60, 48], [67, 64, 60, 48]], {}),  # nothing moves
        ([[67, 64, 60, 48], [64, 64, 60, 57]], {}),  # in contrary motion
        ([[72, 64, 67, 48]] * 3, {"crossing": 1}),
        ([[79, 64, 60, 48]] * 2 + [[76, 64, 60, 48]] + [[79, 64, 60, 48]], {"spacing": 2}),
        ([[72, 67, 60, 36]] * 2, {}),  # the bass may be far
        ([[84, 74, 64, 48]] * 4, {"range": 1}),
        ([[62, 60, 55, 48], [73, 60, 55, 48]], {"leaps": 1, "spacing": 1}),
        ([[60, 55, 52, 40], [60, 55, 52, 52]], {}),  # an octave
        ([[60, 55, 52, 46], [60, 55, 52, 40]], {"leaps": 1}),  # a tritone
        ([[67, 64, 60, 48], [REST, REST, REST, REST], [69, 65, 62, 50]], {}),
    ],
)
def test_errors(rows, found):
    assert errors(*rows) == found


def test_per_hundred_steps():
    pieces = [np.array(CLEAN, np.uint8), np.array([[72, 64, 67, 48]] * 7, np.uint8)]
    assert errors_a_hundred_steps(pieces) == dict.fromkeys(KINDS, 0) | {"crossing": 10}


def test_costs_of_one_voice_after_another_add_up_to_the_errors():
    random = np.random.default_rng(0)
    for _ in range(20):
        piece = random.integers(36, 84, (40, 4)).astype(np.uint8)
        piece[random.random((40, 4)) < 0.1] = REST
        total, before = 0, np.full((1, 4), REST)
        for step in piece.astype(np.int64):
            now = np.full((1, 4), REST)
            for voice in random.permutation(4):
                if step[voice] != REST:
                    total += int(cost_of_next(before, now, voice, step[voice, None])[0, 0])
                    now[0, voice] = step[voice]
            before = now
        found = count_errors(piece)
        assert total == sum(found.values()) + (PARALLEL - 1) * (found["fifths"] + found["octaves"])


def test_what_a_pitch_would_cost():
    before, now = np.array([[67, 64, 60, 48]]), np.array([[69, 64, 60, REST]])
    cost = cost_of_next(before, now, 3, np.array([47, 50, 54, 62, 65]))
    # contrary; a fifth with the soprano; a tritone; a fifth, a 14th and above the tenor; 17, above the tenor and its range
    assert cost.tolist() == [[0, PARALLEL, 1, PARALLEL + 2, 3]]


def test_bach_s_rates_are_of_all_kinds():
    assert tuple(BACH) == KINDS
