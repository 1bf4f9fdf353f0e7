"""Music between what was and what comes: candidate fillings side by side, weighed by what they make likely.

The composer reads forwards only, so a filling knows what went before it and not what it must lead to.
Sequential Monte Carlo puts that right: particles draw the filling bar by bar, and go on through the
bars after it, whose notes are given. Wherever the masks leave out some of what the model would have
done, the particle's weight is multiplied by the probability of what they leave in; of a given note
that is its probability. At bar lines, when few particles carry most of the weight, they are drawn
anew by it (systematic resampling), and at the end one is drawn. With more and more particles, at
temperature 1 and without filters, that is a draw from the model given both ends and the constraints;
with few it leans towards what the model would have played by itself. Gordon, Salmond and Smith 1993;
Doucet and Johansen, *A Tutorial on Particle Filtering and Smoothing*, 2009, sections 3 and 4.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from melodia.composition.codec import Events
from melodia.composition.constraints import Constraints
from melodia.composition.model import Composer
from melodia.composition.performer import Ensemble, one_thread
from melodia.composition.taste import Taste
from melodia.sampling import seed_of

FEWEST_ALIVE = 0.5  # of the particles, by their effective number; with fewer they are drawn anew


@one_thread()
@torch.inference_mode()
def fill(
    composer: Composer,
    primer: Events,
    constraints: Constraints,
    taste: Taste,
    *,
    particles: int,
    random_seed: int,
    progress: Callable[[int], None] = lambda bars: None,
) -> Events:
    """Draws one take, weighed by the bars that are given.

    Args:
        composer: the model, on the device to use.
        primer: events to go on from, without END.
        constraints: what the take must be.
        taste: temperature and filters of each attribute.
        particles: how many candidates; 1 does not look ahead.
        random_seed: the same gives the same take.
        progress: called with the bars that all particles have begun.

    Returns:
        its events, int16 (events, NUM_COLUMNS), without the primer's but for its parts.
    """
    ensemble = Ensemble(composer, primer, constraints, taste, count=particles, random_seed=random_seed, weigh=True)
    generator = torch.Generator().manual_seed(seed_of(random_seed, particles))
    for bar in range(1, constraints.bars + 1):
        ensemble.play(bar)
        weights = _weights(ensemble)
        if 1 / float(weights.square().sum()) < FEWEST_ALIVE * particles:
            ensemble.resample(systematic(weights, generator))
        progress(bar)
    ensemble.play()
    return ensemble.takes[int(torch.multinomial(_weights(ensemble), 1, generator=generator))].events()


def _weights(ensemble: Ensemble) -> Tensor:
    """(particles,) float64, of sum 1."""
    return torch.softmax(-torch.tensor([take.nats for take in ensemble.takes], dtype=torch.float64), 0)


def systematic(weights: Tensor, generator: torch.Generator) -> list[int]:
    """As many indices as there are weights, each about as often as its weight says; at most one more or less."""
    count = len(weights)
    points = (torch.arange(count, dtype=torch.float64) + torch.rand((), generator=generator, dtype=torch.float64)) / count
    return torch.searchsorted(weights.cumsum(0), points).clamp(max=count - 1).tolist()
