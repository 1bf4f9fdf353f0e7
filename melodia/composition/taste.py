"""How boldly each attribute of a note is drawn: temperature, top-k and top-p, attribute by attribute."""

from __future__ import annotations

from collections.abc import Mapping

from melodia.composition.codec import BEATS, KIND, METER, NAMES, NUM_COLUMNS, PART, PITCH, POSITION, STEPS, TEMPO, VELOCITY
from melodia.errors import ConfigError
from melodia.sampling import SamplingConfig

Taste = tuple[SamplingConfig, ...]  # one for each column of the codec
DRAWN = (KIND, METER, TEMPO, POSITION, PART, PITCH, VELOCITY, BEATS, STEPS)
GROUPS = {"rhythm": (KIND, POSITION, BEATS, STEPS), "duration": (BEATS, STEPS)}
ATTRIBUTES = GROUPS | {NAMES[column]: (column,) for column in DRAWN}


def parse_taste(temperature: str | float | Mapping[str, float], top_k: int = 0, top_p: float = 1.0) -> Taste:
    """`0.9`, or `rhythm=0.8,pitch=1.1`: 1 for what is not named, unless a number alone says otherwise.

    Of two names that mean one attribute the narrower counts.

    Raises:
        ConfigError: an attribute is not known, or a setting is out of range.
    """
    named = dict(temperature) if isinstance(temperature, Mapping) else _named(str(temperature))
    if unknown := next((name for name in named if name and name not in ATTRIBUTES), None):
        raise ConfigError(f"temperature: '{unknown}' is no attribute of a note; known are {', '.join(ATTRIBUTES)}")
    temperatures = [named.get("", 1.0)] * NUM_COLUMNS
    for name in sorted((name for name in named if name), key=lambda name: -len(ATTRIBUTES[name])):
        for column in ATTRIBUTES[name]:
            temperatures[column] = named[name]
    return tuple(SamplingConfig(temperature=t, top_k=top_k, top_p=top_p) for t in temperatures)


def _named(text: str) -> dict[str, float]:
    """Name -> number; the name is empty where there is a number alone."""
    found: dict[str, float] = {}
    for word in text.split(","):
        name, _, value = word.rpartition("=")
        name = name.strip().lower()
        if name in found:
            raise ConfigError(f"temperature: {name or 'a number alone'} is given twice in '{text}'")
        try:
            found[name] = float(value)
        except ValueError:
            raise ConfigError(f"temperature: '{word.strip()}' is not usable; write 0.9, or pitch=1.1,rhythm=0.8") from None
    return found
