"""Text with markup: a part of SSML 1.1 (w3.org/TR/speech-synthesis11), as spans.

    <speak>                                               around it all; may be left out
    <p>, <s>                                              a paragraph, a sentence
    <break time="300ms" strength="weak"/>                 a pause: a time, or none, x-weak, weak, medium, strong, x-strong
    <emphasis level="strong">                             or moderate, reduced, none
    <prosody rate="80%" pitch="+2st">                     rate: percent, x-slow ... x-fast; pitch: st, percent, x-low ... x-high
    <phoneme ph="təmˈɑtO">                                as `melodia speak --phonemes` writes them, or in IPA; no other alphabet
    <say-as interpret-as="characters">                    letters apart; or digits, telephone, cardinal, ordinal, date, time
    <sub alias="World Wide Web">                          what is said instead

Other tags are passed over, with a notice, and what is in them is read. Document types and entities of one's own are refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from xml.parsers import expat

from melodia.errors import ConfigError
from melodia.numbers import digit_words, in_words
from melodia.pronunciation.ipa import signs_of_word
from melodia.pronunciation.lexicon import letters_apart
from melodia.synthesis.config import FASTEST, MOST_SEMITONES, SLOWEST
from melodia.synthesis.spans import PAUSE, PLAIN, Span, Style, seconds_of

TAGS = ("speak", "p", "s", "break", "emphasis", "prosody", "phoneme", "say-as", "sub")
PAUSES = {"none": 0.0, "x-weak": 0.1, "weak": 0.2, "medium": 0.4, "strong": 0.8, "x-strong": 1.3}  # seconds
LEVELS = {"strong": 2, "moderate": 1, "none": 0, "reduced": -1}
RATES = {"x-slow": 0.5, "slow": 0.75, "medium": 1.0, "default": 1.0, "fast": 1.3, "x-fast": 1.7}
PITCHES = {"x-low": -6.0, "low": -3.0, "medium": 0.0, "default": 0.0, "high": 3.0, "x-high": 6.0}  # semitones
AS_WRITTEN = ("date", "time", "currency", "unit", "fraction", "address", "name")  # that are read so in any case
LONGEST_NUMBER = 15  # digits
ROOT = "<speak>"
TAG = re.compile(rf"</?(?:{'|'.join(TAGS)})(?:\s[^<>]*)?/?>")


def has_markup(text: str) -> bool:
    """Whether a text begins with a tag, or has one of those that are known in it."""
    return begins_with_markup(text) or TAG.search(text) is not None


def begins_with_markup(text: str) -> bool:
    """Whether a tag is the first of a text."""
    return re.match(r"\s*<[A-Za-z?!/]", text) is not None


def parse_markup(text: str, notices: Callable[[str], None] = lambda notice: None) -> list[Span]:
    """The spans of a text with markup. See the module.

    Args:
        text: with markup.
        notices: called with each line that the person should read.

    Raises:
        ConfigError: it is not well-formed, or a value of it is not usable; the message says the line and the column.
    """
    return _Reader(notices).read(text)


class _Reader:
    def __init__(self, notices: Callable[[str], None]) -> None:
        self.notices = notices
        self.spans: list[Span] = []
        self.styles = [PLAIN]
        self.instead: list[tuple[str, dict[str, str], list[str], int]] = []  # tag, attributes, content, depth inside
        self.told: set[str] = set()
        self.before = self.above = 0  # columns that are not the text's own, and lines before it
        self.parser = expat.ParserCreate()

    def read(self, text: str) -> list[Span]:
        if not re.match(r"\s*<(?:speak[\s/>]|\?xml|!DOCTYPE)", text):
            text, self.before = f"{ROOT}{text}</speak>", len(ROOT)
        self.parser.StartElementHandler = self.begin
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.characters
        self.parser.StartDoctypeDeclHandler = self.refuse
        self.parser.buffer_text = True
        written = text.lstrip()
        self.above = text[: len(text) - len(written)].count("\n")
        try:
            self.parser.Parse(written.encode("utf-8", "replace"), True)
        except expat.ExpatError as error:
            what = expat.errors.messages[error.code] if error.code in expat.errors.messages else str(error)
            where, how = self.place(error.lineno, error.offset), "mend it (& is &amp; < is &lt;), or read it with --no-markup"
            raise ConfigError(f"markup: {where}: {what}; {how}") from error
        return self.spans

    def place(self, line: int, column: int) -> str:
        return f"line {line + self.above}, column {max(column - (self.before if line == 1 else 0), 0) + 1}"

    def here(self) -> str:
        return self.place(self.parser.CurrentLineNumber, self.parser.CurrentColumnNumber)

    def refuse(self, *_: Any) -> None:
        raise ConfigError(f"markup: {self.here()}: a document type is not read; leave it out")

    def tell(self, key: str, text: str) -> None:
        if key not in self.told:
            self.told.add(key)
            self.notices(f"markup: {self.here()}: {text}")

    def checked(self, value: Callable[[], Any]) -> Any:
        try:
            return value()
        except ConfigError as error:
            raise ConfigError(f"markup: {self.here()}: {error}") from error

    def begin(self, tag: str, attributes: dict[str, str]) -> None:
        if self.instead:
            name, given, content, depth = self.instead[0]
            self.instead[0] = (name, given, content, depth + 1)
            return
        style = self.styles[-1]
        if tag in ("phoneme", "say-as", "sub"):
            self.instead.append((tag, attributes, [], 0))
        elif tag in ("p", "s"):
            self.spans.append(Span("\n\n"))
        elif tag == "break":
            self.spans.append(Span("", pause=self.checked(lambda: pause_of(attributes))))
        elif tag == "emphasis":
            style = replace(style, emphasis=self.checked(lambda: chosen("level", attributes.get("level", "moderate"), LEVELS)))
        elif tag == "prosody":
            style = self.checked(lambda: prosody(style, attributes))
            for name in sorted(set(attributes) - {"rate", "pitch"}):
                self.tell(name, f"{name} of <prosody> is not known, and passed over")
        elif tag not in TAGS:
            self.tell(f"<{tag}>", f"<{tag}> is not known, and passed over; what is in it is read")
        self.styles.append(style)

    def end(self, tag: str) -> None:
        if self.instead:
            name, given, content, depth = self.instead.pop()
            if depth:
                self.instead.append((name, given, content, depth - 1))
                return
            self.spans += self.checked(lambda: self.replaced(name, given, "".join(content)))
        elif tag in ("p", "s"):
            self.spans.append(Span("\n\n"))
        self.styles.pop()

    def characters(self, text: str) -> None:
        if self.instead:
            self.instead[0][2].append(text)
        else:
            self.spans.append(Span(text, self.styles[-1]))

    def replaced(self, tag: str, attributes: dict[str, str], text: str) -> list[Span]:
        style = self.styles[-1]
        if tag == "sub":
            return [Span(attributes.get("alias", text), style)]
        if tag == "phoneme":
            if "ph" not in attributes:
                raise ConfigError("<phoneme> has no ph, which says the phonemes")
            chosen("alphabet of <phoneme>", attributes.get("alphabet", "ipa").lower(), {"ipa": None})
            return [Span(text if re.search("[A-Za-z]", text) else "word", style, signs_of_word(attributes["ph"]))]
        kind = attributes.get("interpret-as", "")
        if kind in ("characters", "spell-out", "verbatim"):
            return [_apart(part, style) for part in re.findall("[A-Za-z]+|[0-9]", text)]
        if kind == "telephone":
            groups = [_apart(group, style) for group in re.findall(r"[A-Za-z]+|\+?[0-9]+", text)]
            return [span for group in groups for span in (group, Span(", ", style))][:-1]
        number = text.replace(",", "").strip()
        if kind == "digits":
            return [Span(f" {digit_words(text)} ", style)]
        if kind in ("cardinal", "number", "ordinal") and number.isdecimal() and number.isascii() and len(number) <= LONGEST_NUMBER:
            return [Span(in_words(int(number), "ordinal" if kind == "ordinal" else "cardinal"), style)]
        if kind not in AS_WRITTEN:
            self.tell(f"as {kind}", f"{text[:20]!r} cannot be said as {kind!r}, and is read as it is written")
        return [Span(text, style)]


def _apart(letters: str, style: Style) -> Span:
    """Letters or digits one by one, with a plus if it begins so."""
    if letters.isalpha():
        return Span(f" {letters} ", style, letters_apart(letters))
    return Span(f" {'plus ' if letters[0] == '+' else ''}{digit_words(letters)} ", style)


def pause_of(attributes: dict[str, str]) -> float:
    """Seconds of a <break>.

    Raises:
        ConfigError: its time or strength is not known.
    """
    if "time" in attributes:
        return seconds_of(attributes["time"])
    return chosen("strength", attributes["strength"], PAUSES) if "strength" in attributes else PAUSE


def prosody(style: Style, attributes: dict[str, str]) -> Style:
    """A style within a <prosody>.

    Raises:
        ConfigError: a rate or pitch is no such, or out of range.
    """
    rate, semitones = style.rate, style.semitones
    if "rate" in attributes:
        rate *= _rate(attributes["rate"].strip())
    if "pitch" in attributes:
        semitones += _semitones(attributes["pitch"].strip())
    if not SLOWEST <= rate <= FASTEST or not abs(semitones) <= MOST_SEMITONES:
        limits = f"rate from {SLOWEST:.0%} to {FASTEST:.0%}, pitch up to {MOST_SEMITONES:.0f} semitones from the voice's"
        raise ConfigError(f"prosody: out of range; it may change {limits}")
    return replace(style, rate=rate, semitones=semitones)


def chosen(name: str, value: str, values: dict[str, Any]) -> Any:
    """What a word of an attribute means.

    Raises:
        ConfigError: it is not known.
    """
    if value not in values:
        raise ConfigError(f"{name}: {value[:40]!r} is not known; it must be {', '.join(values)}")
    return values[value]


def _rate(value: str) -> float:
    match = re.fullmatch(r"([+-]?)([0-9]{1,4}(?:\.[0-9]{0,6})?)(%?)", value)
    if not match or (match[1] and not match[3]):
        return float(chosen("rate", value, RATES))
    share = float(match[2]) / (100 if match[3] else 1)
    return 1 + float(f"{match[1]}1") * share if match[1] else share


def _semitones(value: str) -> float:
    match = re.fullmatch(r"([+-]?[0-9]{1,4}(?:\.[0-9]{0,6})?)(st|%)", value)
    if not match:
        return float(chosen("pitch", value, PITCHES))
    number = float(match[1])
    if match[2] == "st":
        return number
    share = number / 100 + (1 if match[1][0] in "+-" else 0)
    return 12 * math.log2(share) if share > 0 else -math.inf
