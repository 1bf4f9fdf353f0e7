"""What the trainer costs over a bare loop: `python tests/benchmarks/training.py PREPARED`.

The same composer, the same batches and the same updates, once by melodia's trainer with its loader,
and once by the shortest loop of torch that does them, over batches that lie ready in memory; in
turns, and the medians compared. Then how much of the work is padding, for streams and for whole pieces.
"""

import argparse
import itertools
import statistics
import tempfile
import time
from pathlib import Path

import torch

from melodia.composition.augment import AugmentConfig
from melodia.composition.codec import KIND
from melodia.composition.data import DataConfig, fitted_length, streams, whole_pieces
from melodia.composition.model import Composer, ComposerConfig
from melodia.composition.train import ComposerTask, TrainConfig
from melodia.corpus import Corpus
from melodia.lstm import detached
from melodia.training import Trainer, TrainingConfig

SIZES = {"fp32, 2 x 512": ("float32", 512), "bf16, 2 x 512": ("bfloat16", 512), "fp32, 2 x 256": ("float32", 256)}


def settings(precision: str, hidden_size: int, iterations: int) -> TrainConfig:
    return TrainConfig(
        model=ComposerConfig(hidden_size=hidden_size, dropout=0.1),
        training=TrainingConfig(iterations=iterations, warmup=5, validate_every=10**6, save_minutes=60, precision=precision),
        data=DataConfig(),
        augmentation=AugmentConfig(),
    )


def bare(task: ComposerTask, batches: list, precision: str) -> float:
    """Seconds an iteration of a loop without anything around it."""
    model = task.model
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, betas=(0.9, 0.98), fused=True)
    state, times = None, []
    model.train()
    for batch in batches:
        began = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            nats, count, state = model.loss(batch, state)
        state = detached(state)
        optimizer.zero_grad(set_to_none=True)
        (nats / count).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        times.append(time.perf_counter() - began)
    return sum(times[2:]) / (len(times) - 2)


class NoValidation(ComposerTask):
    """The task without what a bare loop does not do either."""

    def validate(self, model, rank, size):
        return 1.0, 1.0


def ours(task: ComposerTask, config: TrainConfig) -> float:
    """Seconds an iteration of the trainer, its loader included."""
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(task, config.training, Path(folder))
        ticks = [time.perf_counter()]
        for progress in trainer.run():
            if progress.valid_loss is None:  # at the end it validates and saves
                ticks.append(time.perf_counter())
    return (ticks[-1] - ticks[2]) / (len(ticks) - 3)


def overhead(corpus: Corpus, iterations: int, rounds: int) -> None:
    for name, (precision, hidden_size) in SIZES.items():
        config = settings(precision, hidden_size, iterations)
        task = NoValidation(Composer(config.model), corpus, config)
        batches = [loaded.batch for loaded in itertools.islice(task.batches(0, 1, None), iterations)]
        pairs = [(bare(task, batches, precision), ours(task, config)) for _ in range(rounds)]
        a, b = (statistics.median(column) for column in zip(*pairs, strict=True))
        print(
            f"{name}: bare loop {a * 1000:6.1f} ms an iteration, trainer and loader {b * 1000:6.1f} ms: {b / a - 1:+.1%}",
            flush=True,
        )


def padding(corpus: Corpus, count: int) -> None:
    pieces = corpus.pieces("train")
    for name, found in (
        ("streams of windows", streams(pieces, DataConfig(length=fitted_length(160, pieces.lengths)), AugmentConfig())),
        ("whole pieces", whole_pieces(pieces, pieces.lengths, DataConfig(whole=True), AugmentConfig())),
    ):
        began = time.perf_counter()
        masks = [loaded.batch.targets[..., KIND] >= 0 for loaded in itertools.islice(found, count)]
        events, cells = sum(int(m.sum()) for m in masks), sum(m.numel() for m in masks)
        rate = events / (time.perf_counter() - began)
        print(f"{name}: {1 - events / cells:.1%} padding; the loader alone gives {rate:,.0f} events/s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--iterations", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    corpus = Corpus(options.corpus)
    padding(corpus, 200)
    overhead(corpus, options.iterations, options.rounds)


if __name__ == "__main__":
    main()
