"""How loud a sound is, told from its spectrogram."""

from __future__ import annotations

import math

from torch import Tensor

from melodia.features import FLOOR_DB, MelConfig

SILENCE_DB = -50.0  # below which too little is heard to tell what it is


def level_db(decibels: Tensor, config: MelConfig) -> float:
    """(frames, n_mels) -> its root mean square in dB below full scale, to about 1 dB; -inf of no frames.

    A Hann window of win_length samples makes 3 n_fft / win_length of a waveform's power, added up over all bins; what
    stands at the floor is silence.
    """
    if not len(decibels):
        return -math.inf
    power = (10 ** (decibels / 10) - 10 ** (FLOOR_DB / 10)).clamp(min=0).sum(dim=-1).mean()
    return 10 * math.log10(max(float(power) * config.win_length / (3 * config.n_fft), 1e-20))
