"""Recordings in folders that say what they are: `music/flute/1.wav` is music of the source `flute`."""

from __future__ import annotations

from pathlib import PurePath

from melodia.errors import CorpusError

KINDS = ("music", "speech")  # in the order of their numbers


def label_of(path: PurePath) -> tuple[str, str]:
    """The kind and the source of a recording by its path: the nearest folder `music` or `speech`, and the folder below it.

    The source is empty where the recording lies in the folder of its kind.

    Raises:
        CorpusError: no folder on its path is called so.
    """
    folders = path.parts[:-1]
    for i in reversed(range(len(folders))):
        if folders[i].lower() in KINDS:
            return folders[i].lower(), folders[i + 1] if i + 1 < len(folders) else ""
    raise CorpusError(f"{path.name}: in no folder called {' or '.join(KINDS)}, so nothing says which it is")
