"""The file of the chorales on a grid of 16ths, as those who compare models keep it (`jsb-chorales-16th.npz`).

Its arrays `train`, `valid` and `test` hold a piece each, (steps, 4): pitches of soprano, alto, tenor and bass, NaN for a rest.
They are arrays of objects, which numpy pickles. A pickle may run whatever it says, so nothing but arrays is taken from it.
"""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from melodia.errors import CorpusError
from melodia.harmony.prepare import LEAST_STEPS, REST, Voices, as_voices

FILE = "jsb-chorales-16th.npz"
SPLITS = ("train", "valid", "test")
ARRAYS = {  # what a pickle may ask for
    (module, name)
    for module in ("numpy", "numpy.core.multiarray", "numpy._core.multiarray")
    for name in ("ndarray", "dtype", "_reconstruct")
} | {("_codecs", "encode")}


class _Arrays(pickle.Unpickler):
    """Arrays of numpy's, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ARRAYS:
            raise pickle.UnpicklingError(f"{module}.{name} in it is no array")
        return super().find_class(module, name)


def read_npz(path: Path, split: str) -> list[Voices]:
    """The pieces of a split.

    Raises:
        CorpusError: there is no such file, it is damaged, or there are no pieces of four voices in it.
    """
    if not path.is_file():
        raise CorpusError(f"{path}: no such file; it is that of the chorales on a grid of 16ths")
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{split}.npy") as member:
            pieces = list(_objects(member))
    except KeyError as error:
        raise CorpusError(f"{path}: no {split} in it; is it that of the chorales on a grid of 16ths?") from error
    except Exception as error:  # a damaged pickle raises anything
        raise CorpusError(f"{path}: damaged, or no file of numpy's ({' '.join(str(error).split())}); fetch it again") from error
    if not pieces:
        raise CorpusError(f"{path}: no pieces in its {split}")
    return [_piece(piece, f"{path}: {split}, piece {i}") for i, piece in enumerate(pieces)]


def _objects(member: IO[bytes]) -> NDArray[Any]:
    version = np.lib.format.read_magic(member)
    if version != (1, 0):
        raise ValueError(f"version {version} of numpy's format")
    if not np.lib.format.read_array_header_1_0(member)[2].hasobject:
        raise ValueError("numbers, not pieces")
    found = _Arrays(member, encoding="latin1").load()
    if not isinstance(found, np.ndarray) or found.ndim < 1:
        raise ValueError("no array")
    return found


def _piece(found: Any, where: str) -> Voices:
    if isinstance(found, np.ndarray) and found.dtype.kind == "f":
        found = np.where(np.isnan(found), REST, found)
    voices = as_voices(found, where)
    if len(voices) < LEAST_STEPS:
        raise CorpusError(f"{where}: {len(voices)} steps; a piece has two or more")
    return voices
