"""Words set to a melody -> song, by a voice that has only ever spoken.

The readings of the signs are drawn as for speech, but for durations and pitch, which are the score's. The painter gives each
sign at most the time that it may have in speech; of a longer one the middle frames are drawn out. Then the score's pitch
takes the place of the spoken one: it moves from note to note as a vowel begins, and long notes get a vibrato.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from melodia.hertz import hertz_of
from melodia.loudness import at_loudness
from melodia.pronunciation.phonemes import VOWELS
from melodia.synthesis.analysis import HIGHEST_HZ, LOWEST_HZ, Floats, Sound
from melodia.synthesis.config import SpeakConfig
from melodia.synthesis.layout import DURATION, PITCH, READ
from melodia.synthesis.model import Voice
from melodia.synthesis.painting import paint
from melodia.synthesis.signs import QUIET
from melodia.synthesis.speak import Said, hear, noise_of
from melodia.synthesis.telling import tell
from melodia.synthesis.vocoder import vocode

if TYPE_CHECKING:
    from melodia.synthesis.song import Song, Sung

LONGEST_SPOKEN = 0.24  # seconds of a sign that the painter is given
KEPT = 0.08  # seconds at either end of a sign that are never drawn out
GLIDE, EARLY = 0.06, 0.04  # seconds from one note to the next, and how many of them before the onset
VIBRATO_HZ, VIBRATO_AFTER, VIBRATO_GROWS = 5.5, 0.3, 0.3  # seconds into a note; until it is whole
MIDDLING_VELOCITY, LOUDER = 80, 12.0  # MIDI velocity, and how much of it is a decibel
USUAL = 0.7  # quantile of the vowels' levels that is that of a note of middling velocity
MOST_MOVED = 6.0  # decibels, of a consonant
WIDEST = 1.5  # standard deviations of the spoken pitch that the painter is told of


def sing(voice: Voice, song: Song, config: SpeakConfig, generator: torch.Generator) -> Said:
    """Sings words on their notes; second 0 is that of the song, whose first unit begins there.

    Args:
        voice: who sings.
        song: units with onset, duration and pitch.
        config: of the readings' level and colour, by its temperature; the rest is the score's.
        generator: on the CPU; of the readings and of the noise in the voice.
    """
    units, rate = song.sung, voice.config.features.frame_rate
    starts = np.rint([sung.onset * rate for sung in units]).astype(np.int64)
    places = np.arange(len(starts))
    starts = np.maximum.accumulate(starts - places) + places  # a frame each at least
    end = max(round((units[-1].onset + units[-1].duration) * rate), int(starts[-1]) + 1)
    counts = np.diff(starts, append=end)
    spoken = np.minimum(counts, round(LONGEST_SPOKEN * rate))
    line = _line(units, voice)
    heard = hear(voice, [sung.unit for sung in units])
    fixed = np.full((len(units) + 2, READ), np.nan, np.float32)
    edge = round(0.1 * rate)
    padded = np.concatenate([[edge], spoken, [edge]])
    fixed[:, DURATION], fixed[1:-1, PITCH] = np.log2(padded), line
    readings = tell(voice, heard, config.temperature, generator, fixed)
    vowels = np.array([_is_vowel(sung) for sung in units])
    sound = _cut(paint(voice, heard, readings, padded, np.concatenate([[False], vowels, [False]])), edge)
    sound = sound._replace(bands=evened(sound.bands, spoken, vowels, [sung.velocity for sung in units]))
    sound = Sound(*(rows[drawn_out(spoken, counts, round(KEPT * rate))] for rows in sound))
    sound = sound._replace(pitch=_sung_pitch(units, counts, sound.pitch, rate, song.vibrato))
    waveform = vocode(sound, noise_of(generator), voice.config.features)
    spans = [(float(a) / rate, float(b) / rate) for a, b in zip(starts, starts + counts, strict=True)]
    sample_rate = voice.config.features.sample_rate
    return Said(at_loudness(waveform, sample_rate), sample_rate, spans, sound.pitch, rate)


def evened(bands: Floats, counts: NDArray[np.int64], vowels: NDArray[np.bool_], velocities: Sequence[int]) -> Floats:
    """(frames, n_mels) dB with each vowel as loud as its note is: in speech some are hardly there, in song they carry it."""
    if not vowels.any():
        return bands
    sign_of = np.repeat(np.arange(len(counts)), counts)
    power = np.bincount(sign_of, (10 ** (bands / 10)).mean(axis=-1)) / counts
    level = 10 * np.log10(power)
    usual = float(np.quantile(level[vowels], USUAL))
    louder = (np.asarray(velocities) - MIDDLING_VELOCITY) / LOUDER
    gains = np.where(vowels, usual + louder - level, 0.0)
    # a consonant moves with the vowels beside it, half as far, so that words stay whole
    beside = np.interp(np.arange(len(counts)), np.flatnonzero(vowels), gains[vowels])
    return bands + np.where(vowels, gains, np.clip(beside / 2, -MOST_MOVED, MOST_MOVED))[sign_of][:, None]


def _line(units: Sequence[Sung], voice: Voice) -> Floats:
    """The pitch of each unit as the painter is told of it: within the range of the spoken voice."""
    middle, spread = (float(of[PITCH]) for of in (voice.readings_mean, voice.readings_spread))
    pitch = _filled([np.nan if sung.pitch is None else sung.pitch for sung in units], middle)
    return np.clip(pitch, middle - WIDEST * spread, middle + WIDEST * spread).astype(np.float32)


def _filled(pitch: Sequence[float], otherwise: float) -> Floats:
    """Pitches, those that are missing like the next one, or else the last."""
    rows = np.array(pitch, np.float32)
    has = np.flatnonzero(~np.isnan(rows))
    if not len(has):
        return np.full(len(rows), otherwise, np.float32)
    found: Floats = rows[has[np.minimum(np.searchsorted(has, np.arange(len(rows))), len(has) - 1)]]
    return found


def _cut(sound: Sound, edge: int) -> Sound:
    return Sound(*(rows[edge:-edge] for rows in sound))


def drawn_out(spoken: NDArray[np.int64], counts: NDArray[np.int64], kept: int) -> NDArray[np.int64]:
    """(frames,) which of the spoken frames each sung one is: the ends of a unit as they are, its middle slower."""
    places = []
    for first, short, long in zip(np.cumsum(spoken) - spoken, spoken, counts, strict=True):
        if long == short:
            places.append(first + np.arange(short))
            continue
        keep = min(kept, (short - 1) // 2)
        middle = np.linspace(keep, short - 1 - keep, long - 2 * keep)
        places.append(first + np.rint(np.concatenate([np.arange(keep), middle, np.arange(short - keep, short)])).astype(np.int64))
    return np.concatenate(places)


def _sung_pitch(units: Sequence[Sung], counts: NDArray[np.int64], spoken: Floats, rate: float, vibrato: float) -> Floats:
    """(frames,) Hz: the notes, with glides and vibrato, where the voice has a pitch; vowels always have."""
    steps = np.repeat(_notes(units), counts)
    width, late = round(GLIDE * rate), round((GLIDE - EARLY) * rate)
    around = np.concatenate([np.repeat(steps[:1], late), steps, np.repeat(steps[-1:], width)])
    sums = np.concatenate([[0.0], np.cumsum(around, dtype=np.float64)])
    glided = (sums[width:] - sums[:-width])[: len(steps)] / width
    vowel = np.repeat([_is_vowel(sung) for sung in units], counts)
    cents = vibrato * _vibrato(steps, vowel, rate)
    quiet = np.repeat([sung.unit.sign in QUIET for sung in units], counts)
    has = (vowel | (spoken > 0)) & ~quiet
    return np.where(has, np.clip(hertz_of(glided + cents / 100), LOWEST_HZ, 2 * HIGHEST_HZ), 0).astype(np.float32)


def _notes(units: Sequence[Sung]) -> Floats:
    """The pitch of each unit: a note begins with its vowel, and the consonants before it are still on the note before, if they
    follow it without a rest."""
    pitch: list[float] = []
    for sung in units:
        held = sung.pitch is not None and not _is_vowel(sung) and pitch and not np.isnan(pitch[-1])
        pitch.append(np.nan if sung.pitch is None else pitch[-1] if held else sung.pitch)
    return _filled(pitch, 60.0)


def _is_vowel(sung: Sung) -> bool:
    return sung.unit.sign in VOWELS


def _vibrato(steps: Floats, vowel: NDArray[np.bool_], rate: float) -> Floats:
    """(frames,) from -1 to 1, growing some time into each note's vowel."""
    new = np.append(True, (np.diff(steps) != 0) | (vowel[1:] & ~vowel[:-1]))
    since = (np.arange(len(steps)) - np.maximum.accumulate(np.where(new, np.arange(len(steps)), 0))) / rate
    grown = np.clip((since - VIBRATO_AFTER) / VIBRATO_GROWS, 0, 1)
    found: Floats = (grown * np.sin(2 * np.pi * VIBRATO_HZ * (since - VIBRATO_AFTER))).astype(np.float32)
    return found
