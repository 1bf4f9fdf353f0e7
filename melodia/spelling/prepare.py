"""Lists of words with their phonemes as a corpus: what `melodia.preparation` needs to know of them.

A line of a list is `word<TAB>phonemes`: small letters and apostrophes, then the signs of `melodia.pronunciation.phonemes`
without pauses. Pieces are files: words that are alike are best kept in one list, so that those held out are new.
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
from melodia.spelling.codes import FRAMES, LETTERS, LONGEST, SIGNS, fits, letters_of, signs_of
from melodia.splits import minhash

VERSION = 1  # of what is read out of a file; another one reads all files anew


@dataclass(frozen=True, slots=True, kw_only=True)
class SpellingsRepresentation(Underived):
    """See the module."""

    name = "spellings"
    domain = "spelling"
    unit = "words"
    arrays = ("letters", "letter_counts", "signs", "sign_counts")
    suffixes = frozenset({".tsv"})
    files_a_shard = 256

    def companions(self, name: str) -> tuple[str, ...]:
        """None."""
        return ()

    def settings(self) -> dict[str, Any]:
        """What changes what is read, as JSON."""
        return {"version": VERSION, "letters": LETTERS, "signs": SIGNS, "frames": FRAMES}

    def for_recipe(self, recipe: Recipe) -> SpellingsRepresentation:
        """The same: recipes change nothing."""
        return self

    def read(self, path: Path, data: bytes) -> Reading:
        """Makes letters and signs of a list.

        Raises:
            CorpusError: it is no text, there is nothing in it, or a line is no word with its phonemes.
        """
        try:
            lines = data.decode("utf-8-sig").splitlines()
        except UnicodeDecodeError as error:
            raise CorpusError(f"{path.name}: no text in UTF-8 ({error})") from error
        pairs = [_pair(line, f"{path.name}, line {number}") for number, line in enumerate(lines, 1) if line.strip()]
        if not pairs:
            raise CorpusError(f"{path.name}: no words in it")
        arrays = {}
        for name, codes in (("letter", [letters_of(word) for word, _ in pairs]), ("sign", [signs_of(said) for _, said in pairs])):
            arrays[f"{name}s"] = np.array([code for row in codes for code in row], dtype=np.uint8)
            arrays[f"{name}_counts"] = np.array([len(row) for row in codes], dtype=np.uint8)
        return Reading(arrays, len(pairs), minhash([zlib.crc32(word.encode()) for word, _ in pairs]))


def _pair(line: str, where: str) -> tuple[str, str]:
    """A word and its phonemes.

    Raises:
        CorpusError: the line is no such thing.
    """
    word, tab, said = line.partition("\t")
    if not (word and tab and said):
        raise CorpusError(f"{where}: '{line:.40}' is no word with its phonemes and a tab between")
    if strange := sorted(set(word) - set(LETTERS)):
        raise CorpusError(f"{where}: '{strange[0]}' in '{word:.40}' is neither a small letter nor an apostrophe")
    if strange := sorted(set(said) - set(SIGNS)):
        raise CorpusError(f"{where}: '{strange[0]}' in '{said:.40}' is no sign of a phoneme or of stress")
    if len(word) > LONGEST:
        raise CorpusError(f"{where}: '{word:.40}' has {len(word)} letters; at most {LONGEST} can be read")
    if not fits(word, said):
        raise CorpusError(f"{where}: '{said:.40}' is too long for '{word:.40}'; leave abbreviations out")
    return word, said
