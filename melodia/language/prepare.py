"""Texts as a corpus of letters: what `melodia.preparation` needs to know of them.

A line of a text file is a sentence, kept as it is spoken (`melodia.text.spoken`), with a 0 at its end. Pieces are files: a
long text is better cut into many, so that some of it is held out.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from melodia.errors import CorpusError
from melodia.recipe import Recipe
from melodia.representation import Reading, Underived
from melodia.splits import minhash
from melodia.text import RULES, letters_of, spoken

VERSION = 1  # of what is read out of a file; another one reads all files anew
SHINGLE = 5  # words


@dataclass(frozen=True, slots=True, kw_only=True)
class LettersRepresentation(Underived):
    """See the module."""

    name = "letters"
    domain = "language"
    unit = "letters"
    arrays = ("letters",)
    suffixes = frozenset({".txt"})
    files_a_shard = 256

    def companions(self, name: str) -> tuple[str, ...]:
        """None."""
        return ()

    def settings(self) -> dict[str, Any]:
        """What changes what is read, as JSON."""
        return {"version": VERSION, "text": RULES}

    def for_recipe(self, recipe: Recipe) -> LettersRepresentation:
        """The same: recipes change nothing."""
        return self

    def read(self, path: Path, data: bytes) -> Reading:
        """Makes letters of a text.

        Raises:
            CorpusError: it is no text, or says nothing that can be spoken.
        """
        try:
            lines = data.decode("utf-8-sig").split("\n")
        except UnicodeDecodeError as error:
            raise CorpusError(f"{path.name}: no text in UTF-8 ({error})") from error
        sentences = [s for s in map(spoken, lines) if s]
        if not sentences:
            raise CorpusError(f"{path.name}: no words in it")
        letters = np.array([letter for s in sentences for letter in (*letters_of(s), 0)], dtype=np.uint8)
        words = " ".join(sentences).split()
        codes = [zlib.crc32(" ".join(words[i : i + SHINGLE]).encode()) for i in range(max(len(words) - SHINGLE + 1, 1))]
        return Reading({"letters": letters}, len(letters), minhash(codes))
