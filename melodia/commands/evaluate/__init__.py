"""`melodia evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from melodia.checkpoint import DEFAULT, DEFAULTS
from melodia.commands.console import device_option, json_option, notice, progress_bar, quiet_option, result
from melodia.errors import CorpusError

if TYPE_CHECKING:
    from melodia.corpus import Corpus


ABOUT_TAKES = ("seeds", "temperature", "top_p", "baseline", "random_seed")  # what recordings know nothing of


@click.command("evaluate")
@click.argument("corpus", type=click.Path(path_type=Path))
@click.option("--model", help="Name or folder of a checkpoint.  [default: the one that ships for what is measured]")
@click.option("--split", type=click.Choice(["train", "valid", "test"]), help="Which pieces of a prepared corpus.  [default: valid]")
@click.option("--seeds", type=int, default=50, show_default=True, help="Beginnings to continue; 0: bits only.")
@click.option("--temperature", type=float, default=1.0, show_default=True, help="Of the continuations.")
@click.option("--top-p", type=float, default=1.0, show_default=True, help="Of the continuations.")
@click.option("--baseline/--no-baseline", default=True, help="Also train n-grams on the corpus and measure them.")
@click.option("--random-seed", type=int, default=0, show_default=True, help="Of the choice and the continuations.")
@device_option
@quiet_option
@json_option
@click.pass_context
def command(context: click.Context, /, corpus: Path, as_json: bool, quiet: bool, **options: Any) -> None:
    """Measure a model.

    A composer on a prepared corpus: bits a note, and how like real music its takes are. A transcriber on a folder of
    recordings with their notes beside them (.tsv or MIDI), or on a corpus prepared of such: F1 of notes and frames.
    """
    from melodia.corpus import Corpus
    from melodia.transcription.labelled import labelled

    prepared = Corpus(corpus) if (corpus / "manifest.json").exists() or not (corpus.is_dir() and labelled(corpus)) else None
    if prepared and prepared.manifest["domain"] == "composition":
        options["split"] = options["split"] or "valid"
        options["model"] = options["model"] or DEFAULT
        report = measure_composer(prepared, quiet, options)
        result(table(report), report, as_json)
        return
    for name in ABOUT_TAKES:
        if context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT:
            raise click.UsageError(f"--{name.replace('_', '-')} is of composers; leave it out for recordings")
    if options["split"] and not prepared:
        raise click.UsageError("--split is of prepared corpora; leave it out for a folder of recordings")
    report = measure_transcriber(corpus, prepared, quiet, options)
    result(table_of_notes(report), report, as_json)
    errors = [row["error"] for row in report["rows"] if "error" in row]
    for error in errors:
        notice(f"melodia: {error}", quiet=False)
    if errors:
        raise SystemExit(1)


def measure_transcriber(folder: Path, prepared: Corpus | None, quiet: bool, options: dict[str, Any]) -> dict[str, Any]:
    """F1 of notes and frames."""
    from melodia.device import resolve_device
    from melodia.transcription.checkpoint import load_transcriber
    from melodia.transcription.evaluate import evaluate, items_of_corpus, items_of_folder

    name = options["model"] or DEFAULTS["transcription"]
    model = load_transcriber(name).to(resolve_device(options["device"]))
    features, split = model.config.features, options["split"] or "valid"
    items = items_of_corpus(prepared, split, features) if prepared else items_of_folder(folder, features)
    with progress_bar(quiet, "recordings") as bar:
        line = bar.add_task("listening", total=len(items), note="")
        report = evaluate(model, items, lambda done: bar.update(line, completed=done))
    return {"model": str(name), **({"split": split} if prepared else {}), **report}


def table_of_notes(report: dict[str, Any]) -> str:
    """A report of recordings as text."""
    columns = (("onset", "onset"), ("onset_offset", "+ offset"), ("onset_offset_velocity", "+ velocity"))
    lines = [f"{report['recordings']} recordings, {report['seconds']:.0f} s, with {report['model']}", ""]
    lines.append("F1, mean of recordings".ljust(26) + "".join(f"{title:>12}" for _, title in columns) + f"{'frames':>12}")
    for name, title in (("50", "onsets within 50 ms"), ("100", "onsets within 100 ms")):
        values = "".join(f"{report[f'{kind}_{name}']:12.3f}" for kind, _ in columns)
        lines.append(title.ljust(26) + values + (f"{report['frames']:12.3f}" if name == "50" else ""))
    lines += ["", f"{report['compute']:.3f} seconds of compute a second of audio"]
    scored = [row for row in report["rows"] if "error" not in row]
    worst = sorted(scored, key=lambda row: row["onset_50"])[:5]
    lines.append("hardest: " + ", ".join(f"{row['recording']} {row['onset_50']:.2f}" for row in worst))
    return "\n".join(lines)


def measure_composer(prepared: Corpus, quiet: bool, options: dict[str, Any]) -> dict[str, Any]:
    """Bits a note, and how like real music takes are."""
    from dataclasses import asdict

    from melodia.composition.checkpoint import load_composer
    from melodia.composition.evaluate import compare_continuations, score_pieces
    from melodia.composition.ngram import NGram
    from melodia.config import check_range
    from melodia.device import resolve_device
    from melodia.sampling import SamplingConfig

    check_range("seeds", options["seeds"], 0, 10_000)
    check_range("random_seed", options["random_seed"], 0)
    sampling = SamplingConfig(temperature=options["temperature"], top_p=options["top_p"])
    pieces = prepared.pieces(options["split"])
    composer = load_composer(options["model"]).to(resolve_device(options["device"]))
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
    return report


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
