"""Melodies, harmonised."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from melodia.checkpoint import HARMONIZER
from melodia.composition.scales import pitch_classes
from melodia.device import resolve_device
from melodia.errors import ConfigError
from melodia.harmony.checkpoint import load_choir
from melodia.harmony.draw import STRICTNESS, TEMPERATURE, DrawConfig
from melodia.harmony.harmonize import harmonize as set_voices
from melodia.harmony.model import Choir
from melodia.harmony.parts import Given, given_part, on_grid, voice_of
from melodia.harmony.setting import Chorale, chorale_of
from melodia.score import Score

SUFFIXES = (".mid", ".midi")
Source = str | Path | Score


def harmonize(melody: Source | None = None, **options: Any) -> Chorale:
    """Sets a melody, or any of four voices, for soprano, alto, tenor and bass.

    Args:
        melody: MIDI file or score with the melody, the soprano; None if only `voices` are given.
        options: those of `harmonize_takes`, but for `count`.

    Returns:
        a take: `score` to write, `voices`, (steps, 4) MIDI pitches in 16ths, and `errors` of voice-leading. Given notes stay
        as they are, whatever the grid.

    Raises:
        MidiError: a file cannot be read, there are no notes in it but drums, or a part has several notes at a time.
        ConfigError: a setting is out of range; a voice or part is not known or not clear; the voices that are given are none,
            all four, or of different lengths; or the model cannot harmonise.
        CheckpointError: the model cannot be loaded.
    """
    return harmonize_takes(melody, count=1, **options)[0]


def harmonize_takes(
    melody: Source | None = None,
    count: int = 2,
    *,
    voices: Mapping[str, Source | int] | None = None,
    part: str | int | None = None,
    key: str | None = None,
    temperature: float = TEMPERATURE,
    strictness: float = STRICTNESS,
    random_seed: int = 0,
    model: str | Path | Choir = HARMONIZER,
    device: str = "cpu",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Chorale]:
    """Several takes, drawn side by side.

    Args:
        melody: MIDI file or score with the melody, the soprano unless `voices` has one; None if only `voices` are given.
        count: how many takes.
        voices: voices by name, each a MIDI file ("alto.mid", or "song.mid#2" for a part of it), a score, or the number (from 1)
            or the name of a part of the melody's file.
        part: number from 1, or name, of the part with the melody; None finds it.
        key: the voices that are made have only pitches of this key ("C", "F#", "Am", "D dorian").
        temperature: 0 takes the likeliest notes, 1 draws from the model as it is.
        strictness: nats that each error of voice-leading costs in the draw, a parallel twice; 0: as the model has it.
        random_seed: the same gives the same takes.
        model: name or folder of a checkpoint, or one that `load_checkpoint` gave.
        device: "cpu", "cuda", "mps" or "auto".
        progress: called with the 16ths done and in all.

    Raises:
        MelodiaError: those of `harmonize`.
    """
    config = DrawConfig(
        count=count,
        temperature=temperature,
        strictness=strictness,
        random_seed=random_seed,
        pitch_classes=pitch_classes(key) if key is not None else None,
    )
    lines = given_lines(melody, voices or {}, part)
    choir = model if isinstance(model, Choir) else load_choir(model).to(resolve_device(device))
    grid = on_grid(lines, choir.config)
    return [chorale_of(take, grid, lines) for take in set_voices(grid.voices, grid.given, choir, config, progress)]


def given_lines(melody: Source | None, voices: Mapping[str, Source | int], part: str | int | None) -> list[Given]:
    """The parts that are given, the melody's first; errors are those of `harmonize`."""
    by_voice = {voice_of(name): source for name, source in voices.items()}
    if len(by_voice) < len(voices):
        raise ConfigError("voice: one is given twice; leave one out")
    lines: list[Given] = []
    whole = melody if melody is None or isinstance(melody, Score) else Score.read(melody)
    where = melody.__class__.__name__.lower() if isinstance(melody, Score) else Path(melody or "").name
    if whole is None and part is not None:
        raise ConfigError("part: it is of the melody's file, and there is none; write --voice alto=FILE#PART")
    if whole is not None and 0 not in by_voice:
        lines.append(given_part(whole, 0, part, where))
    elif part is not None:
        raise ConfigError("part: the soprano is given by itself; leave one of them out")
    elif whole is not None and not any(_is_part(source) for source in by_voice.values()):
        raise ConfigError(f"voice: the soprano is given twice, by {where} and by itself; leave one of them out")
    for voice, source in by_voice.items():
        lines.append(_line(voice, source, whole, where))
    if not lines:
        raise ConfigError("voice: nothing is given; give a melody, or a voice")
    return lines


def _is_part(source: Source | int) -> bool:
    """Whether it is no file and no score of its own, but a part of the melody's."""
    if isinstance(source, Score | Path):
        return False
    path = Path(str(source).partition("#")[0])
    return isinstance(source, int) or (path.suffix.lower() not in SUFFIXES and not Path(source).is_file())


def _line(voice: int, source: Source | int, melody: Score | None, where: str) -> Given:
    """A voice by itself: a score, a file, a part of a file, or a part of the melody's."""
    if isinstance(source, Score):
        return given_part(source, voice, None, "score")
    if not _is_part(source):
        whole, (path, mark, part) = Path(str(source)), str(source).partition("#")
        if mark and not isinstance(source, Path) and whole.suffix.lower() not in SUFFIXES and not whole.is_file():
            return given_part(Score.read(path), voice, part, Path(path).name)
        return given_part(Score.read(whole), voice, None, whole.name)
    if melody is None:
        raise ConfigError(f"voice: '{source}' is no MIDI file, and there is no melody that it could be a part of")
    return given_part(melody, voice, source if isinstance(source, int) else str(source), where)
