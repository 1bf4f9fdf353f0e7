"""`melodia evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from melodia.checkpoint import DEFAULT
from melodia.commands.console import device_option, json_option, notice, progress_bar, quiet_option, result
from melodia.errors import CorpusError


@click.command("evaluate")
@click.argument("corpus", type=click.Path(path_type=Path))
@click.option("--model", default=DEFAULT, show_default=True, help="Name or folder of a checkpoint.")
@click.option("--split", type=click.Choice(["train", "valid", "test"]), default="valid", show_default=True, help="Which pieces.")
@click.option("--seeds", type=int, default=50, show_default=True, help="Beginnings to continue; 0: bits only.")
@click.option("--temperature", type=float, default=1.0, show_default=True, help="Of the continuations.")
@click.option("--top-p", type=float, default=1.0, show_default=True, help="Of the continuations.")
@click.option("--baseline/--no-baseline", default=True, help="Also train n-grams on the corpus and measure them.")
@click.option("--random-seed", type=int, default=0, show_default=True, help="Of the choice and the continuations.")
@device_option
@quiet_option
@json_option
def command(corpus: Path, as_json: bool, quiet: bool, **options: Any) -> None:
    """Measure a composer on a prepared corpus: bits a note, and how like real music its takes are."""
    from dataclasses import asdict

    from melodia.api import load_checkpoint
    from melodia.composition.evaluate import compare_continuations, score_pieces
    from melodia.composition.ngram import NGram
    from melodia.config import check_range
    from melodia.corpus import Corpus
    from melodia.sampling import SamplingConfig

    check_range("seeds", options["seeds"], 0, 10_000)
    check_range("random_seed", options["random_seed"], 0)
    sampling = SamplingConfig(temperature=options["temperature"], top_p=options["top_p"])
    prepared = Corpus(corpus)
    pieces = prepared.pieces(options["split"])
    composer = load_checkpoint(options["model"], options["device"])
    report: dict[str, Any] = {"split": options["split"], "model": str(options["model"])}
    with progress_bar(quiet, "") as bar:
        task = bar.add_task("reading the split", total=None, note="")
        report["bits"] = asdict(score_pieces(composer, pieces))
        grams: NGram | None = None
        if options["baseline"] and prepared.manifest["counts"]["splits"]["train"]:
            trained_on = prepared.pieces("train", derived=False)
            bar.update(task, description="counting n-grams")
            tokens = NGram(trained_on, 5)
            report["unigram_bits"] = tokens.bits_a_note(pieces, 1)
            report["token_5gram_bits"] = tokens.bits_a_note(pieces)
            del tokens
            grams = NGram(trained_on, 5, by_event=True)
            report["event_5gram_bits"] = grams.bits_a_note(pieces)
        if options["seeds"]:
            bar.update(task, description="continuing", total=options["seeds"])
            try:
                report["continuations"] = compare_continuations(
                    composer,
                    pieces,
                    grams,
                    count=options["seeds"],
                    sampling=sampling,
                    random_seed=options["random_seed"],
                    progress=lambda done: bar.update(task, completed=done),
                )
            except CorpusError as error:  # a small corpus: the bits are worth having all the same
                notice(f"no continuations: {error}", quiet)
    result(table(report), report, as_json)


def table(report: dict[str, Any]) -> str:
    """The report as text."""
    from melodia.composition.likeness import DISTANCES, OVERLAPS

    bits = report["bits"]
    lines = [
        f"{bits['pieces']} pieces of {report['split']}, {bits['notes']:,} notes",
        "",
        f"{'bits a note':22}{bits['bits_a_note']:10.3f}",
    ]
    for name, text in (
        ("event_5gram_bits", "5-gram of events"),
        ("token_5gram_bits", "5-gram of tokens"),
        ("unigram_bits", "unigram"),
    ):
        if name in report:
            saved = 1 - bits["bits_a_note"] / report[name]
            lines.append(f"{text:22}{report[name]:10.3f}   ({saved:.1%} fewer by the model)")
    lines += ["", "of these: " + ", ".join(f"{k} {v:.2f}" for k, v in bits["by_attribute"].items() if v >= 0.005)]
    made = report.get("continuations")
    if not made:
        return "\n".join(lines)
    columns = [c for c in ("composer", "ngram", "floor") if c in made]
    lines += ["", f"{made['seeds']} continuations".ljust(34) + "".join(f"{c:>10}" for c in columns)]
    for names, kind in ((OVERLAPS, "overlap, 1 best"), (DISTANCES, "distance, 0 best")):
        lines += [f"{name} ({kind})".ljust(34) + "".join(f"{made[c][name]:10.3f}" for c in columns) for name in names]
    lines.append(
        "degenerate takes".ljust(34) + "".join(f"{made[c]['degenerate']:10.1%}" for c in columns if "degenerate" in made[c])
    )
    lines.append(f"degenerate by the same rule, the true continuations: {made['truth']['degenerate']:.1%}")
    return "\n".join(lines)
