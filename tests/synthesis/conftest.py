"""A made-up speaker: each sign has a formant of its own, vowels have a pitch, and a small voice that has learnt a little of it."""

import numpy as np
import pytest
import soundfile
import torch

from melodia.features import mel_edges
from melodia.synthesis.analysis import FEATURES, NUM_HISS, Sound
from melodia.synthesis.model import Voice, VoiceConfig
from melodia.synthesis.signs import QUIET, SIGNS, SILENCE
from melodia.synthesis.vocoder import vocode

RATE = FEATURES.sample_rate
VOWELS, CONSONANTS = "ɑiuɛ", "smtk"
SENTENCES = 24


def formant(sign):
    """(n_mels,) dB: a hill, somewhere else for each sign."""
    middles = mel_edges(FEATURES, FEATURES.n_mels)[1]
    hertz = 300 * 2 ** (4 * SIGNS.index(sign) / len(SIGNS))
    return -70 + 55 * np.exp(-(np.log2(middles / hertz) ** 2) / 0.5)


def sound_of(rows):
    """Frames of (sign, frames) rows; the pitch falls from 220 Hz."""
    bands, hiss, pitch, total = [], [], [], sum(count for _, count in rows)
    for sign, count in rows:
        plain = sign[-1]
        bands += [formant(plain) if plain not in QUIET else np.full(FEATURES.n_mels, -95.0)] * count
        hiss += [np.full(NUM_HISS, -30.0 if plain in VOWELS else 0.0)] * count
        pitch += [220 - 60 * (len(pitch) + i) / total if plain in VOWELS else 0.0 for i in range(count)]
    return Sound(*(np.array(x, np.float32) for x in (bands, hiss, pitch)))


def rows_of(i):
    """Signs of a sentence by chance, with frames."""
    random, rows = np.random.default_rng(i), [(SILENCE, 12)]
    for word in range(int(random.integers(2, 5))):
        if word:
            rows.append((" ", 3))
        for _ in range(int(random.integers(1, 4))):
            rows.append((random.choice(list(CONSONANTS)), int(random.integers(6, 9))))
            rows.append(("ˈ" * int(random.integers(2)) + random.choice(list(VOWELS)), int(random.integers(10, 18))))
    return [*rows, (".", 8), (SILENCE, 12)]


def write_recording(folder, i):
    """A recording with its tables; returns its rows."""
    rows, name = rows_of(i), f"{i:02d}"
    sound = sound_of(rows)
    soundfile.write(folder / f"{name}.flac", np.clip(vocode(sound, np.random.default_rng(i)), -1, 1), RATE)
    onset, lines = 0.0, []
    for sign, count in rows:
        lines.append(f"{onset:.3f}\t{onset + count / 100:.3f}\t{sign}\n")
        onset += count / 100
    (folder / f"{name}.tsv").write_text("onset\toffset\tsign\n" + "".join(lines), "utf-8")
    (folder / f"{name}.pitch.tsv").write_text("pitch_hz\n" + "".join(f"{hz:.1f}\n" for hz in sound.pitch))
    (folder / f"{name}.txt").write_text(" ".join(np.random.default_rng(i).choice(["one", "two", "three", "four"], 6)))
    return rows


@pytest.fixture(scope="session")
def speaker(tmp_path_factory):
    """A folder of recordings."""
    folder = tmp_path_factory.mktemp("speaker")
    for i in range(SENTENCES):
        write_recording(folder, i)
    return folder


@pytest.fixture(scope="session")
def voice():
    """An untrained voice that has a pitch all the time, and signs of some 8 frames around A3."""
    torch.manual_seed(0)
    model = Voice(VoiceConfig(reader_size=6, teller_size=8, painter_size=8, embedding_size=8, num_layers=(1, 1, 1))).eval()
    model.readings_mean.copy_(torch.tensor([3.0, 57.0, -50.0, 0.0, 0.0, 0.0, 0.0]))
    model.readings_spread.copy_(torch.tensor([0.5, 2.0, 5.0, 1.0, 1.0, 1.0, 1.0]))
    model.bands_mean.fill_(-40.0)
    model.hiss_mean.fill_(-25.0)
    with torch.no_grad():
        model.paint.weight.mul_(0.1)
        model.paint.bias[-1] = 3.0
    return model
