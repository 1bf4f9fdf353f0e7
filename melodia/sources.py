"""Where music and speech come from: a folder, a list of files, an archive, or a recipe by its name."""

from __future__ import annotations

import csv
import hashlib
import lzma
import os
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from melodia.errors import ConfigError, CorpusError
from melodia.files import temporary_beside
from melodia.recipe import ARCHIVE_SUFFIXES, Recipe, check_name, find_recipe, load_recipe, recipe_names
from melodia.representation import Representation
from melodia.shards import SourceFile
from melodia.unpack import unpack

LISTS = (".txt", ".lst")
DAMAGE = (zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError)  # what archives are found to be damaged by
SPLIT_NAMES = {"train": "train", "valid": "valid", "validation": "valid", "dev": "valid", "test": "test"}


@dataclass(slots=True)
class Source:
    """One corpus to read: its recipe, and the folder, file, list or archive that holds it."""

    recipe: Recipe
    path: Path

    @property
    def name(self) -> str:
        """What its pieces are filed under."""
        return self.recipe.name

    @property
    def unpacked_name(self) -> str:
        """A folder's name for what is in this archive as it is now."""
        stat = self.path.stat()
        what = f"{self.path.resolve()} {stat.st_size} {stat.st_mtime_ns}"
        return f"{self.name}-{hashlib.sha256(what.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"

    @property
    def is_archive(self) -> bool:
        """Whether it has to be unpacked to be read."""
        return self.path.is_file() and self.path.name.lower().endswith(ARCHIVE_SUFFIXES)


def parse_source(text: str) -> Source:
    """`NAME=PATH`, `PATH`, or the NAME of a recipe whose corpus `melodia corpora --fetch` has put on this disk.

    Raises:
        ConfigError: it is neither.
        CorpusError: the corpus of a recipe is not on this disk; the message says how to get it.
    """
    if not text:
        raise ConfigError("source: it is empty; name a folder, an archive, a list or a recipe")
    name, equals, path = text.partition("=")
    if equals and not Path(text).exists():
        if not name or not path:
            raise ConfigError(f"source: '{text}' is not NAME=PATH")
        check_name(name, "source")
        return Source(load_recipe(name), Path(path).expanduser())
    if text in recipe_names() and not Path(text).exists():
        from melodia.fetch import how_to_get, locate

        recipe = find_recipe(text)
        folder = locate(recipe)
        if folder is None:
            raise CorpusError(how_to_get(recipe))
        return Source(recipe, folder)
    stem = Path(text).resolve().name
    suffix = next((s for s in sorted(ARCHIVE_SUFFIXES + LISTS, key=len, reverse=True) if stem.lower().endswith(s)), "")
    return Source(Recipe(name=stem[: len(stem) - len(suffix)] or "source"), Path(text))


def find_files(source: Source, representation: Representation, unpacked: Path) -> list[SourceFile]:
    """The files of a source, by name; those of an archive as they will be below the folder `unpacked`.

    Size and date of a file are those of it and its companions together.

    Raises:
        CorpusError: there is no such source, it is damaged, or there is nothing in it.
    """
    path, suffixes = source.path, representation.suffixes
    if path.is_dir():
        files = _in_folder(path)
    elif not path.exists():
        raise CorpusError(f"{path}: no such folder or file")
    elif source.is_archive:
        files = _in_archive(path, unpacked / source.unpacked_name)
    elif path.suffix.lower() in suffixes:
        files = iter([_of_path(path.name, path)])
    elif path.suffix.lower() in LISTS:
        files = _in_list(path)
    else:
        raise CorpusError(
            f"{path}: neither a folder, an archive ({', '.join(ARCHIVE_SUFFIXES)}) nor a list of files ({', '.join(LISTS)})"
        )
    everything = list({file.name: file for file in files}.values())  # an archive may have a name twice
    wanted = [f for f in everything if PurePosixPath(f.name).suffix.lower() in suffixes and source.recipe.chooses(f.name)]
    if not wanted:
        others = sorted({PurePosixPath(f.name).suffix.lower() or "no suffix" for f in everything})[:8]
        seen = f"but {len(everything)} others ({', '.join(others)})" if everything else "nor any others"
        raise CorpusError(f"{path}: no files of {', '.join(sorted(suffixes))} in it, {seen}")
    by_name = {file.name: file for file in everything}
    return sorted((_with_companions(f, by_name, representation) for f in wanted), key=lambda f: PurePosixPath(f.name).parts)


