"""Configs: frozen dataclasses that check their values and travel as JSON."""

from __future__ import annotations

import math
from dataclasses import asdict, fields
from typing import Any, TypeVar

from melodia.errors import ConfigError

C = TypeVar("C")
KINDS: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "bool": (bool,), "str": (str,)}  # annotated, allowed


def check_range(name: str, value: float, low: float, high: float = math.inf) -> None:
    """Refuses a value outside [low, high].

    Raises:
        ConfigError: naming the field, its value and the range.
    """
    if not low <= value <= high:
        limits = (
            f"at least {low:.15g}"
            if high == math.inf
            else f"from {low:.15g} to {high if isinstance(high, int) else format(high, '.15g')}"
        )
        raise ConfigError(f"{name}: {value} is out of range; it must be {limits}")


def to_json(config: Any) -> dict[str, Any]:
    """The fields of a config as plain JSON values."""
    return asdict(config)


def from_json(kind: type[C], content: dict[str, Any], where: str) -> C:
    """Makes a config of JSON.

    Raises:
        ConfigError: a key is unknown or missing, or a value out of range.
    """
    known = {f.name for f in fields(kind)}  # type: ignore[arg-type]
    if not isinstance(content, dict):
        raise ConfigError(f"{where}: {content!r:.40} is not usable; it must be settings by name")
    unknown = sorted(set(content) - known)
    if unknown:
        raise ConfigError(f"{where}: unknown setting '{unknown[0]}'; known are {', '.join(sorted(known))}")
    for field in fields(kind):  # type: ignore[arg-type]
        value, kinds = content.get(field.name), KINDS.get(str(field.type))
        if field.name in content and kinds and (not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds)):
            raise ConfigError(f"{where}: {field.name}: {value!r:.40} is not usable; it must be of type {field.type}")
    try:
        return kind(**content)
    except TypeError as error:
        raise ConfigError(f"{where}: {error}") from error
