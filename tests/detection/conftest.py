"""Music and speech that a small detector can tell apart: steady tones, and buzzes that glide and pause."""

import numpy as np
import pytest
import soundfile
import torch

from melodia.checkpoint import CheckpointInfo, save_checkpoint
from melodia.config import to_json
from melodia.detection.data import Recording, collated
from melodia.detection.labelled import KINDS
from melodia.detection.model import FEATURES, Detector, DetectorConfig
from melodia.features import log_mel, packed

RATE = 16_000


def tune(seconds=6.0, number=0):
    """Steady notes of three partials."""
    random, audio = np.random.default_rng([0, number]), np.zeros(round(seconds * RATE))
    for first in range(0, len(audio), RATE // 3):
        time = np.arange(min(RATE // 3, len(audio) - first)) / RATE
        hertz = 220 * 2 ** (random.integers(0, 24) / 12)
        audio[first : first + len(time)] = sum(np.sin(2 * np.pi * hertz * k * time) / k for k in (1, 2, 3)) * np.exp(-2 * time)
    return (0.2 * audio).astype(np.float32)


def talk(seconds=6.0, number=0):
    """A buzz of many partials whose pitch glides, in syllables with pauses between them."""
    random, time = np.random.default_rng([1, number]), np.arange(round(seconds * RATE)) / RATE
    pitch = 120 + 30 * np.sin(2 * np.pi * 0.7 * time + random.uniform(0, 6)) + 10 * np.sin(2 * np.pi * 3 * time)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    buzz = sum(np.sin(k * phase) / (1 + abs(k - 5)) for k in range(1, 25))
    syllables = np.maximum(np.sin(2 * np.pi * 4 * time + random.uniform(0, 6)), 0) * (np.sin(2 * np.pi * 0.5 * time) > -0.6)
    return (0.1 * buzz * syllables).astype(np.float32)


SOUNDS = {"music": tune, "speech": talk}


def recordings(count=4, seconds=6.0):
    made = []
    for kind in KINDS:
        for i in range(count):
            frames = packed(log_mel(torch.from_numpy(SOUNDS[kind](seconds, i)), FEATURES).numpy())
            made.append(Recording(frames, kind, "ab"[i % 2]))
    return made


@pytest.fixture
def folder(tmp_path):
    """Eight recordings of each kind in two sources, and one of neither."""
    for kind, sound in SOUNDS.items():
        for i in range(8):
            path = tmp_path / "kinds" / kind / "ab"[i % 2] / f"{i}.flac"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, sound(6.0, i), RATE)
    soundfile.write(tmp_path / "kinds" / "neither.flac", tune(), RATE)
    return tmp_path / "kinds"


@pytest.fixture(scope="session")
def small():
    """A small detector, trained on one batch until it has learnt it."""
    torch.manual_seed(0)
    model = Detector(DetectorConfig(input_size=12, hidden_size=8, num_layers=1, dropout=0.0))
    made = recordings()
    batch = collated([r.frames[:300].astype(np.float32) * 0.5 - 100 for r in made], [r.kind for r in made])
    optimizer, losses = torch.optim.Adam(model.parameters(), lr=0.02), []
    for _ in range(40):
        nats, count, _ = model.loss(batch)
        optimizer.zero_grad()
        (nats / count).backward()
        optimizer.step()
        losses.append(float(nats.detach() / count))
    model.losses = losses
    return model.eval()


@pytest.fixture(scope="session")
def small_checkpoint(small, tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoints") / "small"
    info = CheckpointInfo(domain="detection", model=to_json(small.config), title="tones and buzzes")
    save_checkpoint(folder, info, small.state_dict(), "# Tones and buzzes\n")
    return folder
