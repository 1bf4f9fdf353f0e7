"""Text -> what a voice says, sentence by sentence: phonemes with their stress, pauses, and how each is to be said.

The signs of a sentence stand in the order of its text: the phonemes of a word, a blank, the phonemes of the next; a pause stands
right after its word, before the blank; the last sign is a pause. A text of any length is read as its sentences are asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from xml.parsers.expat import ExpatError

from melodia.errors import ConfigError
from melodia.pronunciation.ipa import signs_of_word
from melodia.pronunciation.phonemes import STOPS
from melodia.pronunciation.pronounce import ENDS
from melodia.synthesis.markup import begins_with_markup, has_markup, parse_markup
from melodia.synthesis.sentences import cleaned, is_read, shown, stretches, unreadable
from melodia.synthesis.signs import GAP, STRESSES
from melodia.synthesis.spans import Span, Style, seconds_of, spans_of
from melodia.synthesis.words import Said, Speller, Spelling, said_in

LONGEST = 200  # units of a sentence; longer ones are cut
MARKS = {2: "**", 1: "*", -1: "~", 0: ""}  # around the phonemes of a word: what emphasis it has
NOTHING = "text: there is nothing in it that can be read aloud; give English text"


@dataclass(frozen=True, slots=True)
class Unit:
    """One sign to be said: a phoneme, a pause of `STOPS`, or the blank between two words.

    `stress` of a vowel is 0, 1 (primary) or 2; `word` its place in the sentence's words, -1 for pauses and blanks; `pause` the
    seconds that a pause must last, None if the voice may tell; `rate` times as fast; `semitones` higher; `emphasis` 0 for none,
    1 moderate, 2 strong, -1 reduced.
    """

    sign: str
    stress: int = 0
    word: int = -1
    pause: float | None = None
    rate: float = 1.0
    semitones: float = 0.0
    emphasis: int = 0


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, or a part of a long one: as it is written, its words as they are spoken, and its units in order."""

    text: str
    words: tuple[str, ...]
    units: tuple[Unit, ...]


def read(
    text: str,
    *,
    markup: bool | None = None,
    speller: Speller | None = None,
    notices: Callable[[str], None] = lambda notice: None,
) -> Iterator[Sentence]:
    """The sentences of a text, as they are asked for; what is wrong with the text is told at once.

    Args:
        text: English, in plain characters, with the marks of `melodia.synthesis.spans`.
        markup: whether it has that of `melodia.synthesis.markup`; None looks whether it has.
        speller: gives phonemes of words that the lexicon lacks; without it they are read letter by letter.
        notices: called with each line that the person should read.

    Raises:
        ConfigError: the markup cannot be read, or there is nothing in the text that can be read aloud.
    """
    text = cleaned(text)
    spans = _spans(text, markup, notices)
    whole = "".join(span.text for span in spans)
    strange = unreadable(whole)
    if not any(is_read(sign) for sign in set(whole)):
        what = f" ({shown(strange)})" if strange else ""
        raise ConfigError(f"text: there is nothing in it that can be read aloud{what}; give English text")
    if strange:
        notices(f"left out, as they cannot be read: {shown(strange)}")
    return _sentences(whole, spans, Spelling(speller))


def _spans(text: str, markup: bool | None, notices: Callable[[str], None]) -> list[Span]:
    if markup or (markup is None and has_markup(text)):
        try:
            return parse_markup(text, notices)
        except ConfigError as error:
            if markup or begins_with_markup(text) or not isinstance(error.__cause__, ExpatError):
                raise  # it is markup, but for one value
            notices(f"read as plain text: {error}")
    return list(spans_of(text))


def _sentences(whole: str, spans: Sequence[Span], spelling: Spelling) -> Iterator[Sentence]:
    found, place, onset = False, 0, 0  # onset: of the span that comes next
    for stretch in stretches(whole):
        own: list[Span] = []
        while place < len(spans) and (onset < stretch.offset or not spans[place].text):
            span = spans[place]
            first, last = max(stretch.onset - onset, 0), stretch.offset - onset
            if span.said is None or first == 0:  # what is said instead is said once, where it begins
                own.append(replace(span, text=span.text[first:last]) if span.text else span)
            if onset + len(span.text) > stretch.offset:
                break
            onset += len(span.text)
            place += 1
        written = whole[stretch.onset : stretch.offset].strip()
        if not any(is_read(sign) for sign in set(written)):
            continue
        sentence = sentence_of(written, said_in(own, spelling), "." if stretch.ends else ",")
        if sentence.words:
            found = True
            yield from cut(sentence)
    if not found:
        raise ConfigError(NOTHING)


