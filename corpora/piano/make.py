"""Makes labelled piano recordings: `python make.py PIANOS OUT [MIDI ...] --hours 20 --jobs 2`.

PIANOS is a folder of sampled pianos (see `pianos.py`), MIDI are folders of scores and performances. Each recording is a
minute or so of one piece on one piano in one room, `<name>.flac` (16 kHz mono) with `<name>.tsv`: onset, offset, pitch,
velocity, in seconds, offsets as they ring, and `<name>.pedal.tsv`: the spans of the pedal. What differs from one to the
next depends on the name and --random-seed alone, so a run that was stopped goes on, and more hours add to fewer.
Needs: pip install pretty_midi soundfile soxr
"""

import argparse
import sys
import zlib
from concurrent.futures import ProcessPoolExecutor
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import soundfile
import soxr
from passages import passages
from performance import excerpt, read, sounding

SAMPLE_RATE = 16_000
SECONDS = 72.0  # of a recording
MADE_UP = 0.3  # share of passages
BEFORE = 0.002  # seconds of a tone before its attack
AFTER = 1.0  # seconds of a recording after its last note


class Piano:
    """A folder of `<pitch>_v<layer>.flac`."""

    def __init__(self, folder: Path) -> None:
        self.files: dict[int, dict[int, Path]] = {}
        for path in sorted(folder.glob("*_v*.flac")):
            pitch, layer = path.stem.split("_v")
            self.files.setdefault(int(layer), {})[int(pitch)] = path
        self.layers = np.array(sorted(self.files))

    def strike(self, pitch: int, velocity: float) -> np.ndarray:
        """The sound of a key, at unit loudness."""
        wanted = 1 + (len(self.layers) - 1) * velocity / 127
        return tone_of(self, pitch, int(self.layers[round(wanted) - 1]))

    def tone(self, pitch: int, layer: int) -> np.ndarray:
        keys = self.files[layer]
        nearest = min(keys, key=lambda key: abs(key - pitch))
        sound, rate = soundfile.read(keys[nearest], dtype="float32", always_2d=True)
        sound = soxr.resample(sound.mean(axis=1), rate * 2 ** ((pitch - nearest) / 12), SAMPLE_RATE)
        attack = np.abs(sound[: SAMPLE_RATE // 2])
        start = int(np.argmax(attack > attack.max() * 0.1)) - round(BEFORE * SAMPLE_RATE)
        sound = np.pad(sound, (max(0, -start), 0))[max(0, start) :].copy()
        sound[-800:] *= np.linspace(1, 0, 800)
        loudest = np.sqrt(np.convolve(sound[:SAMPLE_RATE] ** 2, np.ones(800) / 800, "valid").max())
        return (sound / max(loudest, 1e-5) * 10 ** (-max(0, pitch - 88) * 0.03)).astype(np.float32)


@lru_cache(maxsize=600)
def tone_of(piano: Piano, pitch: int, layer: int) -> np.ndarray:
    """Of all pianos together so many are kept."""
    return piano.tone(pitch, layer)


@cache
def piano_at(folder: Path) -> Piano:
    return Piano(folder)


def play(notes: np.ndarray, piano: Piano, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """The sound of notes. Tuning, touch, dampers and the balance of the keyboard are drawn at random."""
    rate = SAMPLE_RATE / 2 ** (rng.uniform(-30, 30) / 1200)  # a piano out of tune is one played too fast or slow
    exponent, damping = rng.uniform(1.0, 2.2), rng.uniform(0.05, 0.3)
    tilt, uneven = rng.uniform(-4, 4), rng.normal(size=128) * rng.uniform(0, 2)
    audio = np.zeros(round(seconds * rate), np.float32)
    for onset, offset, pitch, velocity in notes:
        start, held = round(onset * rate), round((offset - onset) * rate)
        slower = damping * 2 ** ((60 - pitch) / 24)  # dampers work slower on thick strings
        release = np.linspace(1, 0, round(slower * rate), dtype=np.float32) ** 2
        tone = piano.strike(int(pitch), velocity)[: min(held + len(release), len(audio) - start)]
        level = uneven[int(pitch)] + tilt * (pitch - 60) / 24
        tone = tone * np.float32((velocity / 127) ** exponent * 10 ** (level / 20))
        tone[held:] *= release[: max(0, len(tone) - held)]
        audio[start : start + len(tone)] += tone
    return soxr.resample(audio, rate, SAMPLE_RATE)


def recorded(audio: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """As a microphone hears it in some room: echoes, tone colour, noise, hum, overload, level."""
    response = room(rng) if rng.random() < 0.8 else np.ones(1)
    size = 1 << (len(audio) + len(response)).bit_length()
    hertz = np.maximum(np.fft.rfftfreq(size, 1 / SAMPLE_RATE), 20)
    octave = np.log2(hertz / 1000)
    decibels = rng.uniform(-3, 3) * octave
    for _ in range(rng.integers(0, 4)):
        decibels += rng.uniform(-9, 9) * np.exp(-(((octave - rng.uniform(-4.5, 3)) / rng.uniform(0.2, 1.2)) ** 2))
    curve = 10 ** (decibels / 20) / np.sqrt(1 + (hertz / np.exp(rng.uniform(np.log(2500), np.log(14000)))) ** 8)
    curve /= np.sqrt(1 + (rng.choice([20, 40, 90]) / hertz) ** 4)
    wet = np.fft.irfft(np.fft.rfft(audio, size) * np.fft.rfft(response, size) * curve, size)[: len(audio)]
    if rng.random() < 0.2:
        hardness = rng.uniform(0.5, 3) / max(np.abs(wet).max(), 1e-9)
        wet = np.tanh(wet * hardness) / hardness
    noise = np.fft.irfft(np.fft.rfft(rng.normal(size=size)) * hertz ** -rng.uniform(0.0, 1.0), size)[: len(audio)]
    loud = np.std(wet) + 1e-9
    wet += noise * loud / np.std(noise) * 10 ** (-rng.uniform(18, 70) / 20)
    if rng.random() < 0.15:
        time = np.arange(len(wet)) / SAMPLE_RATE
        wet += loud * 10 ** (-rng.uniform(25, 50) / 20) * sum(np.sin(2 * np.pi * 50 * k * time) / k for k in (1, 2, 3, 5))
    return wet * 10 ** (rng.uniform(-26, -0.5) / 20) / max(np.abs(wet).max(), 1e-9)


def room(rng: np.random.Generator) -> np.ndarray:
    """The response of a made-up room: the direct sound, a few walls, and a tail that loses its treble first."""
    decay = np.exp(rng.uniform(np.log(0.15), np.log(2.5)))
    time = np.arange(round(decay * SAMPLE_RATE)) / SAMPLE_RATE
    noise = rng.normal(size=len(time))
    dull = np.convolve(noise, np.ones(6) / np.sqrt(6), "same")
    tail = dull * 10 ** (-3 * time / decay) + noise * 10 ** (-3 * time / (decay * rng.uniform(0.2, 0.8)))
    tail *= 10 ** (rng.uniform(-32, -3) / 20) / np.linalg.norm(tail)
    response = np.concatenate([[1.0], np.zeros(rng.integers(16, 400)), tail])
    for _ in range(rng.integers(0, 6)):
        response[min(rng.integers(16, 900), len(response) - 1)] += rng.uniform(-0.4, 0.4)
    return response


def make(name: str, midi: Path | None, folder: Path, out: Path, random_seed: int) -> float:
    """One recording; returns its seconds, 0 if there was nothing to play."""
    rng = np.random.default_rng([random_seed, zlib.crc32(name.encode())])
    table = out / f"{name}.tsv"
    if table.is_file():
        return soundfile.info(out / f"{name}.flac").duration
    if midi is None:
        performance = passages(SECONDS, rng)
    else:
        whole = read(midi, rng)
        if not len(whole.notes):
            return 0.0
        last = max(whole.notes[:, 0].max() - SECONDS, 0.0)
        performance = excerpt(whole, rng.uniform(0, last) if last else 0.0, SECONDS)
    notes, pedal = sounding(performance)
    if len(notes) < 8:
        return 0.0
    seconds = min(notes[:, 1].max(), SECONDS) + AFTER
    notes[:, 1] = np.minimum(notes[:, 1], seconds)
    audio = recorded(play(notes, piano_at(folder), seconds, rng), rng)
    soundfile.write(out / f"{name}.flac", audio, SAMPLE_RATE, "PCM_16")
    write_rows(out / f"{name}.pedal.tsv", "onset\toffset", pedal)
    write_rows(table, "onset\toffset\tpitch\tvelocity", notes)  # last: the recording is whole
    return seconds


def write_rows(path: Path, header: str, rows: np.ndarray) -> None:
    lines = ("\t".join(f"{v:.6f}" if i < 2 else str(int(v)) for i, v in enumerate(row)) + "\n" for row in rows)
    part = path.with_suffix(".part")
    part.write_text(f"# {header}\n" + "".join(lines))
    part.replace(path)  # whole or not at all


def make_or_tell(*job: object) -> float:
    """`make`, which one file that cannot be read does not end."""
    try:
        return make(*job)
    except Exception as error:  # whatever a damaged file or piano brings about: told, and passed over
        print(f"\n{job[1] or job[0]}: {error}", file=sys.stderr)
        return 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pianos", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("midi", nargs="*", type=Path)
    parser.add_argument("--hours", type=float, default=20.0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--made-up", type=float, default=MADE_UP, help="share of made-up passages")
    parser.add_argument("--random-seed", type=int, default=0)
    options = parser.parse_args()
    pianos = sorted(p for p in options.pianos.iterdir() if p.is_dir())
    found = [sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".mid", ".midi")) for folder in options.midi]
    if not pianos or not all(found):
        sys.exit("no pianos, or a folder without MIDI files")
    options.out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(options.random_seed)
    jobs = []
    for n in range(int(options.hours * 3600 / SECONDS)):
        piano = pianos[n % len(pianos)]
        files = found[rng.integers(len(found))] if found and rng.random() >= options.made_up else []
        midi = files[rng.integers(len(files))] if files else None
        jobs.append(
            (
                f"{n:05}-{piano.name}-{midi.stem if midi else 'passages'}".replace(" ", "_")[:100],
                midi,
                piano,
                options.out,
                options.random_seed,
            )
        )
    done = 0.0
    with ProcessPoolExecutor(options.jobs) as pool:
        for i, seconds in enumerate(pool.map(make_or_tell, *zip(*jobs, strict=True), chunksize=4), 1):
            done += seconds
            print(f"\r{i} of {len(jobs)}, {done / 3600:.2f} hours", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)


if __name__ == "__main__":
    main()
