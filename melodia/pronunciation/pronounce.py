"""English text -> what a voice reads: words with their phonemes, and the pauses between them.

Numbers, dates, money, abbreviations and acronyms are put into words by `melodia.text`; words are looked up in a lexicon, by
their part of speech where that matters, and those that are not in it are spelt out by an LSTM of ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from melodia.errors import ConfigError
from melodia.pronunciation import lexicon
from melodia.pronunciation.phonemes import BLANK, PRIMARY, SECONDARY, STOPS, VOWELS, numbers_of, sounds_of, stressed
from melodia.text import JOINT, expanded

Speller = Callable[[str], str]  # a word of letters a-z -> its phonemes

MARKS = re.compile(
    r"[A-Za-z](?:·[A-Za-z])+(?:'s)?|[A-Za-z]+(?:'[A-Za-z]+)*'?|'[A-Za-z]+(?:'[A-Za-z]+)*|\.\.\.+|--+|[,.?!;:—–…()\"]|\n\s*\n"
)
ENDS = ".?!…"  # of sentences
LONG_PAUSE = 0.6  # seconds
LONGEST_WORD = 30  # letters that are spelt out at a time
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
    """A word with its phonemes, or a pause: then `phonemes` is its sign.

    `known`: found in the lexicon; `given`: as the person wants it; `emphasis`: to be stressed; `seconds`: of a pause whose
    length is given.
    """

    text: str
    phonemes: str
    known: bool = True
    given: bool = False
    emphasis: bool = False
    seconds: float | None = None

    @property
    def is_pause(self) -> bool:
        """Whether nothing is said."""
        return len(self.phonemes) == 1 and self.phonemes in STOPS

    @property
    def is_long(self) -> bool:
        """Whether it is a pause that is silence, longer than a reader makes one."""
        return self.is_pause and (self.seconds or 0) > LONG_PAUSE


def pronounce(text: str, spell: Speller) -> list[Spoken]:
    """Text as it is read.

    Args:
        text: English, as it is written.
        spell: says a word that is not in the lexicon.
    """
    text = re.sub(r"(?<=[A-Za-z0-9])\.(?=[A-Za-z])", " dot ", expanded(text, JOINT))
    text = re.sub(r"(?<![A-Za-z])([A-HJ-Z])\.(?=\s+[A-Z])", r"\1", text)  # initials
    marks = MARKS.findall(text)
    words = [mark.lower().strip("'") if mark[0].isalpha() or mark[0] == "'" else "" for mark in marks]
    found: list[Spoken] = []
    for place, word in enumerate(words):
        if word:
            found.append(_word(marks[place].strip("'"), words, place, spell))
        else:
            _pause(marks[place], found)
    return weakened(found)


def _pause(mark: str, found: list[Spoken]) -> None:
    """Adds a pause; of two in a row the one that ends a sentence is kept, or the first."""
    sign = PAUSE_OF.get(mark, "…" if mark.startswith("..") else "—" if mark.startswith("--") else "." if "\n" in mark else mark)
    if sign and found and found[-1].is_pause:
        if sign in ENDS and found[-1].phonemes not in ENDS:
            found[-1] = Spoken(mark, sign)
    elif sign:
        found.append(Spoken(mark, sign))


def _word(mark: str, words: Sequence[str], place: int, spell: Speller) -> Spoken:
    """A word, or letters apart."""
    word = words[place]
    if JOINT in word:
        letters, own = word.replace(JOINT, "").removesuffix("'s"), word.endswith("'s")
        said = lexicon.letters_apart(letters)
        return Spoken(word.replace(JOINT, ""), lexicon.plural(said) if own else said)
    if len(word) == 1 and word not in "ai":
        return Spoken(word, lexicon.letters_apart(word))
    written = word if len(mark) > 1 and mark == mark.upper() else mark
    found = lexicon.look_up(written, tag_of(words, place))
    return Spoken(word, found) if found is not None else Spoken(word, spelt(word, spell), known=False)


def spelt(word: str, spell: Speller) -> str:
    """A word that is not known: its stem spelt out, with its ending; a long one bit by bit."""
    stem, say = lexicon.cut(word) if "'" in word else (word, None)
    letters = stem.replace("'", "")
    parts = [letters[first : first + LONGEST_WORD] for first in range(0, len(letters), LONGEST_WORD)]
    said = "".join(spell(part) or lexicon.letters_apart(part) for part in parts)
    return say(said) if say else said


def sounds_in(text: str) -> list[int] | None:
    """The phonemes that a text is read as, see `sounds_of`; None if a word of it is not known."""
    said = pronounce(text, lambda word: word)
    return [sound for one in said for sound in sounds_of(one.phonemes)] if all(one.known for one in said) else None


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


def weakened(said: list[Spoken]) -> list[Spoken]:
    """Small words as they are said before others."""
    found = []
    for one, after in zip_longest(said, said[1:]):
        weak = WEAK.get(one.text)
        if weak and after and not (after.is_pause or one.given or one.emphasis):
            vowel = after.phonemes.lstrip(PRIMARY + SECONDARY)[:1] in VOWELS
            one = replace(one, phonemes=BEFORE_A_VOWEL.get(one.text, weak) if vowel else weak)
        found.append(one)
    return found


def emphasised(one: Spoken) -> Spoken:
    """A word with its main stress, and no other, in its full form."""
    full = one.phonemes if one.given else lexicon.look_up(one.text) or one.phonemes
    return replace(one, phonemes=full.replace(SECONDARY, "") if PRIMARY in full else stressed(full), emphasis=True)


def stressed_in(said: list[Spoken], phrase: Sequence[Spoken], written: str) -> list[Spoken]:
    """A text with some words of it stressed, wherever they stand.

    Raises:
        ConfigError: they are not in it.
    """
    wanted = [one.text for one in phrase if not one.is_pause]
    places = [i for i in range(len(said)) if [one.text for one in said[i : i + len(wanted)]] == wanted]
    if not places or not wanted:
        raise ConfigError(f"emphasis: {written.strip()!r} is not in the text")
    chosen = {i + k for i in places for k in range(len(wanted))}
    return [emphasised(one) if i in chosen else one for i, one in enumerate(said)]


def of_phonemes(text: str) -> list[Spoken]:
    """Words and pauses of a line of phonemes.

    Raises:
        ConfigError: a sign is not known.
    """
    line = " ".join(text.split())
    numbers_of(line)
    found: list[Spoken] = []
    for word in line.split(BLANK):
        stem = word.rstrip(STOPS)
        found += [Spoken(stem, stem, given=True)] if stem else []
        found += [Spoken(sign, sign) for sign in word[len(stem) :]]
    return found


def phonemes_of(said: Sequence[Spoken]) -> str:
    """All in a row: a blank between words, pauses right after the word before them."""
    found = ""
    for one in said:
        found += one.phonemes if one.is_pause or not found else BLANK + one.phonemes
    return found


def sentences(said: Sequence[Spoken], longest: int = 240) -> Iterator[list[Spoken]]:
    """Runs that end at a full stop, or, if they are long, at another pause or between words."""
    run: list[Spoken] = []
    length = 0
    for one in said:
        run.append(one)
        length += len(one.phonemes) + 1
        long_enough = length > longest / 2 and one.is_pause
        if (one.is_pause and one.phonemes in ENDS) or one.is_long or long_enough or length > longest:
            yield run
            run, length = [], 0
    if run:
        yield run
