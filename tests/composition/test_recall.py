import numpy as np

from melodia.composition.codec import KIND, KIND_BAR, PITCH, POSITION, encode
from melodia.composition.recall import Recaller, recall
from melodia.score import Note, Part, Score


def events_of(num_bars=12):
    """A bar of five notes again and again, with one that differs."""
    notes = []
    for bar in range(num_bars):
        for i, pitch in enumerate([60, 64, 67, 64, 72 if bar == 5 else 71]):
            notes.append(Note(bar * 1920 + i * 240, bar * 1920 + i * 240 + 200, pitch, 80))
    return encode(Score([Part(notes=notes)]))


def test_event_by_event_is_the_same_as_all_at_once():
    events = events_of()
    recaller = Recaller()
    assert [recaller.add(row) for row in events.tolist()] == recall(events).tolist()


def test_a_copy_goes_its_own_way():
    events = events_of().tolist()
    recaller = Recaller()
    for row in events[:30]:
        recaller.add(row)
    copy = recaller.copy()
    assert [recaller.add(row) for row in events[30:]] == [copy.add(row) for row in events[30:]]


def test_what_is_recalled_is_what_came_next():
    events = events_of()
    pointers = recall(events)
    bars = np.flatnonzero(events[:, KIND] == KIND_BAR)
    here = bars[6] + 3  # the third note of the seventh bar
    one_bar, two_bars, matching = (events[p] for p in pointers[here])
    for found in (one_bar, two_bars, matching):
        assert (found[POSITION], found[PITCH]) == (36, 64)
    one_bar, two_bars, _ = (events[p] for p in pointers[here + 1])
    assert (one_bar[PITCH], two_bars[PITCH]) == (72, 71)


def test_nothing_is_recalled_from_the_future_or_before_the_beginning():
    events = events_of()
    pointers = recall(events)
    assert (pointers <= np.arange(len(events))[:, None]).all()
    assert (pointers[:4] == -1).all()
