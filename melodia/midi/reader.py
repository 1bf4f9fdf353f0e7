"""Standard MIDI Files -> scores.

Follows the Standard MIDI File 1.0 specification, formats 0 and 1, and is kind where files in the
wild are careless: running status, note-on with velocity 0, missing note-offs, overlaps and
zero-length notes, several programs a channel, text in any encoding. It refuses, with a `MidiError`,
what is not MIDI, what is cut off and what is absurd (the limits below). Ticks are rescaled to `PPQ`.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from melodia.errors import MidiError
from melodia.files import read_limited
from melodia.midi.conductor import read_meters, read_tempos
from melodia.score import BEND, DEFAULT_BPM, PPQ, Control, Part, Score, Tempo, note_array, to_notes, trimmed

MAX_BYTES = 32 * 2**20
MAX_EVENTS = 1_000_000
MAX_QUARTERS = 200_000  # twelve hours at 278 to the minute
MAX_HOURS = 12.0
MAX_NOTE_MINUTES = 30.0
ZERO_LENGTH_TICKS = PPQ // 8  # what a note of no length gets
MAX_SHARED_CONTROLS = 200_000
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
        data = read_limited(path, MAX_BYTES)
    except OSError as error:
        raise MidiError(f"{path}: cannot be read: {error.strerror or error}") from error
    return parse_midi(data, name=str(path))


def parse_midi(data: bytes, name: str = "MIDI data", ppq_known: int = 0) -> Score:
    """Makes a score of the bytes of a MIDI file.

    Args:
        data: the file.
        name: what messages call it.
        ppq_known: ticks a quarter note where those that the header states are known to be wrong.

    Raises:
        MidiError: as `read_midi`.
    """
    division, tracks = _read_chunks(data, name)
    smpte = bool(division & 0x8000)
    ppq = _smpte_ppq(division, name) if smpte else float(ppq_known or division)
    if ppq == 0:
        raise MidiError(f"{name}: the header says 0 ticks a quarter note; the file is damaged")
    last = max((t.end for t in tracks), default=0) / ppq
    if last > MAX_QUARTERS:
        raise MidiError(f"{name}: it runs to beat {last:,.0f}; at most {MAX_QUARTERS:,} beats are read")
    parts = _parts(tracks, ppq)
    if not any(part.notes for part in parts):
        raise MidiError(f"{name}: there are no notes in it")
    tempos = [] if smpte else read_tempos((e for t in tracks for e in t.tempos), ppq)
    score = Score(parts, tempos or [Tempo(0, DEFAULT_BPM)], read_meters((e for t in tracks for e in t.meters), ppq))
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
    tick = status = running = num_events = 0
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
                running = status if status < 0xF0 else running
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
                elif sounding.get(key):
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
                status = running
            elif status in (0xF0, 0xF7):
                length, position = _variable_length(data, position)
                position += length
                status = running
            else:
                raise MidiError(f"{where}, byte {position:,}: not a MIDI event (0x{status:02X})")
    except IndexError as error:
        raise MidiError(f"{where}: cut off in the middle of an event") from error
    except ValueError as error:
        raise MidiError(f"{where}, {error}; the file is damaged") from error
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
    raise ValueError(f"byte {position:,}: a number of more than four bytes")


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
            apart = _by_program(track.strokes[channel], programs)
            for i, (program, strokes) in enumerate(apart):
                if i and len(controls) * len(apart) > MAX_SHARED_CONTROLS:
                    controls = []  # copies for every program would fill the memory
                notes = to_notes(trimmed(_rescaled(strokes, track.end, scale)))
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


def _rescaled(strokes: list[Stroke], track_end: int, scale: float) -> NDArray[np.int64]:
    """Strokes as a `note_array` in our ticks, each with a length."""
    raw = note_array(strokes)
    rows = raw.copy()
    rows[:, :2] = np.rint(raw[:, :2] * scale)
    onset = rows[:, 0]
    left = np.minimum(round(track_end * scale) - onset, LOST_RELEASE_TICKS)
    never_released = onset + np.where(left > 0, left, PPQ)
    with_length = np.where(rows[:, 1] > onset, rows[:, 1], onset + ZERO_LENGTH_TICKS)
    rows[:, 1] = np.where(raw[:, 1] < 0, never_released, with_length)
    return rows


def _refuse_absurd(score: Score, name: str) -> None:
    seconds = score.seconds
    if seconds > MAX_HOURS * 3600:
        raise MidiError(f"{name}: it lasts {seconds / 3600:,.0f} hours; at most {MAX_HOURS:.0f} are read")
    if seconds < MAX_NOTE_MINUTES * 60:
        return
    longest = max((n for p in score.parts for n in p.notes), key=lambda n: n.offset_ticks - n.onset_ticks)
    minutes = (score.seconds_at(longest.offset_ticks) - score.seconds_at(longest.onset_ticks)) / 60
    if minutes > MAX_NOTE_MINUTES:
        raise MidiError(
            f"{name}: a note of pitch {longest.pitch} lasts {minutes:,.0f} minutes; shorten it (at most {MAX_NOTE_MINUTES:.0f})"
        )
