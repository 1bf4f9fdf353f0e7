"""Times what a user waits for: `python tests/benchmarks/speed.py [FOLDER OF MIDI FILES]`.

Medians of whole processes, cold but for the disk's cache. Without a folder the example seeds are
read again and again, which are small: name a corpus for a fair figure.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from melodia.errors import MidiError
from melodia.midi import read_midi
from melodia.score import Score

ROOT = Path(__file__).parents[2]
SEED = ROOT / "corpora" / "examples" / "pop.mid"


def seconds(*arguments: str, runs: int = 5) -> float:
    """The median time of a command."""
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        subprocess.run([sys.executable, str(ROOT / "cli.py"), *arguments], check=True, capture_output=True)
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def parsing(folder: Path | None, count: int = 1000) -> tuple[float, int]:
    """Seconds to read so many files, and the notes in them."""
    found = sorted(folder.rglob("*.mid")) if folder else sorted(SEED.parent.glob("*.mid"))
    stride = max(len(found) // count, 1)
    files = (found[::stride] * (count // max(len(found[::stride]), 1) + 1))[:count]
    began, notes = time.perf_counter(), 0
    for path in files:
        try:
            notes += read_midi(path).num_notes
        except MidiError as error:
            print(error, file=sys.stderr)
    return time.perf_counter() - began, notes


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory() as temporary:
        print(f"melodia --help                          {seconds('--help'):6.2f} s")
        wav = seconds("render", str(SEED), "-o", str(Path(temporary) / "a.wav"))
        print(f"melodia render, {Score.read(SEED).seconds:3.0f} s of music            {wav:6.2f} s")
    elapsed, notes = parsing(folder)
    print(f"parsing 1,000 MIDI files, {notes:9,} notes {elapsed:6.2f} s")


if __name__ == "__main__":
    main()
