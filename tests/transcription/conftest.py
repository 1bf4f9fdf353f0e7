"""A small transcriber with a little schooling on plain tones, and music whose notes are known."""

import numpy as np
import pytest
import soundfile
import torch

from melodia.checkpoint import CheckpointInfo, save_checkpoint
from melodia.config import to_json
from melodia.features import FeatureConfig, spectrogram
from melodia.transcription.data import DataConfig, Recording, collated, excerpt, packed
from melodia.transcription.decode import DecodeConfig
from melodia.transcription.model import Transcriber, TranscriberConfig
from melodia.transcription.notes import make_notes

RATE = 16_000


def played(notes, seconds):
    """Tones of four partials that die away."""
    audio = np.zeros(round(seconds * RATE), np.float32)
    for onset, offset, pitch, velocity in notes:
        first, length = round(onset * RATE), round((offset - onset) * RATE)
        time = np.arange(length) / RATE
        hertz = 440 * 2 ** ((pitch - 69) / 12)
        tone = sum(np.sin(2 * np.pi * hertz * k * time) / k for k in range(1, 5) if hertz * k < RATE / 2)
        audio[first : first + length] += (tone * np.exp(-3 * time) * velocity / 500)[: len(audio) - first]
    return audio


def scale(seconds=8.0, first=60):
    """A note every 400 ms, every other with a fifth below."""
    rows = []
    for i, onset in enumerate(np.arange(0.3, seconds - 1, 0.4)):
        rows.append((onset, onset + 0.35, first + (i * 2) % 13, 60 + 4 * (i % 8)))
        if i % 2:
            rows.append((onset, onset + 0.35, first - 7 - i % 5, 80))
    return make_notes(rows)


@pytest.fixture
def folder(tmp_path):
    """Six recordings with their notes beside them, and one without."""
    music = tmp_path / "music"
    music.mkdir()
    for i in range(6):
        notes = scale(4.0, 55 + i)
        soundfile.write(music / f"{i}.flac", played(notes, 4.0), RATE)
        rows = "".join("\t".join(f"{v:.4f}" for v in row) + "\n" for row in notes)
        (music / f"{i}.tsv").write_text("# onset\toffset\tpitch\tvelocity\n" + rows)
    (music / "0.pedal.tsv").write_text("# onset\toffset\n0.5\t1.5\n")
    (music / "alone.tsv").write_text("# onset\toffset\tpitch\tvelocity\n0.1\t0.5\t60\t80\n")
    return music


@pytest.fixture(scope="session")
def small():
    """Trained on one batch of tones until it has learnt them."""
    torch.manual_seed(0)
    features = FeatureConfig()
    model = Transcriber(
        TranscriberConfig(features=features, input_size=16, hidden_sizes=(16, 8, 16), decode=DecodeConfig(onset=0.3))
    )
    notes = scale()
    frames = packed(spectrogram(torch.from_numpy(played(notes, 8.0)), features).numpy())
    recording = Recording(frames, notes.astype(np.float32), np.full((1, 2), -1, np.float32))
    data = DataConfig(batch_size=1, length=len(frames), augment=False)
    batch = collated([excerpt(recording, features.frame_rate, data, np.random.default_rng(0))])
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    losses = []
    for _ in range(80):
        nats, count, _ = model.loss(batch)
        optimizer.zero_grad()
        (nats / count).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(float(nats.detach() / count))
    model.losses = losses
    return model.eval()


@pytest.fixture(scope="session")
def small_checkpoint(small, tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoints") / "small"
    info = CheckpointInfo(domain="transcription", model=to_json(small.config), title="tones")
    save_checkpoint(folder, info, small.state_dict(), "# Tones\n")
    return folder
