"""Speech whose letters are tones, one and a half octaves of them, and a small recogniser that has learnt to read it."""

import numpy as np
import pytest
import soundfile
import torch

from melodia.checkpoint import CheckpointInfo, save_checkpoint
from melodia.config import to_json
from melodia.features import MelConfig, log_mel
from melodia.recognition.data import Excerpt, collated
from melodia.recognition.model import Recognizer, RecognizerConfig
from melodia.text import ALPHABET, letters_of

RATE = 16_000
LETTER = 0.09  # seconds
LETTERS = "abcdefg"


def said(text, before=0.1, after=0.1):
    """A tone a letter, a low one between words."""
    parts = [np.zeros(round(before * RATE))]
    for character in text:
        time = np.arange(round(LETTER * RATE)) / RATE
        hertz = 300 * 2 ** (ALPHABET.index(character) / 4)
        tone = 0.3 * np.sin(2 * np.pi * hertz * time) * np.hanning(len(time)) ** 0.5
        parts += [tone, np.zeros(round(0.02 * RATE))]
    parts.append(np.zeros(round(after * RATE)))
    noise = np.random.default_rng(len(text)).normal(size=sum(map(len, parts))) * 1e-4
    return (np.concatenate(parts) + noise).astype(np.float32)


def sentence(i, longest=9):
    """Letters by chance, none twice in a row, in two words if they are many."""
    random, letters = np.random.default_rng(i), "-"
    for _ in range(int(random.integers(max(longest // 3, 1), longest))):
        letters += random.choice([c for c in LETTERS if c != letters[-1]])
    half = len(letters) // 2 if len(letters) > 4 else len(letters)
    return f"{letters[1:half]} {letters[half:]}".strip()


@pytest.fixture(scope="session")
def reader():
    """A recogniser with some seconds of schooling, on sentences that are new each time."""
    torch.manual_seed(0)
    model = Recognizer(RecognizerConfig(features=MelConfig(n_mels=40), channels=8, hidden_size=32, num_layers=(1, 1), dropout=0.0))
    optimizer, random, losses = torch.optim.Adam(model.parameters(), lr=0.01), np.random.default_rng(0), []
    for iteration in range(260):
        items = []
        for i in range(10):
            text = sentence(1000 + 10 * iteration + i, 4 if iteration < 100 else 9)
            waveform = torch.from_numpy(said(text, *random.uniform(0.05, 0.5, size=2)))
            decibels = log_mel(waveform, model.config.features).numpy()
            sounds = np.array([LETTERS.index(c) + 1 for c in text.replace(" ", "")], np.uint8)
            items.append(Excerpt(decibels, np.array(letters_of(text), np.uint8), sounds))
        nats, count, _ = model.loss(collated(items))
        optimizer.zero_grad()
        (nats / count).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(float(nats.detach() / count))
    model.losses = losses
    return model.eval()


@pytest.fixture(scope="session")
def reader_checkpoint(reader, tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoints") / "reader"
    info = CheckpointInfo(domain="recognition", model=to_json(reader.config), title="tones")
    save_checkpoint(folder, info, reader.state_dict(), "# Tones\n")
    return folder


@pytest.fixture
def speech(tmp_path):
    """Twelve recordings with their texts beside them, and one without."""
    folder = tmp_path / "speech"
    folder.mkdir()
    for i in range(12):
        soundfile.write(folder / f"{i:02d}.wav", said(sentence(100 + i)), RATE)
        (folder / f"{i:02d}.txt").write_text(sentence(100 + i).capitalize() + ".\n")
    soundfile.write(folder / "alone.wav", said("bed"), RATE)
    return folder
