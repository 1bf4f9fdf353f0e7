"""What a composer plays: anything, or, if it has learnt from nothing else, drums alone or one line of notes.

Such a composer hears of a seed what is of its style: the drums, or the melody (`melodia.tune`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from melodia.composition.codec import KIND, KIND_CHORD, KIND_NOTE, KIND_PART, PROGRAM, Events
from melodia.errors import ConfigError
from melodia.instruments import DRUMS
from melodia.score import Part, Score
from melodia.tune import melody_part

STYLES = ("any", "drums", "melody")
FROM_SILENCE = {"any": (0, 33, DRUMS), "drums": (DRUMS,), "melody": (73,)}  # who plays if nobody is named: 73 is a flute
LOOKED_AT = 1000  # pieces of a corpus
DOUBLE_STOPS = 0.02  # of the notes of a melody that begin with another one


def style_of(pieces: Sequence[Events]) -> str:
    """The style of a corpus, by as many of its pieces as are looked at."""
    drums, notes, chords = 0, 0, 0
    chosen = np.linspace(0, len(pieces) - 1, min(len(pieces), LOOKED_AT)).round().astype(int).tolist()
    for i in chosen:
        events = np.asarray(pieces[i])
        programs = events[events[:, KIND] == KIND_PART, PROGRAM].tolist()
        if len(programs) != 1:
            return "any"
        drums += programs[0] == DRUMS
        notes += int(np.isin(events[:, KIND], (KIND_NOTE, KIND_CHORD)).sum())
        chords += int((events[:, KIND] == KIND_CHORD).sum())
    if drums:
        return "drums" if drums == len(chosen) else "any"
    return "melody" if chords <= DOUBLE_STOPS * notes else "any"


def check_instruments(programs: Sequence[int], style: str) -> None:
    """Refuses who cannot play.

    Raises:
        ConfigError: somebody is named who is not of the style.
    """
    if style == "drums" and set(programs) - {DRUMS}:
        raise ConfigError("instruments: this model plays drums alone; leave them out")
    if style == "melody" and (len(set(programs)) > 1 or DRUMS in programs):
        raise ConfigError("instruments: this model plays one line; name one instrument, or none")


def heard_of(primer: Score, style: str) -> list[Part]:
    """The parts of a seed that are of a style.

    Raises:
        ConfigError: there are none.
        MidiError: the same, of a melody.
    """
    if style == "melody":
        return [melody_part(primer, None, "play on", "seed")]
    found = [part for part in primer.parts if part.notes and (part.is_drum or style == "any")]
    if not found:
        raise ConfigError(
            "seed: there are no drums in it, and this model plays drums alone; leave the seed out to start from silence"
        )
    return found
