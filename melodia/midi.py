"""Standard MIDI Files <-> scores.

Reading follows the Standard MIDI File 1.0 specification, formats 0 and 1, and is kind where files
in the wild are careless: running status, note-on with velocity 0, missing note-offs, overlaps and
zero-length notes, several programs a channel, text in any encoding. It refuses, with a `MidiError`,
what is not MIDI, what is cut off and what is absurd (the limits below). Ticks are rescaled to `PPQ`.

Writing is what any DAW opens: format 1, tempo and meter on the first track alone, a named track a
part, drums on channel 10, note-offs before note-ons, no pitch twice at once on a channel, pedal
and bend at rest at the end.
"""

from __future__ import annotations

import io
import struct
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from melodia.errors import MidiError
from melodia.files import write_atomically
from melodia.score import (
    BEND,
    BEND_CENTRE,
    DEFAULT_BPM,
    PPQ,
    SUSTAIN,
    Control,
    Meter,
    Note,
    Part,
    Score,
    Tempo,
    without_overlaps,
)

if TYPE_CHECKING:
    import pretty_midi

MAX_BYTES = 32 * 2**20
MAX_EVENTS = 2_000_000
MAX_QUARTERS = 200_000  # twelve hours at 278 to the minute
MAX_HOURS = 12.0
MAX_NOTE_MINUTES = 30.0
LOWEST_BPM, HIGHEST_BPM = 4.0, 960.0
MAX_BAR_TICKS = 12 * PPQ
ZERO_LENGTH_TICKS = PPQ // 8  # what a note of no length gets
LOST_RELEASE_TICKS = 4 * PPQ  # the most that a note without a note-off gets
DRUM_CHANNEL = 9

Stroke = tuple[int, int, int, int]  # onset, offset, pitch, velocity, in the file's own ticks


