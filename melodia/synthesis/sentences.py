"""Where the sentences of a text end, found from its beginning on, in time that grows with the text only.

A stop ends a sentence unless it belongs to an abbreviation or an initial, or a closing quote and a small letter follow it:
"Why?" she asked. Blank lines end one too, and lines that begin as the items of a list do. What goes on for longer than
`LONGEST` characters is cut, at a comma or the like if there is one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from melodia.numbers import CURRENCIES
from melodia.text import ALWAYS, BEGINS, DOTTED, LAST, LOOKS, SIGNS

LONGEST = 1000  # characters
LONGEST_ABBREVIATION = 12
SHOWN = 12  # characters that cannot be read
TERMINAL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[@-Z\\^_])")  # ECMA-48: what sets colours and moves the cursor
ENDING = re.compile(
    r"(?<![.!?…])(?P<stop>[.!?…]++)(?P<close>[\"'”’)\]»*]*+)(?=\s|$)\s*"
    r"|\n[ \t]*\n\s*"
    r"|\n(?=[ \t]{0,20}(?:[-*•‣–]|[0-9]{1,3}[.)])[ \t])"
)
NEXT = re.compile(BEGINS)
BEFORE = re.compile(r"[A-Za-z.]+$")
LINES = {"\r\n": "\n", "\r": "\n", "\x85": "\n", "\u2028": "\n", "\u2029": "\n\n", "\x0b": "\n\n", "\x0c": "\n\n"}
FULL_STOPS = str.maketrans({"。": ".", "．": ".", "！": "!", "？": "?", "，": ",", "、": ","})


class Stretch(NamedTuple):
    """Characters [onset, offset) of a text; whether a sentence ends with them."""

    onset: int
    offset: int
    ends: bool


def cleaned(text: str) -> str:
    """A text without control characters, colours of a terminal and what is no character at all; its lines end with a newline."""
    text = TERMINAL.sub("", text)
    for sign, line in LINES.items():
        text = text.replace(sign, line)
    dropped = [c for c in set(text) if c not in "\n\t" and unicodedata.category(c) in ("Cc", "Cs", "Co", "Cn")]
    return text.translate(FULL_STOPS | dict.fromkeys(map(ord, dropped)))


def stretches(text: str) -> Iterator[Stretch]:
    """The sentences of a text, one by one, the blanks after each in it; those that are too long in pieces."""
    onset = 0
    for match in ENDING.finditer(text):
        if _ends(text, match):
            yield from _pieces(text, onset, match.end())
            onset = match.end()
    if onset < len(text):
        yield from _pieces(text, onset, len(text))


def _ends(text: str, match: re.Match[str]) -> bool:
    """Whether a stop is the end of a sentence."""
    stop, close = match["stop"], match["close"]
    if stop is None:
        return True
    after = text[match.end() : match.end() + 1]
    if after.islower() and (close or (stop != "." and set(stop) <= {".", "…"})):
        return False
    if stop != ".":
        return True
    found = BEFORE.search(text, max(match.start() - LONGEST_ABBREVIATION, 0), match.start())
    word = found[0] if found else ""
    begins = NEXT.match(text, match.end("close")) is not None
    if word.lower() in ALWAYS or (word[:1].isupper() and word.lower() in DOTTED):
        return begins and word.lower() in LAST
    if word in ("No", "no", "Nos", "nos") and after.isdecimal():
        return False
    if "." in word or (len(word) == 1 and word.isupper() and word != "I"):
        return begins
    return True


def _pieces(text: str, onset: int, offset: int) -> Iterator[Stretch]:
    while offset - onset > LONGEST:
        window = text[onset : onset + LONGEST]
        cut = max(window.rfind(sign, LONGEST // 2) for sign in (", ", "; ", ": ", "— ", "\n")) + 1
        cut = cut or window.rfind(" ", LONGEST // 2) + 1 or LONGEST
        yield Stretch(onset, onset + cut, ends=False)
        onset += cut
    yield Stretch(onset, offset, ends=True)


@cache
def is_read(character: str) -> bool:
    """Whether a character is read: a letter or digit of English, with an accent or none, or a sign with a name."""
    plain = unicodedata.normalize("NFKD", character.translate(LOOKS)).translate(LOOKS)
    return any((c.isascii() and c.isalnum()) or c in SIGNS or c in CURRENCIES for c in plain)


def unreadable(text: str) -> list[str]:
    """The letters, digits and pictures of a text that are not read, each once, in their order."""
    return [c for c in dict.fromkeys(text) if unicodedata.category(c)[0] in "LN" or _is_picture(c) if not is_read(c)]


def shown(characters: list[str]) -> str:
    """A few characters for a message, with the name of their script where it has one."""
    scripts = dict.fromkeys(unicodedata.name(c, "").partition(" ")[0].capitalize() for c in characters if c.isalpha())
    named = f"{', '.join(list(scripts)[:3])}: " if scripts else ""
    return named + " ".join(characters[:SHOWN]) + (" ..." if len(characters) > SHOWN else "")


def _is_picture(character: str) -> bool:
    return unicodedata.category(character) in ("So", "Sc") and ord(character) not in LOOKS
