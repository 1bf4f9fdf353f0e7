import numpy as np

from melodia.transcription.notes import make_notes
from melodia.transcription.roll import rolls_of

RATE = 10.0  # frames a second


def test_an_onset_between_frames_stands_in_both_the_nearer_higher():
    rolls = rolls_of(make_notes([(0.53, 0.91, 60, 127)]), None, 0, 20, RATE)
    key = 60 - 21
    np.testing.assert_allclose(rolls.onset[4:8, key], [1 - 1.3 / 1.5, 1 - 0.3 / 1.5, 1 - 0.7 / 1.5, 0], atol=1e-6)
    np.testing.assert_allclose(rolls.place[5:7, key], [0.3, -0.7], atol=1e-6)
    assert rolls.velocity[5, key] == 1 and rolls.velocity[7, key] == 0
    assert rolls.sustain[:, key].tolist() == [0] * 6 + [1] * 4 + [0] * 10
    assert rolls.offset[:, key].argmax() == 9
    assert not np.delete(rolls.onset, key, axis=1).any()
    assert (rolls.pedal == -1).all()


def test_a_window_later_on_holds_what_falls_into_it():
    notes = make_notes([(0.0, 3.0, 40, 64), (2.5, 2.8, 41, 64)])
    rolls = rolls_of(notes, np.array([[2.1, 2.4]]), 20, 5, RATE)
    assert (rolls.sustain[:, 19] == 1).all() and not rolls.onset[:, 19].any()
    assert rolls.onset[:, 20].argmax() == 4  # cut at the window's end
    assert rolls.pedal[:, 0].tolist() == [0, 1, 1, 1, 0]
