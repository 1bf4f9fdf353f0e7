"""How words are pronounced: the misaki lexicon (Apache-2.0), and words with endings that are not in it.

Source: github.com/hexgrad/misaki, `us_gold.json` and `us_silver.json`, as installed with the package.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from importlib import resources

from melodia.pronunciation.phonemes import PRIMARY, SECONDARY, VOWELS

Entry = str | dict[str, str | None]
FLAPPED = frozenset(VOWELS) - frozenset("ᵊᵻɐ") | frozenset("ɹ")  # after which a t before a vowel is one
HISSES = frozenset("szʃʒʧʤ")
VOICELESS = frozenset("ptkfθ")
VOWEL_LETTERS = "aeiou"
MORE: dict[str, Entry] = {"et": "ɛt", "cetera": "sˈɛtəɹə"}  # that the lexicon lacks


@cache
def entries() -> dict[str, Entry]:
    """All words, as they are written; each also with a capital or a small first letter, if that is no other word."""
    folder = resources.files("misaki") / "data"
    found: dict[str, Entry] = {}
    for name in ("us_silver.json", "us_gold.json"):
        listed: dict[str, Entry] = json.loads((folder / name).read_text("utf-8"))
        for word, entry in listed.items():
            if len(word) > 1 and word in (word.lower(), word.lower().capitalize()):
                found[word.capitalize() if word == word.lower() else word.lower()] = entry
        found |= listed
    return found | MORE


def look_up(word: str, tag: str = "") -> str | None:
    """Phonemes of a word as its part of speech has them, None if neither it nor its stem is known.

    Args:
        word: letters and apostrophes.
        tag: NOUN, VERB, VBD (past), VBN, ADJ, DT or "None", where nothing follows.
    """
    entry = entries().get(word)
    if entry is None and word != word.lower():
        entry = entries().get(word.lower())
    if isinstance(entry, dict):
        entry = entry.get(tag) or entry.get("VERB" if tag.startswith("VB") else tag) or entry["DEFAULT"]
    return entry if entry is not None else _of_stem(word, tag)


def _of_stem(word: str, tag: str) -> str | None:
    """A word with an ending, by its stem."""
    stem, say = cut(word)
    if say is None:
        return None
    known = next((one for one in stems_of(stem, word) if one in entries()), None)
    return say(str(look_up(known, "VERB" if say in (past, ongoing) else tag))) if known else None


def cut(word: str) -> tuple[str, Callable[[str], str] | None]:
    """A word without its ending, and what adds that to phonemes; None if it has none."""
    if word.endswith("s'"):
        return word[:-2], plural
    for ending, say in ENDINGS.items():
        stem = word[: -len(ending)]
        if word.endswith(ending) and len(stem) > 1 and not (ending == "s" and stem[-1] in "su'"):
            return stem, say
    return word, None


def stems_of(stem: str, word: str) -> list[str]:
    """What a word without its ending may be the stem of, the likeliest first: hat-ed is hate, hug-g-ed hug, walk-ed walk."""
    ending = word[len(stem) :]
    if ending in ("ies", "ied"):
        return [stem + "y", stem + "ie"]
    if ending == "es":
        return [stem + "e", stem]
    if ending not in ("ed", "ing", "in'"):
        return [stem]
    if stem[-1] == stem[-2] and stem[-1] not in "ls":
        return [stem[:-1], stem]
    short = (
        len(stem) > 1
        and stem[-1] not in VOWEL_LETTERS + "wxy"
        and stem[-2] in VOWEL_LETTERS
        and stem[-3:-2] not in tuple(VOWEL_LETTERS)
    )
    return [stem + "e", stem, stem[:-1]] if short else [stem, stem + "e", stem[:-1]]


def plural(said: str) -> str:
    """cats, dogs, boxes."""
    return said + ("ᵻz" if said[-1] in HISSES else "s" if said[-1] in VOICELESS else "z")


def past(said: str) -> str:
    """walked, hugged, waited."""
    if said[-1] == "t":
        return (said[:-1] + "ɾᵻd") if said[-2:-1] in FLAPPED else said + "ᵻd"
    if said[-1] == "d":
        return said + "ᵻd"
    return said + ("t" if said[-1] in VOICELESS | HISSES - frozenset("zʒʤ") else "d")


def ongoing(said: str) -> str:
    """walking, waiting."""
    return said[:-1] + "ɾɪŋ" if said[-1] == "t" and said[-2:-1] in FLAPPED else said + "ɪŋ"


ENDINGS: dict[str, Callable[[str], str]] = {
    "'s": plural, "ies": plural, "es": plural, "s": plural, "ied": past, "ed": past, "ing": ongoing, "in'": ongoing,
    "'ll": lambda said: said + "ᵊl", "'ve": lambda said: said + "əv", "'d": lambda said: said + "d",
    "n't": lambda said: said + "ᵊnt", "'re": lambda said: said + "əɹ", "'m": lambda said: said + "m",
}  # fmt: skip


def letters_apart(letters: str) -> str:
    """Letters by their names, the last one stressed: b b c."""
    names = [str(entries()[letter.upper()]) for letter in letters]
    names = [name.replace(PRIMARY, SECONDARY) for name in names[:-1]] + names[-1:]
    return "".join(names)
