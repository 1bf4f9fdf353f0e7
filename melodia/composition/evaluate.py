"""How well a composer predicts, and how like real music its continuations are."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from melodia.composition.codec import KIND, KIND_BAR, KIND_PART, METER, NAMES, POSITION, PROGRAM, TEMPO, Events
from melodia.composition.constraints import Constraints
from melodia.composition.data import in_order
from melodia.composition.likeness import compare, degenerate, features
from melodia.composition.model import Composer, is_note
from melodia.composition.ngram import NGram
from melodia.composition.performer import perform
from melodia.errors import CorpusError
from melodia.sampling import SamplingConfig

PRIMER_BARS, MADE_BARS = 8, 16
FEWEST_NOTES = 8  # in the primer and in what follows it, for a piece to serve


@dataclass(frozen=True, slots=True, kw_only=True)
class BitScore:
    """Bits a note of whole pieces: every event but the first counted (bars and ends too), divided by the notes."""

    bits_a_note: float
    notes: int
    pieces: int
    by_attribute: dict[str, float]


@torch.no_grad()
def score_pieces(composer: Composer, pieces: Sequence[Events], batch_size: int = 32, length: int = 256) -> BitScore:
    """The exact log-likelihood of pieces, each read from its first event to its last."""
    training = composer.training
    composer.eval()
    device = next(composer.parameters()).device
    nats = torch.zeros(len(NAMES), dtype=torch.float64)
    notes, state = 0, None
    for batch in in_order(pieces, batch_size, length):
        lost, events, state = composer.surprise(type(batch)(*(t.to(device) for t in batch)), state)
        nats += lost.sum(0).cpu().double()
        notes += int(is_note(events).sum())
    composer.train(training)
    bits = nats / math.log(2) / max(notes, 1)
    return BitScore(
        bits_a_note=float(bits.sum()),
        notes=notes,
        pieces=len(pieces),
        by_attribute=dict(zip(NAMES, bits.tolist(), strict=True)),
    )


@dataclass(slots=True)
class Trial:
    """A piece cut in two: what is heard, and what really follows."""

    primer: Events
    truth: Events


def trials(pieces: Sequence[Events]) -> list[Trial]:
    """Of every piece that is long enough, the first 8 bars and the next 16."""
    found = []
    for events in pieces:
        events = np.asarray(events)
        bars = np.flatnonzero(events[:, KIND] == KIND_BAR)
        if len(bars) <= PRIMER_BARS + MADE_BARS:
            continue
        header = events[events[:, KIND] == KIND_PART]
        split, end = bars[PRIMER_BARS], bars[PRIMER_BARS + MADE_BARS]
        trial = Trial(events[:split], np.concatenate([header, events[split:end]]))
        if min((part[:, POSITION] >= 0).sum() for part in (trial.primer, trial.truth)) >= FEWEST_NOTES:
            found.append(trial)
    return found


def compare_continuations(
    composer: Composer,
    pieces: Sequence[Events],
    baseline: NGram | None,
    *,
    count: int,
    sampling: SamplingConfig,
    random_seed: int = 0,
    progress: Callable[[int], None] = lambda done: None,
) -> dict[str, Any]:
    """Continues held-out beginnings and measures how far the results are from the true continuations.

    Returns:
        for `composer`, `ngram` and `floor` (as many other real pieces) the overlaps and distances of
        `likeness`, and for the first two the share of degenerate takes and their reasons.

    Raises:
        CorpusError: there are too few pieces of 24 bars.
    """
    able = trials(pieces)
    count = min(count, len(able) // 2)  # as many again are the floor
    order = np.random.default_rng(random_seed).permutation(len(able))
    chosen, others = [able[i] for i in order[:count]], [able[i] for i in order[count : 2 * count]]
    if not chosen:
        raise CorpusError(
            f"{len(able)} pieces have more than {PRIMER_BARS + MADE_BARS} bars; more are needed to compare continuations"
        )
    made, drawn = [], []
    for i, trial in enumerate(chosen):
        made.append(continue_trial(composer, trial, sampling, random_seed + i))
        if baseline:
            drawn.append(baseline.continue_piece(trial.primer, MADE_BARS, np.random.default_rng([random_seed, i])))
        progress(i + 1)
    real = features([t.truth for t in chosen])
    report: dict[str, Any] = {"seeds": len(chosen), "floor": compare(features([t.truth for t in others]), real)}
    for name, takes in (("composer", made), ("ngram", drawn)):
        if takes:
            reasons = Counter(degenerate(take, t.primer) for take, t in zip(takes, chosen, strict=True))
            bad = {reason: n for reason, n in reasons.items() if reason}
            report[name] = compare(features(takes), real) | {"degenerate": sum(bad.values()) / len(takes), "reasons": bad}
    reasons = Counter(degenerate(t.truth, t.primer) for t in chosen)
    report["truth"] = {"degenerate": 1 - reasons[""] / len(chosen)}
    return report


def continue_trial(composer: Composer, trial: Trial, sampling: SamplingConfig, random_seed: int) -> Events:
    """One take of 16 bars after a primer."""
    parts = trial.primer[trial.primer[:, KIND] == KIND_PART]
    last = trial.primer[-1]
    constraints = Constraints(
        bars=MADE_BARS,
        programs=tuple(int(p) for p in parts[:, PROGRAM]),
        playing=tuple(range(len(parts))),
        meter=int(last[METER]),
        tempo=int(last[TEMPO]),
    )
    return perform(composer, trial.primer, constraints, sampling, random_seed=random_seed)[0]
