"""Chorales, gone on with or begun."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from melodia.api.harmony import harmonize
from melodia.api.primer import read_primer
from melodia.composition.scales import pitch_classes, tonic_of
from melodia.device import resolve_device
from melodia.errors import ConfigError
from melodia.harmony.checkpoint import load_choir
from melodia.harmony.generate import GenerateConfig as ChoraleConfig
from melodia.harmony.generate import four_voices, generate
from melodia.harmony.harmonize import HarmonizeConfig
from melodia.harmony.model import Choir
from melodia.takes import Takes

__all__ = ["ChoraleConfig", "HarmonizeConfig", "sung"]

if TYPE_CHECKING:
    from melodia.api.primer import Music


def sung(
    seed: Music | None,
    config: ChoraleConfig,
    drawing: HarmonizeConfig,
    key: str | None,
    scale: str | None,
    model: str | Path | Choir,
    device: str,
    progress: Callable[[int, int], None],
) -> Takes:
    """Takes of a choir; a seed that is not of four voices is harmonised first. Errors are those of `melodia.generate`."""
    if key is not None:
        config = replace(config, tonic=tonic_of(key))
        drawing = replace(drawing, pitch_classes=pitch_classes(key, scale))
    elif scale is not None:
        raise ConfigError("scale: it needs a key as well, for example --key D --scale dorian")
    choir = model if isinstance(model, Choir) else load_choir(model).to(resolve_device(device))
    if seed is None:
        return generate(None, choir, config, drawing, progress)
    primer, messages = read_primer(seed, device)
    lines = four_voices(primer, "seed")
    if lines is None:
        messages.append("the seed has no four voices, each a part of its own: its melody is harmonised first")
        lines = four_voices(harmonize(primer, random_seed=drawing.random_seed, device=device).score, "seed")
    if lines is None:
        raise ConfigError("seed: its melody is too short to be harmonised; give one of four voices, or none")
    return generate(lines, choir, config, drawing, progress).after(messages)
