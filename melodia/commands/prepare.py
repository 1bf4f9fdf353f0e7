"""`melodia prepare`."""

from __future__ import annotations

from pathlib import Path

import click

from melodia.commands.console import json_option, notice, progress_bar, quiet_option, result
from melodia.errors import CorpusError


@click.command("prepare")
@click.argument("sources", nargs=-1, required=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Folder of the corpus; brought up to date.")
@click.option(
    "--as",
    "kind",
    type=click.Choice(["events", "notes", "words", "letters", "kinds", "spellings", "speech", "frames", "voices", "performance"]),
    default="events",
    show_default=True,
    help="What is made of the files: events of MIDI files, notes of recordings with MIDI files or tables beside them, words of "
    "recordings with texts beside them, letters of texts, kinds of recordings in folders called music and speech, spellings of "
    "lists (.tsv) of words with their phonemes, speech of one speaker's recordings with their phonemes beside them, "
    "frames of piano rolls (.npy), voices of four-part music (.npy, MIDI files), performance of piano music as it is played (MIDI "
    "files).",
)
@click.option("--held-out", type=float, default=0.05, show_default=True, help="Share of the pieces for valid, and again for test.")
@click.option("--bands", type=int, default=0, show_default=True, help="Band arrangements to add for each training song.")
@click.option("--jobs", type=int, default=1, show_default=True, help="Processes that read files.")
@click.option("--engine", default="", help="Read on a cluster instead: dask:tcp://HOST:8786, or ray:auto.")
@click.option("--random-seed", type=int, default=0, show_default=True, help="Of the arrangements.")
@click.option("--live", is_flag=True, help="For a model that looks ahead by less than a tenth of a second.")
@quiet_option
@json_option
def command(
    sources: tuple[str, ...],
    output: Path,
    kind: str,
    bands: int,
    random_seed: int,
    live: bool,
    quiet: bool,
    as_json: bool,
    **settings: float,
) -> None:
    """Make a training corpus of MIDI files or recordings, or bring it up to date.

    SOURCES are folders, archives (.zip, .tar.gz ...) or lists of files (.txt). NAME=SOURCE reads it by
    the recipe NAME, and NAME alone takes it where `melodia corpora NAME --fetch` put it. Files that have not
    changed are not read again. Near-duplicate pieces never come into two splits. What cannot be
    read is named in rejected.tsv.
    """
    from melodia.composition.prepare import SONG, TAKE
    from melodia.corpus import Corpus
    from melodia.preparation import PrepareConfig, prepare
    from melodia.sources import parse_source
    from melodia.workshop import representation

    config = PrepareConfig(**settings)  # type: ignore[arg-type]
    chosen = [parse_source(s) for s in sources]
    made_of = representation(kind, bands, random_seed, live)
    with progress_bar(quiet, "files") as bar:
        task = bar.add_task("reading", total=None, note="")

        def report(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        try:
            counts = prepare(chosen, output, made_of, config, report)
        except KeyboardInterrupt:
            notice("stopped; the same command goes on", quiet)
            raise SystemExit(130) from None
    if counts["rejected"]:
        notice(f"{counts['rejected']} files were left out; {output / 'rejected.tsv'} says why", quiet)
    if bands and not counts["derived"]:
        tags = {r.tag for r in Corpus(output).records() if r.split == "train"}
        lacking = " and ".join(f"no {tag}" for tag in (SONG, TAKE) if tag not in tags)
        raise CorpusError(f"{output}: prepared, but without arrangements: --bands needs songs and drum takes; there are {lacking}")
    splits = ", ".join(f"{n} {s}" for s, n in counts["splits"].items())
    text = f"{output}: {counts['pieces']} pieces ({splits}), {counts[made_of.unit]:,} {made_of.unit}; {counts['read']} files read"
    result(text, {"output": str(output), **counts}, as_json)
