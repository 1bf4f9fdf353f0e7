"""How long an MP3 file is: its frames counted, header by header.

libsndfile takes the length from the file's Xing or Info header, or else guesses it from the bit rate: wrong where a picture
or a varying rate comes in, and what lies past a guess too short is never decoded. ISO 11172-3, 2.4.1.3 and 2.4.2.3.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}  # Hz, by version
KBITS = {
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),  # version 1, layer 3
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
SAME = 1.0  # seconds that a count and a promise may differ


def mp3_seconds(path: Path) -> float:
    """Seconds of the layer 3 frames in a file; what is none is skipped.

    Raises:
        OSError: it cannot be read.
    """
    stat = path.stat()
    return _seconds(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=64)
def _seconds(path: Path, size: int, modified_ns: int) -> float:
    """Counted once for a file as it is."""
    data = path.read_bytes()
    at, seconds = _after_id3(data), 0.0
    while (at := data.find(b"\xff", at)) >= 0 and at + 4 <= len(data):
        size, lasts = _frame(data[at : at + 4])
        if not size:
            at += 1
            continue
        following = data[at + size : at + size + 2]
        if following and (following[0] != 0xFF or (len(following) > 1 and following[1] & 0xE0 != 0xE0)) and following != b"TA":
            at += 1  # no frame follows: it was chance
            continue
        at, seconds = at + size, seconds + lasts
    return seconds


def _after_id3(data: bytes) -> int:
    if data[:3] != b"ID3" or len(data) < 10:
        return 0
    return 10 + sum((byte & 0x7F) << shift for byte, shift in zip(data[6:10], (21, 14, 7, 0), strict=True))


def _frame(header: bytes) -> tuple[int, float]:
    """Bytes and seconds of the frame that a header begins, or 0 and 0 if it is none."""
    version, layer = header[1] >> 3 & 3, header[1] >> 1 & 3
    bits, rate = header[2] >> 4, header[2] >> 2 & 3
    if header[1] & 0xE0 != 0xE0 or layer != 1 or version == 1 or bits in (0, 15) or rate == 3:
        return 0, 0.0
    hertz, samples = RATES[version][rate], 1152 if version == 3 else 576
    size = samples // 8 * KBITS[version == 3][bits] * 1000 // hertz + (header[2] >> 1 & 1)
    return size, samples / hertz
