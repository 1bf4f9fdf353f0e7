"""Chorales, gone on with or begun."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from melodia.api.harmony import harmonize
from melodia.api.primer import read_primer
from melodia.composition.scales import key_of, pitch_classes
from melodia.device import resolve_device
from melodia.errors import ConfigError
from melodia.harmony.checkpoint import load_choir
from melodia.harmony.draw import DrawConfig
from melodia.harmony.generate import GenerateConfig, four_voices, generate, voices_of
from melodia.harmony.model import Choir
from melodia.harmony.parts import Given
from melodia.score import Score
from melodia.takes import Takes

if TYPE_CHECKING:
    from melodia.api.primer import Music


def in_key(config: GenerateConfig, drawing: DrawConfig, key: str | None, scale: str | None) -> tuple[GenerateConfig, DrawConfig]:
    """The same, held to a key.

    Raises:
        ConfigError: the key or the scale is not known, or there is a scale without a key.
    """
    if key is None:
        pitch_classes("C", scale)
        if scale:
            raise ConfigError("scale: it needs a key as well, for example --key D --scale dorian")
        return config, drawing
    return replace(config, tonic=key_of(key)), replace(drawing, pitch_classes=pitch_classes(key, scale))


def sung(
    primer: Music | None,
    config: GenerateConfig,
    drawing: DrawConfig,
    model: str | Path | Choir,
    device: str,
    progress: Callable[[int, int], None],
) -> Takes:
    """Takes of a choir. Of a primer that is not of four voices the melody alone is taken, and harmonised first.

    Raises:
        MelodiaError: those of `melodia.generate`.
    """
    choir = model if isinstance(model, Choir) else load_choir(model).to(resolve_device(device))
    if primer is None:
        return generate(None, choir, config, drawing, progress)
    score, messages = read_primer(primer, device)
    lines = four_voices(score)
    if lines is None:
        messages.append("the seed has no four voices, each a part of its own: its melody is harmonised first, the rest left out")
        lines, told = _harmonised(score, drawing.random_seed, device)
        messages += told
    return generate(lines, choir, config, drawing, progress).after(messages)


def _harmonised(score: Score, random_seed: int, device: str) -> tuple[list[Given], list[str]]:
    """The melody of a score with three voices below it."""
    if not any(part.notes and not part.is_drum for part in score.parts):
        raise ConfigError("seed: there are no notes in it but drums; leave it out to start from silence")
    made = harmonize(score, random_seed=random_seed, device=device)
    if not all(part.notes for part in made.score.parts):
        raise ConfigError("seed: its melody is too short to be harmonised; give one of four voices, or none")
    return voices_of(made.score, made.score.parts), made.messages
