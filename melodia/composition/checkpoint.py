"""Checkpoint folders -> composers."""

from __future__ import annotations

from pathlib import Path

from melodia.checkpoint import find_checkpoint, read_info, read_weights
from melodia.composition.model import Composer, ComposerConfig
from melodia.config import from_json
from melodia.errors import CheckpointError


def load_composer(name: str | Path) -> Composer:
    """The composer of a checkpoint, by name or folder, on the CPU.

    Raises:
        CheckpointError: it is missing, damaged, or not of this domain.
    """
    folder = find_checkpoint(name)
    info = read_info(folder)
    if info.domain != "composition":
        raise CheckpointError(f"{folder}: a model for {info.domain}, not for composition")
    composer = Composer(from_json(ComposerConfig, info.model, f"{folder / 'config.json'}"))
    try:
        composer.load_state_dict(read_weights(folder))
    except RuntimeError as error:
        raise CheckpointError(f"{folder}: the weights do not fit config.json ({str(error).splitlines()[-1].strip()})") from error
    if not all(bool(weights.isfinite().all()) for weights in composer.state_dict().values()):
        raise CheckpointError(f"{folder}: there are weights in it that are no numbers; train it again")
    return composer.eval()
