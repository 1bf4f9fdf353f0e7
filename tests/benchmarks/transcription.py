"""How well recordings of pianos are written down, beside basic-pitch: the tables of the README.

    python tests/benchmarks/transcription.py render MAESTRO FONT.sf2 OUT       # a test set on a piano never trained on
    python tests/benchmarks/transcription.py table FOLDER [FOLDER ...] [--model NAME]
    python tests/benchmarks/transcription.py thresholds CHECKPOINT FOLDER      # of the decoder, into its config.json
    python tests/benchmarks/transcription.py memory [--minutes 60]             # an hour of sound

A FOLDER holds recordings with their notes beside them (.tsv or .mid). `render` takes the first minute of twelve test
performances of MAESTRO v3 (its folder, with maestro-v3.0.0.csv). basic-pitch is measured if it is installed; without
TensorFlow: pip install onnxruntime resampy && pip install --no-deps basic-pitch.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from melodia.transcription.notes import Notes, make_notes, read_notes, write_notes

COUNT, SECONDS = 12, 60.0  # of the rendered test set
COLUMNS = ("onset_50", "onset_100", "onset_offset_50", "onset_offset_velocity_50", "frames", "compute")


def render_set(maestro: Path, font: Path, out: Path) -> None:
    """The first minute of every so many test performances."""
    from melodia.render import SAMPLE_RATE, render
    from melodia.score import Score
    from melodia.soundfiles import write_sound

    table = next(maestro.rglob("maestro-v3.0.0.csv"))
    with table.open(encoding="utf-8", newline="") as file:
        names = sorted(row["midi_filename"] for row in csv.DictReader(file) if row["split"] == "test")
    out.mkdir(parents=True, exist_ok=True)
    for name in names[:: len(names) // COUNT][:COUNT]:
        score = Score.read(table.parent / name)
        end = next(t for t in range(0, score.end_ticks, 10) if score.seconds_at(t) >= SECONDS)
        short, stem = score.clip(0, end), Path(name).stem[:40]
        write_sound(out / f"{stem}.wav", render(short, font), SAMPLE_RATE)
        short.write(out / f"{stem}.mid")
        write_notes(out / f"{stem}.tsv", read_notes(out / f"{stem}.mid"))
        (out / f"{stem}.mid").unlink()
        print(stem, file=sys.stderr)


def basic_pitch(recording: Path) -> Notes:
    """What basic-pitch hears, at its own settings."""
    from basic_pitch import ICASSP_2022_MODEL_PATH
    from basic_pitch.inference import Model, predict

    if not hasattr(basic_pitch, "model"):
        basic_pitch.model = Model(ICASSP_2022_MODEL_PATH)  # type: ignore[attr-defined]
    _, _, events = predict(str(recording), basic_pitch.model)  # type: ignore[attr-defined]
    return make_notes([(e[0], e[1], e[2], max(1, round(e[3] * 127))) for e in events if 21 <= e[2] <= 108])


def of_basic_pitch(folder: Path) -> dict[str, float]:
    """The scores of basic-pitch on a folder."""
    from melodia.audio import audio_info
    from melodia.features import FeatureConfig
    from melodia.transcription.evaluate import items_of_folder, mean_of, score_notes

    rows, seconds, spent = [], 0.0, 0.0
    items = items_of_folder(folder, FeatureConfig())
    basic_pitch(folder / items[0].name)  # loads and warms up
    for item in items:
        began = time.perf_counter()
        notes = basic_pitch(folder / item.name)
        spent += time.perf_counter() - began
        seconds += audio_info(folder / item.name).seconds
        rows.append(score_notes(item.reference, notes))
    return mean_of(rows) | {"compute": spent / seconds}


def table(folders: list[Path], models: list[str]) -> None:
    """Prints a table a folder."""
    from melodia.transcription.checkpoint import load_transcriber
    from melodia.transcription.evaluate import evaluate, items_of_folder

    for folder in folders:
        rows: dict[str, dict[str, Any]] = {}
        for name in models:
            model = load_transcriber(name)
            items = items_of_folder(folder, model.config.features)
            evaluate(model, items[:1])  # warms up
            rows[f"melodia ({Path(name).name})"] = evaluate(model, items)
        try:
            rows["basic-pitch"] = of_basic_pitch(folder)
        except ImportError:
            print("basic-pitch is not installed: see the head of this file", file=sys.stderr)
        print(f"\n{folder.name}: {len(items)} recordings, {sum(i.seconds for i in items):.0f} s\n")
        print("| | " + " | ".join(COLUMNS) + " |\n|" + "---|" * (len(COLUMNS) + 1))
        for name, scores in rows.items():
            print(f"| {name} | " + " | ".join(f"{scores[c]:.3f}" for c in COLUMNS) + " |")


def thresholds(checkpoint: Path, folder: Path) -> None:
    """Finds the thresholds that are best on a folder and writes them into the checkpoint."""
    from melodia.checkpoint import read_info
    from melodia.files import write_json
    from melodia.transcription.checkpoint import load_transcriber
    from melodia.transcription.evaluate import choose_thresholds, items_of_folder

    model = load_transcriber(checkpoint)
    chosen, scores = choose_thresholds(model, items_of_folder(folder, model.config.features))
    info = read_info(checkpoint)
    info.model["decode"] = asdict(chosen)
    write_json(checkpoint / "config.json", asdict(info))
    print(json.dumps({"decode": info.model["decode"], **scores}, indent=2))


def memory(minutes: float) -> None:
    """The most memory and the time that a minute and a long recording take, each in a process of its own."""
    import soundfile

    rate = 16_000
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        for length in (1.0, minutes):
            path = Path(folder) / f"{length:g}.wav"
            with soundfile.SoundFile(path, "w", rate, 1) as file:
                for _ in range(round(length * 60)):
                    hertz = 440 * 2 ** ((rng.integers(40, 90, 4) - 69) / 12)
                    time_ = np.arange(rate) / rate
                    file.write((np.sin(2 * np.pi * hertz[:, None] * time_).sum(0) * np.exp(-3 * time_) * 0.1).astype(np.float32))
            began = time.perf_counter()
            code = "import sys; from melodia.commands import main; main()"
            subprocess.run(
                [sys.executable, "-c", code, "transcribe", str(path), "-o", f"{folder}/out.mid", "-q"],
                check=True,
                capture_output=True,
            )
            most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            print(f"{length:g} minutes: {most:.0f} MiB at most, {time.perf_counter() - began:.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_subparsers(dest="kind", required=True)
    made = kinds.add_parser("render")
    for name in ("maestro", "font", "out"):
        made.add_argument(name, type=Path)
    shown = kinds.add_parser("table")
    shown.add_argument("folders", nargs="+", type=Path)
    shown.add_argument("--model", action="append", default=[])
    chosen = kinds.add_parser("thresholds")
    chosen.add_argument("checkpoint", type=Path)
    chosen.add_argument("folder", type=Path)
    kinds.add_parser("memory").add_argument("--minutes", type=float, default=60.0)
    options = parser.parse_args()
    if options.kind == "render":
        render_set(options.maestro, options.font, options.out)
    elif options.kind == "table":
        table(options.folders, options.model or ["transcriber"])
    elif options.kind == "thresholds":
        thresholds(options.checkpoint, options.folder)
    else:
        memory(options.minutes)


if __name__ == "__main__":
    main()
