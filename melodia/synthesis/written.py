"""Texts in files."""

from __future__ import annotations

from pathlib import Path

from melodia.errors import MelodiaError
from melodia.files import read_limited

SUFFIXES = (".txt", ".ssml", ".xml", ".md")
LARGEST = 2**26  # bytes
LONGEST_NAME = 200  # characters; no system takes 256 in one name


def text_of(given: str | Path) -> str:
    """A text, or the text of the file that a path, or the name of one of `SUFFIXES` without a blank, stands for.

    Raises:
        MelodiaError: the file cannot be read, or is no text.
    """
    return read_text(Path(given)) if isinstance(given, Path) or names_text(given) else given


def names_text(given: str) -> bool:
    """Whether a text looks like the name of a file: that of one that is there, or without a blank in it."""
    if not given.lower().endswith(SUFFIXES) or "\n" in given or len(given) > LONGEST_NAME:
        return False
    return " " not in given or Path(given).is_file()


def read_text(path: Path) -> str:
    """The text of a file, in UTF-8 or, if it says so, UTF-16.

    Raises:
        MelodiaError: it cannot be read, or is no text.
    """
    try:
        data = read_limited(path, LARGEST)
    except OSError as error:
        raise MelodiaError(f"{path}: cannot be read: {error.strerror or error}") from error
    return decoded(data, str(path))


def decoded(data: bytes, where: str) -> str:
    """Bytes as text.

    Raises:
        MelodiaError: they are none.
    """
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise MelodiaError(f"{where}: no text in UTF-8 (byte {error.start + 1}); save it as UTF-8") from error
