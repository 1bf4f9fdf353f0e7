"""Keys and scales as sets of pitch classes."""

from __future__ import annotations

from melodia.errors import ConfigError

SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "harmonic-minor": (0, 2, 3, 5, 7, 8, 11),
    "melodic-minor": (0, 2, 3, 5, 7, 9, 11),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "locrian": (0, 1, 3, 5, 6, 8, 10),
    "major-pentatonic": (0, 2, 4, 7, 9),
    "minor-pentatonic": (0, 3, 5, 7, 10),
    "blues": (0, 3, 5, 6, 7, 10),
    "whole-tone": (0, 2, 4, 6, 8, 10),
    "chromatic": tuple(range(12)),
}
LETTERS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
ACCIDENTALS = {"": 0, "#": 1, "♯": 1, "b": -1, "♭": -1}


def pitch_classes(key: str, scale: str | None = None) -> frozenset[int]:
    """The pitch classes (0 = C) of a key: `C`, `f#`, `Bb minor`, `Am`; `scale` overrides the mode.

    A small letter alone, or a final m, means minor.

    Raises:
        ConfigError: the key or the scale is not known.
    """
    root, mode = _parsed(key)
    name = (scale or mode).lower().replace(" ", "-").replace("_", "-")
    if name not in SCALES:
        raise ConfigError(f"scale: '{name}' is not known; use one of {', '.join(SCALES)}")
    return frozenset((root + step) % 12 for step in SCALES[name])


def key_of(key: str) -> int:
    """The pitch class of a key's tonic.

    Raises:
        ConfigError: the key is not known.
    """
    return _parsed(key)[0]


def _parsed(key: str) -> tuple[int, str]:
    """Tonic and mode."""
    words = key.replace("-", " ").replace("_", " ").split()
    tonic, mode = (words[0], "-".join(words[1:]).lower()) if words else ("", "")
    if len(tonic) > 1 and tonic.endswith("m"):
        tonic, mode = tonic[:-1], mode or "minor"
    if tonic[:1].islower() and not mode:
        mode = "minor"
    letter, accidental = tonic[:1].lower(), tonic[1:]
    if letter not in LETTERS or accidental not in ACCIDENTALS:
        raise ConfigError(f"key: '{key}' is not a key; write for example C, F#, Bb or Am")
    return (LETTERS[letter] + ACCIDENTALS[accidental]) % 12, mode or "major"
