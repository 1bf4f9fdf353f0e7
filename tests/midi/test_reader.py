import pytest

from melodia.errors import MidiError
from melodia.midi import parse_midi, read_midi
from melodia.midi.reader import MAX_BYTES
from melodia.score import BEND, PPQ, Note
from tests.midi.smf import meter, number, off, on, smf, tempo, track

ONE_NOTE = track((0, on(60)), (480, off(60)))


def notes_of(data):
    return [note for part in parse_midi(data).parts for note in part.notes]


def test_formats_0_and_1_give_the_same_notes():
    together = smf(track((0, tempo(100)), (0, on(60)), (480, off(60))), kind=0)
    apart = smf(track((0, tempo(100))), ONE_NOTE)
    assert notes_of(together) == notes_of(apart) == [Note(0, 480, 60, 80)]
    assert parse_midi(apart).tempos[0].tempo_bpm == pytest.approx(100)


def test_running_status_and_velocity_0_end_notes():
    data = smf(track((0, on(60)), (120, bytes([64, 90])), (120, bytes([60, 0])), (120, bytes([64, 0]))))
    assert notes_of(data) == [Note(0, 240, 60, 80), Note(120, 360, 64, 90)]


@pytest.mark.parametrize("ppq", [24, 96, 384, 960, 10_000])
def test_ticks_are_rescaled(ppq):
    assert notes_of(smf(track((ppq, on(60)), (ppq, off(60))), division=ppq)) == [Note(480, 960, 60, 80)]


def test_a_missing_note_off_ends_with_the_track_but_within_a_bar():
    assert notes_of(smf(track((0, on(60)), end=700))) == [Note(0, 700, 60, 80)]
    assert notes_of(smf(track((0, on(60)), end=70_000))) == [Note(0, 4 * PPQ, 60, 80)]


def test_overlaps_of_a_pitch_are_cut_and_lengths_are_never_zero():
    data = smf(track((0, on(60)), (100, on(60)), (100, off(60)), (100, off(60)), (0, on(70)), (0, off(70))))
    assert notes_of(data) == [Note(0, 100, 60, 80), Note(100, 300, 60, 80), Note(300, 360, 70, 80)]


def test_programs_of_a_channel_become_parts():
    data = smf(track((0, b"\xc0\x05"), (0, on(60)), (480, off(60)), (0, b"\xc0\x28"), (0, on(62)), (480, off(62))))
    assert [(p.program, len(p.notes)) for p in parse_midi(data).parts] == [(5, 1), (40, 1)]


def test_a_program_set_on_another_track_counts():
    assert parse_midi(smf(track((0, b"\xc0\x2a")), ONE_NOTE)).parts[0].program == 42


def test_channel_10_is_drums():
    assert parse_midi(smf(track((0, on(36, channel=9)), (60, off(36, channel=9))))).parts[0].is_drum


def test_running_status_survives_a_meta_event():
    data = smf(track((0, on(60)), (0, b"\xff\x01\x01x"), (120, bytes([60, 0]))))
    assert notes_of(data) == [Note(0, 120, 60, 80)]


def test_a_track_of_note_offs_alone_is_no_part():
    muted = track((0, b"\xc0\x05"), (0, off(60)), (10, bytes([0x90, 61, 0])))
    assert [len(p.notes) for p in parse_midi(smf(muted, ONE_NOTE)).parts] == [1]


def test_pedal_and_bend_are_kept():
    data = smf(track((0, b"\xb0\x40\x7f"), (0, on(60)), (480, off(60)), (0, b"\xe0\x00\x50"), (480, b"\xb0\x40\x00")))
    score = parse_midi(data)
    assert [(c.number, c.value) for c in score.parts[0].controls] == [(64, 127), (BEND, 0x50 << 7), (64, 0)]
    assert score.sustained().parts[0].notes[0].offset_ticks == 960
    assert score.parts[0].notes[0].offset_ticks == 480


@pytest.mark.parametrize("text", ["ピアノ".encode("shift-jis"), "Flöte".encode("latin-1"), "Flöte".encode(), b"\x00\xff\x01"])
def test_text_in_any_encoding(text):
    name = b"\xff\x03" + number(len(text)) + text
    score = parse_midi(smf(track((0, name), (0, on(60)), (480, off(60)))))
    assert score.parts[0].name.isprintable()


