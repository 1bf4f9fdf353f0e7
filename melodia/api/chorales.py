"""Chorales, gone on with or begun."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from melodia.api.primer import read_primer
from melodia.checkpoint import HARMONIZER
from melodia.composition.scales import key_of, pitch_classes
from melodia.device import resolve_device
from melodia.errors import ConfigError
from melodia.harmony.checkpoint import load_choir
from melodia.harmony.draw import DrawConfig
from melodia.harmony.generate import GenerateConfig, four_voices, generate, voices_of
from melodia.harmony.harmonize import harmonize
from melodia.harmony.model import Choir
from melodia.harmony.parts import Given, on_grid
from melodia.harmony.setting import chorale_of
from melodia.midi import part_name
from melodia.score import Score
from melodia.takes import Takes
from melodia.tune import melody_part, top_line

if TYPE_CHECKING:
    from melodia.api.primer import Music


def sung(
    primer: Music | None,
    *,
    bars: int | None,
    count: int,
    temperature: float,
    random_seed: int,
    tempo: float | None,
    meter: tuple[int, int] | None,
    key: str | None,
    scale: str | None,
    continuation_only: bool,
    model: str | Path | Choir,
    device: str,
    progress: Callable[[int, int], None],
) -> Takes:
    """Takes of a choir. Of a primer that is not of four voices the melody alone is taken, and harmonised first.

    Arguments and errors are those of `melodia.generate`.
    """
    length = {} if bars is None else {"bars": bars}
    config = GenerateConfig(**length, continuation_only=continuation_only, tempo_bpm=tempo, meter=meter)
    drawing = DrawConfig(count=count, temperature=temperature, random_seed=random_seed)
    if key is not None:
        config, drawing = replace(config, tonic=key_of(key)), replace(drawing, pitch_classes=pitch_classes(key, scale))
    elif scale:
        pitch_classes("C", scale)  # whether it is known
        raise ConfigError("scale: it needs a key as well, for example --key D --scale dorian")
    choir = model if isinstance(model, Choir) else load_choir(model).to(resolve_device(device))
    if primer is None:
        return generate(None, choir, config, drawing, progress)
    score, messages = read_primer(primer, device)
    lines = four_voices(score)
    if lines is None:
        lines, told = _harmonised(score, drawing, device)
        messages += told
    return generate(lines, choir, config, drawing, progress).after(messages)


def _harmonised(score: Score, drawing: DrawConfig, device: str) -> tuple[list[Given], list[str]]:
    """The melody of a score with three voices below it, and what a user should know of that."""
    if not any(part.notes and not part.is_drum for part in score.parts):
        raise ConfigError("seed: there are no notes in it but drums; leave it out to start from silence")
    melody = melody_part(score)
    line = top_line(melody)
    choir = load_choir(HARMONIZER).to(resolve_device(device))
    given = [Given(0, line, replace(score, parts=[line]), part_name(melody))]
    grid = on_grid(given, choir.config)
    config = DrawConfig(random_seed=drawing.random_seed, pitch_classes=drawing.pitch_classes)
    made = chorale_of(harmonize(grid.voices, grid.given, choir, config)[0], grid, given)
    if not all(part.notes for part in made.score.parts):
        raise ConfigError("seed: its melody is too short to be harmonised; give one of four voices, or none")
    left = [part_name(part) for part in score.parts if part.notes and part is not melody]
    left += ["the lower notes of chords"] if len(line.notes) < len(melody.notes) else []
    what = f"{part_name(melody)} is harmonised first" + (f", and left out: {', '.join(left)}" if left else "")
    return voices_of(made.score, made.score.parts), [f"the seed has no four voices, each a part of its own: {what}", *made.messages]
