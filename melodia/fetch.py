"""Fetches what a recipe names: downloads, checks and unpacks it into a folder of the corpus's own.

A corpus lies in `<corpora folder>/<name>/`, each part of it in a folder of that part's name. The corpora folder is
`--into`, else `MELODIA_CORPORA`, else the system's cache. A part has its name only when it is whole: files arrive and
are unpacked in a hidden folder beside the corpus. An archive that people put into the corpus's folder is used instead
of fetching it, after the same check, and stays there.
"""

from __future__ import annotations

import glob
import os
import shlex
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from melodia.errors import CorpusError
from melodia.files import shipped
from melodia.recipe import Archive, Recipe
from melodia.unpack import unpack

ENVIRONMENT = "MELODIA_CORPORA"
CHUNK = 1 << 18  # bytes
TIMEOUT = 30.0  # seconds without an answer
STALE = 7 * 86_400.0  # seconds after which what a killed process left is removed
Progress = Callable[[str, int, int], None]  # what is being done, bytes done, bytes in all or 0


def corpora_folder(into: Path | None = None) -> Path:
    """Where corpora are kept: `into`, else the environment's `MELODIA_CORPORA`, else the system's cache."""
    if into is not None:
        return into.expanduser()
    if os.environ.get(ENVIRONMENT):
        return Path(os.environ[ENVIRONMENT]).expanduser()
    import pooch

    return Path(pooch.os_cache("melodia"))


def corpus_folder(recipe: Recipe, into: Path | None = None) -> Path:
    """Where a corpus lies, or would."""
    return corpora_folder(into) / recipe.name


def locate(recipe: Recipe, into: Path | None = None) -> Path | None:
    """The folder of a corpus that was fetched or put there, if any file in it is one that the recipe chooses."""
    folder = corpus_folder(recipe, into)
    waiting = {path for archive in recipe.archives if archive.is_packed for path in _put_there(archive, folder)}
    found = (path for path in folder.rglob("*") if path not in waiting and path.is_file())
    return folder if any(recipe.chooses(path.relative_to(folder).as_posix()) for path in found) else None


def parts_there(recipe: Recipe, into: Path | None = None) -> list[str]:
    """The parts of a corpus that are fetched, in the recipe's order."""
    folder = corpus_folder(recipe, into)
    return [archive.part for archive in recipe.archives if _home(archive, folder).exists()]


def how_to_get(recipe: Recipe, into: Path | None = None) -> str:
    """One message for whoever has not got a corpus: what to fetch, from where, how many bytes, where to put it."""
    folder = corpus_folder(recipe, into)
    wanted = [archive for archive in recipe.archives if archive.url and not archive.optional]
    if not wanted:
        words = recipe.how_to_get if "{folder}" in recipe.how_to_get else f"{recipe.how_to_get} It belongs in {{folder}}."
        return f"{recipe.name} cannot be fetched by melodia. {words.replace('{folder}', str(folder)).strip()}"
    named = {a.url: "" if a.url.endswith(f"/{a.filename}") else f", to be named {a.filename}" for a in wanted}
    files = ", ".join(f"{archive.url} ({_bytes(archive)}{named[archive.url]})" for archive in wanted)
    plural = "them" if len(wanted) > 1 else "it"
    return (
        f"{recipe.name} is not in {folder}; `melodia corpora {shlex.quote(recipe.name)} --fetch` fetches {files}, "
        f"or fetch {plural} yourself and put {plural} there, packed or unpacked"
    )


def convert_command(recipe: Recipe, into: Path | None = None) -> str:
    """The command that makes readable files of what was fetched, if the corpus needs one."""
    replaced = recipe.convert.replace("{recipes}", shlex.quote(str(shipped("corpora"))))
    return replaced.replace("{folder}", shlex.quote(str(corpus_folder(recipe, into))))


def prepare_command(recipe: Recipe, into: Path | None = None) -> str:
    """The `melodia prepare` that comes next."""
    source = shlex.quote(f"{recipe.name}={corpus_folder(recipe, into)}")
    return f"melodia prepare {source} -o {shlex.quote('prepared-' + recipe.name)}"


def fetch(
    recipe: Recipe,
    into: Path | None = None,
    parts: Sequence[str] = (),
    progress: Progress = lambda what, done, total: None,
) -> Path:
    """Downloads and unpacks the parts of a corpus that are not there yet.

    Args:
        recipe: what to fetch.
        into: the corpora folder; see `corpora_folder`.
        parts: names of parts; by default those that are not optional.
        progress: called with what is being done, the bytes done and in all.

    Returns:
        the folder of the corpus.

    Raises:
        CorpusError: there is no connection, a checksum is wrong, an archive is damaged or leads out of its folder,
            or only people can fetch it; the message says what to do.
        OSError: the disk is full, or the folder cannot be written.
    """
    known = [archive.part for archive in recipe.archives]
    for part in parts:
        if part not in known:
            raise CorpusError(f"{recipe.name}: no part '{part}'; there are {', '.join(known) or 'none'}")
    folder = corpus_folder(recipe, into)
    if not parts and not parts_there(recipe, into) and locate(recipe, into):
        return folder  # people unpacked it there
    chosen = [a for a in recipe.archives if (a.part in parts if parts else not a.optional)]
    if not chosen:
        raise CorpusError(how_to_get(recipe, into))
    for archive in chosen:
        if not _home(archive, folder).exists():
            _fetch_part(recipe, archive, folder, progress)
    return folder


