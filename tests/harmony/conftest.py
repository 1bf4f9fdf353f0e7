import pytest
import torch

from melodia.checkpoint import CheckpointInfo, save_checkpoint
from melodia.config import to_json
from melodia.harmony.model import Choir, ChoirConfig


@pytest.fixture(scope="session")
def harmonizer() -> Choir:
    """A small harmonizer that has learnt nothing."""
    torch.manual_seed(0)
    return Choir(ChoirConfig(time_size=12, voice_size=8, code_size=4, ahead_size=6)).eval()


@pytest.fixture(scope="session")
def harmonizer_checkpoint(harmonizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoints") / "harmonizer"
    info = CheckpointInfo(domain="harmony", model=to_json(harmonizer.config), title="untrained")
    save_checkpoint(folder, info, harmonizer.state_dict(), "# Untrained\n")
    return folder