@dataclass(slots=True)
class _Track:
    """What one track chunk holds, in the file's own ticks."""

    name: str = ""
    strokes: dict[int, list[Stroke]] = field(default_factory=lambda: defaultdict(list))
    programs: dict[int, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    controls: dict[int, list[tuple[int, int, int]]] = field(default_factory=lambda: defaultdict(list))
    tempos: list[tuple[int, int]] = field(default_factory=list)
    meters: list[tuple[int, int, int]] = field(default_factory=list)
    end: int = 0
    num_events: int = 0


def read_midi(path: str | Path) -> Score:
    """Reads a MIDI file.

    Raises:
        MidiError: the file is missing, not MIDI, cut off, absurd, or has no notes.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise MidiError(f"{path}: {size >> 20} MiB is too big for a MIDI file; at most {MAX_BYTES >> 20} MiB is read")
        data = path.read_bytes()
    except OSError as error:
        raise MidiError(f"{path}: cannot be read: {error.strerror or error}") from error
    return parse_midi(data, name=str(path))


def parse_midi(data: bytes, name: str = "MIDI data") -> Score:
    """Makes a score of the bytes of a MIDI file; `name` is what messages call it.

    Raises:
        MidiError: as `read_midi`.
    """
    division, tracks = _read_chunks(data, name)
    smpte = bool(division & 0x8000)
    ppq = _smpte_ppq(division, name) if smpte else float(division)
    if ppq == 0:
        raise MidiError(f"{name}: the header says 0 ticks a quarter note; the file is damaged")
    last = max((t.end for t in tracks), default=0) / ppq
    if last > MAX_QUARTERS:
        raise MidiError(f"{name}: it runs to beat {last:,.0f}; at most {MAX_QUARTERS:,} beats are read")
    parts = _parts(tracks, ppq)
    if not any(part.notes for part in parts):
        raise MidiError(f"{name}: there are no notes in it")
    tempos = [] if smpte else _tempos(tracks, ppq)
    score = Score(parts, tempos or [Tempo(0, DEFAULT_BPM)], _meters(tracks, ppq))
    _refuse_absurd(score, name)
    return score


def _read_chunks(data: bytes, name: str) -> tuple[int, list[_Track]]:
    if not data:
        raise MidiError(f"{name}: the file is empty")
    if data[:4] != b"MThd":
        raise MidiError(f"{name}: not a MIDI file (it does not begin with MThd)")
    if len(data) < 14:
        raise MidiError(f"{name}: cut off within its header")
    header_length, kind, num_tracks, division = struct.unpack(">IHHH", data[4:14])
    if kind == 2:
        raise MidiError(f"{name}: format 2 (independent patterns) is not supported; save it as format 1")
    if kind > 2 or header_length < 6:
        raise MidiError(f"{name}: the header is damaged")
    tracks: list[_Track] = []
    position, num_events = 8 + header_length, 0
    while position + 8 <= len(data):
        length = int.from_bytes(data[position + 4 : position + 8], "big")
        start = position + 8
        if data[position : position + 4] == b"MTrk":
            if start + length > len(data):
                raise MidiError(
                    f"{name}: cut off: track {len(tracks) + 1} should hold {length:,} bytes, {len(data) - start:,} are there"
                )
            tracks.append(_read_track(data, start, start + length, f"{name}: track {len(tracks) + 1}"))
            num_events += tracks[-1].num_events
            if num_events > MAX_EVENTS:
                raise MidiError(f"{name}: more than {MAX_EVENTS:,} events; split the file")
        position = start + length
    if len(tracks) < num_tracks:
        raise MidiError(f"{name}: cut off: {len(tracks)} of {num_tracks} tracks are there")
    return division, tracks


def _read_track(data: bytes, position: int, end: int, where: str) -> _Track:
    """Reads one track chunk: a tight loop, for it is where the time of reading goes."""
    track = _Track()
    strokes, sounding = track.strokes, defaultdict(list)  # type: ignore[var-annotated]
    tick = status = num_events = 0
    try:
        while position < end:
            delta = data[position]
            position += 1
            if delta >= 0x80:
                delta, position = _variable_length(data, position - 1)
            tick += delta
            num_events += 1
            if num_events > MAX_EVENTS:
                raise MidiError(f"{where}: more than {MAX_EVENTS:,} events; split the file")
            if data[position] >= 0x80:
                status = data[position]
                position += 1
            kind = status & 0xF0
            if kind == 0x90 or kind == 0x80:
                pitch, velocity = data[position], data[position + 1]
                position += 2
                if pitch > 127 or velocity > 127:
                    raise MidiError(f"{where}, byte {position:,}: damaged data")
                key = (status & 0x0F) << 7 | pitch
                if kind == 0x90 and velocity:
                    sounding[key].append((tick, velocity))
                elif sounding[key]:
                    onset, velocity = sounding[key].pop(0)
                    strokes[key >> 7].append((onset, tick, pitch, velocity))
            elif kind == 0xB0 or kind == 0xE0 or kind == 0xA0:
                first, second = data[position], data[position + 1]
                position += 2
                if first > 127 or second > 127:
                    raise MidiError(f"{where}, byte {position:,}: damaged data")
                if kind == 0xB0 and first < 120:
                    track.controls[status & 0x0F].append((tick, first, second))
                elif kind == 0xE0:
                    track.controls[status & 0x0F].append((tick, BEND, second << 7 | first))
            elif kind == 0xC0 or kind == 0xD0:
                if data[position] > 127:
                    raise MidiError(f"{where}, byte {position:,}: damaged data")
                if kind == 0xC0:
                    track.programs[status & 0x0F].append((tick, data[position]))
                position += 1
            elif status == 0xFF:
                meta = data[position]
                length, position = _variable_length(data, position + 1)
                if position + length > end:
                    raise MidiError(f"{where}, byte {position:,}: an event runs past the end of its track")
                if meta == 0x2F:
                    break
                _read_meta(track, meta, data[position : position + length], tick)
                position += length
                status = 0
            elif status in (0xF0, 0xF7):
                length, position = _variable_length(data, position)
                position += length
                status = 0
            else:
                raise MidiError(f"{where}, byte {position:,}: not a MIDI event (0x{status:02X})")
    except IndexError as error:
        raise MidiError(f"{where}: cut off in the middle of an event") from error
    if position > end:
        raise MidiError(f"{where}: an event runs past the end of its track")
    track.end, track.num_events = tick, num_events
    for key, open_notes in sounding.items():
        strokes[key >> 7].extend((onset, -1, key & 0x7F, velocity) for onset, velocity in open_notes)
    return track


def _variable_length(data: bytes, position: int) -> tuple[int, int]:
    """The number that starts at a byte, and the position after it."""
    value = 0
    for i in range(position, position + 4):
        value = value << 7 | data[i] & 0x7F
        if data[i] < 0x80:
            return value, i + 1
    raise MidiError(f"byte {position:,}: a number of more than four bytes; the file is damaged")


def _read_meta(track: _Track, meta: int, payload: bytes, tick: int) -> None:
    if meta == 0x51 and len(payload) == 3:
        track.tempos.append((tick, int.from_bytes(payload, "big")))
    elif meta == 0x58 and len(payload) >= 2:
        track.meters.append((tick, payload[0], payload[1]))
    elif meta == 0x03 and not track.name:
        track.name = _text(payload)


def _text(payload: bytes) -> str:
    """Text in whatever encoding: UTF-8 if it is that, else Latin-1; control characters go."""
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError:
        text = payload.decode("latin-1")
    return "".join(c for c in text if c.isprintable()).strip()[:127]


def _smpte_ppq(division: int, name: str) -> float:
    """Ticks to half a second, which is a quarter note at the 120 that a file in SMPTE time plays at."""
    frame_rate, ticks_a_frame = 256 - (division >> 8), division & 0xFF
    if frame_rate not in (24, 25, 29, 30) or ticks_a_frame == 0:
        raise MidiError(f"{name}: SMPTE time with {frame_rate} frames a second of {ticks_a_frame} ticks cannot be read")
    return (30000 / 1001 if frame_rate == 29 else frame_rate) * ticks_a_frame / 2


def _parts(tracks: list[_Track], ppq: float) -> list[Part]:
    """A part for each track, channel and program, in the order of the file."""
    scale = PPQ / ppq
    shared: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for track in tracks:
        for channel, programs in track.programs.items():
            shared[channel] = sorted(shared[channel] + programs)
    parts = []
    for track in tracks:
        for channel in sorted(track.strokes):
            programs = track.programs.get(channel) or shared[channel]
            controls = [Control(round(t * scale), n, v) for t, n, v in track.controls.get(channel, ())]
            for program, strokes in _by_program(track.strokes[channel], programs):
                notes = without_overlaps(_note(s, track.end, scale) for s in strokes)
                parts.append(Part(track.name, program, channel == DRUM_CHANNEL, notes, controls, channel))
    return parts


def _by_program(strokes: list[Stroke], programs: list[tuple[int, int]]) -> list[tuple[int, list[Stroke]]]:
    """The strokes of a channel apart by the program in force at their onset."""
    if len({program for _, program in programs}) < 2 and (not programs or programs[0][0] <= min(strokes)[0]):
        return [(programs[0][1] if programs else 0, strokes)]
    apart: dict[int, list[Stroke]] = {}
    i, program = 0, 0
    for stroke in sorted(strokes):
        while i < len(programs) and programs[i][0] <= stroke[0]:
            program = programs[i][1]
            i += 1
        apart.setdefault(program, []).append(stroke)
    return list(apart.items())


def _note(stroke: Stroke, track_end: int, scale: float) -> Note:
    onset, offset, pitch, velocity = stroke
    onset_ticks = round(onset * scale)
    if offset < 0:  # it was never released
        length = min(round(track_end * scale) - onset_ticks, LOST_RELEASE_TICKS)
        return Note(onset_ticks, onset_ticks + (length if length > 0 else PPQ), pitch, velocity)
    offset_ticks = round(offset * scale)
    return Note(onset_ticks, offset_ticks if offset_ticks > onset_ticks else onset_ticks + ZERO_LENGTH_TICKS, pitch, velocity)


def _tempos(tracks: list[_Track], ppq: float) -> list[Tempo]:
    by_tick = {}
    for tick, microseconds in sorted((e for t in tracks for e in t.tempos), key=lambda e: e[0]):
        bpm = min(max(60e6 / microseconds, LOWEST_BPM), HIGHEST_BPM) if microseconds else HIGHEST_BPM
        by_tick[round(tick * PPQ / ppq)] = bpm
    if 0 not in by_tick:
        by_tick[0] = DEFAULT_BPM
    tempos: list[Tempo] = []
    for tick in sorted(by_tick):
        if not tempos or tempos[-1].tempo_bpm != by_tick[tick]:
            tempos.append(Tempo(tick, by_tick[tick]))
    return tempos


def _meters(tracks: list[_Track], ppq: float) -> list[Meter]:
    """The meters, each on a bar line: a change within a bar cuts it short, as DAWs show it.

    Where the short bar cannot be written as so many 32nds, the change waits for the next bar line.
    """
    by_tick = {round(t * PPQ / ppq): (n, d) for t, n, d in sorted((e for t in tracks for e in t.meters), key=lambda e: e[0])}
    meters = [Meter(0, 4, 4)]
    for tick in sorted(by_tick):
        new = usable_meter(*by_tick[tick])
        last = meters[-1]
        if new == last[1:] and (tick - last.tick) % last.bar_ticks == 0:
            continue
        if tick <= last.tick:
            meters[-1] = Meter(last.tick, *new)
            continue
        bars, rest = divmod(tick - last.tick, last.bar_ticks)
        if rest and rest % (PPQ // 8):
            bars, rest = bars + 1, 0
        elif rest:
            short = usable_meter(rest * 8 // PPQ, 5)
            if bars:
                meters.append(Meter(tick - rest, *short))
            else:
                meters[-1] = Meter(last.tick, *short)
        meters.append(Meter(last.tick + bars * last.bar_ticks + rest, *new))
    return meters


def usable_meter(numerator: int, power: int) -> tuple[int, int]:
    """Numerator and denominator of a meter of at most `MAX_BAR_TICKS`, in terms of 32nds or coarser.

    A longer bar is halved, thirded ... until it fits; what makes no sense becomes 4/4.
    """
    while power > 0 and numerator % 2 == 0 and (power > 5 or (power > 2 and numerator <= 1)):
        numerator, power = numerator // 2, power - 1
    if numerator == 0 or power > 5:
        return 4, 4
    if power == 5:  # a short bar counted in 32nds reads better in the coarsest unit that holds it
        while power > 2 and numerator % 2 == 0:
            numerator, power = numerator // 2, power - 1
    denominator = 1 << power
    limit = MAX_BAR_TICKS * denominator // (4 * PPQ)
    if numerator > limit:
        numerator = max(n for n in range(1, limit + 1) if numerator % n == 0)
    return numerator, denominator


def _refuse_absurd(score: Score, name: str) -> None:
    if score.seconds > MAX_HOURS * 3600:
        raise MidiError(f"{name}: it lasts {score.seconds / 3600:,.0f} hours; at most {MAX_HOURS:.0f} are read")
    longest = max((n for p in score.parts for n in p.notes), key=lambda n: n.offset_ticks - n.onset_ticks)
    minutes = (score.seconds_at(longest.offset_ticks) - score.seconds_at(longest.onset_ticks)) / 60
    if minutes > MAX_NOTE_MINUTES:
        raise MidiError(
            f"{name}: a note of pitch {longest.pitch} lasts {minutes:,.0f} minutes; shorten it (at most {MAX_NOTE_MINUTES:.0f})"
        )


def write_midi(score: Score, path: str | Path) -> Path:
    """Writes a score as a format 1 file and returns its path; an existing file is replaced whole.

    Raises:
        MidiError: the file cannot be written.
    """
    path = Path(path)
    try:
        write_atomically(path, midi_bytes(score))
    except OSError as error:
        raise MidiError(f"{path}: cannot be written: {error.strerror or error}") from error
    return path


def midi_bytes(score: Score, tail_ticks: int = 0) -> bytes:
    """The bytes of a format 1 file, ending `tail_ticks` after the last note. The same score gives the same bytes."""
    parts = playable_parts(score)
    end = max((n.offset_ticks for p in parts for n in p.notes), default=0)
    conductor: list[tuple[int, int, bytes]] = [(0, 0, b"\xff\x03\x07melodia")]
    for meter in score.meters:
        clocks = 36 if meter.denominator == 8 and meter.numerator % 3 == 0 else 96 // meter.denominator
        data = bytes([meter.numerator, meter.denominator.bit_length() - 1, max(clocks, 1), 8])
        conductor.append((meter.tick, 1, b"\xff\x58\x04" + data))
    for tempo in score.tempos:
        microseconds = min(max(round(60e6 / tempo.tempo_bpm), 1), 0xFFFFFF)
        conductor.append((tempo.tick, 2, b"\xff\x51\x03" + microseconds.to_bytes(3, "big")))
    tracks = [_chunk(conductor, end + tail_ticks)] + [_chunk(_part_events(part, end), end) for part in parts]
    return b"MThd" + struct.pack(">IHHH", 6, 1, len(tracks), PPQ) + b"".join(tracks)


def _part_events(part: Part, end: int) -> list[tuple[int, int, bytes]]:
    """(tick, order within a tick, message): offs first, then controllers, then ons."""
    channel = part.channel or 0
    name = part.name.encode("utf-8")[:127]
    events = [(0, 0, b"\xff\x03" + bytes([len(name)]) + name), (0, 1, bytes([0xC0 | channel, part.program]))]
    for control in part.controls:
        if control.tick > end:
            continue
        if control.number == BEND:
            message = bytes([0xE0 | channel, control.value & 0x7F, control.value >> 7])
        else:
            message = bytes([0xB0 | channel, control.number, control.value])
        events.append((control.tick, 3, message))
    used = {control.number for control in part.controls}
    if SUSTAIN in used:
        events.append((end, 4, bytes([0xB0 | channel, SUSTAIN, 0])))
    if BEND in used:
        events.append((end, 4, bytes([0xE0 | channel, BEND_CENTRE & 0x7F, BEND_CENTRE >> 7])))
    for note in part.notes:
        events.append((note.onset_ticks, 5, bytes([0x90 | channel, note.pitch, note.velocity])))
        events.append((note.offset_ticks, 2, bytes([0x80 | channel, note.pitch, 0])))
    return events


def _chunk(events: list[tuple[int, int, bytes]], end: int) -> bytes:
    events = sorted(events, key=lambda e: e[:2])
    body = io.BytesIO()
    last = 0
    for tick, _, message in [*events, (max(end, events[-1][0]), 9, b"\xff\x2f\x00")]:
        body.write(_encoded(tick - last) + message)
        last = tick
    return b"MTrk" + struct.pack(">I", body.tell()) + body.getvalue()


def _encoded(value: int) -> bytes:
    out = [value & 0x7F]
    while value := value >> 7:
        out.append(value & 0x7F | 0x80)
    return bytes(reversed(out))


def playable_parts(score: Score) -> list[Part]:
    """The parts as they are written: with a channel and a name each, free of overlaps on a channel.

    A part keeps its channel; parts that share one stay together if they share the program and never
    sound the same pitch at once, else they move apart. Drums are on channel 10. When the other 15
    are taken, a part joins the one with the nearest program.
    """
    placed: list[Part] = []
    busy: dict[int, list[Part]] = defaultdict(list)
    wanted = {p.channel for p in score.parts if not p.is_drum}
    for part in score.parts:
        part = replace(part, notes=without_overlaps(part.notes), name=part.name or part_name(part))
        part = replace(part, channel=DRUM_CHANNEL if part.is_drum else _channel(part, busy, wanted))
        sharing = busy[part.channel or 0]
        if sharing and not part.is_drum:
            part = replace(part, program=sharing[0].program)
        if any(_clash(part, other) for other in sharing):
            part = replace(part, notes=_yield_to(part, sharing))
        busy[part.channel or 0].append(part)
        placed.append(part)
    return placed


def _channel(part: Part, busy: dict[int, list[Part]], wanted: set[int | None]) -> int:
    own = part.channel
    if own is not None and own != DRUM_CHANNEL:
        if all(p.program == part.program and not _clash(p, part) for p in busy[own]):
            return own
    free = [c for c in range(16) if c != DRUM_CHANNEL and not busy[c]]
    if free:
        return next((c for c in free if c not in wanted), free[0])
    return min((c for c in busy if busy[c] and c != DRUM_CHANNEL), key=lambda c: abs(busy[c][0].program - part.program))


def _clash(a: Part, b: Part) -> bool:
    """Whether two parts on one channel would sound a pitch twice at once."""
    last: dict[int, int] = {}
    for note in sorted([*a.notes, *b.notes]):
        if last.get(note.pitch, -1) > note.onset_ticks:
            return True
        last[note.pitch] = max(note.offset_ticks, last.get(note.pitch, 0))
    return False


def _yield_to(part: Part, others: list[Part]) -> list[Note]:
    """The notes of a part, less or shorter where others on its channel sound the same pitch."""
    taken = defaultdict(list)
    for other in others:
        for note in other.notes:
            taken[note.pitch].append((note.onset_ticks, note.offset_ticks))
    notes = []
    for note in part.notes:
        offset = note.offset_ticks
        for onset, end in taken[note.pitch]:
            if onset <= note.onset_ticks < end:
                offset = note.onset_ticks
            elif note.onset_ticks < onset < offset:
                offset = onset
        if offset > note.onset_ticks:
            notes.append(note._replace(offset_ticks=offset))
    return notes


def part_name(part: Part) -> str:
    """What a part is called in print: its own name, or its instrument's."""
    if part.name:
        return part.name
    from melodia.instruments import program_name

    return "Drums" if part.is_drum else program_name(part.program)


def to_pretty_midi(score: Score) -> pretty_midi.PrettyMIDI:
    """The same music as a `pretty_midi.PrettyMIDI` object, by way of the bytes of a file."""
    import pretty_midi

    return pretty_midi.PrettyMIDI(io.BytesIO(midi_bytes(score)))


def from_pretty_midi(music: pretty_midi.PrettyMIDI) -> Score:
    """The same music as a score, by way of the bytes of a file.

    Raises:
        MidiError: there are no notes in it.
    """
    file = io.BytesIO()
    music.write(file)
    return parse_midi(file.getvalue(), name="PrettyMIDI object")
