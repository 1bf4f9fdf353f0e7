"""Weights on disk: `model.safetensors`, in half precision, or in eight bits.

In eight bits a matrix is whole numbers from -127 to 127, and under its name and `/scales` a scale for each row of it: half the
bytes again. What is no matrix, or a narrow one, stays in half precision. Read, all are single precision.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from melodia.errors import CheckpointError
from melodia.files import temporary_beside

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

FILE = "model.safetensors"
SCALES = "/scales"  # which no module can have in its name
EIGHT_BITS = "torch.int8"
NARROW = 16  # columns; rows as short as that gain little
LARGEST = 127


def read_weights(folder: Path) -> dict[str, Tensor]:
    """The weights of a checkpoint, in single precision.

    Raises:
        CheckpointError: they are missing or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        found = load_file(folder / FILE)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{folder / FILE}: cannot be read ({error}); fetch or train it again") from error
    weights = {name: weight.float() for name, weight in found.items() if not name.endswith(SCALES)}
    scaled = {name.removesuffix(SCALES) for name in found if name.endswith(SCALES)}
    for name in scaled | {name for name, weight in found.items() if str(weight.dtype) == EIGHT_BITS}:
        rows, scales = weights.get(name), found.get(name + SCALES)
        if rows is None or scales is None or scales.shape != rows.shape[:1]:
            raise CheckpointError(f"{folder / FILE}: damaged ({name} and its scales do not fit); fetch or train it again")
        rows *= scales.float().view(-1, *[1] * (rows.dim() - 1))
    return weights


def in_eight_bits(rows: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """(rows, columns) as whole numbers, and the scale of each row."""
    import numpy as np

    scales = (np.maximum(np.abs(rows).max(axis=1), 1e-12) / LARGEST).astype(np.float32)
    return np.round(rows / scales[:, None]).astype(np.int8), scales


def write_weights(folder: Path, weights: Mapping[str, Tensor], eight_bits: bool = False) -> None:
    """Writes the weights of a checkpoint, whole or not at all.

    Raises:
        OSError, SafetensorError: they cannot be written.
    """
    import torch
    from safetensors.torch import save_file

    found: dict[str, Tensor] = {}
    for name, weight in weights.items():
        weight = weight.detach().cpu().float()
        if eight_bits and weight.dim() > 1 and weight[0].numel() > NARROW:
            rows, scales = map(torch.from_numpy, in_eight_bits(weight.flatten(1).numpy()))
            found[name], found[name + SCALES] = rows.view(weight.shape), scales
        else:
            found[name] = weight.half().contiguous()
    with temporary_beside(folder / FILE) as temporary:
        save_file(found, temporary)
        temporary.chmod(0o644)
