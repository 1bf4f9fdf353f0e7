"""`melodia corpora`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from melodia.commands.console import json_option, notice, quiet_option, result

if TYPE_CHECKING:
    from melodia.fetch import Progress
    from melodia.recipe import Recipe


@click.command("corpora")
@click.argument("name", required=False)
@click.option("--fetch", "is_fetched", is_flag=True, help="Download the corpus, check it and unpack it.")
@click.option("--into", type=click.Path(path_type=Path, file_okay=False), help="Folder of all corpora, else $MELODIA_CORPORA.")
@click.option("--part", "parts", multiple=True, help="Fetch this part, named by `melodia corpora NAME`; repeatable.")
@quiet_option
@json_option
def command(name: str | None, is_fetched: bool, into: Path | None, parts: tuple[str, ...], quiet: bool, as_json: bool) -> None:
    """List the corpora that there are recipes for, tell all about one, or fetch it.

    NAME is a recipe that ships, or the path of your own: a .toml file, or a folder with a corpus.toml.
    """
    from melodia.fetch import fetch, prepare_command
    from melodia.recipe import find_recipe, load_recipe, recipe_names

    if parts and not is_fetched:
        raise click.UsageError("--part needs --fetch")
    if name is None:
        if is_fetched:
            raise click.UsageError("--fetch needs a NAME")
        recipes = [load_recipe(known) for known in recipe_names()]
        result(_table(recipes, into), [_content(recipe, into) for recipe in recipes], as_json)
        return
    recipe = find_recipe(name)
    if is_fetched:
        with _progress(quiet) as progress:
            folder = fetch(recipe, into, parts, progress)
        notice(f"licence {recipe.licence}. {recipe.licence_note}".strip(), quiet or as_json)
        notice(f"next: {_next(recipe, into)}", quiet or as_json)
        result(str(folder), {**_content(recipe, into), "prepare": prepare_command(recipe, into)}, as_json)
        return
    result(_describe(recipe, into), _content(recipe, into), as_json)


def _content(recipe: Recipe, into: Path | None) -> dict[str, Any]:
    """A recipe as JSON, with where it is and how to go on."""
    from dataclasses import asdict

    from melodia.fetch import convert_command, corpus_folder, how_to_get, locate, parts_there, prepare_command

    place = locate(recipe, into)
    return {
        **asdict(recipe),
        "folder": str(corpus_folder(recipe, into)),
        "on_disk": place is not None,
        "parts_on_disk": parts_there(recipe, into),
        "get": how_to_get(recipe, into),
        "convert": convert_command(recipe, into),
        "prepare": prepare_command(recipe, into),
    }


def _table(recipes: list[Recipe], into: Path | None) -> str:
    from melodia.fetch import corpora_folder, locate

    rows = [(r.name, "yes" if locate(r, into) else "no", r.size, r.licence, ", ".join(r.domain)) for r in recipes]
    heads = ("NAME", "HERE", "SIZE", "LICENCE", "DOMAIN")
    widths = [max(len(row[i]) for row in [heads, *rows]) for i in range(len(heads))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in [heads, *rows]]
    titled = [f"{line}\n  {recipe.title}" for line, recipe in zip(lines[1:], recipes, strict=True)]
    return "\n".join([lines[0], *titled, f"\nHERE is {corpora_folder(into)}. `melodia corpora NAME` tells all about one."])


def _describe(recipe: Recipe, into: Path | None) -> str:
    """All about one corpus, for people."""
    from melodia.fetch import how_to_get, locate, parts_there

    here = parts_there(recipe, into)
    place = locate(recipe, into)
    steps = how_to_get(recipe, into)
    by_hand = "" if recipe.how_to_get.partition("{folder}")[0] in steps else recipe.how_to_get
    rows = [
        ("domain", ", ".join(recipe.domain)),
        ("size", recipe.size),
        ("licence", f"{recipe.licence}. {recipe.licence_note}".strip() if recipe.licence_note else recipe.licence),
        ("source", recipe.url),
        ("split", _split(recipe)),
        *(("file", _file(archive, archive.part in here)) for archive in recipe.archives),
        ("here", f"yes, in {place}" if place else "no"),
        ("get it", "" if place else f"{by_hand} {steps}".strip()),
        ("next", _next(recipe, into)),
    ]
    return "\n".join([f"{recipe.name}: {recipe.title}", *(f"  {head:<8}{text}" for head, text in rows if text)])


def _file(archive: Any, is_here: bool) -> str:
    size = f"{archive.bytes:,} bytes" if archive.bytes else "size not known"
    facts = [archive.url or f"{archive.filename}, fetched by hand", size, archive.checksum or "no checksum known"]
    flags = [f"part {archive.part}", *(["optional"] if archive.optional else []), *(["here"] if is_here else [])]
    return ", ".join([*facts, *flags])


def _split(recipe: Recipe) -> str:
    if recipe.split_table:
        return f"its own, in {recipe.split_table}, column {recipe.split_column}"
    if recipe.splits:
        return "its own: " + "; ".join(f"{split} {' '.join(patterns)}" for split, patterns in recipe.splits.items())
    return "by hash of groups of near-duplicates"


def _next(recipe: Recipe, into: Path | None) -> str:
    from melodia.fetch import convert_command, prepare_command

    return " && ".join(filter(None, (convert_command(recipe, into), prepare_command(recipe, into))))


@contextmanager
def _progress(quiet: bool) -> Iterator[Progress]:
    """A bar on stderr with bytes, rate and time left, if that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal, transient=True) as bar:
        tasks: dict[str, Any] = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                for old in tasks.values():
                    bar.update(old, visible=False)
                tasks[what] = bar.add_task(what, total=None)
            bar.update(tasks[what], completed=done, total=total or None)

        yield show
