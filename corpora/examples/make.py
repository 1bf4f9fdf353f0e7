"""Writes the examples beside it: `python corpora/examples/make.py`. Music and sound are melodia's own, CC0-1.0.

`lyrics.txt`, words for `tune.mid`, is written by hand. `voice.flac`, whose words are in `voice.txt`, is not made here: the
Kokoro voice bf_lily (Apache-2.0) says them at 16 kHz.
"""

import sys
import tempfile
from pathlib import Path

from melodia.score import PPQ, Meter, Note, Part, Score, Tempo

HERE = Path(__file__).resolve().parent
EIGHTH = PPQ // 2


def line(text: str, velocity: int, unit: int = EIGHTH) -> list[Note]:
    """Notes of words `pitch*units`, `-` for a rest; the last sixteenth of the unit is left silent."""
    notes, tick = [], 0
    for word in text.split():
        name, _, count = word.partition("*")
        length = int(count or 1) * unit
        if name != "-":
            notes += [
                Note(tick, tick + length - unit // 16, int(p), velocity + (6 if tick % (4 * unit) == 0 else 0))
                for p in name.split("+")
            ]
        tick += length
    return notes


def strokes(pattern: dict[int, str], bars: int, bar_ticks: int = 4 * PPQ) -> list[Note]:
    """Drum strokes: a string of sixteenths for each drum, `x` soft, `X` loud."""
    notes = []
    for bar in range(bars):
        for pitch, steps in pattern.items():
            for i, step in enumerate(steps):
                if step != ".":
                    tick = bar * bar_ticks + i * PPQ // 4
                    notes.append(Note(tick, tick + PPQ // 8, pitch, 104 if step == "X" else 66))
    return sorted(notes)


def pop() -> Score:
    """Eight bars of a song in C at 112: lead, piano, bass, drums."""
    lead = (
        "76*2 74 72 - 72 74 76 79*3 76*3 74*2 72*2 69 72 74*2 72 69 67*4 -*2 67 69 "
        "72*2 72 74 76*2 74 72 74*3 69*3 67*2 72*2 74 76 77*2 76 74 72*6 -*2"
    )
    chords = "60+64+67*3 60+64+67*3 60+64+67*2 59+62+67*3 59+62+67*3 59+62+67*2 57+60+64*3 57+60+64*3 57+60+64*2 57+60+65*3 57+60+65*3 57+60+65*2 "
    bass = "36*3 36*1 -*2 36*2 43*3 43*1 -*2 43*2 45*3 45*1 -*2 45*2 41*3 41*1 -*2 43*2 "
    groove = {36: "X.....x.X.......", 38: "....X.......X..x", 42: "x.x.x.x.x.x.x.x."}
    return Score(
        [
            Part("Lead", 65, notes=line(lead, 88)),
            Part("Piano", 0, notes=line(chords * 2, 68)),
            Part("Bass", 33, notes=line(bass * 2, 84)),
            Part("Drums", 0, True, notes=strokes(groove, 8)),
        ],
        [Tempo(0, 112.0)],
    )


def waltz() -> Score:
    """Eight bars in G at 150: flute over piano."""
    tune = "74*4 71*2 67*4 69 71 72*4 69*2 66*6 69*4 72*2 74*4 72 69 71*2 74*2 72*2 67*6"
    oom_pah = "43*2 59+62*2 59+62*2 43*2 59+62*2 59+62*2 45*2 60+64*2 60+64*2 38*2 60+66*2 60+66*2 "
    ending = "38*2 60+66*2 60+66*2 38*2 60+66*2 60+66*2 43*2 59+62*2 59+62*2 43*2 59+62*2 55+59*2"
    parts = [Part("Flute", 73, notes=line(tune, 82)), Part("Piano", 0, notes=line(oom_pah + ending, 64))]
    return Score(parts, [Tempo(0, 150.0)], [Meter(0, 3, 4)])


def jig() -> Score:
    """Four bars of a tune in D at 6/8."""
    tune = "74*2 69 69 66 69 71*2 73 74*3 76*2 74 73 71 69 71 69 66 64*3"
    return Score([Part("Fiddle", 110, notes=line(tune, 84))], [Tempo(0, 170.0)], [Meter(0, 6, 8)])


def beat() -> Score:
    """Two bars of drums at 96."""
    groove = {36: "X..x..X...x.....", 38: "....X..x.x..X...", 42: "x.xxx.x.x.xxx.x.", 46: "..............x."}
    return Score([Part("Drums", 0, True, notes=strokes(groove, 2))], [Tempo(0, 96.0)])


def tune() -> Score:
    """Eight bars in C at 96, to be sung: four phrases of eight notes, as many as the lines of `lyrics.txt` have syllables."""
    melody = (
        "64*2 64 65 67*2 65*2 64*2 62*2 60*3 - 62*2 62 64 65*2 64*2 62*2 64*2 67*3 - "
        "69*2 69 67 65*2 67*2 69*2 71*2 72*3 - 72*2 71 69 67*2 65*2 64*2 62*2 60*3 -"
    )
    return Score([Part("Melody", 73, notes=line(melody, 80))], [Tempo(0, 96.0)])


def recording(score: Path, out: Path) -> None:
    """A score as a pianist plays it on an invented piano in a made-up room, and a table of what was played."""
    sys.path.insert(0, str(HERE.parent / "piano"))
    import numpy as np
    import soundfile
    from make import SAMPLE_RATE, piano_at, play, recorded, write_rows
    from performance import Performance, read, sounding
    from pianos import invent

    random = np.random.default_rng(5)
    performance = read(score, random)
    notes, _ = sounding(Performance(performance.notes + np.array([0.4, 0.4, 0, 0]), performance.pedal + 0.4))
    with tempfile.TemporaryDirectory() as folder:
        invent(Path(folder), np.random.default_rng(30))
        sound = recorded(play(notes, piano_at(Path(folder)), notes[:, 1].max() + 1.0, random), random)
    soundfile.write(out, sound / np.abs(sound).max() * 0.5, SAMPLE_RATE, "PCM_16")
    write_rows(out.with_suffix(".tsv"), "onset\toffset\tpitch\tvelocity", notes)


if __name__ == "__main__":
    for make in (pop, waltz, jig, beat, tune):
        print(make().write(HERE / f"{make.__name__}.mid"))
    recording(HERE / "pop.mid", HERE / "piano.flac")
