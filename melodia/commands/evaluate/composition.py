"""`melodia evaluate` of a composer on a prepared corpus."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from melodia.checkpoint import DEFAULT
from melodia.commands.console import notice, progress_bar
from melodia.errors import CorpusError

if TYPE_CHECKING:
    from melodia.corpus import Corpus


def measure(folder: Path, prepared: Corpus | None, quiet: bool, options: dict[str, Any]) -> dict[str, Any]:
    """Bits a note, and how like real music takes are."""
    from dataclasses import asdict

    from melodia.composition.checkpoint import load_composer
    from melodia.composition.evaluate import compare_continuations, score_pieces
    from melodia.composition.ngram import NGram
    from melodia.config import check_range
    from melodia.corpus import Corpus
    from melodia.device import resolve_device
    from melodia.sampling import SamplingConfig

    options = {**options, "split": options["split"] or "valid", "model": options["model"] or DEFAULT}
    check_range("seeds", options["seeds"], 0, 10_000)
    check_range("random_seed", options["random_seed"], 0)
    sampling = SamplingConfig(temperature=options["temperature"], top_p=options["top_p"])
    prepared = prepared or Corpus(folder)
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
