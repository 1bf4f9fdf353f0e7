"""Files written whole or not at all: to a temporary name beside the target, then renamed."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from melodia.errors import ConfigError


def write_atomically(path: Path, data: bytes | str) -> None:
    """Writes a file under a temporary name and renames it; missing folders are made.

    Raises:
        OSError: the disk is full, or the folder cannot be written.
    """
    with temporary_beside(path) as temporary:
        temporary.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)


def write_json(path: Path, content: Any) -> None:
    """Writes indented JSON, whole or not at all."""
    write_atomically(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


@contextmanager
def temporary_beside(path: Path, is_folder: bool = False) -> Iterator[Path]:
    """A temporary file or folder that takes the place of `path` when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
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


def refuse_foreign_folder(folder: Path, ours: tuple[str, ...]) -> None:
    """Keeps a folder that is to be replaced whole from being anything but an earlier result.

    Raises:
        ConfigError: there are files in it and none of those that `ours` names.
    """
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir()) and not any((folder / name).exists() for name in ours)):
        raise ConfigError(f"output: {folder} has other files in it, which would be lost; name a new folder")


def shipped(folder: str) -> Path:
    """`checkpoints` or `corpora`: inside an installed package, or at the top of a checkout."""
    package = Path(__file__).resolve().parent
    return package / folder if (package / folder).is_dir() else package.parent / folder
