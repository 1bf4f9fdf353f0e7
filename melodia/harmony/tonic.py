"""The tonic of voices that are given: how well their pitches fit each key, and where the outer voice ends.

Profiles of keys, correlated with how long each pitch class sounds: Temperley 2001, The Cognition of Basic Musical Structures.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from melodia.harmony.prepare import NUM_VOICES, REST, Voices

NO_TONIC = -1
PROFILES = (  # of major and minor, from the tonic on
    (5, 2, 3.5, 2, 4.5, 4, 2, 4.5, 2, 3.5, 1.5, 4),
    (5, 2, 3.5, 4.5, 2, 4, 2, 4.5, 3.5, 2, 1.5, 4),
)
ENDS = 0.3  # correlation that an ending of the bass, or else the soprano, is worth


def tonic_of(voices: Voices, given: Sequence[bool], ended: bool = True) -> int:
    """The pitch class of the tonic, by the voices that are given; `NO_TONIC` if they have no notes. `ended`: if these are whole."""
    columns = [voices[:, voice] for voice in range(NUM_VOICES) if given[voice]]
    sounding = np.concatenate(columns) if columns else np.zeros(0, np.uint8)
    sounding = sounding[sounding != REST]
    if not len(sounding):
        return NO_TONIC
    lasts = np.bincount(sounding % 12, minlength=12) / len(sounding)  # how long each pitch class does
    lasts = (lasts - lasts.mean()) / max(float(lasts.std()), 1e-9)
    scores = np.zeros((len(PROFILES), 12))
    for row, profile in zip(scores, PROFILES, strict=True):
        fits = (np.array(profile) - np.mean(profile)) / np.std(profile)
        row[:] = [float(np.roll(fits, pitch_class) @ lasts) / 12 for pitch_class in range(12)]
    for voice in (NUM_VOICES - 1, 0) if ended else ():
        sung = voices[:, voice][voices[:, voice] != REST]
        if given[voice] and len(sung):
            scores[:, sung[-1] % 12] += ENDS
            break
    return int(scores.max(axis=0).argmax())
