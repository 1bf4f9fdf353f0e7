"""What preparation costs: `python tests/benchmarks/preparing.py speed FOLDER` or `... memory [--files 100000]`.

speed    reads the MIDI files of a folder with `melodia.prepare`, on one process and on two (the best of three: the
         first one with two waits for them to start), and with a plain loop over pretty_midi that makes an
         array of notes of each file: files a second of each, imports not counted.
memory   prepares synthetic MIDI files (a few hundred notes each) and prints the most memory that any
         process of it held (resident set size, sampled ten times a second from /proc: Linux alone).
"""

import argparse
import random
import struct
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

import melodia

ROOT = Path(__file__).parents[2]


def prepare(folder: Path, output: Path, jobs: int) -> tuple[float, float]:
    """Seconds, and the most MiB of any of its processes."""
    command = [sys.executable, str(ROOT / "cli.py"), "prepare", str(folder), "-o", str(output), "--jobs", str(jobs), "--quiet"]
    began, most = time.perf_counter(), 0.0
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        most = max(most, *(resident(pid) for pid in [process.pid, *children(process.pid)]))
        time.sleep(0.1)
    if process.returncode:
        sys.exit(f"melodia prepare ended with {process.returncode}")
    return time.perf_counter() - began, most


def children(pid: int) -> list[int]:
    try:
        direct = [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return direct + [grandchild for child in direct for grandchild in children(child)]


def resident(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * 4096 / 2**20


def pretty_midi_loop(files: list[Path]) -> float:
    """Seconds that pretty_midi takes to read files and give their notes as arrays."""
    import pretty_midi

    warnings.filterwarnings("ignore")
    began = time.perf_counter()
    for path in files:
        try:
            music = pretty_midi.PrettyMIDI(str(path))
        except Exception as error:  # it raises whatever its parser does
            print(f"pretty_midi: {path.name}: {error}", file=sys.stderr)
            continue
        for instrument in music.instruments:
            np.array([(n.start, n.end, n.pitch, n.velocity) for n in instrument.notes])
    return time.perf_counter() - began


def speed(folder: Path, most: int) -> None:
    everything = sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".mid", ".midi"))
    files = everything[:: max(len(everything) // most, 1)][:most]
    with tempfile.TemporaryDirectory() as temporary:
        chosen = Path(temporary) / "files.lst"
        chosen.write_text("\n".join(str(p.resolve()) for p in files))
        rows = [("pretty_midi, one process", pretty_midi_loop(files))]
        for jobs in (1, 2):
            times = []
            for i in range(3):
                began = time.perf_counter()
                melodia.prepare(chosen, Path(temporary) / f"{jobs}-{i}", jobs=jobs)
                times.append(time.perf_counter() - began)
            rows.append((f"melodia.prepare, {jobs} process{'es'[: 2 * (jobs > 1)]}", min(times)))
    print(f"{len(files):,} files of {folder}")
    for name, seconds in rows:
        print(f"{name:30} {seconds:7.1f} s {len(files) / seconds:8.0f} files/s {rows[0][1] / seconds:6.1f} x pretty_midi")


def synthetic(folder: Path, count: int) -> None:
    """Small format 0 files, each of another tune; no library, for it is to be quick."""
    source = random.Random(0)
    for i in range(count):
        if i % 1000 == 0:
            (folder / f"{i // 1000:03}").mkdir(parents=True, exist_ok=True)
        track = bytearray(b"\0\xff\x51\3" + source.randrange(300_000, 900_000).to_bytes(3, "big"))
        pitch = source.randrange(48, 72)
        for _ in range(source.randrange(100, 300)):
            pitch = min(max(pitch + source.randrange(-5, 6), 30), 100)
            track += bytes((0, 0x90, pitch, source.randrange(40, 120), 0x78, 0x80, pitch, 0))
        track += b"\0\xff\x2f\0"
        data = b"MThd" + struct.pack(">IHHH", 6, 0, 1, 480) + b"MTrk" + struct.pack(">I", len(track)) + track
        (folder / f"{i // 1000:03}" / f"{i:06}.mid").write_bytes(data)


def memory(count: int, jobs: int) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        for files in (count // 10, count):
            folder = Path(temporary) / str(files)
            synthetic(folder, files)
            seconds, most = prepare(folder, Path(temporary) / f"out-{files}", jobs)
            again, _ = prepare(folder, Path(temporary) / f"out-{files}", jobs)
            print(
                f"{files:9,} files: {seconds:7.1f} s, at most {most:6.0f} MiB a process; again, unchanged: {again:6.1f} s",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["speed", "memory"])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--files", type=int)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    if options.what == "speed":
        if options.folder is None:
            parser.error("speed needs a folder of MIDI files")
        speed(options.folder, options.files or 1000)
    else:
        memory(options.files or 100_000, options.jobs)


if __name__ == "__main__":
    main()
