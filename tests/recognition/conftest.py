"""Speech whose letters are tones, one and a half octaves of them, and a small recogniser that has learnt to read it."""

import numpy as np
import pytest
import soundfile
import torch

from melodia.checkpoint import CheckpointInfo, save_checkpoint
from melodia.config import to_json
from melodia.features import MelConfig, log_mel, packed
from melodia.recognition.data import Utterance, collated, excerpt
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


def sentence(i):
    """One or two words of letters by chance, no letter twice in a row."""
    random = np.random.default_rng(i)
    letters = [LETTERS[0]]
    while len(letters) < 9:
        letters.append(random.choice([c for c in LETTERS if c != letters[-1]]))
    return "".join(letters[1:5]) + (" " + "".join(letters[5:]) if i % 2 else "")


@pytest.fixture(scope="session")
def reader():
    """A recogniser with some seconds of schooling."""
    torch.manual_seed(0)
    model = Recognizer(RecognizerConfig(features=MelConfig(n_mels=40), channels=8, hidden_size=32, num_layers=(1, 1), dropout=0.0))
    items = []
    for i in range(40):
        waveform = said(sentence(i), 0.1 + 0.7 * (i % 3 == 1), 0.1 + 0.7 * (i % 3 == 2))
        frames = packed(log_mel(torch.from_numpy(waveform), model.config.features).numpy())
        items.append(excerpt(Utterance(frames, np.array(letters_of(sentence(i)), np.uint8)), None, np.random.default_rng(0)))
    batch, losses = collated(items), []
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.02, total_steps=200)
    for _ in range(200):
        nats, count, _ = model.loss(batch)
        optimizer.zero_grad()
        (nats / count).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
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
