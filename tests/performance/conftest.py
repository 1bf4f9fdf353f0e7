"""What several tests of performances share."""

import pytest
import torch

from melodia.performance.codec import SHIFT
from melodia.performance.model import Pianist, PianistConfig


@pytest.fixture(scope="module")
def pianist():
    """One that has learnt nothing, but moves on in time."""
    torch.manual_seed(0)
    model = Pianist(PianistConfig(hidden_size=8, num_layers=2)).eval()
    with torch.no_grad():
        model.head.scores.bias[SHIFT + 9 : SHIFT + 30] = 4
    return model
