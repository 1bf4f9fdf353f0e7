"""A picture of speech or song: its spectrogram, its pitch, its words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from melodia.audio import Waveform
from melodia.picture import save_figure
from melodia.synthesis.spoken import Speech, SpokenWord

LONGEST = 30.0  # seconds drawn; of a longer one the beginning
HIGHEST_HZ = 8000.0
WINDOW, HOP = 0.025, 0.005  # seconds
RANGE_DB = 70.0
ROWS = 3  # of words
LETTER = 0.07  # inches of a label, a character


def draw_speech(speech: Speech, path: str | Path) -> Path:
    """Draws a spectrogram of what comes before `LONGEST`, with the pitch as a line and the words above it, and returns the path.

    Raises:
        MelodiaError: the file cannot be written.
    """
    from matplotlib.figure import Figure

    sample_rate, pitch = speech.sample_rate, speech.pitch
    seconds = min(speech.seconds, LONGEST)
    shown = speech.waveform[: round(seconds * sample_rate)]
    figure = Figure(figsize=(min(max(8.0, 1.6 * seconds), 40.0), 4.2), dpi=110, layout="constrained")
    axes = figure.subplots()
    decibels = _decibels(shown, sample_rate)
    top = sample_rate / 2
    axes.imshow(
        decibels.T, origin="lower", aspect="auto", cmap="magma", extent=(0, seconds, 0, top), vmin=decibels.max() - RANGE_DB
    )
    times = (np.arange(len(pitch)) + 0.5) * speech.seconds / max(len(pitch), 1)
    axes.plot(times, np.where(pitch > 0, pitch, np.nan), color="#5fd3ff", linewidth=1.4)
    words = [word._replace(offset=min(word.offset, seconds)) for word in speech.words if word.onset < seconds]
    across = axes.get_xaxis_transform()
    for word, row in zip(words, label_rows(words, LETTER * seconds / (figure.get_figwidth() - 1)), strict=True):
        axes.axvline(word.onset, color="#ffffff50", linewidth=0.6)
        if row is not None:
            middle, height = (word.onset + word.offset) / 2, 1.02 + 0.05 * row
            axes.text(middle, height, word.text, transform=across, ha="center", va="bottom", fontsize=8, parse_math=False)
    axes.set_xlim(0, seconds)
    axes.set_ylim(0, min(HIGHEST_HZ, top))
    axes.set_xlabel("seconds")
    axes.set_ylabel("Hz")
    return save_figure(figure, Path(path))


def label_rows(words: Sequence[SpokenWord], letter: float) -> list[int | None]:
    """The lowest row above the picture where the label of each word, `letter` seconds a character wide, meets no other; None where
    all `ROWS` are taken, and it is left out."""
    ends, found = [-math.inf] * ROWS, list[int | None]()
    for word in words:
        half = (len(word.text) + 1) * letter / 2
        middle = (word.onset + word.offset) / 2
        row = next((row for row, end in enumerate(ends) if end <= middle - half), None)
        if row is not None:
            ends[row] = middle + half
        found.append(row)
    return found


def _decibels(waveform: Waveform, sample_rate: int) -> Waveform:
    """(frames, frequencies) of a waveform."""
    size, hop = round(WINDOW * sample_rate), round(HOP * sample_rate)
    padded = np.pad(waveform, (0, size))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop] * np.hanning(size)
    power = np.abs(np.fft.rfft(frames, 2 * size)) ** 2
    decibels: Waveform = (10 * np.log10(np.maximum(power, 1e-10))).astype(np.float32)
    return decibels
