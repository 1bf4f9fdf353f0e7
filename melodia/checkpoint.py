"""Checkpoints: a folder of `config.json`, `model.safetensors` and a card, `README.md`.

The config holds the format's version, the domain, the model's sizes and where the weights come from:
corpus, licences, code version, random seed, metrics. Loading needs nothing else. How weights are
stored: `melodia.weights`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from melodia.config import from_json
from melodia.errors import CheckpointError
from melodia.files import shipped, temporary_beside, why_not_written, write_atomically, write_json
from melodia.weights import FILE, read_weights, write_weights

if TYPE_CHECKING:
    from torch import Tensor, nn

C = TypeVar("C")
M = TypeVar("M", bound="nn.Module")
FORMAT = 1
DEFAULT = "band"
DEFAULTS = {  # the model that a domain takes unless told
    "composition": DEFAULT,
    "transcription": "transcriber",
    "recognition": "recognizer",
    "language": "english",
    "detection": "detector",
    "synthesis": "voice",
    "spelling": "speller",
}
HARMONIZER = "harmonizer"  # not among the defaults: the licence of the file that it has learnt from is not stated


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
    if Path(name).is_dir():
        raise CheckpointError(f"{name}: there is no config.json in it, so it is no whole checkpoint; fetch or train it again")
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
        if not isinstance(content, dict):
            raise ValueError("no table of settings")
        if content.get("format") != FORMAT:
            raise CheckpointError(f"{path}: of format {content.get('format')}; this melodia reads format {FORMAT}")
        info = CheckpointInfo(**content)
        if not isinstance(info.domain, str) or not isinstance(info.model, dict):
            raise ValueError("domain is no text, or model no settings")
        return info
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{path}: damaged ({error}); fetch or train it again") from error


def open_checkpoint(name: str | Path, domain: str) -> tuple[Path, CheckpointInfo]:
    """The folder of a checkpoint and what it says.

    Raises:
        CheckpointError: it is missing, damaged, or of another domain.
    """
    folder = find_checkpoint(name)
    info = read_info(folder)
    if info.domain != domain:
        raise CheckpointError(f"{folder}: a model for {info.domain}, not for {domain}; give one of {domain}")
    return folder, info


def sources_of(corpus_sources: list[dict[str, Any]], start: str) -> list[dict[str, Any]]:
    """What a model has learnt from: its corpus, and whatever the checkpoint that it began from had learnt from."""
    sources = list(corpus_sources)
    for source in read_info(find_checkpoint(start)).data if start else []:
        sources += [source] if source["name"] not in [s["name"] for s in sources] else []
    return sources


def load_model(name: str | Path, domain: str, config: type[C], model: Callable[[C], M]) -> M:
    """The model of a checkpoint, by name or folder, on the CPU, ready to be used.

    Args:
        name: of a shipped checkpoint, or its folder.
        domain: that it must be for.
        config: what its settings are.
        model: what makes a model of them.

    Raises:
        CheckpointError: it is missing, damaged, or of another domain.
        ConfigError: a setting in it is not known or out of range.
    """
    folder, info = open_checkpoint(name, domain)
    module = model(from_json(config, info.model, str(folder / "config.json")))
    load_weights(module, folder)
    module.eval()
    return module


def load_weights(model: nn.Module, folder: Path) -> None:
    """Puts a checkpoint's weights into a model of its sizes.

    Raises:
        CheckpointError: they are missing, damaged, of other sizes, or no numbers.
    """
    try:
        model.load_state_dict(read_weights(folder))
    except RuntimeError as error:
        raise CheckpointError(f"{folder}: the weights do not fit config.json ({str(error).splitlines()[-1].strip()})") from error
    if not all(bool(weights.isfinite().all()) for weights in model.state_dict().values()):
        raise CheckpointError(f"{folder}: there are weights in it that are no numbers; train it again")


def save_checkpoint(folder: Path, info: CheckpointInfo, weights: dict[str, Tensor], card: str) -> None:
    """Writes a checkpoint, each of its files whole or not at all.

    Raises:
        CheckpointError: it cannot be written.
    """
    from dataclasses import asdict

    from safetensors import SafetensorError

    try:
        write_weights(folder, weights)
        write_json(folder / "config.json", asdict(info))
        write_atomically(folder / "README.md", card)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{folder}: cannot be written: {why_not_written(error, folder)}") from error


def shrink(name: str | Path, output: Path) -> tuple[int, int]:
    """Copies a checkpoint with its weights in eight bits: bytes of them before and after.

    Raises:
        CheckpointError: it is missing or damaged, the output is there already, or cannot be written.
    """
    from safetensors import SafetensorError

    folder = find_checkpoint(name)
    read_info(folder)
    if output.exists():
        raise CheckpointError(f"output: {output} is there already; name a new folder")
    weights = read_weights(folder)
    try:
        with temporary_beside(output, is_folder=True) as temporary:
            shutil.copytree(folder, temporary, dirs_exist_ok=True, ignore=shutil.ignore_patterns(FILE, "resume.pt", ".*"))
            write_weights(temporary, weights, eight_bits=True)
            size = (temporary / FILE).stat().st_size / 2**20
            with (temporary / "README.md").open("a", encoding="utf-8") as card:
                card.write(f"\nThis is a copy with its weights in eight bits, {size:.1f} MiB; the figures above are not of it.\n")
        return (folder / FILE).stat().st_size, (output / FILE).stat().st_size
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{output}: cannot be written: {why_not_written(error, output)}") from error
