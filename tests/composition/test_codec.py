import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melodia.composition import codec
from melodia.composition.codec import KIND, KIND_BAR, KIND_END, METERS, STEP_TICKS, decode, encode, part_order, tempo_index
from melodia.errors import MidiError
from melodia.midi.conductor import read_meters
from melodia.score import Meter, Note, Part, Score, Tempo, without_overlaps


def test_the_spelling_of_a_bar():
    notes = [Note(0, 480, 60, 100), Note(0, 480, 64, 90), Note(960, 1000, 67, 80)]
    events = encode(Score([Part(program=5, notes=notes)], [Tempo(0, 120)], [Meter(0, 3, 4)]))
    meter = METERS.index((3, 4))
    tempo = tempo_index(120)
    assert events.tolist() == [
        [codec.KIND_PART, -1, -1, -1, 0, 5, -1, -1, -1, -1],
        [codec.KIND_BAR, meter, tempo, -1, -1, -1, -1, -1, -1, -1],
        [codec.KIND_NOTE, meter, tempo, 0, 0, 5, 60, 25, 1, 0],
        [codec.KIND_CHORD, meter, tempo, 0, 0, 5, 64, 22, 1, 0],
        [codec.KIND_NOTE, meter, tempo, 48, 0, 5, 67, 20, 0, 2],
        [codec.KIND_END, -1, -1, -1, -1, -1, -1, -1, -1, -1],
    ]


notes = st.builds(
    lambda onset, length, pitch, velocity: Note(onset, onset + length, pitch, velocity),
    st.integers(0, 20_000),
    st.integers(STEP_TICKS // 2, 20_000),
    st.integers(0, 127),
    st.integers(1, 127),
)
meter_events = st.lists(st.tuples(st.integers(0, 30_000), st.integers(1, 15), st.integers(1, 5)), max_size=4)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 127), st.booleans(), st.lists(notes, min_size=1, max_size=20)), min_size=1, max_size=16),
    meter_events,
    st.floats(24, 290),
)
def test_round_trip(contents, meters, bpm):
    parts = [Part(program=p, is_drum=d, notes=without_overlaps(n)) for p, d, n in contents]
    score = Score(parts, [Tempo(0, bpm)], read_meters(meters, 480))
    events = encode(score)
    again = decode(events)
    order = part_order(score.parts)
    assert [p.is_drum for p in again.parts] == [parts[i].is_drum for i in order]
    assert [p.program for p in again.parts if not p.is_drum] == [parts[i].program for i in order if not parts[i].is_drum]
    assert [(b.onset_ticks, b.offset_ticks) for b in again.bars()][: len(score.bars()) - 1] == [
        (b.onset_ticks, b.offset_ticks) for b in score.bars()
    ][:-1]
    assert tempo_index(again.tempos[0].tempo_bpm) == tempo_index(bpm)
    assert again.tempos[0].tempo_bpm == pytest.approx(bpm, rel=0.03)
    for i, part in zip(order, again.parts, strict=True):
        wanted = {}  # notes of one pitch that fall on one step become one
        for note in parts[i].notes:
            wanted.setdefault((round_half_up(note.onset_ticks), note.pitch), []).append(note)
        found = {(n.onset_ticks, n.pitch): n for n in part.notes}
        assert set(found) == set(wanted)
        starts = {}
        for onset, pitch in sorted(wanted):
            starts.setdefault(pitch, []).append(onset)
        for (onset, pitch), group in wanted.items():
            note = max(group, key=lambda n: n.offset_ticks - n.onset_ticks)
            later = [t for t in starts[pitch] if t > onset]
            length = note.offset_ticks - note.onset_ticks
            if not later or onset + length + STEP_TICKS <= later[0]:  # not cut by the next of its pitch
                assert abs(found[onset, pitch].offset_ticks - onset - length) <= STEP_TICKS / 2
            assert abs(onset - note.onset_ticks) <= STEP_TICKS / 2
            assert found[onset, pitch].velocity // 4 in {n.velocity // 4 for n in group}
    assert (encode(again) == encode(decode(encode(again)))).all()


def round_half_up(tick):
    return (tick + STEP_TICKS // 2) // STEP_TICKS * STEP_TICKS


def test_triplets_and_32nds_are_exact():
    ticks = [0, 160, 320, 480, 540, 600, 660, 720, 800, 880]
    score = Score([Part(notes=[Note(t, t + 40, 60, 80) for t in ticks])])
    assert [n.onset_ticks for n in decode(encode(score)).parts[0].notes] == ticks


def test_pedalled_notes_get_the_length_that_they_sound():
    from melodia.score import SUSTAIN, Control

    part = Part(notes=[Note(0, 100, 60, 80)], controls=[Control(0, SUSTAIN, 127), Control(960, SUSTAIN, 0)])
    assert decode(encode(Score([part]))).parts[0].notes[0].offset_ticks in (100, 960)
    part.notes.append(Note(1000, 1100, 62, 80))
    assert decode(encode(Score([part]))).parts[0].notes[0].offset_ticks == 960


def test_parts_stand_from_high_to_low_with_drums_last():
    parts = [
        Part(is_drum=True, notes=[Note(0, 60, 36, 80)]),
        Part(notes=[Note(0, 60, 40, 80)]),
        Part(notes=[Note(0, 60, 80, 80)]),
        Part(program=33),
    ]
    assert part_order(parts) == [2, 1, 3, 0]


def test_too_many_parts_are_refused():
    parts = [Part(notes=[Note(0, 60, 40, 80)]) for _ in range(20)]
    assert len(part_order(parts)) == 16
    with pytest.raises(MidiError, match="20 parts are too many"):
        encode(Score(parts), list(range(20)))


def test_bars_can_be_given():
    events = encode(Score([Part(notes=[Note(0, 60, 60, 80)])]), num_bars=5)
    assert (events[:, KIND] == KIND_BAR).sum() == 5
    assert events[-1, KIND] == KIND_END
    assert events.dtype == np.int16
