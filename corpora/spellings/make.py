"""Writes the words of the pronunciation lexicon as lists: `python make.py OUT`, then `melodia prepare OUT --as spellings`.

A line is a word in small letters, a tab and its phonemes; where a word is said in several ways, the usual one. Acronyms, and
what is too short or too long for its phonemes, are left out. A list holds whole families, words whose stems have the first
letters in common, so that the lists which `melodia prepare` holds out are of words that are new, not of walked beside walking.
"""

import argparse
import re
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

from melodia.pronunciation.lexicon import cut, entries, stems_of
from melodia.spelling.codes import LONGEST, SIGNS, fits

LISTS = 1600
FIRST = 5  # letters of a stem that make a family
WORD = re.compile(r"(?!.*[A-Z]{2})[A-Za-z][A-Za-z']+")  # no acronym, and no ending alone


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("out", type=Path)
    out = parser.parse_args().out
    if out.is_dir() and any(out.iterdir()):
        sys.exit(f"{out}: there is something in it already; name a new folder")
    said = dict(words())
    lists: dict[int, list[str]] = {}
    for word in sorted(said):
        lists.setdefault(zlib.crc32(family(word, said).encode()) % LISTS, []).append(word)
    out.mkdir(parents=True, exist_ok=True)
    for number, chosen in lists.items():
        (out / f"{number:04d}.tsv").write_text("".join(f"{word}\t{said[word]}\n" for word in chosen), "utf-8")
    print(f"{out}: {len(said)} words in {len(lists)} lists", file=sys.stderr)


def words() -> Iterator[tuple[str, str]]:
    """Words in small letters, with their phonemes; one that is a name too comes last as the word that it is."""
    for written, entry in sorted(entries().items()):  # capitals are first
        phonemes = entry["DEFAULT"] if isinstance(entry, dict) else entry
        word = written.lower()
        if phonemes and WORD.fullmatch(written) and set(phonemes) <= set(SIGNS) and len(word) <= LONGEST and fits(word, phonemes):
            yield word, phonemes


def family(word: str, known: dict[str, str]) -> str:
    """The first letters of what a word is derived from, as far as its endings tell."""
    while True:
        shorter, ending = cut(word)
        stem = next((one for one in stems_of(shorter, word) if one in known), None) if ending else None
        if stem is None or len(stem) >= len(word):
            return word[:FIRST]
        word = stem


if __name__ == "__main__":
    main()
