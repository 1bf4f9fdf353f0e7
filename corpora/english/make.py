"""Cuts prose into sentences for a language model: `python make.py OUT TEXT [...] [--without FILE]`.

A TEXT is a book as plain text, or lines that are sentences already (--lines); OUT gets a folder for each, with files of a
hundred sentences a line each, which `melodia prepare OUT --as letters` splits into train, valid and test. --without names a
file of sentences that must not be in it: the texts of recordings that a recogniser is to be tested with.
"""

import argparse
import re
import sys
from pathlib import Path

A_FILE = 100  # sentences
SHORTEST, LONGEST = 15, 300  # characters of a sentence
END = re.compile(r"(?<=[.!?;])[\"”’']?\s+(?=[\"“‘']?[A-Z])")
ABBREVIATED = re.compile(r"\b(?:Mr|Mrs|Dr|St|Messrs|Esq|Hon|Rev|Col|Capt|Gen|Lt|No|Vol|[A-Z])\.$")


def sentences(text: str) -> list[str]:
    """Prose as sentences; headings, which have no small letters or no end, are left out."""
    found: list[str] = []
    for paragraph in re.split(r"\n\s*\n", text):
        pieces = END.split(re.sub(r"\s+", " ", paragraph).strip())
        whole: list[str] = []
        for piece in pieces:
            if whole and ABBREVIATED.search(whole[-1]):
                whole[-1] += " " + piece
            else:
                whole.append(piece)
        found += [s for s in whole if re.search(r"[a-z].*[.!?;\"”’']$", s)]
    return found


def key(sentence: str) -> str:
    """What makes two sentences the same."""
    return " ".join(re.findall("[a-z']+", sentence.lower()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("texts", type=Path, nargs="+")
    parser.add_argument("--lines", action="store_true", help="each line is a sentence already")
    parser.add_argument("--without", type=Path, help="sentences to leave out, one a line")
    arguments = parser.parse_args()
    stems = [path.stem for path in arguments.texts]
    if twice := {stem for stem in stems if stems.count(stem) > 1}:
        sys.exit(f"{', '.join(sorted(twice))}: two texts have this name; give each its own")
    if arguments.out.is_dir() and any(arguments.out.iterdir()):
        sys.exit(f"{arguments.out}: there is something in it already; name a new folder")
    without = {key(line) for line in arguments.without.read_text("utf-8").splitlines()} if arguments.without else set()
    for path in arguments.texts:
        text = path.read_text("utf-8")
        lines = text.splitlines() if arguments.lines else sentences(text)
        kept = [line for line in dict.fromkeys(lines) if SHORTEST <= len(line) <= LONGEST and key(line) not in without]
        folder = arguments.out / path.stem
        folder.mkdir(parents=True, exist_ok=True)
        for first in range(0, len(kept), A_FILE):
            (folder / f"{first // A_FILE:05d}.txt").write_text("\n".join(kept[first : first + A_FILE]) + "\n", "utf-8")
        print(f"{folder}: {len(kept)} sentences", file=sys.stderr)


if __name__ == "__main__":
    main()
