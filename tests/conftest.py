import numpy as np
import pytest
import torch
from hypothesis import settings

from melodia.checkpoint import CheckpointInfo, save_checkpoint
from melodia.composition.augment import AugmentConfig
from melodia.composition.codec import encode
from melodia.composition.data import heard, window
from melodia.composition.model import Composer, ComposerConfig
from melodia.config import to_json
from melodia.features import FeatureConfig, packed, spectrogram
from melodia.score import PPQ, Meter, Note, Part, Score, Tempo
from melodia.transcription.data import DataConfig, Recording, collated
from melodia.transcription.data import excerpt as excerpt_of
from melodia.transcription.decode import DecodeConfig
from melodia.transcription.model import Transcriber, TranscriberConfig

settings.register_profile("repeatable", derandomize=True)  # explore with --hypothesis-profile default
settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def few_threads():
    torch.set_num_threads(1)  # the same sums on any machine


def make_song() -> Score:
    """Four bars of 3/4 at 90: a tune, a bass and drums."""
    tune = [Note(i * PPQ, i * PPQ + PPQ - 20, 60 + (i * 5) % 12, 70 + i) for i in range(12)]
    bass = [Note(i * 3 * PPQ, (i + 1) * 3 * PPQ, 36 + i, 90) for i in range(4)]
    drums = [Note(i * PPQ // 2, i * PPQ // 2 + 60, 42 if i % 2 else 36, 100) for i in range(24)]
    parts = [
        Part("Tune", 73, notes=tune, channel=0),
        Part("Bass", 33, notes=bass, channel=1),
        Part("Kit", 0, True, drums, channel=9),
    ]
    return Score(parts, [Tempo(0, 90.0)], [Meter(0, 3, 4)])


@pytest.fixture
def song() -> Score:
    return make_song()


@pytest.fixture(scope="session")
def tiny() -> Composer:
    """A small composer with a few seconds of schooling: what it plays is poor, but it does play."""
    torch.manual_seed(1)
    composer = Composer(ComposerConfig(embedding_size=8, hidden_size=24, num_layers=2, head_size=16, dropout=0.0))
    optimizer = torch.optim.Adam(composer.parameters(), lr=0.02)
    pieces = [encode(make_song()), encode(make_song().clip(0, 2880)), encode(make_song().clip(1440, 4320))]
    random = np.random.default_rng(0)
    for _ in range(40):
        nats, count, _ = composer.loss(window([(heard(p, AugmentConfig(), random), 0) for p in pieces], 100), None)
        optimizer.zero_grad()
        (nats / count).backward()
        optimizer.step()
    return composer.eval()


@pytest.fixture(scope="session")
def tiny_checkpoint(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoints") / "tiny"
    info = CheckpointInfo(domain="composition", model=to_json(tiny.config), title="untrained")
    save_checkpoint(folder, info, tiny.state_dict(), "# Untrained\n")
    return folder


@pytest.fixture(scope="session")
def small():
    """A small transcriber, trained on one batch of tones until it has learnt them."""
    from tests.transcription.conftest import played, scale

    torch.manual_seed(0)
    features = FeatureConfig()
    model = Transcriber(
        TranscriberConfig(features=features, input_size=16, hidden_sizes=(16, 8, 16), decode=DecodeConfig(onset=0.3))
    )
    notes = scale()
    frames = packed(spectrogram(torch.from_numpy(played(notes, 8.0)), features).numpy())
    recording = Recording(frames, notes.astype(np.float32), np.full((1, 2), -1, np.float32))
    data = DataConfig(batch_size=1, length=len(frames), augment=False)
    batch = collated([excerpt_of(recording, features.frame_rate, data, np.random.default_rng(0))])
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
