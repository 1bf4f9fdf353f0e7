"""Recordings of one speaker as a corpus of signs, durations, pitch and bands: what `melodia.preparation` needs to know of them.

Beside each recording stand when its phonemes are said and, if it is known, its pitch (`melodia.synthesis.labelled`), and its
text, by which the corpus is split.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from melodia.audio import SUFFIXES, read_audio
from melodia.config import to_json
from melodia.errors import CorpusError
from melodia.features import MelConfig, packed
from melodia.recipe import Recipe
from melodia.representation import Reading, Underived
from melodia.splits import minhash
from melodia.synthesis.analysis import FEATURES, analyse
from melodia.synthesis.labelled import PITCH, SIGNS, TEXT, pitch_beside, signs_beside
from melodia.synthesis.signs import number_of
from melodia.text import spoken

VERSION = 2  # of what is read out of a file; another one reads all files anew
LONGEST_SECONDS = 60.0  # of a recording
TELLING = 5  # words from which a text tells pieces apart
SHINGLE = 3  # words
LOOSE = 0.1  # seconds by which a table may be shorter or longer than its recording
HISS_STEPS = 5.0  # a decibel


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechRepresentation(Underived):
    """See the module."""

    features: MelConfig = field(default=FEATURES)

    name = "speech"
    domain = "synthesis"
    unit = "frames"
    arrays = ("bands", "hiss", "pitch", "signs")
    suffixes = frozenset(SUFFIXES)
    files_a_shard = 128

    def companions(self, name: str) -> tuple[str, ...]:
        """Phonemes, pitch and text."""
        return tuple(Path(name).stem + suffix for suffix in (SIGNS, PITCH, TEXT))

    def settings(self) -> dict[str, Any]:
        """What changes what is read, as JSON."""
        return {"features": to_json(self.features), "version": VERSION}

    def for_recipe(self, recipe: Recipe) -> SpeechRepresentation:
        """The same: recipes change nothing."""
        return self

    def read(self, path: Path, data: bytes) -> Reading:
        """Makes frames of a recording, and signs with their frames of what stands beside it.

        Raises:
            MelodiaError: recording or tables are missing or damaged, or do not belong together.
        """
        rows = signs_beside(path)
        waveform = read_audio(path, self.features.sample_rate)
        seconds, rate = len(waveform) / self.features.sample_rate, self.features.frame_rate
        if seconds > LONGEST_SECONDS:
            raise CorpusError(f"{path.name}: longer than {LONGEST_SECONDS:.0f} s; cut it into sentences")
        if not rows or abs(rows[-1][1] - seconds) > LOOSE:
            raise CorpusError(f"{path.name}: {seconds:.2f} s, but its phonemes end at {rows[-1][1] if rows else 0:.2f} s")
        pitch = pitch_beside(path, waveform, self.features)
        ends = np.rint([offset * rate for _, offset, _ in rows]).astype(int)
        counts = np.diff(ends, prepend=0)
        sound = analyse(waveform, pitch[: ends[-1]], self.features)
        missing = int(counts.sum()) - len(sound.pitch)
        counts[-1] -= missing
        if counts.min() < 0:
            raise CorpusError(f"{path.name}: its phonemes do not fit into it")
        signs = [(*number_of(sign), count) for (_, _, sign), count in zip(rows, counts, strict=True)]
        arrays = {
            "bands": packed(sound.bands),
            "hiss": np.clip(np.rint(-sound.hiss * HISS_STEPS), 0, 255).astype(np.uint8),
            "pitch": sound.pitch,
            "signs": np.array(signs, np.int32),
        }
        return Reading(arrays, len(sound.pitch), _signature(path))


def _signature(path: Path) -> Any:
    """What tells the text of a recording from others; None if it is short, or there is none."""
    text = path.with_suffix(TEXT)
    words = spoken(text.read_text("utf-8", errors="replace")).split() if text.is_file() else []
    if len(words) < TELLING:
        return None
    return minhash([zlib.crc32(" ".join(words[i : i + SHINGLE]).encode()) for i in range(len(words) - SHINGLE + 1)])
