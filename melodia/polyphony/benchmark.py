"""The files of the polyphonic-music benchmark (Boulanger-Lewandowski et al. 2012) as those who compare models keep them.

One MATLAB file a set, with the variables `traindata`, `validdata` and `testdata`, each a row of piano rolls (frames, 88).
"""

from __future__ import annotations

from pathlib import Path

from melodia.errors import CorpusError
from melodia.polyphony.prepare import Frames, as_frames

SETS = {"jsb": "JSB_Chorales.mat", "nottingham": "Nottingham.mat", "musedata": "MuseData.mat", "piano": "Piano_midi.mat"}
SPLITS = {"train": "traindata", "valid": "validdata", "test": "testdata"}


def read_mat(path: Path, split: str) -> list[Frames]:
    """The pieces of a split.

    Raises:
        CorpusError: there is no such file, it is damaged, or there are no piano rolls in it.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    name = SPLITS[split]
    if not path.is_file():
        raise CorpusError(f"{path}: no such file; it belongs to the polyphonic-music benchmark")
    try:
        pieces = list(loadmat(path, variable_names=[name])[name][0])
    except KeyError as error:
        raise CorpusError(f"{path}: no {name} in it; is it of the polyphonic-music benchmark?") from error
    except (OSError, ValueError, TypeError, IndexError, NotImplementedError, MatReadError, EOFError) as error:
        raise CorpusError(f"{path}: damaged, or no MATLAB file ({error}); fetch it again") from error
    if not pieces:
        raise CorpusError(f"{path}: no pieces in its {name}")
    return [as_frames(piece, f"{path}: {name}, piece {i}") for i, piece in enumerate(pieces)]
