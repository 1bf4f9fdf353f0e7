"""Recordings with their texts: `name.wav` with `name.txt`, or with a table or a pattern of names that a recipe tells of."""

from __future__ import annotations

import csv
import re
from functools import lru_cache
from pathlib import Path

from melodia.audio import SUFFIXES
from melodia.errors import CorpusError
from melodia.recipe import Transcripts

TEXT = ".txt"
LONGEST_TEXT = 2**20  # bytes
ABOVE = 4  # folders in which the table of a recording may be: its own, and those above it


def text_beside(recording: Path) -> str | None:
    """The text in the file of the same name, if there is one.

    Raises:
        CorpusError: it is no text.
    """
    path = recording.with_suffix(TEXT)
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST_TEXT + 1)
        if len(content) > LONGEST_TEXT:
            raise CorpusError(f"{path.name}: of more than {LONGEST_TEXT >> 20} MiB; it is no text of a recording")
        return content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path.name}: no text that can be read ({error})") from error


def text_by_recipe(recording: Path, rules: Transcripts) -> str:
    """The text as the recipe tells it.

    Raises:
        CorpusError: there is none.
    """
    if rules.name_pattern:
        found = re.fullmatch(rules.name_pattern, recording.stem)
        if found is None:
            raise CorpusError(f"{recording.name}: its name is not of the form that tells its text")
        return found["text"]
    for folder in list(recording.parents)[:ABOVE]:
        for pattern in rules.files:
            for path in sorted(folder.glob(pattern)):
                table = table_of(path, rules, path.stat().st_mtime_ns)
                for name in (recording.stem, recording.name, recording.relative_to(folder).as_posix()):
                    if name in table:
                        return table[name]
    raise CorpusError(f"{recording.name}: {' and '.join(rules.files)} beside or above it do not name it")


@lru_cache(maxsize=8)
def table_of(path: Path, rules: Transcripts, changed: int) -> dict[str, str]:
    """Text by recording; `changed`, the time of its last change, makes a changed table another one.

    Raises:
        CorpusError: the table is of another form.
    """
    try:
        lines = path.read_text("utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path}: cannot be read: {error}") from error
    if rules.delimiter == " ":
        return dict(line.split(maxsplit=1) for line in lines if " " in line.strip())  # type: ignore[misc]
    rows = list(csv.reader(lines, delimiter=rules.delimiter or "\t", quoting=csv.QUOTE_NONE))
    head = rows[0] if rules.header and rows else []
    try:
        at, said = (head.index(c) if rules.header else int(c) for c in (rules.path_column, rules.text_column))
        return {row[at]: row[said] for row in rows[bool(head) :] if len(row) > max(at, said)}
    except ValueError as error:
        raise CorpusError(f"{path}: its columns are not those of the recipe ({error})") from error


def transcribed(folder: Path) -> list[Path]:
    """The recordings below a folder that have a text beside them, by name."""
    found = (path for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUFFIXES)
    return [path for path in found if path.with_suffix(TEXT).is_file()]
