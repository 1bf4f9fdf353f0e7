"""English text -> what a voice reads: words with their phonemes, and the pauses between them.

Numbers, dates, money, abbreviations and acronyms are put into words by `melodia.text`; words are looked up in a lexicon, by
their part of speech where that matters; those that are not in it have no phonemes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from melodia.pronunciation import lexicon
from melodia.pronunciation.phonemes import PRIMARY, SECONDARY, STOPS, VOWELS, sounds_of
from melodia.text import JOINT, expanded, unquoted

MARKS = re.compile(r"[A-Za-z](?:·[A-Za-z])+(?:'s)?|'?[A-Za-z]+(?:'[A-Za-z]+)*'?|\.\.\.+|--+|[,.?!;:—–…()\"]|\n\s*\n")
ENDS = ".?!…"  # of sentences
PAUSE_OF = {"–": "—", "(": ",", ")": ",", '"': ""}
BEFORE_NOUNS = frozenset({
    "the", "a", "an", "this", "these", "those", "my", "your", "his", "her", "its", "our", "their", "some", "any", "no", "every",
    "each", "another", "of", "in", "on", "by", "with", "for", "from",
})  # fmt: skip
BEFORE_VERBS = frozenset({
    "to", "i", "you", "we", "they", "he", "she", "it", "who", "will", "would", "shall", "should", "can", "could", "may", "might",
    "must", "do", "does", "did", "don't", "didn't", "doesn't", "cannot", "can't", "won't", "wouldn't", "couldn't", "shouldn't",
    "please", "let's", "not", "never", "always", "often",
})  # fmt: skip
BEFORE_PARTICIPLES = frozenset({
    "have", "has", "had", "having", "is", "are", "was", "were", "be", "been", "being", "i've", "you've", "we've", "they've",
})  # fmt: skip
PAST_TOO = frozenset(["i", "you", "we", "they", "he", "she", "it", "who"])
WEAK = {"a": "ɐ", "an": "ɐn", "the": "ðə", "to": "tə", "in": "ɪn", "am": "ɐm", "i": "ˌI"}  # before a word
BEFORE_A_VOWEL = {"the": "ði", "to": "tʊ"}


@dataclass(frozen=True, slots=True)
class Spoken:
    """A word with its phonemes, "" if they are not known, or a pause: then `phonemes` is its sign."""

    text: str
    phonemes: str

    @property
    def is_pause(self) -> bool:
        """Whether nothing is said."""
        return len(self.phonemes) == 1 and self.phonemes in STOPS


def pronounce(text: str) -> list[Spoken]:
    """English text, as it is written, as it is read."""
    text = re.sub(r"(?<![A-Za-z])([A-HJ-Z])\.(?=\s+[A-Z])", r"\1", expanded(text, JOINT))  # initials
    marks = MARKS.findall(text)
    words = unquoted([mark.lower() if mark[0].isalpha() or mark[0] == "'" else "" for mark in marks])
    found: list[Spoken] = []
    for place, (mark, word) in enumerate(zip(marks, words, strict=True)):
        if word:
            first = mark.lower().index(word)
            found.append(_word(mark[first : first + len(word)], words, place))
        elif mark[0] != "'":
            _pause(mark, found)
    return _weakened(found)


def _pause(mark: str, found: list[Spoken]) -> None:
    """Adds a pause; of two in a row the one that ends a sentence is kept, or the first."""
    sign = PAUSE_OF.get(mark, "…" if mark.startswith("..") else "—" if mark.startswith("--") else "." if "\n" in mark else mark)
    if sign and found and found[-1].is_pause:
        if sign in ENDS and found[-1].phonemes not in ENDS:
            found[-1] = Spoken(mark, sign)
    elif sign:
        found.append(Spoken(mark, sign))


def _word(mark: str, words: Sequence[str], place: int) -> Spoken:
    """A word, or letters apart."""
    word = words[place]
    if JOINT in word:
        letters, own = word.replace(JOINT, "").removesuffix("'s"), word.endswith("'s")
        said = lexicon.letters_apart(letters)
        return Spoken(word.replace(JOINT, ""), lexicon.plural(said) if own else said)
    if len(word) == 1 and word not in "ai":
        return Spoken(word, lexicon.letters_apart(word))
    written = word if len(mark) > 1 and mark == mark.upper() else mark
    return Spoken(word, lexicon.look_up(written, tag_of(words, place)) or "")


def sounds_in(text: str) -> list[int] | None:
    """The phonemes that a text is read as, see `sounds_of`; None if a word of it is not known."""
    said = pronounce(text)
    return [sound for one in said for sound in sounds_of(one.phonemes)] if all(one.phonemes for one in said) else None


def tag_of(words: Sequence[str], place: int) -> str:
    """The part of speech of a word, as far as the word before it and after it tell; "" if they do not."""
    word, before = words[place], words[place - 1] if place else ""
    after = words[place + 1] if place + 1 < len(words) else ""
    if word == "that":
        return "DT" if not after or before in ("", "like", "about") or after in ("is", "was", "one") else ""
    if word == "used":
        return "VBD" if after == "to" and before not in BEFORE_PARTICIPLES | {"it", "be"} else ""
    if not after and isinstance(entry := lexicon.entries().get(word), dict) and "None" in entry:
        return "None"
    if before in BEFORE_PARTICIPLES:
        return "VBN" if word in ("read", "reread", "wound") else "ADJ"
    if before in BEFORE_NOUNS:
        return "NOUN"
    if before in BEFORE_VERBS:
        return "VBD" if word in ("read", "wound") and before in PAST_TOO else "VERB"
    return ""


def _weakened(said: list[Spoken]) -> list[Spoken]:
    """Small words as they are said before others."""
    found = []
    for one, after in zip_longest(said, said[1:]):
        weak = WEAK.get(one.text)
        if weak and after and not after.is_pause:
            vowel = after.phonemes.lstrip(PRIMARY + SECONDARY).startswith(tuple(VOWELS))
            one = replace(one, phonemes=BEFORE_A_VOWEL.get(one.text, weak) if vowel else weak)
        found.append(one)
    return found
