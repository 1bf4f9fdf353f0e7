"""Music in real time: played on, and played from what is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from melodia.api.primer import read_primer
from melodia.device import resolve_device
from melodia.performance.checkpoint import load_pianist
from melodia.performance.generate import DEFAULT_SECONDS, GenerateConfig
from melodia.performance.generate import generate as improvise
from melodia.performance.humanize import HumanizeConfig
from melodia.performance.humanize import humanize as play
from melodia.performance.model import Pianist
from melodia.sampling import SamplingConfig
from melodia.score import Score
from melodia.takes import Takes

if TYPE_CHECKING:
    from melodia.api.primer import Music


def improvised(
    seed: Music | None,
    *,
    seconds: float | None,
    count: int,
    temperature: float,
    top_k: int,
    top_p: float,
    random_seed: int,
    continuation_only: bool,
    precision: str,
    model: str | Path | Pianist,
    device: str,
    progress: Callable[[int, int], None],
) -> Takes:
    """Takes of a pianist; arguments and errors are those of `melodia.generate`."""
    config = GenerateConfig(
        seconds=DEFAULT_SECONDS if seconds is None else seconds,
        count=count,
        random_seed=random_seed,
        continuation_only=continuation_only,
        precision=precision,
    )
    sampling = SamplingConfig(temperature=temperature, top_k=top_k, top_p=top_p)
    primer, messages = read_primer(seed, device) if seed is not None else (None, [])
    pianist = model if isinstance(model, Pianist) else load_pianist(model).to(resolve_device(device))
    return improvise(primer, pianist, config, sampling, progress).after(messages)


def humanize(
    song: Music,
    *,
    amount: float = 1.0,
    temperature: float = 1.0,
    random_seed: int = 0,
    model: str | Path | Pianist = "piano",
    device: str = "cpu",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Score:
    """Gives written music the timing and the loudness of a hand; its notes and its drums stay.

    Args:
        song: MIDI file, recording or score.
        amount: 0 leaves it as it is written, 1 is as it is drawn.
        temperature: below 1 is evener, above 1 bolder.
        random_seed: the same gives the same score.
        model: name or folder of a checkpoint of performance, or one that `load_checkpoint` gave.
        device: "cpu", "cuda", "mps" or "auto".
        progress: called with notes done and notes in all.

    Raises:
        MidiError: the file cannot be read.
        ConfigError: a setting is out of range, or there are no notes but drums'.
        CheckpointError: the model cannot be loaded.
    """
    config = HumanizeConfig(amount=amount, temperature=temperature, random_seed=random_seed)
    score, _ = read_primer(song, device)
    pianist = model if isinstance(model, Pianist) else load_pianist(model).to(resolve_device(device))
    return play(score, pianist, config, progress)
