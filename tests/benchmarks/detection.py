"""How well music is told from speech: the table of the card of checkpoints/detector.

    python tests/benchmarks/detection.py FOLDER [FOLDER ...] [--model NAME]     # clips of 5 s, by source, cut anywhere
    python tests/benchmarks/detection.py FOLDER [FOLDER ...] --files            # whole recordings, as `detect` hears them
    python tests/benchmarks/detection.py --odd                                  # sounds that are neither

A FOLDER holds recordings in folders called music and speech, and in these a folder for each source. Clips below -50 dBFS
are left out. Wrong clips are named on stderr.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np

from melodia.audio import SUFFIXES
from melodia.detection.checkpoint import load_detector
from melodia.detection.detect import detect
from melodia.detection.evaluate import clips_of_folder, hear_all, score
from melodia.detection.labelled import label_of
from melodia.detection.model import Detector
from melodia.soundfiles import write_sound


def table(model: Detector, folders: list[Path]) -> None:
    heard = [h for folder in folders for h in hear_all(model, clips_of_folder(folder, model.config.features))]
    temperature = model.config.temperature
    for h in heard:
        if not h.is_right:
            print(f"wrong: {h.kind}/{h.source}/{h.name}, sureness {h.sureness(temperature):.3f}", file=sys.stderr)
    scores = score(heard, temperature)
    print("| source | clips | right |\n|---|---|---|")
    for name, of in {**scores["sources"], **scores["kinds"], "all": scores}.items():
        print(f"| {name} | {of['clips']} | {of['right']:.1%} |")
    print(
        f"\nlog loss {scores['nats']:.4f} nats a clip, calibration error {scores['calibration']:.3f}; below .9, so unsure, "
        f"{scores['unsure']:.1%}; of the others {scores['sure_right']:.2%} right\n"
    )
    print("| sureness | clips | mean sureness | right |\n|---|---|---|---|")
    for low, high in ((0.5, 0.7), (0.7, 0.9), (0.9, 0.97), (0.97, 0.99), (0.99, 1.01)):
        chosen = [(s, h.is_right) for h in heard if low <= (s := h.sureness(temperature)) < high]
        if chosen:
            sure, right = np.mean(chosen, axis=0)
            print(f"| {low} to {min(high, 1)} | {len(chosen)} | {sure:.3f} | {right:.3f} |")


def files(model: Detector, folders: list[Path]) -> None:
    rows: dict[str, list[bool]] = defaultdict(list)
    unsure = 0
    for path in sorted(p for folder in folders for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES):
        kind, source = label_of(path.absolute())
        found = detect(path, model)
        rows[f"{kind}/{source}"].append(found.kind == kind)
        unsure += found.unsure
        if found.kind != kind:
            print(f"wrong: {path}: {found}", file=sys.stderr)
    rows["all"] = [right for of in rows.values() for right in of]
    print("| source | files | right |\n|---|---|---|")
    for name, of in rows.items():
        print(f"| {name} | {len(of)} | {np.mean(of):.1%} |")
    print(f"\n{unsure} unsure")


def odd(model: Detector) -> None:
    rate, random = 16_000, np.random.default_rng(0)
    time = np.arange(10 * rate) / rate
    clicks = np.zeros(len(time))
    clicks[:: rate // 2] = 1
    sounds = {
        "sine sweep, 50 Hz to 7 kHz": 0.3 * np.sin(2 * np.pi * 50 * 10 / np.log(140) * (140 ** (time / 10) - 1)),
        "sine, 440 Hz": 0.3 * np.sin(2 * np.pi * 440 * time),
        "white noise": 0.1 * random.normal(size=len(time)),
        "brown noise": 0.02 * np.cumsum(random.normal(size=len(time))) / 30,
        "hum of the mains": 0.1 * sum(np.sin(2 * np.pi * 50 * k * time) / k for k in range(1, 9)),
        "clicks, two a second": 0.5 * clicks,
        "digital silence": np.zeros(len(time)),
    }
    print("| sound | taken for | sureness |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, waveform in sounds.items():
            path = write_sound(Path(folder) / "sound.wav", waveform.clip(-1, 1).astype(np.float32), rate)
            found = detect(path, model)
            print(f"| {name} | {found.kind}{' (unsure)' if found.unsure else ''} | {found.sureness:.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--model", default="detector")
    parser.add_argument("--files", action="store_true")
    parser.add_argument("--odd", action="store_true")
    options = parser.parse_args()
    if not options.folders and not options.odd:
        parser.error("name a FOLDER, or --odd")
    model = load_detector(options.model)
    if options.folders:
        (files if options.files else table)(model, options.folders)
    if options.odd:
        odd(model)


if __name__ == "__main__":
    main()
