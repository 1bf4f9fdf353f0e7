import pytest
import torch

from melodia.checkpoint import CheckpointInfo, save_checkpoint
from melodia.composition.model import Composer, ComposerConfig
from melodia.config import to_json
from melodia.score import PPQ, Meter, Note, Part, Score, Tempo


@pytest.fixture(autouse=True)
def few_threads():
    torch.set_num_threads(1)  # steadier than two where the cores are shared


@pytest.fixture
def song() -> Score:
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


@pytest.fixture(scope="session")
def tiny() -> Composer:
    """An untrained composer, for what does not depend on its taste."""
    torch.manual_seed(1)
    composer = Composer(ComposerConfig(embedding_size=8, hidden_size=24, num_layers=2, head_size=16, dropout=0.1)).eval()
    with torch.no_grad():
        for weights in composer.parameters():
            weights *= 2.5  # strong opinions, so that what it hears matters
        composer.heads["kind"].output.bias.copy_(torch.tensor([0.0, 0.0, 2.5, 1.0, -3.0]))  # and many notes
    return composer


@pytest.fixture(scope="session")
def tiny_checkpoint(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoints") / "tiny"
    info = CheckpointInfo(domain="composition", model=to_json(tiny.config), title="untrained")
    save_checkpoint(folder, info, tiny.state_dict(), "# Untrained\n")
    return folder