def test_meters_and_tempos_anywhere():
    first = track((0, meter(3, 2)), (1440, meter(6, 3)), (1440, meter(4, 2)), end=0)
    second = track((0, on(60)), (720, tempo(60)), (6000, off(60)))
    score = parse_midi(smf(first, second))
    assert [tuple(m) for m in score.meters] == [(0, 3, 4), (1440, 6, 8), (2880, 4, 4)]
    assert score.seconds_at(720) == pytest.approx(0.75)
    assert score.seconds_at(1200) == pytest.approx(1.75)
    assert [b.onset_ticks for b in score.bars()] == [0, 1440, 2880, 4800]


def test_a_meter_within_a_bar_cuts_it_short():
    data = smf(track((0, meter(4, 2)), (2400, meter(3, 2))), track((0, on(60)), (6000, off(60))))
    score = parse_midi(data)
    assert [(b.onset_ticks, b.offset_ticks) for b in score.bars()] == [
        (0, 1920),
        (1920, 2400),
        (2400, 3840),
        (3840, 5280),
        (5280, 6720),
    ]
    assert [m[1:] for m in score.meters] == [(4, 4), (1, 4), (3, 4)]


@pytest.mark.parametrize(
    "numerator, power, expected",
    [(0, 2, (4, 4)), (24, 2, (12, 4)), (26, 2, (2, 4)), (4, 9, (4, 4)), (5, 3, (5, 8)), (255, 5, (85, 32))],
)
def test_odd_meters_become_usable(numerator, power, expected):
    score = parse_midi(smf(track((0, meter(numerator, power))), ONE_NOTE))
    assert score.meters[0][1:] == expected


def test_smpte_time_is_seconds():
    data = smf(track((0, on(60)), (1000, off(60))), division=(256 - 25) << 8 | 40)  # 25 frames of 40 ticks: a millisecond a tick
    assert parse_midi(data).seconds == pytest.approx(1.0)


@pytest.mark.parametrize(
    "data, message",
    [
        (b"", "empty"),
        (b"RIFF0000WAVE", "not a MIDI file"),
        (b"MThd\x00\x00\x00\x06\x00", "cut off within its header"),
        (smf(ONE_NOTE, kind=2), "format 2"),
        (smf(ONE_NOTE, kind=7), "damaged"),
        (smf(ONE_NOTE, division=0), "0 ticks"),
        (smf(ONE_NOTE, division=(256 - 13) << 8 | 4), "SMPTE"),
        (smf(ONE_NOTE)[:-5], "cut off"),
        (smf(ONE_NOTE, ONE_NOTE)[: -len(ONE_NOTE)], "1 of 2 tracks"),
        (smf(track((0, tempo(100)))), "no notes"),
        (smf(track((0, b"\x40\x40"))), "not a MIDI event"),
        (smf(track((0, bytes([0x90, 200, 1])))), "damaged data"),
        (smf(track((0, b"\xff\x01\x7f"))), "runs past the end"),
        (smf(track((0, on(60)), *[(0x0FFFFFFF, b"\xb0\x07\x00")] * 8, (0, off(60)))), "beats are read"),
        (smf(track((0, tempo(4)), (0, on(60)), (480 * 300, off(60)))), "lasts 75 minutes"),
    ],
)
def test_refusals(data, message):
    with pytest.raises(MidiError, match=message):
        parse_midi(data, "file.mid")


def test_ten_million_events_are_refused_before_they_are_kept():
    body = b"\x00\xb0\x07\x00" + b"\x00\x07\x00" * 10_000_000 + b"\x00\xff\x2f\x00"
    with pytest.raises(MidiError, match="more than 1,000,000 events"):
        parse_midi(smf(b"MTrk" + len(body).to_bytes(4, "big") + body))


def test_a_huge_file_is_refused_unread(tmp_path):
    path = tmp_path / "huge.mid"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 2**20)
    with pytest.raises(MidiError, match="larger than 32 MiB"):
        read_midi(path)


def test_a_missing_file_names_itself(tmp_path):
    with pytest.raises(MidiError, match=r"nowhere\.mid: cannot be read"):
        read_midi(tmp_path / "nowhere.mid")
