"""Sampled pianos as folders of `<pitch>_v<layer>.flac`, 16 kHz mono, layers numbered from soft to loud.

    python pianos.py soundfont FONT.sf2 OUT [--preset BANK:PROGRAM]   a piano of a SoundFont, key by key
    python pianos.py invented OUT [--random-seed N]                   one that nobody has built: partials by the physics

The first needs `fluidsynth` on the machine. An invented piano has stiff strings (inharmonicity), three strings a
key that beat, partials that die away in two stages, a hammer that strikes at one spot and brightens with velocity,
and a knock of the key bed, all drawn at random (Fletcher and Rossing, The Physics of Musical Instruments, ch. 12).
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pretty_midi
import soundfile

SAMPLE_RATE = 16_000
PITCHES = range(21, 109, 3)
VELOCITIES = (20, 45, 70, 95, 120)
SECONDS = 8  # of a tone


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_subparsers(dest="kind", required=True)
    font = kinds.add_parser("soundfont")
    font.add_argument("font", type=Path)
    font.add_argument("out", type=Path)
    font.add_argument("--preset", default="0:0")
    invented = kinds.add_parser("invented")
    invented.add_argument("out", type=Path)
    invented.add_argument("--random-seed", type=int, default=0)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.kind == "soundfont":
        sample_soundfont(options.font, options.out, *map(int, options.preset.split(":")))
    else:
        invent(options.out, np.random.default_rng(options.random_seed))


def sample_soundfont(font: Path, out: Path, bank: int, program: int) -> None:
    """Plays every third key at each velocity, with room and chorus off, and cuts the sound up."""
    for layer, velocity in enumerate(VELOCITIES, 1):
        midi = pretty_midi.PrettyMIDI()
        track = pretty_midi.Instrument(program)
        track.control_changes.append(pretty_midi.ControlChange(0, bank, 0.0))
        for i, pitch in enumerate(PITCHES):
            track.notes.append(pretty_midi.Note(velocity, pitch, 0.5 + i * (SECONDS + 1), 0.5 + i * (SECONDS + 1) + SECONDS))
        midi.instruments.append(track)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "keys.mid"
            midi.write(str(path))
            command = ["fluidsynth", "-ni", "-R", "0", "-C", "0", "-g", "0.6", "-r", "16000", "-O", "float", "-T", "wav"]
            subprocess.run([*command, "-F", f"{folder}/keys.wav", str(font), str(path)], check=True, capture_output=True)
            sound, rate = soundfile.read(f"{folder}/keys.wav", dtype="float32", always_2d=True)
        assert rate == SAMPLE_RATE, rate
        for i, pitch in enumerate(PITCHES):
            start = round((0.45 + i * (SECONDS + 1)) * SAMPLE_RATE)
            save(out, pitch, layer, sound[start : start + SECONDS * SAMPLE_RATE].mean(axis=1))


def invent(out: Path, rng: np.random.Generator) -> None:
    """Builds a piano at random and strikes its keys."""
    piano = {
        "stiffness": np.exp(rng.uniform(np.log(1.5e-4), np.log(6e-4))),  # at middle C
        "decay": rng.uniform(6.0, 22.0),  # seconds to -60 dB of middle C's fundamental, second stage
        "brightness": rng.uniform(-1.2, -0.3),  # slope of the partials at mezzo forte
        "strike": rng.uniform(0.09, 0.16),  # where along the string
        "detuning": rng.uniform(0.2, 2.0),  # cents between the strings of a key
        "knock": 10 ** (rng.uniform(-45, -18) / 20),
        "uneven": rng.uniform(1.0, 5.0),  # dB of partials and keys from their model
    }
    body = rng.normal(size=200)  # a fixed resonance curve over frequency, the soundboard's
    for pitch in PITCHES:
        fundamental = 440 * 2 ** ((pitch - 69) / 12)
        stiffness = piano["stiffness"] * 2 ** ((pitch - 60) / 7.5) if pitch > 45 else piano["stiffness"] * 0.25
        orders = np.arange(1, 50)
        frequencies = orders * fundamental * np.sqrt(1 + stiffness * orders**2)
        orders, frequencies = orders[frequencies < 7600], frequencies[frequencies < 7600]
        colour = np.interp(np.log2(frequencies), np.linspace(4, 13, len(body)), body) * piano["uneven"]
        colour += rng.normal(size=len(orders)) * piano["uneven"]
        comb = np.abs(np.sin(np.pi * orders * piano["strike"])) + 0.05
        phases, beats = rng.uniform(0, 2 * np.pi, (3, len(orders))), rng.normal(size=3) * piano["detuning"]
        long_decay = piano["decay"] * 2 ** (-(pitch - 60) / 14) * orders**-0.4 * rng.uniform(0.6, 1.4, len(orders))
        short_share, knock = rng.uniform(0.5, 0.95), knocking(rng) * piano["knock"]
        time = np.arange(SECONDS * SAMPLE_RATE) / SAMPLE_RATE
        for layer, velocity in enumerate(VELOCITIES, 1):
            slope = piano["brightness"] - (1 - velocity / 127) * 1.2
            strength = comb * orders**slope * 10 ** (colour / 20) * np.exp(-frequencies / (1500 + 60 * velocity))
            sound = np.zeros(len(time), np.float32)
            for n, frequency in enumerate(frequencies):
                envelope = (1 - short_share) * 10 ** (-3 * time / max(long_decay[n], 0.15))
                envelope += short_share * 10 ** (-3 * time / max(long_decay[n] / 4, 0.08))
                audible = max(1, int(np.argmax(envelope < 1e-4) or len(time)))
                for string in range(3 if pitch > 40 else 1):
                    turns = frequency * 2 ** (beats[string] / 1200) * time[:audible]
                    wave = np.sin(2 * np.pi * turns + phases[string, n]) * envelope[:audible]
                    sound[:audible] += (strength[n] * wave).astype(np.float32)
            attack = round(rng.uniform(0.001, 0.004) * SAMPLE_RATE * (1.6 - velocity / 127))
            sound[:attack] *= np.linspace(0, 1, attack)
            sound[: len(knock)] += (knock * np.abs(sound).max() * (0.5 + velocity / 127)).astype(np.float32)
            save(out, pitch, layer, np.concatenate([np.zeros(400, np.float32), sound]))


def knocking(rng: np.random.Generator) -> np.ndarray:
    """The thump of key bed and frame: low noise of a tenth of a second."""
    length = round(rng.uniform(0.04, 0.15) * SAMPLE_RATE)
    noise = np.cumsum(rng.normal(size=length)) * 0.1 + rng.normal(size=length)
    return (noise - noise.mean()) * 10 ** (-3 * np.arange(length) / length)


def save(out: Path, pitch: int, layer: int, sound: np.ndarray) -> None:
    """One key at one layer, as loud as 16 bits hold."""
    soundfile.write(out / f"{pitch:03}_v{layer}.flac", sound / max(np.abs(sound).max(), 1e-6) * 0.9, SAMPLE_RATE, "PCM_16")


if __name__ == "__main__":
    main()
