"""Checkpoints: a folder of `config.json`, `model.safetensors` and a card, `README.md`.

The config holds the format's version, the domain, the model's sizes and where the weights come from:
corpus, licences, code version, random seed, metrics. Loading needs nothing else. Weights are stored
in half precision and loaded in single.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from melodia.errors import CheckpointError
from melodia.files import shipped, temporary_beside, why_not_written, write_atomically, write_json

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = 1
DEFAULT = "band"


@dataclass(slots=True, kw_only=True)
class CheckpointInfo:
    """What `config.json` says."""

    domain: str
    model: dict[str, Any]
    title: str = ""
    licence: str = ""
    data: list[dict[str, Any]] = field(default_factory=list)
    training: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    format: int = FORMAT


def find_checkpoint(name: str | Path) -> Path:
    """The folder of a shipped checkpoint by name, or of one's own by path.

    Raises:
        CheckpointError: there is no such checkpoint.
    """
    for folder in (Path(name), shipped("checkpoints") / name):
        if (folder / "config.json").is_file():
            return folder
    known = ", ".join(sorted(p.parent.name for p in shipped("checkpoints").glob("*/config.json"))) or "none"
    raise CheckpointError(f"{name}: no such model; give a checkpoint folder or one of those that ship: {known}")


def read_info(folder: Path) -> CheckpointInfo:
    """Reads `config.json`.

    Raises:
        CheckpointError: it is damaged or of another version.
    """
    path = folder / "config.json"
    try:
        content = json.loads(path.read_text("utf-8"))
        if content.get("format") != FORMAT:
            raise CheckpointError(f"{path}: of format {content.get('format')}; this melodia reads format {FORMAT}")
        return CheckpointInfo(**content)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{path}: damaged ({error})") from error


def read_weights(folder: Path) -> dict[str, Tensor]:
    """The weights, in single precision.

    Raises:
        CheckpointError: they are missing or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return {name: weight.float() for name, weight in load_file(folder / "model.safetensors").items()}
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{folder / 'model.safetensors'}: cannot be read ({error}); fetch or train it again") from error


def save_checkpoint(folder: Path, info: CheckpointInfo, weights: dict[str, Tensor], card: str) -> None:
    """Writes a checkpoint, each of its files whole or not at all.

    Raises:
        CheckpointError: it cannot be written.
    """
    from dataclasses import asdict

    from safetensors import SafetensorError
    from safetensors.torch import save_file

    try:
        with temporary_beside(folder / "model.safetensors") as temporary:
            save_file({name: w.detach().cpu().half().contiguous() for name, w in weights.items()}, temporary)
            temporary.chmod(0o644)
        write_json(folder / "config.json", asdict(info))
        write_atomically(folder / "README.md", card)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{folder}: cannot be written: {why_not_written(error, folder)}") from error
