import numpy as np
import pytest

from melodia.harmony.prepare import REST
from melodia.harmony.rules import KINDS, count_errors, errors_a_hundred_steps

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