def sentence_of(text: str, said: Iterable[Said], stop: str) -> Sentence:
    """What is said as a sentence that ends with `stop`, unless it ends with another of its kind."""
    words: list[str] = []
    units: list[Unit] = []
    for one in said:
        style = {"rate": one.style.rate, "semitones": one.style.semitones, "emphasis": one.style.emphasis}
        if one.is_pause:
            _add_pause(units, one, style["rate"])
            continue
        if units:
            units.append(Unit(GAP, rate=style["rate"]))
        stress = 0
        for sign in one.phonemes:
            if sign in STRESSES:
                stress = STRESSES.index(sign)
                continue
            units.append(Unit(sign, stress, len(words), **style))  # type: ignore[arg-type]
            stress = 0
        words.append(one.text)
    if words:
        ending = units[-1].sign in STOPS
        if not ending:
            units.append(Unit(stop))
        elif stop in ENDS and units[-1].sign == ",":
            units[-1] = replace(units[-1], sign=stop)
    return Sentence(text, tuple(words), tuple(units))


def _add_pause(units: list[Unit], one: Said, rate: float) -> None:
    """Adds a pause; two in a row become one: that of more seconds, and the sign that ends a sentence."""
    if not units or units[-1].sign not in STOPS:
        if one.pause != 0:
            units.append(Unit(one.phonemes or ",", pause=one.pause, rate=rate))
        return
    last = units[-1]
    if one.pause is not None:
        both = max(last.pause, one.pause) if last.pause is not None else one.pause
        last = replace(last, pause=both)
    if one.phonemes in ENDS and one.phonemes and last.sign not in ENDS:
        last = replace(last, sign=one.phonemes)
    units[-1] = last


def cut(sentence: Sentence) -> Iterator[Sentence]:
    """A sentence in parts of at most `LONGEST` units: at the pause nearest its middle, or between words."""
    rest = [sentence.units]
    while rest:
        units = rest.pop()
        middle = len(units) / 2
        spoken = next((i for i, unit in enumerate(units) if unit.word >= 0), 0)
        pauses = [i for i, unit in enumerate(units[:-2], 1) if unit.sign in STOPS and i > spoken]
        blanks = [i for i, unit in enumerate(units) if unit.sign == GAP and spoken < i < len(units) - 1]
        if len(units) > LONGEST and (pauses or blanks):
            at = min(pauses or blanks, key=lambda i: abs(i - middle))
            first, second = units[:at], units[at:]
            rest += [second[1:] if second[0].sign == GAP else second, first if pauses else (*first, Unit(","))]
        else:
            yield _part(sentence, units)


def _part(sentence: Sentence, units: tuple[Unit, ...]) -> Sentence:
    if len(units) == len(sentence.units):
        return sentence
    own = [unit.word for unit in units if unit.word >= 0]
    first, last = own[0], own[-1] + 1
    words = sentence.words[first:last]
    numbered = (replace(unit, word=unit.word - first) if unit.word >= 0 else unit for unit in units)
    return Sentence(" ".join(words), words, tuple(numbered))


def emphasised(sentence: Sentence, words: Collection[str]) -> Sentence:
    """The sentence with emphasis on each of some words, given in small letters, that has none."""
    places = {place for place, word in enumerate(sentence.words) if word in words}
    units = (replace(u, emphasis=u.emphasis or 1) if u.word in places else u for u in sentence.units)
    return replace(sentence, units=tuple(units)) if places else sentence


def phonemes_of(sentence: Sentence) -> str:
    """A sentence as one writes it: stress before its vowel, pauses after their words, with their seconds if these are told, a blank
    between words; words with emphasis within the marks of `MARKS`. Rate and pitch are not told."""
    written = ""
    for (word, emphasis), units in groupby(sentence.units, key=lambda unit: (unit.word, unit.emphasis)):
        mark = MARKS[emphasis] if word >= 0 else ""
        written += mark + "".join(map(_written, units)) + mark
    return written


def _written(unit: Unit) -> str:
    return STRESSES[unit.stress] + unit.sign + (f"[pause {unit.pause:g}s]" if unit.pause is not None else "")


def read_phonemes(phonemes: str) -> Iterator[Sentence]:
    """The sentences of phonemes, as `phonemes_of` gives them or in IPA, as they are asked for.

    Raises:
        ConfigError: there is a sign in it that is no phoneme, stress, pause or mark, or nothing else.
    """
    found = False
    for match in re.finditer(r"(?:[^.?!\n]|[.?!](?=[^\s.?!]))+[.?!]*", cleaned(phonemes)):
        said = []
        for pause, written in re.findall(rf"\[pause ([^\]]*)\]|([{STOPS}]+|(?:(?!\[pause )[^\s{STOPS}])+)", match[0]):
            if pause:
                said.append(Said("", "", pause=seconds_of(pause)))
            elif written[0] in STOPS:
                said.append(Said("", next((sign for sign in written if sign in ENDS), written[0])))
            else:
                emphasis = next(e for e, mark in MARKS.items() if written.startswith(mark) and written.endswith(mark))
                word = written[len(MARKS[emphasis]) : len(written) - len(MARKS[emphasis])]
                said.append(Said(word, signs_of_word(word), Style(emphasis=emphasis)))
        sentence = sentence_of(match[0].strip(), said, ".")
        if sentence.words:
            found = True
            yield from cut(sentence)
    if not found:
        raise ConfigError("phonemes: there are none; give for example həlˈO, wˈɜɹld")
