"""A small transcriber with a little schooling on plain tones, and music whose notes are known."""

import numpy as np
import pytest
import soundfile

from melodia.transcription.notes import make_notes

RATE = 16_000


def played(notes, seconds):
    """Tones of four partials that die away."""
    audio = np.zeros(round(seconds * RATE), np.float32)
    for onset, offset, pitch, velocity in notes:
        first, length = round(onset * RATE), round((offset - onset) * RATE)
        time = np.arange(length) / RATE
        hertz = 440 * 2 ** ((pitch - 69) / 12)
        tone = sum(np.sin(2 * np.pi * hertz * k * time) / k for k in range(1, 5) if hertz * k < RATE / 2)
        audio[first : first + length] += (tone * np.exp(-3 * time) * velocity / 500)[: len(audio) - first]
    return audio


def scale(seconds=8.0, first=60):
    """A note every 400 ms, every other with a fifth below."""
    rows = []
    for i, onset in enumerate(np.arange(0.3, seconds - 1, 0.4)):
        rows.append((onset, onset + 0.35, first + (i * 2) % 13, 60 + 4 * (i % 8)))
        if i % 2:
            rows.append((onset, onset + 0.35, first - 7 - i % 5, 80))
    return make_notes(rows)


@pytest.fixture
def folder(tmp_path):
    """Six recordings with their notes beside them, and one without."""
    music = tmp_path / "music"
    music.mkdir()
    for i in range(6):
        notes = scale(4.0, 55 + i)
        soundfile.write(music / f"{i}.flac", played(notes, 4.0), RATE)
        rows = "".join("\t".join(f"{v:.4f}" for v in row) + "\n" for row in notes)
        (music / f"{i}.tsv").write_text("# onset\toffset\tpitch\tvelocity\n" + rows)
    (music / "0.pedal.tsv").write_text("# onset\toffset\n0.5\t1.5\n")
    (music / "alone.tsv").write_text("# onset\toffset\tpitch\tvelocity\n0.1\t0.5\t60\t80\n")
    return music
