"""Transcripts as files: plain text, subtitles, JSON, and Praat's TextGrid."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from melodia.errors import ConfigError
from melodia.files import write_atomically
from melodia.recognition.subtitles import srt, vtt
from melodia.recognition.transcript import Transcript, apart

SUFFIXES = (".txt", ".srt", ".vtt", ".json", ".TextGrid")
SMALLEST_INTERVAL_US = 1000


def write_transcript(path: str | Path, transcript: Transcript) -> Path:
    """Writes a file of the kind that its suffix names, in capitals or not.

    Raises:
        ConfigError: no such kind is known.
        OSError: it cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in _WRITERS:
        raise ConfigError(f"output: {path.name} is no kind of transcript; it ends with one of {', '.join(SUFFIXES)}")
    write_atomically(path, _WRITERS[path.suffix.lower()](transcript))
    return path


def _txt(transcript: Transcript) -> str:
    return "".join(f"{segment.text}\n" for segment in transcript.segments if segment.words)


def _json(transcript: Transcript) -> str:
    def rounded(**times: float) -> dict[str, float]:
        return {name: round(float(time), 3) for name, time in times.items()}

    words = [{"text": w.text, **rounded(onset=w.onset, offset=w.offset, confidence=w.confidence)} for w in transcript.words]
    segments = [{"text": s.text, **rounded(onset=s.onset, offset=s.offset)} for s in transcript.segments]
    content = {"text": transcript.text, **rounded(seconds=transcript.seconds), "words": words, "segments": segments}
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _textgrid(transcript: Transcript) -> str:
    total = round(transcript.seconds * 1_000_000)
    tiers: dict[str, list[tuple[str, float, float]]] = {
        "words": [(word.text, word.onset, word.offset) for word in transcript.words],
        "segments": [(segment.text, segment.onset, segment.offset) for segment in transcript.segments if segment.words],
    }
    span = f"xmin = 0\n{{0}}xmax = {_seconds(total)}\n"
    out = 'File type = "ooTextFile"\nObject class = "TextGrid"\n\n' + span.format("") + "tiers? <exists>\nsize = 2\nitem []:\n"
    for number, (name, parts) in enumerate(tiers.items(), 1):
        intervals = _intervals(parts, total)
        out += f'    item [{number}]:\n        class = "IntervalTier"\n        name = "{name}"\n        '
        out += span.format(" " * 8) + f"        intervals: size = {len(intervals)}\n"
        for i, (text, onset, offset) in enumerate(intervals, 1):
            quoted = text.replace('"', '""')
            out += f"        intervals [{i}]:\n            xmin = {_seconds(onset)}\n            xmax = {_seconds(offset)}\n"
            out += f'            text = "{quoted}"\n'
    return out


def _intervals(parts: list[tuple[str, float, float]], total: int) -> list[tuple[str, int, int]]:
    """Texts and the gaps between them, in microseconds, from 0 to the end with nothing left out."""
    onsets = apart([round(onset * 1_000_000) for _, onset, _ in parts], total, SMALLEST_INTERVAL_US)
    found, done = [], 0
    for (text, _, offset), onset, until in zip(parts, onsets, [*onsets, total][1:], strict=True):
        if onset - done >= SMALLEST_INTERVAL_US:
            found.append(("", done, onset))
            done = onset
        end = max(min(round(offset * 1_000_000), until), onset + SMALLEST_INTERVAL_US)
        end = min(until if until - end < SMALLEST_INTERVAL_US else end, total)
        if end > done:
            found.append((text, done, end))
            done = end
    return [*found, ("", done, total)] if total > done else found


def _seconds(us: int) -> str:
    return f"{us / 1_000_000:.6f}".rstrip("0").rstrip(".")


_WRITERS: dict[str, Callable[[Transcript], str]] = dict(
    zip((suffix.lower() for suffix in SUFFIXES), (_txt, srt, vtt, _json, _textgrid), strict=True)
)
