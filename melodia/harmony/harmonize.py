"""Voices that are given -> all four: a draw from the harmonizer's own likelihood of the others.

The given voices are known from the outset (`melodia.harmony.model`), so one pass suffices, and no take is thrown away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from melodia.errors import ConfigError
from melodia.harmony.draw import DrawConfig, Outline, draw
from melodia.harmony.model import Choir
from melodia.harmony.prepare import Voices
from melodia.harmony.tonic import tonic_of


def harmonize(
    voices: Voices,
    given: Sequence[bool],
    model: Choir,
    config: DrawConfig,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Voices]:
    """Takes of all four voices.

    Args:
        voices: (steps, 4) pitches that the model knows; those of voices that are not given mean nothing.
        given: (4,) whether each is.
        model: a harmonizer.
        config: how many takes, and how they are drawn. A take does not depend on how many there are.
        progress: called with the steps done and in all, over all takes.

    Returns:
        `count` arrays like `voices`, the given ones as they are.

    Raises:
        ConfigError: the model cannot look ahead, or no voice, or each, is given, or no pitch is left for one.
    """
    if not model.config.ahead_size:
        raise ConfigError("model: it only knows what comes next, not what is given; take a harmonizer")
    if not any(given) or all(given):
        raise ConfigError(f"voice: {'all' if any(given) else 'none'} of the four are given; give one, two or three")
    return draw(Outline(voices=voices, given=tuple(given), tonic=tonic_of(voices, given)), model, config, progress)
