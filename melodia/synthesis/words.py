"""Spans of a sentence -> its words and pauses, each with its phonemes and its style.

A sentence is read as a whole, for how a word is said depends on those beside it; what of it is in which span is told by
how many words each has when it is read alone. Where that does not add up, the spans are read alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from melodia.pronunciation.lexicon import letters_apart
from melodia.pronunciation.phonemes import STOPS
from melodia.pronunciation.pronounce import Spoken, pronounce
from melodia.synthesis.spans import PLAIN, Span, Style

Speller = Callable[[Sequence[str]], dict[str, str]]  # words -> their phonemes
MOST_LETTERS, LETTERS_A_WORD = 30, 10  # what has more letters is no word, and is read so many at a time


@dataclass(frozen=True, slots=True)
class Said:
    """A word with its phonemes and style; or a pause: its sign, or seconds of silence, or both."""

    text: str
    phonemes: str
    style: Style = PLAIN
    pause: float | None = None

    @property
    def is_pause(self) -> bool:
        """Whether nothing is said."""
        return self.pause is not None or (len(self.phonemes) == 1 and self.phonemes in STOPS)


class Spelling:
    """Phonemes of words that are in no lexicon: a speller's, each word asked for once, or letter by letter."""

    def __init__(self, speller: Speller | None) -> None:
        self.speller = speller
        self.known: dict[str, str] = {}

    def learn(self, words: Sequence[str]) -> None:
        """Asks the speller for those that it has not told yet."""
        new = sorted({word for word in words if word not in self.known and len(word) <= MOST_LETTERS})
        if new and self.speller:
            self.known |= self.speller(new)

    def of(self, word: str) -> list[tuple[str, str]]:
        """The word with its phonemes; or in several parts, if it is too long for one; none without a letter."""
        if found := self.known.get(word):
            return [(word, found)]
        letters = re.sub("[^a-z]", "", word)
        size = LETTERS_A_WORD if len(letters) > MOST_LETTERS else max(len(letters), 1)
        parts = [letters[i : i + size] for i in range(0, len(letters), size)]
        return [(part if len(parts) > 1 else word, letters_apart(part)) for part in parts]


def said_in(spans: Sequence[Span], spelling: Spelling) -> list[Said]:
    """The words and pauses of the spans of one sentence."""
    placed = list(_placed(spans))
    spelling.learn([one.text for one, _ in placed if not isinstance(one, float) and not one.phonemes])
    found: list[Said] = []
    for one, style in placed:
        if isinstance(one, float):
            found.append(Said("", "", style, one))
        elif one.phonemes:
            found.append(Said(one.text, one.phonemes, style))
        else:
            found += [Said(text, phonemes, style) for text, phonemes in spelling.of(one.text)]
    return found


def _placed(spans: Sequence[Span]) -> Iterator[tuple[Spoken | float, Style]]:
    """Words and pauses with their styles; seconds for a pause that is told."""
    whole = pronounce("".join(span.text for span in spans))
    if len(spans) == 1 and spans[0].said is None:
        yield from ((one, spans[0].style) for one in whole)
        return
    alone = [pronounce(span.text) for span in spans]
    counts = [sum(not one.is_pause for one in own) for own in alone]
    if sum(counts) != sum(not one.is_pause for one in whole):
        whole = [one for own in alone for one in own]
    place = 0
    for span, own, count in zip(spans, alone, counts, strict=True):
        if span.pause is not None:
            yield span.pause, span.style
            continue
        begins = place
        while place < len(whole) and (count > 0 or (whole[place].is_pause and own and own[-1].is_pause)):
            count -= not whole[place].is_pause
            place += 1
        if span.said is None:
            yield from ((one, span.style) for one in whole[begins:place])
        elif span.text.strip():
            yield Spoken(span.text.strip().lower(), span.said), span.style
    yield from ((one, spans[-1].style) for one in whole[place:])
