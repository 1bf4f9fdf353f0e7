import numpy as np
import pytest
import torch

from melodia.composition.codec import MAX_PARTS, NUM_COLUMNS, PART, SIZES
from melodia.composition.model import CONDITIONS, Composer, ComposerConfig
from melodia.composition.recall import NUM_SOURCES
from melodia.composition.steps import ComposerSteps
from melodia.stepping import state_arrays


@pytest.fixture(scope="module")
def composer():
    torch.manual_seed(0)
    return Composer(ComposerConfig(embedding_size=8, hidden_size=32, num_layers=2, head_size=12)).eval()


def some_events(rng, *shape):
    return np.stack([rng.integers(-1, SIZES[c], shape) for c in range(NUM_COLUMNS)], axis=-1)


@pytest.mark.parametrize("streams", [1, 4])
def test_it_computes_what_the_composer_does(composer, streams):
    rng, steps = np.random.default_rng(0), ComposerSteps(composer)
    state = composer.lstm.initial_state(streams)
    arrays = state_arrays(state)
    programs = np.array([0, 33, 128, *[-1] * (MAX_PARTS - 3)])
    for _ in range(5):
        events, recalled = some_events(rng, streams), some_events(rng, streams, NUM_SOURCES)
        with torch.inference_mode():
            y, state = composer(torch.from_numpy(events)[:, None], torch.from_numpy(recalled)[:, None], state)
        hidden = steps(events, recalled, arrays)
        np.testing.assert_allclose(hidden, y[:, 0].numpy(), atol=1e-5)
    event, before = some_events(rng, streams), np.zeros((streams, NUM_COLUMNS), np.int64)
    event[:, 0] = 2  # a note
    for column in CONDITIONS:
        with torch.inference_mode():
            rows = [torch.from_numpy(x) for x in (hidden, event, before, np.tile(programs, (streams, 1)))]
            true = composer.logits(column, *rows).numpy()
        mine = steps.logits(column, hidden, event, steps.parts(programs))
        known = np.isfinite(true)
        assert known.any()
        np.testing.assert_allclose(mine[known], true[known], atol=1e-4)
    assert PART in CONDITIONS
