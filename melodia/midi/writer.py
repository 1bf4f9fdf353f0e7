"""Scores -> Standard MIDI Files that any DAW opens.

Format 1; tempo and meter on the first track alone, a named track a part, drums on channel 10, note-offs
before note-ons, no pitch twice at once on a channel, pedal and bend at rest at the end.
"""

from __future__ import annotations

import io
import struct
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from melodia.errors import MidiError
from melodia.files import write_atomically
from melodia.instruments import program_name
from melodia.midi.reader import DRUM_CHANNEL
from melodia.score import BEND, BEND_CENTRE, PPQ, SUSTAIN, Note, Part, Score, without_overlaps


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
    name = part.name.encode("utf-8")[:127].decode("utf-8", "ignore").encode("utf-8")
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
    own = DRUM_CHANNEL if part.channel is None else part.channel
    if own != DRUM_CHANNEL and all(p.program == part.program and not _clash(p, part) for p in busy[own]):
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
    return "Drums" if part.is_drum else program_name(part.program)
