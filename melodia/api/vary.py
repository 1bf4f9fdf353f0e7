"""Some bars of a song, anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from melodia.checkpoint import DEFAULT
from melodia.composition.checkpoint import load_composer
from melodia.composition.model import Composer
from melodia.composition.taste import parse_taste
from melodia.composition.vary import FOLLOWING_BARS, PARTICLES, VaryConfig
from melodia.composition.vary import vary as rewrite
from melodia.composition.wishes import Wish, parse_instruments, parse_steering
from melodia.device import resolve_device
from melodia.score import Score
from melodia.takes import Takes


def vary(song: str | Path | Score, bars: tuple[int, int], **options: Any) -> Score:
    """Rewrites some bars of a song; the rest stays as it is.

    Args:
        song: MIDI file or score.
        bars: the first and the last bar to rewrite, counted from 1.
        options: those of `make_variations`, but for `count` and `rank`.

    Raises:
        MidiError: the song cannot be read.
        ConfigError: a setting is out of range, or settings cannot be met together.
        CheckpointError: the model cannot be loaded.
    """
    return make_variations(song, bars, **options, count=1).scores[0]


def make_variations(
    song: str | Path | Score,
    bars: tuple[int, int],
    *,
    count: int = 1,
    rank: bool = False,
    temperature: float | str | Mapping[str, float] = 1.0,
    top_k: int = 0,
    top_p: float = 0.98,
    random_seed: int = 0,
    instruments: str | Sequence[str | int] | None = None,
    key: str | None = None,
    scale: str | None = None,
    register: Wish | None = None,
    density: Wish | None = None,
    polyphony: Wish | None = None,
    velocity: Wish | None = None,
    repetition: int | None = None,
    following: int = FOLLOWING_BARS,
    particles: int = PARTICLES,
    model: str | Path | Composer = DEFAULT,
    device: str = "cpu",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Takes:
    """Takes of some bars, with the tick where they begin and what the user should know.

    What is not described here is as in `melodia.generate`. Limits are those of the parts that are
    rewritten; bars are counted in the song.

    Args:
        song: MIDI file or score.
        bars: the first and the last bar to rewrite, counted from 1.
        count: how many takes.
        rank: sort them by the model's own surprise, the least surprising first.
        temperature: one number, or one of each attribute.
        top_k: draw from the k likeliest only; 0 from all.
        top_p: draw from the likeliest that make up this probability.
        random_seed: the same gives the same takes.
        instruments: whose parts are rewritten; None rewrites all.
        key: only pitches of this key.
        scale: the key's scale.
        register: lowest and highest pitch.
        density: fewest and most new notes a bar.
        polyphony: how many notes may sound at once.
        velocity: softest and loudest, or points along the bars.
        repetition: how often the same new bar may stand.
        following: how many of the bars after the span the candidates are weighed by.
        particles: how many candidates there are for each take; 1 does not look ahead.
        model: name or folder of a checkpoint, or one that `load_checkpoint` gave.
        device: "cpu", "cuda", "mps" or "auto".
        progress: called with bars done and bars in all.

    Raises:
        MidiError: the song cannot be read.
        ConfigError: a setting is out of range, or settings cannot be met together.
        CheckpointError: the model cannot be loaded.
    """
    programs, entries = parse_instruments(instruments)
    config = VaryConfig(
        first_bar=bars[0],
        last_bar=bars[1],
        count=count,
        rank=rank,
        random_seed=random_seed,
        programs=programs,
        steering=parse_steering(
            key=key,
            scale=scale,
            register=register,
            density=density,
            polyphony=polyphony,
            velocity=velocity,
            repetition=repetition,
            entries=entries,
        ),
        following_bars=following,
        particles=particles,
    )
    taste = parse_taste(temperature, top_k, top_p)
    score = song if isinstance(song, Score) else Score.read(song)
    composer = model if isinstance(model, Composer) else load_composer(model).to(resolve_device(device))
    return rewrite(score, composer, config, taste, progress)
