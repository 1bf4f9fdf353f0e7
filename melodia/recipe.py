"""Recipes: what `corpora/<name>/corpus.toml` says of a corpus, and how it is to be read."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from melodia.errors import CorpusError
from melodia.files import shipped


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What `corpora/<name>/corpus.toml` says of a corpus."""

    name: str
    title: str = ""
    url: str = ""
    licence: str = "not stated"
    how_to_get: str = ""
    align: bool = False  # find the bar lines (composition.align)
    split_table: str = ""  # a CSV in the corpus with its own split
    path_column: str = ""
    split_column: str = ""


def load_recipe(name: str, folder: Path | None = None) -> Recipe:
    """The recipe of a corpus by name; one that is not known has default settings.

    Raises:
        CorpusError: the recipe is damaged.
    """
    path = (folder or shipped("corpora")) / name / "corpus.toml"
    if not path.is_file():
        return Recipe(name=name)
    try:
        return Recipe(name=name, **tomllib.loads(path.read_text("utf-8")))
    except (tomllib.TOMLDecodeError, TypeError) as error:
        raise CorpusError(f"{path}: {error}") from error
