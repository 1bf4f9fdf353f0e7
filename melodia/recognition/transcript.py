"""What was said in a recording."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Word(NamedTuple):
    """A word, when it was said in seconds, and how sure that is, 0 to 1."""

    text: str
    onset: float
    offset: float
    confidence: float


@dataclass(slots=True)
class Segment:
    """Words between two pauses; times in seconds."""

    words: list[Word]
    onset: float
    offset: float

    @property
    def text(self) -> str:
        """Its words, spaces between."""
        return " ".join(word.text for word in self.words)


@dataclass(slots=True, kw_only=True)
class Transcript:
    """What was said in a recording. Segments and their words stand in order of onset, which counts from its beginning."""

    segments: list[Segment]
    seconds: float  # of the recording, where reading ended
    start: float = 0.0  # second of the recording from which on it was read
    messages: list[str] = field(default_factory=list)  # what the person should know

    @property
    def words(self) -> list[Word]:
        """Those of all segments."""
        return [word for segment in self.segments for word in segment.words]

    @property
    def text(self) -> str:
        """All of it, spaces between."""
        return " ".join(segment.text for segment in self.segments if segment.words)


def apart(onsets: list[int], total: int, least: int) -> list[int]:
    """Onsets moved as little as leaves each so much room before the next or the end; too short a recording has none."""
    for i in range(1, len(onsets)):
        onsets[i] = max(onsets[i], onsets[i - 1] + least)
    for i in range(len(onsets) - 1, -1, -1):
        onsets[i] = max(min(onsets[i], (onsets[i + 1] if i + 1 < len(onsets) else total) - least), 0)
    return onsets
