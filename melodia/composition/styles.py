"""What a composer plays: anything, or, if it has learnt from nothing else, drums alone or one line of notes.

Such a composer hears of a seed what is of its style: the drums, or the melody (`melodia.tune`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from melodia.composition.codec import Events, decode
from melodia.errors import ConfigError
from melodia.instruments import DRUMS, HI_HAT_EDGES
from melodia.score import Note, Part, Score, without_overlaps
from melodia.tune import melody_part, one_at_a_time

STYLES = ("any", "drums", "melody")
BAND = (0, 33, DRUMS)  # who plays from silence if nobody is named: piano, bass, drums
LOOKED_AT = 200  # pieces of a corpus


def style_of(pieces: Sequence[Events], wanted: str | None = None) -> tuple[str, int]:
    """The style of a corpus, and the program of most of its pieces, by as many of them as are looked at.

    Args:
        pieces: of train.
        wanted: the style that is asked for, which half of the pieces must have; None: that of all pieces, or any.

    Raises:
        ConfigError: too few have it.
    """
    found = Counter({"any": 0, "drums": 0, "melody": 0})
    programs: Counter[int] = Counter()
    chosen = np.linspace(0, len(pieces) - 1, min(len(pieces), LOOKED_AT)).round().astype(int).tolist()
    for i in chosen:
        (*others, part) = decode(np.asarray(pieces[i])).parts or [Part()]
        one = not others and part.notes and (part.is_drum or one_at_a_time(part))
        found["any" if not one else "drums" if part.is_drum else "melody"] += 1
        programs[part.program] += not part.is_drum
    if wanted not in (None, "any") and 2 * found[wanted] < max(len(chosen), 1):
        raise ConfigError(f"style: most of the corpus is other music than {wanted}; leave it out")
    style = wanted or next((style for style in ("drums", "melody") if found[style] == len(chosen) > 0), "any")
    return style, {"drums": DRUMS, "melody": max(programs, key=lambda program: programs[program], default=0)}.get(style, 0)


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


def in_general_midi(made: Part, known: Sequence[Note]) -> Part:
    """New notes of drums that General MIDI has no sound for on the nearest that it has, unless the seed plays them."""
    strange = set(HI_HAT_EDGES) - {note.pitch for note in known}
    if not made.is_drum or not any(note.pitch in strange for note in made.notes):
        return made
    moved = (note._replace(pitch=HI_HAT_EDGES[note.pitch]) if note.pitch in strange else note for note in made.notes)
    return replace(made, notes=without_overlaps(moved))
