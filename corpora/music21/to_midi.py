"""Writes scores as MIDI, repeats written out: `python to_midi.py SOURCE ... TARGET`. Needs `pip install music21`.

A SOURCE is a folder of MusicXML, Humdrum or ABC files; or `corpus`, all that music21 brings, or `corpus/bach`, one composer.
Several get a folder each in TARGET.
"""

import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

SUFFIXES = {".mxl", ".xml", ".musicxml", ".krn", ".abc"}


def main() -> None:
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    *sources, target = map(Path, sys.argv[1:])
    done = [write_all(source, target / source.name if len(sources) > 1 else target) for source in sources]
    failed, written = (sum(counts) for counts in zip(*done, strict=True))
    print(f"{written} scores are in {target}, {failed} could not be read", file=sys.stderr)
    sys.exit(not written)


def write_all(source: Path, target: Path) -> tuple[int, int]:
    """All scores of a source: how many could not be read, and how many were written."""
    if source.parts[0] == "corpus" and not source.exists():
        import music21

        source = Path(music21.__file__).parent / source
    files = sorted(path for path in source.rglob("*") if path.suffix.lower() in SUFFIXES and target not in path.parents)
    if not files:
        sys.exit(f"{source}: no scores in it")
    failed = written = 0
    with ProcessPoolExecutor() as pool:
        jobs = {pool.submit(convert, path, target / path.relative_to(source)): path for path in files}
        for done, job in enumerate(as_completed(jobs), 1):
            if job.exception() is not None:
                failed += 1
                print(f"\n{jobs[job]}: {job.exception()}", file=sys.stderr)
                continue
            bad, good = job.result()
            failed, written = failed + bad, written + good
            print(f"\r{done} of {len(files)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return failed, written


def convert(path: Path, target: Path) -> tuple[int, int]:
    """One file: one MIDI file, or one for each tune of a collection. How many could not be read, and how many are there."""
    from music21 import converter, exceptions21, stream

    found = converter.parse(path)
    scores = list(found.scores) if isinstance(found, stream.Opus) else [found]
    failed = 0
    for number, score in enumerate(scores, 1):
        # the old suffix stays in the name: bwv66.6.mxl and bwv66.6.xml may stand side by side
        output = target.with_name(target.name + (f".{number}" if len(scores) > 1 else "") + ".mid")
        if output.exists():
            continue
        output.parent.mkdir(parents=True, exist_ok=True)
        partial = output.with_name(output.name + ".part")
        try:
            played = with_repeats(score)
            (one_line(played) if path.suffix.lower() == ".abc" else played).write("midi", fp=partial)
        except exceptions21.Music21Exception as error:
            print(f"\n{path}, tune {number}: {error}", file=sys.stderr)
            partial.unlink(missing_ok=True)
            failed += 1
            continue
        partial.replace(output)
    return failed, len(scores) - failed


def with_repeats(score):
    """The score as it is played; as it is written where its repeats make no sense."""
    from music21 import exceptions21

    try:
        return score.expandRepeats() if score.hasMeasures() or score.parts else score
    except exceptions21.Music21Exception:
        return score


def one_line(score):
    """A tune of one note at a time, each ending where the next one begins: ties that its text leaves open would ring on for bars."""

    def top(note):
        return max(note.pitches, key=lambda pitch: pitch.ps)

    line = score.stripTies().flatten()
    last = None
    for note in sorted(line.notes, key=lambda note: (note.offset, note.quarterLength, -top(note).ps)):
        if last is not None and note.offset == last.offset:
            line.remove(note)
            continue
        if last is not None:
            last.quarterLength = min(last.quarterLength, note.offset - last.offset)
        if note.isChord:
            note.pitches = (top(note),)
        last = note
    return line


if __name__ == "__main__":
    main()