def _fetch_part(recipe: Recipe, archive: Archive, folder: Path, progress: Progress) -> None:
    by_hand = max(_put_there(archive, folder), key=lambda path: path.stat().st_mtime, default=None)
    if by_hand is None and not archive.url:
        raise CorpusError(how_to_get(recipe, folder.parent))
    with _scratch(folder) as work:
        if by_hand is not None and not _fault(archive, by_hand, progress):
            packed = by_hand
        else:
            packed = _download(recipe, archive, folder, work, progress)
        home = _home(archive, folder)
        if archive.is_packed:
            unpack(packed, work / "unpacked", progress)
            (work / "unpacked").replace(home)
            if packed != by_hand:
                packed.unlink(missing_ok=True)


def _download(recipe: Recipe, archive: Archive, folder: Path, work: Path, progress: Progress) -> Path:
    """Downloads an archive under its own name, whole and checked, so that a failure to unpack it does not cost it."""
    from pooch import HTTPDownloader
    from requests.exceptions import RequestException

    free = shutil.disk_usage(work).free
    if archive.bytes > free:
        raise CorpusError(f"{recipe.name}: {archive.url} has {archive.bytes:,} bytes, {folder} has room for {free:,}")
    by_hand = f"or fetch it yourself ({_bytes(archive)}) and put it into {folder} as {archive.filename}"
    fetching, bar = work / "fetching", _Bar(archive, progress)
    try:
        HTTPDownloader(progressbar=bar, chunk_size=CHUNK, timeout=TIMEOUT)(archive.url, str(fetching), None)
    except RequestException as error:
        reason = _reason(error)
        raise CorpusError(f"{recipe.name}: {archive.url} cannot be fetched: {reason}; try again, {by_hand}") from error
    if fault := _fault(archive, fetching, progress):
        raise CorpusError(f"{recipe.name}: what {archive.url} sent {fault}, and was removed; try again, {by_hand}")
    fetching.replace(folder / archive.filename)
    return folder / archive.filename


def _fault(archive: Archive, path: Path, progress: Progress) -> str:
    """What is wrong with a file, by its checksum, or by its size where no checksum is known."""
    from pooch import file_hash

    if archive.checksum:
        algorithm, _, wanted = archive.checksum.partition(":")
        progress(f"checking {path.name}", 0, 0)
        found = file_hash(str(path), alg=algorithm)
        return "" if found == wanted else f"has the {algorithm} {found} instead of {wanted}"
    size = path.stat().st_size
    return f"has {size:,} bytes instead of {archive.bytes:,}" if archive.bytes and archive.url and size != archive.bytes else ""


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """A hidden folder beside the corpus, removed in the end; those of processes killed long ago are removed too."""
    folder.mkdir(parents=True, exist_ok=True)
    prefix = f".{folder.name}.fetching-"
    for old in folder.parent.glob(prefix + "*"):
        if time.time() - old.stat().st_mtime > STALE:
            shutil.rmtree(old, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix=prefix, dir=folder.parent))
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)
        if not any(folder.iterdir()):
            folder.rmdir()


def _home(archive: Archive, folder: Path) -> Path:
    return folder / (archive.part if archive.is_packed else archive.filename)


def _put_there(archive: Archive, folder: Path) -> list[Path]:
    """Files of an archive's name in the corpus's folder."""
    return list(folder.glob(glob.escape(archive.filename) if archive.url else archive.filename))


def _bytes(archive: Archive) -> str:
    return f"{archive.bytes:,} bytes" if archive.bytes else "size not known"


def _reason(error: Exception) -> str:
    """A short reason: what requests says nests several exceptions and addresses of objects."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"the server answered {response.status_code}"
    words = {"ConnectTimeout": "no answer", "ReadTimeout": "no answer", "SSLError": "the connection is not secure"}
    cut = {"ChunkedEncodingError": "the connection broke off"}
    return (words | cut).get(type(error).__name__, "no connection")


class _Bar:
    """What pooch wants of a progress bar."""

    def __init__(self, archive: Archive, progress: Progress) -> None:
        self.total = 0  # set by pooch
        self.done = 0
        self.what = f"fetching {archive.filename} from {urlsplit(archive.url).hostname}"
        self.progress = progress

    def update(self, count: int) -> None:
        self.done = min(self.done + count, self.total) if self.total else self.done + count
        self.progress(self.what, self.done, self.total)

    def reset(self) -> None:
        self.done = 0

    def close(self) -> None:
        pass
