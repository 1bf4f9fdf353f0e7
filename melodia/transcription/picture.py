"""A picture of a transcription: the notes over the spectrogram that they were heard in."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from melodia.picture import MADE_COLOUR, save_figure
from melodia.transcription.notes import OFFSET, ONSET, PITCH, VELOCITY
from melodia.transcription.transcribe import Transcription

MARGIN = 3.5  # semitones above and below the notes
RANGE_DB = 65.0  # shown, below the loudest


def draw_transcription(found: Transcription, path: str | Path) -> Path:
    """Draws the first minute: time against pitch, the louder a note the fuller its box.

    Raises:
        MelodiaError: the file cannot be written.
    """
    from matplotlib.collections import PatchCollection
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    features = found.features
    seconds = max(len(found.decibels) / features.frame_rate, 0.1)
    notes = found.notes[found.notes[:, ONSET] < seconds]
    pitches = notes[:, PITCH] if len(notes) else np.array([48.0, 72.0])
    low, high = float(pitches.min()) - MARGIN, float(pitches.max()) + MARGIN
    figure = Figure(figsize=(float(np.clip(2 + 0.55 * seconds, 8, 24)), 5), dpi=110, layout="constrained")
    axes = figure.subplots()
    lowest = features.lowest_pitch - 0.5 / features.bins_per_semitone
    extent = (0.0, seconds, lowest, lowest + features.num_semitones)
    loudest = float(found.decibels.max(initial=-100.0))
    axes.imshow(found.decibels.T, origin="lower", aspect="auto", extent=extent, cmap="Greys", vmin=loudest - RANGE_DB, vmax=loudest)
    ends = np.minimum(notes[:, OFFSET], seconds)
    boxes = [Rectangle((n[ONSET], n[PITCH] - 0.45), max(end - n[ONSET], 0.02), 0.9) for n, end in zip(notes, ends, strict=True)]
    fill = [(0.88, 0.40, 0.18, 0.15 + 0.6 * n[VELOCITY] / 127) for n in notes]
    axes.add_collection(PatchCollection(boxes, facecolor=fill, edgecolor=MADE_COLOUR, linewidth=0.9))
    for time in found.beats.times[found.beats.first :: found.beats.in_bar] if found.beats else ():
        if time < seconds:
            axes.axvline(time, color="#2c5d8a", linewidth=0.8, alpha=0.6)
    octaves = [p for p in range(24, 109, 12) if low < p < high]
    axes.set_yticks(octaves, [f"C{p // 12 - 1}" for p in octaves])
    axes.set_xlim(0, seconds)
    axes.set_ylim(low, high)
    axes.set_xlabel("seconds" + (f" from {found.start:g} on" if found.start else "") + ("; blue: bar lines" if found.beats else ""))
    axes.set_ylabel("pitch")
    return save_figure(figure, Path(path))
