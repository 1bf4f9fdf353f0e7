"""Recordings of speech as a corpus of spectrograms and letters: what `melodia.preparation` needs to know of them.

The text of a recording stands in `<name>.txt` beside it, or where the corpus's recipe says: in a table, or in its name.
It is kept as it is spoken (`melodia.text.spoken`), and as phonemes where all its words are in the lexicon. The same text
read by two voices comes into one split, if it has five words or more.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from melodia.audio import SUFFIXES, read_blocks
from melodia.config import to_json
from melodia.errors import CorpusError
from melodia.features import MelConfig, packed, stream_log_mel
from melodia.pronunciation.pronounce import sounds_in
from melodia.recipe import Recipe, Transcripts
from melodia.recognition.transcribed import TEXT, text_beside, text_by_recipe
from melodia.representation import Reading, Underived
from melodia.splits import minhash
from melodia.text import RULES, letters_of, spoken

VERSION = 2  # of what is read out of a file; another one reads all files anew
LONGEST_SECONDS = 120.0  # of an utterance
MOST_LETTERS = 30.0  # a second
SHINGLE = 3  # words
TELLING = 5  # words from which a text tells pieces apart


@dataclass(frozen=True, slots=True, kw_only=True)
class WordsRepresentation(Underived):
    """See the module."""

    features: MelConfig = field(default_factory=MelConfig)
    transcripts: Transcripts | None = None
    live: bool = False  # for a model that reads forwards alone

    name = "words"
    domain = "recognition"
    unit = "frames"
    arrays = ("frames", "letters", "sounds")
    suffixes = frozenset(SUFFIXES)
    files_a_shard = 256

    def companions(self, name: str) -> tuple[str, ...]:
        """The text."""
        return (Path(name).stem + TEXT,)

    def settings(self) -> dict[str, Any]:
        """What changes what is read, as JSON."""
        found: dict[str, Any] = {"features": to_json(self.features), "live": self.live, "version": VERSION, "text": RULES}
        return found | ({"transcripts": to_json(self.transcripts)} if self.transcripts else {})

    def for_recipe(self, recipe: Recipe) -> WordsRepresentation:
        """The same, with the corpus's own way to tell texts."""
        return replace(self, transcripts=recipe.transcripts)

    def read(self, path: Path, data: bytes) -> Reading:
        """Makes a spectrogram of a recording, and letters of its text.

        Raises:
            MelodiaError: recording or text are missing or damaged, or do not belong together.
        """
        text = text_beside(path)
        if text is None and self.transcripts:
            text = text_by_recipe(path, self.transcripts)
        if text is None:
            raise CorpusError(f"{path.name}: no text beside it ({Path(path.name).stem + TEXT})")
        said = spoken(text)
        letters = letters_of(said)
        if not letters:
            raise CorpusError(f"{path.name}: its text says nothing that can be spoken: {text[:60]!r}")
        parts, frames = [], 0
        for part in stream_log_mel(read_blocks(path, self.features.sample_rate), self.features):
            parts.append(packed(part.numpy()))
            frames += len(part)
            if frames > LONGEST_SECONDS * self.features.frame_rate:
                raise CorpusError(f"{path.name}: longer than {LONGEST_SECONDS:.0f} s; cut it into sentences")
        if len(letters) > MOST_LETTERS * (frames / self.features.frame_rate):
            raise CorpusError(
                f"{path.name}: {len(letters)} letters in {frames / self.features.frame_rate:.1f} s; is it the text of another?"
            )
        arrays = {
            "frames": np.concatenate(parts),
            "letters": np.array(letters, dtype=np.uint8),
            "sounds": np.array(sounds_in(text) or [], dtype=np.uint8),
        }
        words = said.split()
        return Reading(arrays, frames, minhash(shingles(words)) if len(words) >= TELLING else None)


def shingles(words: list[str]) -> list[int]:
    """What identifies a text: its runs of words."""
    return [zlib.crc32(" ".join(words[i : i + SHINGLE]).encode()) for i in range(len(words) - SHINGLE + 1)]
