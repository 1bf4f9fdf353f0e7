"""Recipes: what a `corpus.toml` says of a corpus: where it comes from, its licence, how it is split and read.

Those that ship are in `corpora/<name>/corpus.toml`; a user's own is named by its path. Every key is a field of
`Recipe`; files to fetch are `[[archive]]` tables. Patterns are matched against a file's path within the corpus,
`/` between folders, and `*` matches those too. `melodia.fetch` fetches what a recipe names.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from melodia.errors import CorpusError
from melodia.files import shipped

DOMAINS = (
    "composition",
    "transcription",
    "recognition",
    "language",
    "detection",
    "synthesis",
    "spelling",
    "polyphony",
    "harmony",
    "performance",
)
SPLITS = ("train", "valid", "test")
ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
HASHES = {"sha256": 64, "md5": 32}  # hexadecimal digits


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A file to fetch. Without a `url` people must fetch it themselves, and `filename` is a pattern of its name."""

    url: str = ""
    filename: str = ""  # the end of the url by default
    part: str = ""  # of the corpus, and its folder once unpacked; the filename without suffixes by default
    bytes: int = 0  # 0 is not known
    sha256: str = ""
    md5: str = ""
    optional: bool = False  # fetched only if its part is asked for

    @property
    def checksum(self) -> str:
        """`sha256:...` or `md5:...`, or nothing if none is known."""
        return f"sha256:{self.sha256}" if self.sha256 else f"md5:{self.md5}" if self.md5 else ""

    @property
    def is_packed(self) -> bool:
        """Whether it is unpacked once fetched, or kept as it is."""
        return self.filename.lower().endswith(ARCHIVE_SUFFIXES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcripts:
    """Where the text of each recording stands: in tables, or in the recording's own name."""

    files: tuple[str, ...] = ()  # names of the tables, as patterns
    delimiter: str = ""  # between columns; a blank divides at the first one only
    header: bool = False
    path_column: str = ""  # name of the recording, with or without folder and suffix; a number, from 0, without header
    text_column: str = ""
    name_pattern: str = ""  # regular expression for a recording's name without suffix, with (?P<text>...)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What a `corpus.toml` says of a corpus; `title` and all below have defaults."""

    name: str
    title: str = ""
    domain: tuple[str, ...] = ()  # the main one first
    url: str = ""  # its home page
    licence: str = "not stated"  # SPDX identifier where there is one
    licence_note: str = ""  # what limits its use
    size: str = ""
    how_to_get: str = ""  # for people; {folder} is replaced
    archives: tuple[Archive, ...] = ()
    convert: str = ""  # command between fetching and `melodia prepare`; {folder} and {recipes} are replaced
    suffixes: tuple[str, ...] = ()  # of the files that count, lower case; empty for all
    include: tuple[str, ...] = ()  # patterns; empty for all
    exclude: tuple[str, ...] = ()
    align: bool = False  # find the bar lines (composition.align)
    ppq: int = 0  # ticks a quarter, where the MIDI files' own is wrong
    root: str = ""  # folder that paths are counted from when pieces are split, wherever the corpus is unpacked
    splits: dict[str, tuple[str, ...]] = field(default_factory=dict)  # patterns of paths for train, valid, test
    split_table: str = ""  # a CSV in the corpus with its own split
    path_column: str = ""
    split_column: str = ""
    transcripts: Transcripts | None = None

    def chooses(self, path: str) -> bool:
        """Whether a file, by its path within the corpus, is one of those to read."""
        if self.suffixes and PurePosixPath(path).suffix.lower() not in self.suffixes:
            return False
        if self.include and not matches(path, self.include):
            return False
        return not matches(path, self.exclude)

    def canonical(self, path: str) -> str:
        """The path as pieces are split by: from `root` on, whichever folder of the corpus was given."""
        if not self.root:
            return path
        _, found, below = f"/{path}".partition(f"/{self.root}/")
        return f"{self.root}/{below if found else path}"

    def split_of(self, path: str) -> str | None:
        """`train`, `valid` or `test` by the patterns of `splits`; None where they say nothing."""
        return next((split for split, patterns in self.splits.items() if matches(path, patterns)), None)


def matches(path: str, patterns: tuple[str, ...]) -> bool:
    """Whether a path within a corpus fits any of the patterns; `*/train/*` fits a folder `train` at the top too."""
    return any(fnmatchcase(path, pattern) or fnmatchcase(f"/{path}", pattern) for pattern in patterns)


def recipe_names() -> list[str]:
    """The names of the recipes that ship."""
    return sorted(path.parent.name for path in shipped("corpora").glob("*/corpus.toml"))


def load_recipe(name: str, folder: Path | None = None) -> Recipe:
    """The recipe of a corpus by name; one that is not known has default settings.

    Raises:
        CorpusError: the recipe is damaged.
    """
    path = (folder or shipped("corpora")) / name / "corpus.toml"
    return read_recipe(path) if path.is_file() else Recipe(name=name)


def find_recipe(name: str) -> Recipe:
    """The recipe that ships under a name, or that of a path: a `.toml` file, or a folder with a `corpus.toml`.

    Raises:
        CorpusError: there is none, or it is damaged.
    """
    if name in recipe_names():
        return load_recipe(name)
    path = Path(name)
    if path.suffix == ".toml" and path.is_file():
        return read_recipe(path)
    if (path / "corpus.toml").is_file():
        return read_recipe(path / "corpus.toml")
    raise CorpusError(
        f"{name}: no such recipe; there are {', '.join(recipe_names())}, or give the path of a .toml file or of a "
        "folder with a corpus.toml"
    )


def read_recipe(path: Path) -> Recipe:
    """Reads and checks a `corpus.toml`; the recipe's name is that of its folder unless the file gives one.

    Raises:
        CorpusError: it cannot be read; the message names the file, and the key or line.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path}: cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:  # its message ends with line and column
        raise CorpusError(f"{path}: is no TOML: {error}") from error
    default = path.resolve().parent.name if path.name == "corpus.toml" else path.stem
    content = {"name": default, **content}
    if isinstance(content.get("domain"), str):
        content["domain"] = [content["domain"]]
    if "archive" in content:
        content["archives"] = content.pop("archive")
    recipe: Recipe = _build(Recipe, content, str(path))
    _check(recipe, str(path))
    return recipe


def _build(kind: type[Any], content: Any, where: str) -> Any:
    """A dataclass of a TOML table, every value of the type that the field states."""
    if not isinstance(content, dict):
        raise CorpusError(f"{where}: {content!r:.80} must be a table")
    types = {f.name: str(f.type) for f in fields(kind)}
    for key in content:
        if key not in types:
            known = ", ".join(sorted(types)).replace("archives", "archive")
            raise CorpusError(f"{where}: unknown key '{key}'; known are {known}")
    return kind(**{key: _convert(value, types[key], f"{where}: {key}") for key, value in content.items()})


def _convert(value: Any, wanted: str, where: str) -> Any:
    if wanted == "tuple[Archive, ...]" and isinstance(value, list):
        return tuple(_archive(item, f"{where}[{i}]".replace("archives", "archive")) for i, item in enumerate(value))
    if wanted == "Transcripts | None":
        return _build(Transcripts, value, where)
    if wanted.startswith("dict") and isinstance(value, dict):
        return {key: _convert(item, "tuple[str, ...]", f"{where}.{key}") for key, item in value.items()}
    if wanted == "tuple[str, ...]" and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    plain: dict[str, tuple[type, str]] = {
        "str": (str, "a text in quotes"),
        "bool": (bool, "true or false"),
        "int": (int, "a whole number, 0 or more"),
    }
    if wanted not in plain:
        words = "a table" if wanted.startswith("dict") else "a list of " + ("tables" if "Archive" in wanted else "texts")
        raise CorpusError(f"{where}: {value!r:.80} must be {words}")
    type_, words = plain[wanted]
    if type(value) is not type_ or (isinstance(value, int) and value < 0):
        raise CorpusError(f"{where}: {value!r:.80} must be {words}")
    return value


def _archive(content: Any, where: str) -> Archive:
    """An archive with its defaults filled in, and names that cannot lead out of a folder."""
    archive: Archive = _build(Archive, content, where)
    filename = archive.filename or unquote(urlsplit(archive.url).path.rpartition("/")[2])
    suffix = next((s for s in sorted(ARCHIVE_SUFFIXES, key=len, reverse=True) if filename.lower().endswith(s)), "")
    part = archive.part or filename[: len(filename) - len(suffix)]
    check_name(filename if archive.url else re.sub("[*?]", "x", filename), f"{where}: filename")
    check_name(part, f"{where}: part")
    if archive.url and not archive.url.startswith(("https://", "http://")):
        raise CorpusError(f"{where}: url: '{archive.url}' must begin with https:// or http://")
    for key, digits in HASHES.items():
        if (value := getattr(archive, key)) and not re.fullmatch(f"[0-9a-f]{{{digits}}}", value):
            raise CorpusError(f"{where}: {key}: '{value}' must be {digits} hexadecimal digits in lower case")
    kept = {f.name: getattr(archive, f.name) for f in fields(Archive)}
    return Archive(**{**kept, "filename": filename, "part": part})


def check_name(name: str, where: str) -> None:
    """Refuses what cannot be the name of a file or folder everywhere.

    Raises:
        CorpusError: it has folders in it, is hidden, or has signs that some systems forbid.
    """
    if not name or name.startswith(".") or re.search(r'[/\\:*?"<>|\0]', name):
        raise CorpusError(f"{where}: '{name}' must be a plain name, without folders and not hidden")


def _check(recipe: Recipe, where: str) -> None:
    """What the types alone do not say."""
    check_name(recipe.name, f"{where}: name")
    for domain in recipe.domain:
        if domain not in DOMAINS:
            raise CorpusError(f"{where}: domain: '{domain}' must be one of {', '.join(DOMAINS)}")
    for split in recipe.splits:
        if split not in SPLITS:
            raise CorpusError(f"{where}: splits: '{split}' must be one of {', '.join(SPLITS)}")
    if recipe.split_table and not (recipe.path_column and recipe.split_column):
        raise CorpusError(f"{where}: split_table: needs path_column and split_column too")
    parts = [archive.part for archive in recipe.archives]
    if repeated := next((part for part in parts if parts.count(part) > 1), ""):
        raise CorpusError(f"{where}: archive: two have the part '{repeated}'; give each its own")
    pattern = recipe.transcripts.name_pattern if recipe.transcripts else ""
    try:
        if pattern and "text" not in re.compile(pattern).groupindex:
            raise CorpusError(f"{where}: transcripts: name_pattern: needs a group (?P<text>...)")
    except re.error as error:
        raise CorpusError(f"{where}: transcripts: name_pattern: is no regular expression: {error}") from error
