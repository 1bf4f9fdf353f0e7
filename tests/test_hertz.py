import numpy as np
import pytest

from melodia.hertz import hertz_of, pitch_of


def test_pitches_are_hertz_and_back():
    assert hertz_of(np.array([57.0, 69.0, 60.0])) == pytest.approx([220, 440, 261.6256])
    assert pitch_of(np.array([220.0, 440.0, 0.0])) == pytest.approx([57, 69, 0])
    cents = np.linspace(30, 100, 99)
    assert pitch_of(hertz_of(cents)) == pytest.approx(cents)
