"""Piano rolls as a corpus of frames: what `melodia.preparation` needs to know of them.

A file is a piece: `.npy`, (frames, 88), 0 or 1, row 0 = pitch 21. The benchmarks whose frames these are have splits of their own,
given by folders, so pieces have no signatures: those that are alike stay where the benchmark has them.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melodia.errors import CorpusError
from melodia.recipe import Recipe
from melodia.representation import Reading, Underived

VERSION = 1  # of what is read out of a file; another one reads all files anew
KEYS = 88
FIRST_PITCH = 21  # of the first key
Frames = NDArray[np.uint8]  # (frames, 88), 0 or 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FramesRepresentation(Underived):
    """See the module."""

    name = "frames"
    domain = "polyphony"
    unit = "frames"
    arrays = ("frames",)  # eight keys a byte
    suffixes = frozenset({".npy"})
    files_a_shard = 256

    def companions(self, name: str) -> tuple[str, ...]:
        """None."""
        return ()

    def settings(self) -> dict[str, Any]:
        """What changes what is read, as JSON."""
        return {"version": VERSION}

    def for_recipe(self, recipe: Recipe) -> FramesRepresentation:
        """The same: recipes change nothing."""
        return self

    def read(self, path: Path, data: bytes) -> Reading:
        """Packs the frames of a piece.

        Raises:
            CorpusError: it is no array of numpy's, or no piano roll of two frames or more.
        """
        try:
            found = np.load(io.BytesIO(data), allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise CorpusError(f"{path.name}: no array that numpy can read ({error})") from error
        frames = as_frames(found, path.name)
        if len(frames) < 2:
            raise CorpusError(f"{path.name}: {len(frames)} frames; a piece has two or more")
        return Reading({"frames": np.packbits(frames, axis=1)}, len(frames))


def as_frames(found: Any, where: str) -> Frames:
    """An array as frames.

    Raises:
        CorpusError: it is no piano roll.
    """
    if not isinstance(found, np.ndarray) or found.ndim != 2 or found.shape[1] != KEYS or found.dtype.kind not in "biuf":
        shape = getattr(found, "shape", type(found).__name__)
        raise CorpusError(f"{where}: {shape} is no piano roll; it must be (frames, {KEYS}) numbers")
    if not ((found == 0) | (found == 1)).all():
        raise CorpusError(f"{where}: no piano roll; its numbers must be 0 or 1")
    return found.astype(np.uint8)


def unpacked(packed: NDArray[np.uint8]) -> Frames:
    """The frames of a prepared piece."""
    return np.unpackbits(np.asarray(packed), axis=1, count=KEYS)
