"""Lyrics and a melody -> what is sung when: each vowel from the onset of its note, as singers do.

Consonants before a vowel are taken from the rest before its note, and from the end of the note before that; those after it lie
before the end of their own note. They last as long as in speech, but take no more than `MOST_TAKEN` of a note.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle

from melodia.errors import ConfigError
from melodia.score import PPQ, Score
from melodia.synthesis.config import SONG, SongConfig
from melodia.synthesis.melody import LEGATO, SungNote, melody_of, moved_into, phrases_of
from melodia.synthesis.reading import Unit
from melodia.synthesis.syllables import Lyrics, Syllable, syllables_of
from melodia.synthesis.words import Speller

LOWEST_SUNG, HIGHEST_SUNG = 33, 86  # MIDI pitches that a voice can sing at all
MOST_TAKEN = 0.4  # of a note, by the consonants at its end
SHORTEST = 1e-6  # seconds
TAIL = 0.3  # seconds of silence at the end
REST, STOP = ",", "."  # signs of silence between notes and after them
DURATIONS: Mapping[str, float] = {  # seconds
    **dict.fromkeys("bdpɡkt", 0.06), "ɾ": 0.03, "ʔ": 0.04, **dict.fromkeys("fvszðθʃʒh", 0.09), **dict.fromkeys("ʧʤ", 0.1),
    **dict.fromkeys("mnŋlɹjw", 0.06),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sung:
    """A unit at its place: onset and duration in seconds; the MIDI pitch and velocity of its note, no pitch for silence.

    A vowel that is held over several notes stands once for each.
    """

    unit: Unit
    onset: float
    duration: float
    pitch: float | None
    velocity: int = 0


@dataclass(frozen=True, slots=True)
class Song:
    """What is sung: its words, its units without a gap from second 0 on, the notes that are sung.

    `lead` is how many seconds later than in the score all is, so that the first consonants have room; `transposed` how many
    semitones higher; `vibrato` how many cents long notes swing to either side; `left_over` how many notes have no words.
    """

    words: tuple[str, ...]
    sung: tuple[Sung, ...]
    notes: tuple[SungNote, ...]
    lead: float = 0.0
    transposed: int = 0
    vibrato: float = 20.0
    left_over: int = 0

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.sung[-1].onset + self.sung[-1].duration


def set_to(
    lyrics: str,
    melody: Score,
    config: SongConfig = SONG,
    *,
    durations: Mapping[str, float] = DURATIONS,
    speller: Speller | None = None,
    notices: Callable[[str], None] = lambda notice: None,
) -> Song:
    """Lyrics on the notes of a melody, a syllable a note.

    Where there are as many lines as phrases of the melody, each line has its phrase, and its last syllable
    what is left of that, unless that is more than half.

    Args:
        lyrics: English words; `_` holds a syllable over one more note.
        melody: a score with it.
        config: see there.
        durations: seconds of each consonant.
        speller: gives phonemes of words that the lexicon lacks.
        notices: called with each line that the person should read.

    Raises:
        ConfigError: nothing in the lyrics can be sung, they have more syllables than there are notes, or a setting is out of range.
        MidiError: there are no notes.
    """
    sung = syllables_of(lyrics, speller, notices)
    notes = melody_of(melody, config.part, config.tempo)
    moved = config.transpose if config.transpose is not None else moved_into(notes, config.lowest, config.highest)
    notes = [note._replace(pitch=note.pitch + moved) for note in notes]
    if not all(LOWEST_SUNG <= note.pitch <= HIGHEST_SUNG for note in notes):
        lowest, highest = min(note.pitch for note in notes), max(note.pitch for note in notes)
        raise ConfigError(
            f"transpose: with {moved} the melody goes from pitch {lowest} to {highest}; "
            f"it must stay from {LOWEST_SUNG} to {HIGHEST_SUNG}"
        )
    if moved and config.transpose is None:
        notices(f"sung {abs(moved) // 12} octave{'s' if abs(moved) > 12 else ''} {'higher' if moved > 0 else 'lower'}")
    eighth = melody.seconds_at(PPQ // 2) if config.tempo is None else 30 / config.tempo
    phrases = phrases_of(notes, eighth)
    placed = _placed(sung, notes, phrases, config.repeat)
    left = len(notes) - sum(len(held) for _, held in placed)
    if left:
        again = not config.repeat and len(_placed(sung, notes, phrases, repeat=True)) > len(placed)
        what = "--repeat begins the lyrics anew; or give more" if again else "give more lyrics"
        notices(f"the last {left} of {len(notes)} notes have no words; {what}, or hold syllables with _")
    lead = _lead(placed, durations)
    later = [(one, [n._replace(onset=n.onset + lead, offset=n.offset + lead) for n in held]) for one, held in placed]
    own = tuple(note for _, held in later for note in held)
    return Song(sung.words, tuple(_timed(later, durations)), own, lead, moved, config.vibrato, left)


Placed = list[tuple[Syllable, list[SungNote]]]


def _placed(lyrics: Lyrics, notes: Sequence[SungNote], phrases: Sequence[Sequence[int]], repeat: bool) -> Placed:
    """Each syllable with its notes."""
    needed = [sum(syllable.num_notes for syllable in line) for line in lyrics.lines]
    found: Placed = []
    by_lines = len(phrases) == len(needed) or (repeat and len(phrases) % len(needed) == 0)
    if by_lines and all(n <= len(phrase) <= 2 * n for n, phrase in zip(cycle(needed), phrases, strict=False)):
        for line, phrase in zip(cycle(lyrics.lines), phrases, strict=False):
            _spread(line, [notes[i] for i in phrase], found)
            found[-1][1].extend(notes[i] for i in phrase[sum(s.num_notes for s in line) :])
        return found
    total = sum(needed)
    if total > len(notes):
        raise ConfigError(
            f"lyrics: {total} syllables for {len(notes)} notes; leave some out, or give a melody (or --part) of {total} or more"
        )
    everything = [syllable for line in lyrics.lines for syllable in line]
    for first in range(0, len(notes) - total + 1 if repeat else 1, total):
        _spread(everything, notes[first : first + total], found)
    return found


def _spread(syllables: Sequence[Syllable], notes: Sequence[SungNote], found: Placed) -> None:
    place = 0
    for syllable in syllables:
        found.append((syllable, list(notes[place : place + syllable.num_notes])))
        place += syllable.num_notes


def _lead(placed: Placed, durations: Mapping[str, float]) -> float:
    syllable, notes = placed[0]
    return max(_seconds(syllable.onset, durations) - notes[0].onset, 0.0)


def _seconds(units: Sequence[Unit], durations: Mapping[str, float]) -> float:
    return sum(durations.get(unit.sign, 0.06) for unit in units)


def _timed(placed: Placed, durations: Mapping[str, float]) -> list[Sung]:
    """The units of all syllables, and the silence around them, without a gap."""
    found: list[Sung] = []
    now = placed[0][1][0].onset - _seconds(placed[0][0].onset, durations)
    if now > SHORTEST:
        found.append(Sung(Unit(REST), 0.0, now, None))
    before = _seconds(placed[0][0].onset, durations)  # of the consonants that come next
    for (syllable, notes), after in zip(placed, [*placed[1:], None], strict=True):
        now = _add(found, syllable.onset, notes[0].onset - before, before, notes[0], durations)
        last = notes[-1]
        rest = after[1][0].onset - last.offset if after else TAIL
        end = last.offset + (rest if after and rest < LEGATO else 0.0)
        rest = 0.0 if after and rest < LEGATO else rest
        wanted, coda = (_seconds(units, durations) for units in (after[0].onset if after else (), syllable.coda))
        of_rest = min(wanted, rest)
        taken = wanted - of_rest + coda
        share = min(1.0, MOST_TAKEN * (end - last.onset) / taken) if taken else 1.0
        before = of_rest + (wanted - of_rest) * share
        stops = end - share * taken
        _hold(found, syllable.vowel, notes, stops)
        now = _add(found, syllable.coda, stops, coda * share, last, durations)
        if rest > of_rest + SHORTEST:
            found.append(Sung(Unit(REST if after else STOP), now, rest - of_rest, None))
    return found


def _add(
    found: list[Sung], units: Sequence[Unit], onset: float, seconds: float, note: SungNote, durations: Mapping[str, float]
) -> float:
    """Adds consonants that last so many seconds in all, and gives when they end."""
    total = _seconds(units, durations)
    for unit in units:
        length = seconds * durations.get(unit.sign, 0.06) / total
        found.append(Sung(unit, onset, length, float(note.pitch), note.velocity))
        onset += length
    return onset


def _hold(found: list[Sung], vowel: Unit, notes: Sequence[SungNote], stops: float) -> None:
    """Adds a vowel, once for each of its notes; it is silent between them only where the melody rests."""
    for note, after in zip(notes, [*notes[1:], None], strict=True):
        end = stops if after is None else after.onset if after.onset - note.offset < LEGATO else note.offset
        found.append(Sung(vowel, note.onset, end - note.onset, float(note.pitch), note.velocity))
        if after and after.onset > end:
            found.append(Sung(Unit(REST), end, after.onset - end, None))
