"""Unpacks zip and tar archives, and refuses those with names that lead out of their folder."""

from __future__ import annotations

import lzma
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from shutil import disk_usage

from melodia.errors import CorpusError


def unpack(archive: Path, folder: Path, progress: Callable[[str, int, int], None] = lambda what, done, total: None) -> None:
    """Unpacks an archive into a new folder.

    Args:
        archive: a .zip, or a .tar however compressed.
        folder: is made; left half full if unpacking fails.
        progress: called with what is being done, the bytes done and in all.

    Raises:
        CorpusError: it is damaged, has names that lead out of the folder, or does not fit on the disk.
        OSError: the disk is full, or the folder cannot be written.
    """
    folder.mkdir(parents=True)
    try:
        if archive.name.lower().endswith(".zip"):
            _unzip(archive, folder, progress)
        else:
            _untar(archive, folder, progress)
    except tarfile.FilterError as error:
        raise CorpusError(f"{archive}: is refused: {error}") from error
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, RuntimeError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # of the disk; gzip and bz2 raise OSError for damage too
        reason = str(error).partition(":\n")[0] or type(error).__name__  # tarfile goes on with all that it tried
        raise CorpusError(f"{archive}: cannot be unpacked: {reason}; remove it and fetch it again") from error


def _unzip(archive: Path, folder: Path, progress: Callable[[str, int, int], None]) -> None:
    with zipfile.ZipFile(archive) as file:
        members = file.infolist()
        for member in members:
            if re.match(r"[/\\]|[A-Za-z]:", member.filename) or ".." in re.split(r"[/\\]", member.filename):
                raise CorpusError(f"{archive}: is refused: '{member.filename}' would be written outside its folder")
        total, done = sum(member.file_size for member in members), 0
        if total > (free := disk_usage(folder).free):
            raise CorpusError(f"{archive}: has {total:,} bytes unpacked, {folder.parent.parent} has room for {free:,}")
        for member in members:
            file.extract(member, folder)
            done += member.file_size
            progress(f"unpacking {archive.name}", done, total)


def _untar(archive: Path, folder: Path, progress: Callable[[str, int, int], None]) -> None:
    if not hasattr(tarfile, "data_filter"):  # Python 3.11.0 to 3.11.3
        raise CorpusError(f"{archive}: this Python cannot unpack it safely; update to 3.11.4 or later, or unpack it yourself")
    total = archive.stat().st_size
    with archive.open("rb") as packed, tarfile.open(fileobj=packed) as file:
        for member in file:
            file.extract(member, folder, filter="data")
            progress(f"unpacking {archive.name}", packed.tell(), total)
        while file.fileobj and file.fileobj.read(1 << 20):
            pass  # to the end, where compressed streams have their checksum
