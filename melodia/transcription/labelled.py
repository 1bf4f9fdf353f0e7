"""Recordings with their notes beside them: `name.wav` with `name.tsv`, or else with `name.mid`; `name.pedal.tsv` if it is there."""

from __future__ import annotations

from pathlib import Path

from melodia.audio import SUFFIXES as AUDIO_SUFFIXES
from melodia.errors import CorpusError

LABELS = (".tsv", ".mid", ".midi")  # the first that is there counts
PEDAL = ".pedal.tsv"


def beside(path: Path, suffixes: tuple[str, ...]) -> Path | None:
    """The file of the same name with the first of the suffixes that is there, in small or large letters."""
    tried = (path.with_suffix(s) for suffix in suffixes for s in (suffix, suffix.upper()))
    return next((p for p in tried if p.is_file()), None)


def recording_of(labels: Path) -> Path:
    """The recording that labels belong to.

    Raises:
        CorpusError: there is none, they belong to another table, or another table goes before them.
    """
    if labels.name.endswith(PEDAL):
        raise CorpusError(f"{labels.name}: belongs to another file")
    first = beside(labels, LABELS)
    if first and first.suffix.lower() != labels.suffix.lower():
        raise CorpusError(f"{labels.name}: {first.name} is read instead")
    recording = beside(labels, AUDIO_SUFFIXES)
    if recording is None:
        raise CorpusError(f"{labels.name}: no recording of that name beside it ({', '.join(AUDIO_SUFFIXES)})")
    return recording


def labelled(folder: Path) -> list[tuple[Path, Path]]:
    """Recordings below a folder and the labels of each, by name."""
    found = ((path, beside(path, LABELS)) for path in sorted(folder.rglob("*")) if path.suffix.lower() in AUDIO_SUFFIXES)
    return [(recording, labels) for recording, labels in found if labels]
