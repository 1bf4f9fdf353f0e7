"""`melodia evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from melodia.checkpoint import find_checkpoint, read_info
from melodia.commands.console import device_option, json_option, notice, quiet_option, result
from melodia.commands.evaluate import composition, harmony, performance, polyphony, recognition, spelling, suites, transcription
from melodia.errors import CorpusError

if TYPE_CHECKING:
    from melodia.corpus import Corpus


MEASURED: dict[str, Any] = {
    "composition": composition,
    "transcription": transcription,
    "recognition": recognition,
    "spelling": spelling,
    "polyphony": polyphony,
    "harmony": harmony,
    "performance": performance,
}
ABOUT = {  # options of one domain alone
    "composition": ("seeds", "temperature", "top_p", "baseline", "random_seed"),
    "recognition": ("lm", "beam", "words", "only_words"),
}


@click.command("evaluate")
@click.argument("corpus", type=click.Path(path_type=Path))
@click.option(
    "--model",
    "models",
    multiple=True,
    help="Name or folder of a checkpoint; of a suite of several sets SET=FOLDER, repeatable.  "
    "[default: the one that ships for what is measured]",
)
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Of a suite: the folder of its files.")
@click.option(
    "--split",
    type=click.Choice(["train", "valid", "test"]),
    help="Which pieces of a prepared corpus or a suite.  [default: valid; test]",
)
@click.option("--seeds", type=int, default=50, show_default=True, help="Beginnings to continue; 0: bits only.")
@click.option("--temperature", type=float, default=1.0, show_default=True, help="Of the continuations.")
@click.option("--top-p", type=float, default=1.0, show_default=True, help="Of the continuations.")
@click.option("--baseline/--no-baseline", default=True, help="Also train n-grams on the corpus and measure them.")
@click.option("--random-seed", type=int, default=0, show_default=True, help="Of the choice and the continuations.")
@click.option("--lm", help="Of speech: name or folder of a language model, or none.  [default: the one that ships]")
@click.option("--beam", type=int, help="Of speech: texts compared at a time; 0 is fastest.  [default: the model's]")
@click.option("--words", help="Of speech: words to expect, between commas, or a file with one a line.")
@click.option("--only-words", is_flag=True, help="Of speech: hear no words but those of --words.")
@device_option
@quiet_option
@json_option
@click.pass_context
def command(
    context: click.Context, /, corpus: Path, models: tuple[str, ...], data: Path | None, as_json: bool, quiet: bool, **options: Any
) -> None:
    """Measure a model.

    A composer on a prepared corpus: bits a note, and how like real music its takes are. A transcriber on a folder of
    recordings with their notes beside them (.tsv or MIDI), or on a corpus prepared of such: F1 of notes and frames. A
    recogniser on recordings with their texts beside them (.txt), likewise: errors of words and letters. A speller on a
    corpus prepared of spellings: words and phonemes that are wrong. A model of piano rolls: nats a frame. A choir: nats a
    token, of which a step of four voices has four. A pianist: nats an event, a note and a second.

    CORPUS may be the name of a suite, polyphonic-nll, jsb16, jsb16-harmony or maestro388, whose files are in the folder --data: a
    line for each of its sets.
    """
    if str(corpus) in suites.SUITES and (data or not corpus.exists()):
        if data is None:
            raise click.UsageError(f"{corpus} needs --data, the folder of its files")
        suites.run(str(corpus), data, options["split"] or "test", models, options["device"], as_json)
        return
    if data:
        raise click.UsageError(f"--data is of suites: {', '.join(suites.SUITES)}")
    if len(models) > 1:
        raise click.UsageError("--model: give one; more are of suites alone")
    options["model"] = models[0] if models else None
    found = subject(corpus, options["model"])
    for name in (n for kind, names in ABOUT.items() if kind != found.domain for n in names):
        if context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT:
            about = next(kind for kind, names in ABOUT.items() if name in names)
            raise click.UsageError(f"--{name.replace('_', '-')} is of {about}; leave it out for {found.domain}")
    if options["split"] and not found.prepared:
        raise click.UsageError("--split is of prepared corpora; leave it out for a folder of recordings")
    module = MEASURED[found.domain]
    report = module.measure(corpus, found.prepared, quiet, options)
    errors = [row["error"] for row in report.get("rows", []) if "error" in row]
    if not errors or report.get("recordings"):
        result(module.table(report), report, as_json)
    for error in errors:
        notice(f"melodia: {error}", quiet=False)
    if errors:
        raise SystemExit(1)


class Subject(NamedTuple):
    """What is measured: of which domain, and the prepared corpus if it is one."""

    domain: str
    prepared: Corpus | None


def subject(folder: Path, model: str | None) -> Subject:
    """What a folder is: a prepared corpus, or recordings with notes or texts beside them.

    Raises:
        CorpusError: it is none of these, or of a domain that is not measured so.
    """
    from melodia.corpus import Corpus
    from melodia.recognition.transcribed import TEXT, transcribed
    from melodia.transcription.labelled import LABELS, labelled

    if not folder.is_dir():
        raise CorpusError(
            f"{folder}: {'no folder' if folder.exists() else 'no such folder'}; name a prepared corpus, or recordings"
        )
    if (folder / "manifest.json").exists():
        prepared = Corpus(folder)
        domain: str = prepared.manifest["domain"]
        if domain not in MEASURED:
            raise CorpusError(f"{folder}: prepared for {domain}, which is measured by its training alone")
        return Subject(domain, prepared)
    has = {"transcription": bool(labelled(folder)), "recognition": bool(transcribed(folder))}
    if all(has.values()) and model:
        return Subject(read_info(find_checkpoint(model)).domain, None)
    chosen = next((domain for domain, there in has.items() if there), "")
    if not chosen:
        beside = f"notes ({', '.join(LABELS)}) or texts ({TEXT}) beside them"
        raise CorpusError(f"{folder}: neither a prepared corpus, nor recordings with {beside}")
    return Subject(chosen, None)
