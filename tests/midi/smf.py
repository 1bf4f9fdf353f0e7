"""Builds MIDI bytes by hand, so that the reader is not tested with our own writer."""

import struct


def number(value: int) -> bytes:
    out = [value & 0x7F]
    while value := value >> 7:
        out.append(value & 0x7F | 0x80)
    return bytes(reversed(out))


def track(*events: tuple[int, bytes], end: int = 0) -> bytes:
    """(delta, message) events and an end of track."""
    body = b"".join(number(delta) + message for delta, message in events) + number(end) + b"\xff\x2f\x00"
    return b"MTrk" + struct.pack(">I", len(body)) + body


def smf(*tracks: bytes, kind: int = 1, division: int = 480) -> bytes:
    return b"MThd" + struct.pack(">IHHH", 6, kind, len(tracks), division) + b"".join(tracks)


def on(pitch: int, velocity: int = 80, channel: int = 0) -> bytes:
    return bytes([0x90 | channel, pitch, velocity])


def off(pitch: int, channel: int = 0) -> bytes:
    return bytes([0x80 | channel, pitch, 0])


def meter(numerator: int, power: int) -> bytes:
    return b"\xff\x58\x04" + bytes([numerator, power, 24, 8])


def tempo(bpm: float) -> bytes:
    return b"\xff\x51\x03" + round(60e6 / bpm).to_bytes(3, "big")
