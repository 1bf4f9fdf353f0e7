"""`melodia train`."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from melodia.commands.console import device_option, json_option, notice, progress_bar, quiet_option, result

if TYPE_CHECKING:
    from melodia.training import Progress, Trainer


@click.command("train")
@click.argument("domain", required=False)
@click.option("--corpus", type=click.Path(path_type=Path), required=True, help="A folder that `melodia prepare` made.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Checkpoint folder to write.")
@click.option("--from", "start", default="", help="Checkpoint to begin from: fine-tunes it on the corpus.")
@click.option("--minutes", type=float, help="Fit the schedule to this time, instead of to --iterations.")
@click.option(
    "--iterations",
    type=int,
    help="Updates of the weights.  [default: 7000; 100 or more, by the corpus, with --from; recordings: 4000; 400 with --from]",
)
@click.option("--cell", type=click.Choice(["lstm", "gru", "rnn"]), help="Recurrent cell of a composer.  [default: lstm]")
@click.option("--hidden-size", type=int, help="Width of a recurrent layer.  [default: 512; recordings: 48 to 64]")
@click.option("--num-layers", type=int, help="Recurrent layers.  [default: 2; 5 of a recogniser]")
@click.option(
    "--residual", is_flag=True, default=None, help="Add what each layer of a composer reads to what it gives: for many layers."
)
@click.option("--layer-norm", is_flag=True, default=None, help="Normalise what each layer of a composer reads: for many layers.")
@click.option("--dropout", type=float, help="Rate of dropout.  [default: 0.1; recordings: 0]")
@click.option("--batch-size", type=int, help="Pieces read side by side, by all processes together.  [default: 32; recordings: 6]")
@click.option("--length", type=int, help="Events or frames a window: how far gradients go back.  [default: 160 events; 192 frames]")
@click.option("--whole", is_flag=True, default=None, help="Read whole pieces of MIDI instead, batch-size x length events at once.")
@click.option("--harmonizer", is_flag=True, default=None, help="Of four-part music: train a model that sets voices to given ones.")
@click.option(
    "--style",
    type=click.Choice(["any", "drums", "melody"]),
    help="What a composer plays.  [default: as the corpus is; with --from as the checkpoint, if the corpus is so too]",
)
@click.option("--independent", is_flag=True, default=None, help="Of piano rolls: pitches of a frame independent of each other.")
@click.option("--accumulate", type=int, default=1, show_default=True, help="Read a batch in so many parts: less memory.")
@click.option(
    "--learning-rate", type=float, help="At its highest.  [default: 0.002; 0.0005 with --from; recordings: 0.003; 0.0003]"
)
@click.option(
    "--average", type=float, help="Decay of a mean of the weights, which is kept in their place.  [default: 0, none; choirs: 0.995]"
)
@click.option("--weight-decay", type=float, default=0.01, show_default=True, help="Of AdamW.")
@click.option(
    "--validate-every",
    type=int,
    help="Iterations from one validation to the next.  [default: 250; 10 with --from; recordings: 200; 50]",
)
@click.option("--patience", type=int, default=10, show_default=True, help="Validations without a new best before it stops early.")
@click.option(
    "--precision", type=click.Choice(["float32", "bfloat16"]), help="Of the layers.  [default: float32; bfloat16 on a GPU]"
)
@click.option("--random-seed", type=int, default=0, show_default=True, help="The same seed gives the same curve.")
@click.option("--resume", is_flag=True, help="Go on where the run in the output folder was stopped.")
@click.option("--tensorboard", is_flag=True, help="Also write a log for TensorBoard.")
@device_option
@quiet_option
@json_option
def command(
    domain: str | None,
    corpus: Path,
    output: Path,
    resume: bool,
    tensorboard: bool,
    device: str,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Train a model on a prepared corpus; stop it at any time and go on with --resume.

    DOMAIN is that of the corpus if it is not given. On several GPUs or machines start it with torchrun:
    `torchrun --nproc-per-node 2 -m melodia train --corpus ... -o ...`.
    """
    from melodia.corpus import Corpus
    from melodia.device import resolve_device
    from melodia.training import RunConfig, join_cluster
    from melodia.workshop import room_of

    prepared = Corpus(corpus)
    room = room_of(prepared, domain)
    where = resolve_device(device)
    config = room.make_config(prepared, gpu=where.type == "cuda", **options)
    cluster = join_cluster(where)
    quiet = quiet or not cluster.leads
    try:
        with progress_bar(quiet, "") as bar, stopped_by_signals(alone=cluster.size == 1) as watch:
            run = RunConfig(output=output, resume=resume, tensorboard=tensorboard, started=watch)
            info, outcome = room.train(prepared, run, config, cluster, Reporter(bar, quiet))
    finally:
        cluster.leave()
    if not cluster.leads:
        raise SystemExit(130 if outcome.stopped else 0)
    for line in outcome.notices:
        notice(f"note: {line}", quiet)
    if outcome.stopped:
        notice(f"stopped at iteration {outcome.iteration}; go on with the same command and --resume", quiet)
    if info:
        result(
            f"{output}: {room.headline(info.metrics)}",
            {"output": str(output), "iterations": outcome.iteration, **info.metrics},
            as_json,
        )
    if outcome.stopped:
        raise SystemExit(130)


@contextmanager
def stopped_by_signals(alone: bool) -> Iterator[Callable[[Trainer], None]]:
    """Ctrl-C, or a cluster's SIGTERM, ends the training after its iteration; give the trainer to what this yields.

    A second one ends a process that is `alone` at once; torchrun sends several, and kills in the end.
    """
    watched: list[Trainer] = []
    names = [getattr(signal, n) for n in ("SIGINT", "SIGTERM") if hasattr(signal, n)]
    before = {name: signal.getsignal(name) for name in names}

    def stop(number: int, frame: Any) -> None:
        if not watched or (alone and watched[0].asked_to_stop):
            raise KeyboardInterrupt
        watched[0].stop()

    try:
        for name in names:
            signal.signal(name, stop)
        yield watched.append
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


class Reporter:
    """Shows the progress of a training."""

    def __init__(self, bar: Any, quiet: bool) -> None:
        self.bar, self.quiet = bar, quiet
        self.task = bar.add_task("training", total=1.0, note="")

    def __call__(self, progress: Progress, trainer: Trainer) -> None:
        """After an iteration."""
        unit, scale = trainer.task.unit
        train, best = progress.train_loss * scale, progress.best_loss * scale
        note = f"{progress.iteration}: train {train:.2f}, valid {best:.2f}, {progress.targets_a_second:,.0f}/s"
        self.bar.update(self.task, completed=min(progress.done, 1.0), note=note)
        if progress.valid_loss is not None and not self.quiet:
            row = trainer.history[-1]
            line = (
                f"iteration {progress.iteration}: train {row['train'] * scale:.3f}, valid {progress.valid_loss * scale:.3f} {unit}"
            )
            click.echo(line, err=True)  # above the bar, which takes what goes to stderr
