import io
from itertools import pairwise

import mido
import pretty_midi
import pytest
import symusic
from hypothesis import given, settings
from hypothesis import strategies as st

import melodia
from melodia.errors import MidiError
from melodia.midi import midi_bytes, parse_midi
from melodia.score import BEND, BEND_CENTRE, PPQ, SUSTAIN, Control, Meter, Note, Part, Score, Tempo

notes = st.builds(
    lambda onset, length, pitch, velocity: Note(onset, onset + length, pitch, velocity),
    st.integers(0, 8000),
    st.integers(1, 3000),
    st.integers(0, 127),
    st.integers(1, 127),
)
parts = st.builds(
    Part,
    st.text(max_size=12),
    st.integers(0, 127),
    st.booleans(),
    st.lists(notes, min_size=1, max_size=25),
    st.just([]),
    st.one_of(st.none(), st.integers(0, 15)),
)
scores = st.builds(Score, st.lists(parts, min_size=1, max_size=20))


def sounding(data: bytes) -> list[tuple[int, int, int, int, int]]:
    """(channel, pitch, onset, offset, velocity) of a file as mido reads it, checking its order on the way."""
    found, last_order = [], (0, 0)
    for index, track in enumerate(mido.MidiFile(file=io.BytesIO(data)).tracks):
        tick, open_notes, last_order = 0, {}, (0, 0)
        for message in track:
            tick += message.time
            assert not (message.is_meta and message.type in ("set_tempo", "time_signature") and index > 0)
            if message.type == "note_on" and message.velocity:
                assert (message.channel, message.note) not in open_notes, "a pitch twice at once"
                open_notes[message.channel, message.note] = (tick, message.velocity)
                last_order = (tick, 1)
            elif message.type in ("note_off", "note_on"):
                assert last_order != (tick, 1), "a note-off after a note-on of its tick"
                onset, velocity = open_notes.pop((message.channel, message.note))
                assert tick > onset, "a note of no length"
                found.append((message.channel, message.note, onset, tick, velocity))
        assert not open_notes, "a note that never ends"
    return sorted(found)


@settings(max_examples=60, deadline=None)
@given(scores)
def test_three_other_readers_find_the_notes_that_ours_finds(score):
    data = midi_bytes(score)
    again = parse_midi(data)
    ours = sorted((p.channel, n.pitch, n.onset_ticks, n.offset_ticks, n.velocity) for p in again.parts for n in p.notes)
    assert sounding(data) == ours
    by_channel = {}
    for channel, pitch, onset, offset, _ in ours:
        by_channel.setdefault(channel, []).append((pitch, onset, offset))
    for spans in by_channel.values():  # also across tracks
        for pitch in {s[0] for s in spans}:
            times = sorted(s[1:] for s in spans if s[0] == pitch)
            assert all(a[1] <= b[0] for a, b in pairwise(times))
    pretty = pretty_midi.PrettyMIDI(io.BytesIO(data))
    theirs = sorted(
        (n.pitch, pretty.time_to_tick(n.start), pretty.time_to_tick(n.end), n.velocity) for i in pretty.instruments for n in i.notes
    )
    assert theirs == sorted(n[1:] for n in ours)
    read = symusic.Score.from_midi(data)
    assert sorted((n.pitch, n.time, n.end, n.velocity) for t in read.tracks for n in t.notes) == sorted(n[1:] for n in ours)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(notes, min_size=1, max_size=20), min_size=1, max_size=15))
def test_nothing_is_lost_while_channels_last(lists):
    score = Score([Part(f"p{i}", i, notes=n) for i, n in enumerate(lists)])
    again = parse_midi(midi_bytes(score))
    from melodia.score import without_overlaps

    assert [p.notes for p in again.parts] == [without_overlaps(n) for n in lists]
    assert [(p.name, p.program) for p in again.parts] == [(p.name, p.program) for p in score.parts]


def test_the_conductor_track(song):
    song.meters.append(Meter(1440, 6, 8))
    song.tempos.append(Tempo(700, 132.5))
    file = mido.MidiFile(file=io.BytesIO(midi_bytes(song)))
    assert (file.type, file.ticks_per_beat) == (1, 480)
    first = [m for m in file.tracks[0] if m.type in ("set_tempo", "time_signature")]
    assert [m.type for m in first if m.time == 0][:2] == ["time_signature", "set_tempo"]
    assert [(m.numerator, m.denominator) for m in first if m.type == "time_signature"] == [(3, 4), (6, 8)]
    assert [t.name for t in file.tracks[1:]] == ["Tune", "Bass", "Kit"]
    for track in file.tracks[1:]:
        assert next(m for m in track if not m.is_meta).type == "program_change"
    again = parse_midi(midi_bytes(song))
    assert again.meters == song.meters
    assert [t.tick for t in again.tempos] == [0, 700]
    assert [t.tempo_bpm for t in again.tempos] == pytest.approx([90, 132.5], rel=1e-5)


def test_pedal_and_bend_rest_at_the_end():
    part = Part("P", 0, notes=[Note(0, 960, 60, 80)], controls=[Control(0, SUSTAIN, 127), Control(10, BEND, 0)])
    again = parse_midi(midi_bytes(Score([part]))).parts[0]
    assert again.controls[-2:] == [Control(960, SUSTAIN, 0), Control(960, BEND, BEND_CENTRE)]


def test_parts_on_one_channel_stay_unless_they_clash():
    def two(second):
        parts = [Part("A", 0, notes=[Note(0, 480, 60, 80)], channel=3), Part("B", 0, notes=[second], channel=3)]
        return [p.channel for p in parse_midi(midi_bytes(Score(parts))).parts]

    assert two(Note(0, 480, 64, 80)) == [3, 3]
    assert two(Note(240, 480, 60, 80))[1] != 3


def test_more_instruments_than_channels():
    score = Score(
        [Part(f"p{i}", i, notes=[Note(0, 480, 40 + i, 80)]) for i in range(24)] + [Part("d", 0, True, [Note(0, 60, 36, 90)])]
    )
    again = parse_midi(midi_bytes(score))
    assert again.num_notes == 25
    assert {p.channel for p in again.parts} == set(range(16))
    assert [p.channel for p in again.parts if p.is_drum] == [9]


def test_pretty_midi_both_ways(song):
    again = Score.from_pretty_midi(song.to_pretty_midi())
    assert [p.notes for p in again.parts] == [p.notes for p in song.parts]
    assert again.meters == song.meters
    with pytest.raises(MidiError, match="no notes"):
        Score.from_pretty_midi(pretty_midi.PrettyMIDI())


def test_a_failed_write_leaves_the_old_file(song, tmp_path, monkeypatch):
    path = song.write(tmp_path / "a.mid")
    before = path.read_bytes()
    song.parts[0].notes.append(Note(PPQ, 2 * PPQ, 99, 99))
    monkeypatch.setattr("pathlib.Path.write_bytes", lambda *a: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(MidiError, match="No space left"):
        song.write(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.mid"]


def test_scores_are_public():
    assert melodia.Score is Score
