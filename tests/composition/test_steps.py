import numpy as np
import pytest
import torch

from melodia.composition.codec import MAX_PARTS, NUM_COLUMNS, SIZES
from melodia.composition.constraints import Constraints
from melodia.composition.model import CONDITIONS, Composer, ComposerConfig
from melodia.composition.performer import perform
from melodia.composition.recall import NUM_SOURCES
from melodia.composition.steps import ComposerSteps, TorchSteps, steps_of
from melodia.sampling import SamplingConfig
from melodia.stepping import arrays_of


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
    arrays = arrays_of(state)
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


def test_both_ways_draw_the_same(composer, monkeypatch):
    constraints = Constraints(bars=4, programs=(0, 33), playing=(0, 1))
    sampling = SamplingConfig(temperature=0.9, top_p=0.95)
    assert isinstance(steps_of(composer), ComposerSteps)
    quick = perform(composer, None, constraints, sampling, count=2, random_seed=3)
    monkeypatch.setattr("melodia.composition.performer.steps_of", lambda composer, precision: TorchSteps(composer))
    slow = perform(composer, None, constraints, sampling, count=2, random_seed=3)
    for a, b in zip(quick, slow, strict=True):
        np.testing.assert_array_equal(a, b)


def test_other_cells_take_torch():
    assert isinstance(steps_of(Composer(ComposerConfig(embedding_size=4, hidden_size=8, num_layers=1, cell="gru"))), TorchSteps)
