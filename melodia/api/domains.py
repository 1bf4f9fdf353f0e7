"""What kind of music a model makes, and so which settings have a meaning for it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from melodia.checkpoint import find_checkpoint, read_info
from melodia.errors import ConfigError

UNITS = {"performance": "seconds", "harmony": "16ths"}  # that progress is told in; else bars
KINDS = {"performance": "plays one piano in real time", "harmony": "sings in four voices"}


def domain_of(model: Any) -> str:
    """The domain of a checkpoint, by name or folder, or of a model that was loaded.

    Raises:
        CheckpointError: there is no such checkpoint, or it is damaged.
        ConfigError: it makes no music.
    """
    if isinstance(model, str | Path):
        domain = read_info(find_checkpoint(model)).domain
    else:
        domain = (*type(model).__module__.split("."), "")[1]  # models live in their domain's package
    if domain not in ("composition", *KINDS):
        title = model if isinstance(model, str | Path) else type(model).__name__
        raise ConfigError(f"model: {title} makes no music; give the name or folder of a checkpoint that does, such as band")
    return domain


def refuse(given: Mapping[str, Any], model: Any, domain: str) -> None:
    """Refuses settings that have no meaning for a model.

    Raises:
        ConfigError: one of them is given.
    """
    for name in (name for name, value in given.items() if value is not None):
        title = model if isinstance(model, str | Path) else "this model"
        raise ConfigError(f"{name}: has no meaning for {title}, which {KINDS[domain]}; leave it out")


def one_number(temperature: float | str | Mapping[str, float], domain: str) -> float:
    """A temperature that is the same for all.

    Raises:
        ConfigError: it names attributes.
    """
    try:
        return float(temperature)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        message = f"temperature: '{temperature}' is not usable; a model that {KINDS[domain]} takes one number, such as 0.9"
        raise ConfigError(message) from None
