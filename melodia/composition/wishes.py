"""What a user writes -> `Steering`: `48-84,bass=E1-G2`, `4-12`, `piano,drums@9-12`, `1:40,8:100`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from melodia.composition.scales import ACCIDENTALS, LETTERS, pitch_classes
from melodia.composition.steering import Entry, Limit, Loudness, Register, Steering
from melodia.errors import ConfigError
from melodia.instruments import parse_program

AROUND = 8  # how far velocities lie from a single number
PITCH = r"\d{1,3}|[A-Ga-g][#♯b♭]?-?\d"
Wish = str | int | Sequence[Any] | Mapping[Any, Any]  # text, or the same as Python has it


def parse_steering(
    *,
    key: str | None = None,
    scale: str | None = None,
    register: Wish | None = None,
    density: Wish | None = None,
    polyphony: Wish | None = None,
    velocity: Wish | None = None,
    repetition: int | None = None,
    entries: tuple[Entry, ...] = (),
) -> Steering:
    """The steering that all these words come to.

    Raises:
        ConfigError: one of them is not usable.
    """
    if scale and not key:
        raise ConfigError("scale: it needs a key as well, for example --key D --scale dorian")
    return Steering(
        pitch_classes=pitch_classes(key, scale) if key is not None else None,
        registers=() if register is None else tuple(_registers(_text(register))),
        density=None if density is None else _density(_text(density)),
        polyphony=() if polyphony is None else tuple(_limits(_text(polyphony))),
        entries=entries,
        velocity=() if velocity is None else tuple(_curve(_text(velocity, ":"))),
        repetition=repetition,
    )


def parse_instruments(instruments: str | Sequence[str | int] | None) -> tuple[tuple[int, ...], tuple[Entry, ...]]:
    """Names or numbers -> programs, 128 for drums, and the bars of those that have `@5` or `@5-8`.

    Raises:
        ConfigError: an instrument is not known, or its bars are no bars.
    """
    if instruments is None:
        return (), ()
    programs, entries, always = [], [], set()
    for word in instruments.split(",") if isinstance(instruments, str) else [str(i) for i in instruments]:
        name, at, bars = word.partition("@")
        programs.append(parse_program(name))
        if at:
            found = _matched(
                r"(\d{1,5})(-(\d{1,5}))?", bars, f"instruments: '{word}' is not usable; write piano, bass@5 or drums@9-12"
            )
            entries.append(Entry(programs[-1], int(found[1]), int(found[3]) if found[3] else None))
        else:
            always.add(programs[-1])
    return tuple(programs), tuple(entry for entry in entries if entry.program not in always)


def _registers(text: str) -> Iterator[Register]:
    for program, span in _by_instrument(text, "register"):
        found = _matched(f"({PITCH})-({PITCH})", span, f"register: '{span}' is no range of pitches; write 48-84 or C3-C6")
        yield Register(program, _pitch(found[1]), _pitch(found[2]))


def _density(text: str) -> tuple[int, int]:
    found = _matched(r"(\d{1,4})(-(\d{1,4}))?", text, f"density: '{text}' is no range of notes a bar; write 4-12")
    return int(found[1]), int(found[3] or found[1])


def _limits(text: str) -> Iterator[Limit]:
    for program, number in _by_instrument(text, "polyphony"):
        found = _matched(r"\d{1,4}", number, f"polyphony: '{number}' is no number of notes; write 3, or piano=3,bass=1")
        yield Limit(program, int(found[0]))


def _curve(text: str) -> Iterator[Loudness]:
    words = [word.strip() for word in text.split(",")]
    for word in words:
        complaint = f"velocity: '{word}' is not usable; write 60-100, or points 1:40,8:100 (bar:velocity)"
        bar, colon, span = word.rpartition(":")
        if not colon and len(words) > 1:
            raise ConfigError(complaint)
        found = _matched(r"(\d{1,3})(-(\d{1,3}))?", span, complaint)
        low, high = int(found[1]), int(found[3] or found[1])
        if not found[3] and 1 <= low <= 127:
            low, high = max(low - AROUND, 1), min(low + AROUND, 127)
        yield Loudness(int(_matched(r"\d{1,5}", bar, complaint)[0]) if colon else 1, low, high)


def _by_instrument(text: str, name: str) -> Iterator[tuple[int | None, str]]:
    """(program, what stands after `=`); None where there is no name."""
    seen = set()
    for word in text.split(","):
        instrument, equals, value = word.rpartition("=")
        try:
            program = parse_program(instrument) if equals else None
        except ConfigError as error:
            raise ConfigError(f"{name}: {str(error).removeprefix('instruments: ')}") from error
        if program in seen:
            raise ConfigError(f"{name}: {instrument.strip() or 'a range alone'} is given twice in '{text}'")
        seen.add(program)
        yield program, value.strip()


def _matched(pattern: str, text: str, complaint: str) -> re.Match[str]:
    found = re.fullmatch(pattern, text.strip(), re.ASCII)
    if not found:
        raise ConfigError(complaint)
    return found


def _pitch(text: str) -> int:
    """`60` or `C4` -> 60."""
    if text[0].isdigit():
        return int(text)
    accidental = text[1] if text[1] in ACCIDENTALS else ""
    return LETTERS[text[0].lower()] + ACCIDENTALS[accidental] + 12 * (int(text[1 + len(accidental) :]) + 1)


def _text(wish: Wish, colon: str = "=") -> str:
    """A wish as it is written: {"piano": (48, 84)} -> `piano=48-84`, (4, 12) -> `4-12`."""
    if isinstance(wish, Mapping):
        return ",".join(f"{name}{colon}{_text(value)}" for name, value in wish.items())
    if isinstance(wish, str):
        return wish
    return "-".join(str(end) for end in wish) if isinstance(wish, Sequence) else str(wish)
