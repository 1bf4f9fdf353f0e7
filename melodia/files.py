"""Files written whole or not at all: to a temporary name beside the target, then renamed."""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from melodia.errors import ConfigError

OF_SYSTEMS = (".DS_Store", "Thumbs.db", "desktop.ini")  # put into folders by those who show them
LONGEST_PREFIX = 60  # characters of a name that its temporary folder repeats
NEARLY_FULL = 2**23  # bytes left over where a larger file did not fit


def write_atomically(path: Path, data: bytes | str) -> None:
    """Writes a file under a temporary name and renames it; missing folders are made.

    Raises:
        OSError: the disk is full, or the folder cannot be written.
    """
    with temporary_beside(path) as temporary:
        temporary.write_bytes(data.encode("utf-8", "backslashreplace") if isinstance(data, str) else data)


def write_json(path: Path, content: Any) -> None:
    """Writes indented JSON, whole or not at all."""
    write_atomically(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


@contextmanager
def temporary_beside(path: Path, is_folder: bool = False) -> Iterator[Path]:
    """A temporary file or folder that takes the place of `path`, or of what it is a link to, when the block ends well."""
    path = Path(os.path.realpath(path)) if path.is_symlink() else path
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise OSError(errno.EINVAL, "not a regular file, and would be lost", str(path))  # such as a device
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{path.name[:LONGEST_PREFIX]}.", dir=path.parent))
    try:
        if is_folder:
            folder.chmod(0o755)
            yield folder
            if path.exists():
                old = folder.with_name(folder.name + ".old")
                path.replace(old)
                try:
                    folder.replace(path)
                except OSError:
                    old.replace(path)
                    raise
                shutil.rmtree(old, ignore_errors=True)
            else:
                folder.replace(path)
        else:
            yield folder / path.name
            (folder / path.name).replace(path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def why_not_written(error: Exception, path: Path) -> str:
    """What kept a file from being written; libraries hide a full disk behind messages of their own."""
    number = error.errno if isinstance(error, OSError) else None
    folder = next(p for p in (path, *path.absolute().parents) if os.path.isdir(p))  # noqa: PTH112 - no error for a long name
    if number in (errno.ENOSPC, errno.EDQUOT) or (number is None and shutil.disk_usage(folder).free < NEARLY_FULL):
        return "the disk is full"
    return str(getattr(error, "strerror", None) or error).splitlines()[0]


def refuse_foreign_folder(folder: Path, ours: tuple[str, ...]) -> None:
    """Keeps a folder that is to be replaced whole from being anything but an earlier result.

    What a killed run left half written there, under the temporary names of `temporary_beside`, goes.

    Raises:
        ConfigError: there are files in it that `ours` does not name, or it cannot be renamed.
    """
    entries = list(folder.iterdir()) if folder.is_dir() else []
    torn = [e for e in entries if e.is_dir() and any(e.name.startswith(f".{name}.") for name in ours)]
    if folder.is_file() or any(e.name not in ours + OF_SYSTEMS and e not in torn for e in entries):
        raise ConfigError(f"output: {folder} has other files in it, which would be lost; name a new folder")
    if folder.is_dir() and (folder.resolve() == Path.cwd() or folder.is_mount()):
        raise ConfigError(f"output: {folder} is where you are, or a volume, and cannot be replaced; name a folder in it")
    for entry in torn:
        shutil.rmtree(entry, ignore_errors=True)


def read_limited(path: Path, most: int) -> bytes:
    """The bytes of a regular file of at most so many.

    Raises:
        OSError: it cannot be read, is no regular file, or is larger.
    """
    if not path.is_file() and path.exists():
        raise OSError(errno.EINVAL, "not a regular file")
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"larger than {most >> 20} MiB")
    return data


def shipped(folder: str) -> Path:
    """`checkpoints` or `corpora`: inside an installed package, or at the top of a checkout."""
    package = Path(__file__).resolve().parent
    return package / folder if (package / folder).is_dir() else package.parent / folder
