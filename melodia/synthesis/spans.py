"""Stretches of a text, each with how it is to be said; and the few marks that plain text may have.

I *really* mean it        a word, or a few, with emphasis
**Stop** it               with strong emphasis
Wait [pause 1.5s] here    a pause; [pause] is half a second
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from melodia.config import check_range
from melodia.errors import ConfigError

LONGEST_PAUSE, PAUSE = 60.0, 0.5  # seconds: at most, and where none are given
MARK = re.compile(
    r"\[pause(?:[ :=]{0,3}(?P<pause>[0-9][0-9.]{0,7} ?(?:ms|s)?))?\]"
    r"|(?<![\w*])(?P<star>\*\*?)(?=[^\s*])(?P<words>[^*\n]{1,200})(?<=[^\s*])(?P=star)(?![\w*])",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Style:
    """Times as fast, semitones higher, emphasis: 0 none, 1 moderate, 2 strong, -1 reduced."""

    rate: float = 1.0
    semitones: float = 0.0
    emphasis: int = 0


PLAIN = Style()


@dataclass(frozen=True, slots=True)
class Span:
    """Some text in one style; with `said`, its phonemes whatever it is; with `pause`, no text but seconds of silence."""

    text: str
    style: Style = PLAIN
    said: str | None = None
    pause: float | None = None


def seconds_of(written: str) -> float:
    """`300ms`, `1.5s` or `1.5`, in seconds.

    Raises:
        ConfigError: it is none, or out of range.
    """
    match = re.fullmatch(r"\+?([0-9]{1,6}(?:\.[0-9]*)?|\.[0-9]+)\s?(ms|s)?", written.strip().lower())
    if not match:
        raise ConfigError(f"pause: {written[:40]!r} is no time; write for example 300ms or 1.5s")
    seconds = float(match[1]) / (1000 if match[2] == "ms" else 1)
    check_range("pause", seconds, 0, LONGEST_PAUSE)
    return seconds


def spans_of(text: str) -> Iterator[Span]:
    """Plain text by its marks. See the module.

    Raises:
        ConfigError: a pause is out of range.
    """
    done = 0
    for match in MARK.finditer(text):
        if match.start() > done:
            yield Span(text[done : match.start()])
        if match["words"]:
            yield Span(match["words"], replace(PLAIN, emphasis=len(match["star"])))
        else:
            yield Span("", pause=seconds_of(match["pause"]) if match["pause"] else PAUSE)
        done = match.end()
    if done < len(text):
        yield Span(text[done:])
