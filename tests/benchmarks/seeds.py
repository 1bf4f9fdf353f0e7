"""Continues many real files: `python tests/benchmarks/seeds.py FOLDER [FOLDER ...] [--count 300]`.

Each file is a seed for a few bars, read as a user's file is. Counts takes that are well formed,
takes without a note, refusals in one line, and tracebacks (which are printed and make the exit code 1).
"""

import argparse
import sys
import traceback
from collections import Counter
from pathlib import Path

from melodia.api.models import load_checkpoint
from melodia.api.music import make_takes
from melodia.errors import MelodiaError
from melodia.midi import midi_bytes, parse_midi
from melodia.score import Score


def outcome(path: Path, model: object, bars: int) -> str:
    """One word for what became of a file."""
    try:
        seed = Score.read(path)
        takes = make_takes(seed, bars=bars, random_seed=1, model=model)  # type: ignore[arg-type]
    except MelodiaError as error:
        print(error, file=sys.stderr)
        return "refused"
    except Exception:
        print(path, file=sys.stderr)
        traceback.print_exc()
        return "traceback"
    score = takes.scores[0]
    bar = score.meter_at(takes.join_ticks).bar_ticks
    again = parse_midi(midi_bytes(score))
    well = (
        takes.join_ticks == seed.closing_bar_line()
        and score.end_ticks <= takes.join_ticks + bars * bar
        and again.num_notes >= seed.num_notes
        and score.tempos == [t for t in seed.tempos if t.tick < takes.join_ticks]
    )
    if well and score.num_notes == seed.num_notes:
        return "silent"
    return "well formed" if well else "not well formed"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--bars", type=int, default=4)
    options = parser.parse_args()
    model = load_checkpoint()
    counts: Counter[str] = Counter()
    for folder in options.folders:
        files = sorted(folder.rglob("*.mid"))
        share = options.count // len(options.folders)
        for path in files[:: max(len(files) // share, 1)][:share]:
            result = outcome(path, model, options.bars)
            counts[result] += 1
            if result == "not well formed":
                print(f"not well formed: {path}", file=sys.stderr)
    print(dict(counts))
    sys.exit(1 if counts["traceback"] or counts["not well formed"] else 0)


if __name__ == "__main__":
    main()
