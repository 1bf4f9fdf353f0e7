"""How a voice speaks and sings."""

from __future__ import annotations

from dataclasses import dataclass

from melodia.config import check_range

SLOWEST, FASTEST = 0.25, 4.0  # times as fast
MOST_SEMITONES = 24.0  # higher or lower
SUNG_TEMPERATURE = 0.3
LOWEST, HIGHEST = 52, 76  # MIDI pitches at which a voice is at ease


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakConfig:
    """`temperature`: 0 for the likeliest reading, 1 for as much variety as the voice has. `rate`: times as fast."""

    temperature: float = 0.667
    rate: float = 1.0
    semitones: float = 0.0  # higher
    random_seed: int = 0

    def __post_init__(self) -> None:
        check_range("temperature", self.temperature, 0, 2)
        check_range("rate", self.rate, SLOWEST, FASTEST)
        check_range("pitch", self.semitones, -MOST_SEMITONES, MOST_SEMITONES)
        check_range("random_seed", self.random_seed, 0, 2**63 - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SongConfig:
    """`part`: number or name, None finds it; `transpose`: semitones, None for octaves into [lowest, highest]; `tempo`: quarter
    notes a minute, None for the score's; `repeat`: the lyrics begin anew as long as there are notes; `vibrato`: cents
    to either side.
    """

    part: str | int | None = None
    transpose: int | None = None
    tempo: float | None = None
    repeat: bool = False
    vibrato: float = 20.0
    lowest: int = LOWEST
    highest: int = HIGHEST

    def __post_init__(self) -> None:
        check_range("transpose", self.transpose or 0, -48, 48)
        check_range("vibrato", self.vibrato, 0, 200)
        check_range("lowest", self.lowest, 0, 127)
        check_range("highest", self.highest, self.lowest, 127)


SPEECH, SONG = SpeakConfig(), SongConfig()  # as they are unless something else is asked for
