import json

import pytest
import soundfile

from melodia.harmony.rules import BACH
from melodia.score import PPQ, Meter, Note, Part, Score, Tempo
from tests.commands.conftest import run
from tests.harmony.conftest import harmonizer, harmonizer_checkpoint  # noqa: F401


def line(*pitches, name="Tune", quarters=1.0):
    length = round(PPQ * quarters)
    return Part(name, 0, notes=[Note(i * length, (i + 1) * length, pitch, 80) for i, pitch in enumerate(pitches)])


@pytest.fixture
def tune(tmp_path):
    return Score([line(72, 74, 76, 72)], [Tempo(0, 90.0)], [Meter(0, 3, 4)]).write(tmp_path / "tune.mid")


@pytest.fixture
def harmonize(harmonizer_checkpoint, tmp_path):  # noqa: F811
    def call(*options, output="out.mid", code=0):
        return run("harmonize", *options, "--model", harmonizer_checkpoint, "-o", tmp_path / output, code=code)

    return call


def test_four_named_parts(harmonize, tune, tmp_path):
    done = harmonize(tune, "--random-seed", 3, "--wav", "--picture")
    assert done.stdout.split() == [str(tmp_path / f"out.{suffix}") for suffix in ("mid", "wav", "png")]
    assert "of voice-leading" in done.stderr and "in 100 sixteenths; Bach makes 1.5" in done.stderr
    score = Score.read(tmp_path / "out.mid")
    assert [part.name for part in score.parts] == ["soprano", "alto", "tenor", "bass"]
    assert score.parts[0].notes == Score.read(tune).parts[0].notes
    assert score.tempos[0].tempo_bpm == pytest.approx(90) and score.meters == [Meter(0, 3, 4)]
    assert soundfile.info(tmp_path / "out.wav").duration > 2
    assert (tmp_path / "out.png").read_bytes()[:4] == b"\x89PNG"


def test_takes_as_json(harmonize, tune, tmp_path):
    rows = json.loads(harmonize(tune, "--count", 2, "--json", "--quiet", "--random-seed", 1).stdout)
    assert [row["midi"] for row in rows] == [str(tmp_path / f"out-{i}.mid") for i in (1, 2)]
    (first, _) = rows
    assert first["given"] == ["soprano"] and first["steps"] == 16 and first["random_seed"] == 1
    assert set(first["errors"]) == set(first["errors_a_hundred_steps"]) == set(BACH) and first["bach_a_hundred_steps"] == BACH
    assert first["errors_a_hundred_steps"]["leaps"] == pytest.approx(100 * first["errors"]["leaps"] / 16)


def test_the_random_seed_is_told_and_repeats_the_file(harmonize, tune, tmp_path):
    told = harmonize(tune).stderr.split()
    assert told[:2] == ["random", "seed"]
    harmonize(tune, "--random-seed", told[2], output="again.mid")
    assert (tmp_path / "out.mid").read_bytes() == (tmp_path / "again.mid").read_bytes()
    assert harmonize(tune, "--quiet").stderr == ""


def test_voices_by_file_and_by_part(harmonize, tune, tmp_path):
    bass = Score([line(36, 43, name="Cello", quarters=2.0)]).write(tmp_path / "bass.mid")
    both = Score([line(72, 74, 76, 72), line(48, 55, name="Low", quarters=2.0)]).write(tmp_path / "both.mid")
    for options, given in (
        ([tune, "--voice", f"bass={bass}"], ["soprano", "bass"]),
        (["--voice", f"bass={bass}"], ["bass"]),
        ([both, "--voice", "bass=2"], ["soprano", "bass"]),
        (["--voice", f"tenor={both}#low"], ["tenor"]),
        ([both, "--part", "low"], ["soprano"]),
    ):
        (row,) = json.loads(harmonize(*options, "--json", "--quiet").stdout)
        assert row["given"] == given
    written = {part.name: part for part in Score.read(tmp_path / "out.mid").parts}
    assert [note.pitch for note in written["soprano"].notes] == [48, 55]
    done = harmonize(tune, "--voice", f"bass={bass}", "--temperature", 0, "--key", "C", "--strictness", 3)
    assert "range" not in done.stderr.splitlines()[0]


def test_what_is_refused_in_one_line(harmonize, tune, tmp_path):
    def written(name, *parts):
        return Score(list(parts)).write(tmp_path / name)

    chords = written("chords.mid", Part("Piano", notes=[Note(0, PPQ, p, 80) for p in (60, 64, 67)]))
    drums = written("drums.mid", Part("Kit", 0, True, [Note(0, 60, 38, 80)]))
    long = written("long.mid", line(*[48] * 20, name="Cello"))
    (tmp_path / "empty.mid").write_bytes(b"")
    all_four = [x for name in ("soprano", "alto", "tenor", "bass") for x in ("--voice", f"{name}=1")]
    for options, message in (
        ([tmp_path / "empty.mid"], "empty.mid"),
        ([tmp_path / "none.mid"], "none.mid"),
        ([chords], "Piano has several notes at a time, as in bar 1"),
        ([drums], "no notes in it but drums, so there is nothing to harmonise"),
        ([tune, "--voice", f"baritone={tune}"], "'baritone' is none; it must be soprano, alto, tenor or bass"),
        ([tune, "--voice", f"bass={long}"], "long.mid (bass) ends 16 beats after tune.mid (soprano)"),
        ([tune, "--voice", "bass"], "'bass' must be NAME=FILE or NAME=PART"),
        ([tune, "--voice", "bass=9"], "no '9' to harmonise"),
        ([tune, "--voice", "alto=1", "--voice", "Alto=1"], "given twice"),
        (["--voice", "bass=2"], "'2' is no MIDI file"),
        ([tune, *all_four], "all of the four are given"),
        ([tune, "--count", 0], "count"),
        ([tune, "--key", "H"], "not a key"),
        ([tune, "--temperature", -1], "temperature"),
        ([tune, "--part", "x"], "no 'x' to harmonise"),
        (["--voice", f"bass={long}", "--part", "x"], "part: it is of the melody's file"),
    ):
        done = harmonize(*options, code=1)
        lines = [line for line in done.stderr.splitlines() if line.startswith("melodia: ")]
        assert len(lines) == 1 and message in lines[0] and not done.stdout, (options, done.stderr)
    assert "is what is to be harmonised" in harmonize(tune, output="tune.mid", code=1).stderr
    assert "give a melody" in harmonize(code=2).stderr
    assert "take a harmonizer" in run("harmonize", tune, "--model", "chorale", "-o", tmp_path / "x.mid", code=1).stderr


def test_a_soprano_beside_the_melody_is_refused(harmonize, tune, tmp_path):
    other = Score([line(74, 76)]).write(tmp_path / "other.mid")
    told = harmonize(tune, "--voice", f"soprano={other}", code=1).stderr
    assert "given twice" in told and "tune.mid" in told
    assert not (tmp_path / "out.mid").exists()
