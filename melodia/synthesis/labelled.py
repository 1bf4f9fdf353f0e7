"""When each sign of a recording is said: a table beside it, `<name>.tsv`, and the pitch that was meant, `<name>.pitch.tsv`.

The first has the columns onset, offset (seconds) and sign, one after another without gaps (`_` is silence), as
`corpora/speaker/make.py` writes it and a forced aligner can. The second has under `pitch_hz` a value a line, Hz, evenly over the
recording, 0 or a few Hz where there is no pitch. Without it the pitch is found by pYIN (Mauch and Dixon 2014, as librosa has it),
which takes a while.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from melodia.errors import CorpusError
from melodia.features import MelConfig
from melodia.synthesis.analysis import HIGHEST_HZ, LOWEST_HZ, Floats

SIGNS, PITCH, TEXT = ".tsv", ".pitch.tsv", ".txt"
HEADER, PITCH_HEADER = "onset\toffset\tsign", "pitch_hz"
LOOSE = 0.002  # seconds between the offset of a sign and the onset of the next


def signs_beside(path: Path) -> list[tuple[float, float, str]]:
    """Onset, offset, sign of all that is said in a recording.

    Raises:
        CorpusError: there is no table, or a line of it is not one, or does not follow the one before.
    """
    table = path.with_suffix(SIGNS)
    try:
        lines = table.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path.name}: no table of its phonemes beside it ({table.name}: {error})") from error
    if not lines or lines[0] != HEADER:
        raise CorpusError(f"{table.name}: its first line must be {HEADER!r}")
    rows: list[tuple[float, float, str]] = []
    for number, line in enumerate(lines[1:], 2):
        try:
            onset, offset, sign = line.split("\t")
            row = (float(onset), float(offset), sign)
        except ValueError as error:
            raise CorpusError(f"{table.name}: line {number}: {line!r:.60} is not onset, offset and sign") from error
        before = rows[-1][1] if rows else 0.0
        if abs(row[0] - before) > LOOSE or not row[0] <= row[1] < 1e5:
            raise CorpusError(f"{table.name}: line {number}: from {row[0]:g} to {row[1]:g} s does not follow {before:g} s")
        rows.append(row)
    return rows


def pitch_beside(path: Path, waveform: Floats, config: MelConfig) -> Floats:
    """(frames,) Hz of a recording, 0 where there is no pitch.

    Raises:
        CorpusError: the table is not one.
    """
    frames = config.num_frames(len(waveform))
    table = path.with_suffix(PITCH)
    if not table.is_file():
        import librosa

        found, has, _ = librosa.pyin(
            waveform, fmin=LOWEST_HZ, fmax=HIGHEST_HZ, sr=config.sample_rate, frame_length=2048, hop_length=config.hop_length
        )
        return np.where(has, found, 0)[:frames].astype(np.float32)
    try:
        header, *lines = table.read_text("utf-8-sig").splitlines() or [""]
        hertz = np.array([float(line) for line in lines])
    except (OSError, ValueError) as error:
        raise CorpusError(f"{table.name}: not a column of numbers ({error})") from error
    if header != PITCH_HEADER:
        raise CorpusError(f"{table.name}: its first line must be {PITCH_HEADER!r}")
    voiced = hertz >= LOWEST_HZ
    if not voiced.any():
        return np.zeros(frames, np.float32)
    at = np.arange(frames) * config.hop_length / len(waveform) * len(hertz) - 0.5
    middles = np.flatnonzero(voiced)
    has = voiced[np.clip(np.rint(at).astype(int), 0, len(hertz) - 1)]
    return np.where(has, np.interp(at, middles, hertz[middles]), 0).astype(np.float32)
