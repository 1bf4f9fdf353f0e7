"""The recordings that a command names, and names for what is made of them."""

from __future__ import annotations

import glob
import os
from pathlib import Path

from melodia.errors import ConfigError


def matched(recordings: tuple[Path, ...]) -> list[Path]:
    """The recordings, patterns looked up (on Windows no shell does it), none of them twice."""
    found: list[Path] = []
    for path in recordings:
        pattern = not os.path.lexists(path) and any(sign in str(path) for sign in "*?[")
        matches = sorted(Path(p) for p in glob.glob(str(path), recursive=True)) if pattern else []  # noqa: PTH207
        if pattern and not matches:
            raise ConfigError(f"recordings: nothing fits {path}; is the folder right?")
        found += matches or [path]
    first: dict[str, Path] = {}
    for path in found:
        first.setdefault(os.path.realpath(path), path)
    return list(first.values())


def names_a_file(output: Path | None, suffixes: tuple[str, ...], several: bool) -> bool:
    """Whether an output is a file to write, and not a folder for files.

    Raises:
        ConfigError: it is a file where there are several recordings, or of another kind.
    """
    if output == Path("-"):
        raise ConfigError("output: - is no file; name one, or read the result from stdout with --json")
    known = output is not None and (output.is_file() or output.suffix.lower() in suffixes)
    if output is None or output.is_dir() or not (known or (output.suffix and not several)):
        return False
    if several:
        raise ConfigError(f"output: {output} is one file, and there are several recordings; name a folder")
    if output.suffix.lower() not in suffixes:
        raise ConfigError(f"output: {output} does not end in {', '.join(suffixes[:-1])} or {suffixes[-1]}")
    return True
