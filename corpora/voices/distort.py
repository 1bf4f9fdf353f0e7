"""Speech as it arrives: through telephones, codecs and rooms."""

import io

import numpy as np
import soundfile
import soxr
from scipy.signal import fftconvolve

TELEPHONES = (("WAV", "ULAW"), ("WAV", "GSM610"), ("WAV", "IMA_ADPCM"))
CHANGED = 0.35  # share of recordings that are changed; 16% of those in their level alone


def recorded(waveform: np.ndarray, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """The waveform, or what became of it on its way."""
    if rng.random() > CHANGED:
        return waveform
    out = waveform / max(np.abs(waveform).max(), 1e-6) * 0.7
    if rng.random() < 0.6:
        out = fftconvolve(out, room(sample_rate, rng))[: len(out) + sample_rate // 4].astype(np.float32)
        out *= 0.7 / np.abs(out).max()
    if rng.random() < 0.6:
        out = telephone(out, sample_rate, rng) if rng.random() < 0.6 else squeezed(out, sample_rate, rng)
    return out.astype(np.float32)


def room(sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """The response of a made-up room: the direct sound, some walls, a tail that loses its treble."""
    decay = np.exp(rng.uniform(np.log(0.1), np.log(0.9)))
    time = np.arange(round(min(decay, 0.7) * sample_rate)) / sample_rate
    noise = rng.normal(size=len(time))
    tail = np.convolve(noise, np.ones(9) / 3, "same") * 10 ** (-3 * time / decay) + noise * 10 ** (-3 * time / (0.4 * decay))
    tail *= 10 ** (rng.uniform(-16, 0) / 20) / np.linalg.norm(tail)
    response = np.concatenate([[1.0], np.zeros(rng.integers(20, 500)), tail])
    for _ in range(rng.integers(0, 6)):
        response[rng.integers(20, min(1200, len(response)))] += rng.uniform(-0.4, 0.4)
    return response


def telephone(waveform: np.ndarray, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Through a telephone's band and codec."""
    low = soxr.resample(waveform, sample_rate, 8000)
    kind, codec = TELEPHONES[rng.integers(len(TELEPHONES))]
    return soxr.resample(through(low, 8000, kind, codec), 8000, sample_rate)


def squeezed(waveform: np.ndarray, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Through a codec at the lowest of its rates."""
    if rng.random() < 0.5:
        return through(waveform, sample_rate, "MP3", "MPEG_LAYER_III", rng.uniform(0.9, 1.0))
    return through(waveform, sample_rate, "OGG", "VORBIS", rng.uniform(0.9, 1.0))


def through(waveform: np.ndarray, sample_rate: int, kind: str, codec: str, compression: float | None = None) -> np.ndarray:
    file = io.BytesIO()
    soundfile.write(file, waveform, sample_rate, format=kind, subtype=codec, compression_level=compression)
    file.seek(0)
    return soundfile.read(file, dtype="float32")[0]
