"""Subtitles: what was said in a recording, cut into cues as broadcasters do, for SubRip and WebVTT files.

A cue has at most two lines of 42 characters, 7 seconds and, where the speaker leaves the time, 17 characters a second.
SubRip has no standard; WebVTT's is https://www.w3.org/TR/webvtt1/.
"""

from __future__ import annotations

import html
from typing import NamedTuple

from melodia.recognition.transcript import Transcript, Word, apart

LINE, LINES = 42, 2  # characters, lines
LONGEST_CUE, SHORTEST_CUE = 7.0, 1.0  # seconds
READ = 17  # characters a second
PAUSE = 0.5  # seconds; cues end at pauses where they can, longer ones are no better
SMALLEST_CUE_MS = 1


class Cue(NamedTuple):
    """Lines that are shown together, in milliseconds of the recording."""

    onset_ms: int
    offset_ms: int
    lines: list[str]


def cues(transcript: Transcript) -> list[Cue]:
    """The subtitles: a new one at each segment, none over another or past the end of the recording."""
    segments = [pieces for segment in transcript.segments if (pieces := _pieces(segment.words))]
    following = [*(segment[0].onset for segment in segments), transcript.seconds][1:]
    runs = [run for segment, until in zip(segments, following, strict=True) for run in _divided(segment, until)]
    total = int(transcript.seconds * 1000)
    onsets = apart([round(run[0].onset * 1000) for run in runs], total, SMALLEST_CUE_MS)
    found = []
    for run, onset, until in zip(runs, onsets, [*onsets, total][1:], strict=True):
        wanted = max(round(run[-1].offset * 1000), onset + round(_needed(run) * 1000))
        offset = max(min(wanted, until, onset + round(LONGEST_CUE * 1000)), onset)
        found.append(Cue(onset, offset, _lines([word.text for word in run])))
    return found


def _pieces(words: list[Word]) -> list[Word]:
    """Words, of which those that are longer than a line are cut up."""
    found = []
    for word in words:
        parts = [word.text[i : i + LINE] for i in range(0, len(word.text), LINE)]
        each = (word.offset - word.onset) / max(len(parts), 1)
        found += [
            word._replace(text=p, onset=word.onset + i * each, offset=word.onset + (i + 1) * each) for i, p in enumerate(parts)
        ]
    return found


def _divided(words: list[Word], until: float) -> list[list[Word]]:
    """A segment as runs of words that fit a cue each: few, even in length, slow enough to read, and with pauses between.

    Args:
        words: of the segment.
        until: when the next one begins, seconds.
    """
    best: list[tuple[float, int]] = [(0.0, 0)]  # what the first n words cost, and where their last run begins
    for last in range(1, len(words) + 1):
        following = words[last].onset if last < len(words) else until
        choices = []
        for first in range(last - 1, -1, -1):
            run = words[first:last]
            if len(run) > 1 and (len(_filled(run)) > LINES or run[-1].offset - run[0].onset > LONGEST_CUE):
                break
            lacking = max(_needed(run) - (following - run[0].onset), 0.0)
            pause = min(max(following - run[-1].offset, 0.0), PAUSE)
            room = 1 - _length(run) / (LINE * LINES)
            choices.append((best[first][0] + 1 + room**2 + lacking - pause, first))
        best.append(min(choices))
    runs, last = [], len(words)
    while last:
        runs.append(words[best[last][1] : last])
        last = best[last][1]
    return runs[::-1]


def _length(run: list[Word]) -> int:
    return sum(len(word.text) + 1 for word in run) - 1


def _needed(run: list[Word]) -> float:
    """Seconds to read it in."""
    return min(max(_length(run) / READ, SHORTEST_CUE), LONGEST_CUE)


def _filled(run: list[Word]) -> list[str]:
    """Lines, each as full as can be."""
    lines = [run[0].text]
    for word in run[1:]:
        if len(lines[-1]) + 1 + len(word.text) <= LINE:
            lines[-1] += " " + word.text
        else:
            lines.append(word.text)
    return lines


def _lines(words: list[str]) -> list[str]:
    """One line, or two of about the same length."""
    text = " ".join(words)
    if len(text) <= LINE:
        return [text]
    pairs = [[" ".join(words[:i]), " ".join(words[i:])] for i in range(1, len(words))]
    return min(pairs, key=lambda pair: (max(map(len, pair)), len(pair[0])))


def _stamp(ms: int, point: str) -> str:
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}{point}{ms % 1000:03}"


def srt(transcript: Transcript) -> str:
    """A SubRip file."""
    numbered = enumerate(cues(transcript), 1)
    return "\n".join(f"{n}\n{_stamp(a, ',')} --> {_stamp(b, ',')}\n" + "\n".join(lines) + "\n" for n, (a, b, lines) in numbered)


def vtt(transcript: Transcript) -> str:
    """A WebVTT file."""
    blocks = [(a, b, html.escape("\n".join(lines), quote=False)) for a, b, lines in cues(transcript)]
    return "WEBVTT\n" + "".join(f"\n{_stamp(a, '.')} --> {_stamp(b, '.')}\n{text}\n" for a, b, text in blocks)
