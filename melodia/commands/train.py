"""`melodia train`."""

from __future__ import annotations

import math
from pathlib import Path

import click

from melodia.commands.console import device_option, json_option, notice, progress_bar, quiet_option, result


@click.command("train")
@click.option("--corpus", type=click.Path(path_type=Path), required=True, help="A folder that `melodia prepare` made.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Checkpoint folder to write.")
@click.option("--iterations", type=int, default=7000, show_default=True, help="Updates of the weights.")
@click.option("--hidden-size", type=int, default=512, show_default=True, help="Width of an LSTM layer.")
@click.option("--num-layers", type=int, default=2, show_default=True, help="LSTM layers.")
@click.option("--dropout", type=float, default=0.1, show_default=True, help="Rate of dropout.")
@click.option("--batch-size", type=int, default=32, show_default=True, help="Pieces read side by side.")
@click.option("--length", type=int, default=160, show_default=True, help="Events a window.")
@click.option("--learning-rate", type=float, default=2e-3, show_default=True, help="At its highest.")
@click.option("--weight-decay", type=float, default=0.01, show_default=True, help="Of AdamW.")
@click.option("--validate-every", type=int, default=250, show_default=True, help="Iterations from one validation to the next.")
@click.option("--patience", type=int, default=10, show_default=True, help="Validations without a new best before it stops early.")
@click.option("--precision", default="float32", show_default=True, help="float32 or bfloat16.")
@click.option("--random-seed", type=int, default=0, show_default=True, help="The same seed gives the same curve.")
@click.option("--resume", is_flag=True, help="Go on where the run in the output folder was stopped.")
@device_option
@quiet_option
@json_option
def command(
    corpus: Path, output: Path, iterations: int, resume: bool, device: str, quiet: bool, as_json: bool, **settings: float
) -> None:
    """Train a composer on a prepared corpus; stop it at any time and go on with --resume."""
    from melodia.composition.data import AugmentConfig
    from melodia.composition.model import ComposerConfig
    from melodia.composition.train import DataConfig, train
    from melodia.corpus import Corpus
    from melodia.device import resolve_device
    from melodia.picture import draw_learning_curve
    from melodia.training import Progress, TrainingConfig

    model = ComposerConfig(**{k: settings.pop(k) for k in ("hidden_size", "num_layers", "dropout")})  # type: ignore[arg-type]
    data = DataConfig(**{k: settings.pop(k) for k in ("batch_size", "length")})  # type: ignore[arg-type]
    training = TrainingConfig(iterations=iterations, **settings)  # type: ignore[arg-type]
    with progress_bar(quiet, "iterations") as bar:
        task = bar.add_task("training", total=iterations, note="")

        def report(progress: Progress) -> None:
            bits = progress.train_loss / math.log(2)
            note = f"{bits:.2f} bits, best valid {progress.best_loss:.3f}, {progress.targets_a_second:,.0f} notes/s"
            bar.update(task, completed=progress.iteration, note=note)
            if progress.valid_loss is not None and not quiet:
                line = f"iteration {progress.iteration}: train {bits:.3f}, valid {progress.valid_loss:.3f} bits a note"
                bar.console.print(line, highlight=False)

        try:
            info = train(
                Corpus(corpus),
                output,
                model=model,
                training=training,
                data=data,
                augmentation=AugmentConfig(),
                resume=resume,
                device=resolve_device(device),
                report=report,
            )
        except KeyboardInterrupt:
            saved = (output / "resume.pt").is_file()
            notice("stopped; " + ("go on with the same command and --resume" if saved else "nothing was saved yet"), quiet)
            raise SystemExit(130) from None
    draw_learning_curve(output / "metrics.jsonl", output / "curve.png")
    best = info.metrics["valid_bits_a_note"]
    result(f"{output}: {best:.3f} bits a note on valid", {"output": str(output), "valid_bits_a_note": best}, as_json)