def _with_companions(file: SourceFile, by_name: dict[str, SourceFile], representation: Representation) -> SourceFile:
    path, together = PurePosixPath(file.name), [file]
    for name in representation.companions(path.name):
        beside = str(path.with_name(name))
        if beside in by_name:
            together.append(by_name[beside])
        elif file.path.with_name(name).is_file():  # of a list, or of a file that was named alone
            together.append(_of_path(beside, file.path.with_name(name)))
    return file._replace(num_bytes=sum(f.num_bytes for f in together), modified_ns=sum(f.modified_ns for f in together))


def _of_path(name: str, path: Path) -> SourceFile:
    """A file; one that cannot be looked at is found out, and rejected, when it is read."""
    try:
        stat = path.stat()
    except (OSError, ValueError):
        return SourceFile(name, path, 0, 0)
    return SourceFile(name, path, stat.st_size, stat.st_mtime_ns)


def _in_folder(folder: Path) -> Iterator[SourceFile]:
    waiting = [folder]
    while waiting:  # os.scandir tells sizes as it goes: several times as fast as Path.rglob
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(Path(entry.path))
                else:
                    path = Path(entry.path)
                    yield _of_path(path.relative_to(folder).as_posix(), path)


def _in_list(path: Path) -> Iterator[SourceFile]:
    """The files that the lines of a text name, relative to it; what is not there is found out when it is read."""
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path}: not a list of files: {error}") from error
    for name in dict.fromkeys(line.strip() for line in lines):
        if name and not name.startswith("#"):
            yield _of_path(name, path.parent / name)


def _in_archive(path: Path, unpacked: Path) -> Iterator[SourceFile]:
    try:
        if path.suffix.lower() == ".zip":
            with zipfile.ZipFile(path) as packed:
                for item in packed.infolist():
                    if not item.is_dir():  # its checksum tells more than its date
                        yield _member(path, item.filename, unpacked, item.file_size, item.CRC)
        else:
            with tarfile.open(path) as tar:
                for member in tar:
                    if member.isfile() or member.islnk() or member.issym():
                        yield _member(path, member.name, unpacked, member.size, int(member.mtime) * 10**9)
    except (OSError, EOFError, ValueError, ArithmeticError, NotImplementedError, *DAMAGE) as error:
        raise CorpusError(f"{path}: this archive is damaged ({error}); fetch it again") from error


def _member(archive: Path, name: str, unpacked: Path, num_bytes: int, mark: int) -> SourceFile:
    """A file of an archive, where unpacking will put it."""
    parts = [part for part in PurePosixPath(name.lstrip("/")).parts if part != "."]
    if ".." in parts or any(":" in part or "\\" in part for part in parts):
        raise CorpusError(f"{archive}: is refused: '{name}' would be written outside its folder")
    name = "/".join(parts)
    return SourceFile(name, unpacked / name, num_bytes, mark)


def unpack_source(source: Source, folder: Path) -> None:
    """Unpacks an archive into a folder, whole or not at all.

    Raises:
        CorpusError: it is damaged, does not fit, or is made to write elsewhere.
        OSError: the disk is full.
    """
    if not folder.is_dir():  # else an earlier run did, that did not get to its end
        with temporary_beside(folder) as temporary:
            unpack(source.path, temporary)


def given_splits(recipe: Recipe, folder: Path) -> dict[str, str]:
    """The corpus's own split by its table, by path within its folder.

    Raises:
        CorpusError: the recipe names a table that is not there, or that is of another form.
    """
    if not recipe.split_table:
        return {}
    found = sorted(folder.rglob(recipe.split_table))
    if not found:
        raise CorpusError(f"{folder}: {recipe.split_table}, with the split of {recipe.name}, is not in it")
    base = found[0].parent
    with found[0].open(encoding="utf-8", newline="") as file:
        try:
            return {
                (base / row[recipe.path_column]).relative_to(folder).as_posix(): SPLIT_NAMES[row[recipe.split_column]]
                for row in csv.DictReader(file)
            }
        except (KeyError, UnicodeDecodeError) as error:
            raise CorpusError(f"{found[0]}: no column or split {error}; is it the corpus of the recipe {recipe.name}?") from error
