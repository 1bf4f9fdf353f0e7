import json
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile
from click.testing import CliRunner

from melodia.commands import main
from melodia.composition.steps import steps_of
from melodia.harmony.model import Choir, ChoirConfig
from melodia.score import Meter, Score

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "corpora" / "examples"


def run(*arguments, code=0):
    outcome = CliRunner().invoke(main, [str(a) for a in arguments])
    assert outcome.exit_code == code, outcome.output + repr(outcome.exception)
    return outcome


@pytest.fixture
def seed(song, tmp_path):
    return song.write(tmp_path / "song.mid")


@pytest.fixture
def generate(seed, tiny_checkpoint, tmp_path):
    def call(*options, output="out.mid", code=0):
        return run(
            "generate", "--seed", seed, "--model", tiny_checkpoint, "--bars", 6, "-o", tmp_path / output, *options, code=code
        )

    return call


def test_generate_writes_midi_wav_and_picture(generate, tmp_path):
    outcome = generate("--wav", "--picture", "--random-seed", 3)
    assert outcome.stdout.split() == [str(tmp_path / f"out.{s}") for s in ("mid", "wav", "png")]
    assert outcome.stderr == ""
    assert soundfile.info(tmp_path / "out.wav").samplerate == 44_100
    assert (tmp_path / "out.png").read_bytes()[:4] == b"\x89PNG"


def test_generate_as_json(generate, tmp_path):
    (row,) = json.loads(generate("--json", "--random-seed", 3, "--no-wav").stdout)
    assert row["midi"] == str(tmp_path / "out.mid") and row["random_seed"] == 3
    assert row["starts_at_seconds"] == pytest.approx(8.0)
    assert row["notes"] > 0


def test_the_random_seed_is_told_and_repeats_the_file(generate, tmp_path):
    told = generate().stderr.split()
    assert told[:2] == ["random", "seed"]
    generate("--random-seed", told[2], output="again.mid")
    assert (tmp_path / "out.mid").read_bytes() == (tmp_path / "again.mid").read_bytes()
    assert generate("--quiet").stderr == ""


def test_takes_are_numbered_and_differ(generate, tmp_path):
    generate("--count", 3, "--random-seed", 1)
    files = [tmp_path / f"out-{i}.mid" for i in (1, 2, 3)]
    assert len({f.read_bytes() for f in files}) == 3
    assert not (tmp_path / "out.mid").exists()


@pytest.mark.parametrize("options", [["--temperature", 0.5], ["--top-k", 3], ["--top-p", 0.5]])
def test_options_of_taste_change_the_music(generate, tmp_path, options):
    common = ["--random-seed", 5, "--count", 6, *([] if "--top-p" in options else ["--top-p", 1])]
    generate("--random-seed", 5, "--count", 6, "--top-p", 1, output="plain.mid")
    generate(*common, *options)
    files = [(tmp_path / f"out-{i}.mid", tmp_path / f"plain-{i}.mid") for i in range(1, 7)]
    assert any(a.read_bytes() != b.read_bytes() for a, b in files)


def test_takes_without_a_name_are_kept_apart(seed, tiny_checkpoint, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    common = ("generate", "--seed", seed, "--model", tiny_checkpoint, "--bars", 1, "--quiet")
    for options in ((), (), ("--count", 2), ()):
        run(*common, *options)
    made = {p.name for p in tmp_path.glob("song-melodia*.mid")}
    assert made == {f"song-melodia{s}.mid" for s in ("", "-take2", "-take3-1", "-take3-2", "-take4")}


def test_a_song_is_a_seed(seed, tiny_checkpoint, tmp_path):
    common = ("--model", tiny_checkpoint, "--bars", 1, "--random-seed", 1, "--quiet")
    run("generate", seed, *common, "-o", tmp_path / "a.mid")
    run("generate", "--seed", seed, *common, "-o", tmp_path / "b.mid")
    assert (tmp_path / "a.mid").read_bytes() == (tmp_path / "b.mid").read_bytes()
    assert "two seeds are given" in run("generate", seed, "--seed", seed, *common, code=2).stderr


def test_temperature_0(generate, tmp_path):
    generate("--temperature", 0, "--random-seed", 1)
    generate("--temperature", 0, "--random-seed", 2, output="b.mid")
    assert (tmp_path / "out.mid").read_bytes() == (tmp_path / "b.mid").read_bytes()


def test_options_of_form(generate, tmp_path):
    outcome = generate(
        "--tempo", 150, "--meter", "6/8", "--key", "D", "--scale", "dorian", "--instruments", "violin,drums", "--device", "cpu"
    )
    assert "tempo 150 as asked; the seed's was 90" in outcome.stderr
    score = Score.read(tmp_path / "out.mid")
    assert score.meters == [Meter(0, 3, 4), Meter(5760, 6, 8)] and len(score.tempos) == 1
    new = {p.name: {n.pitch % 12 for n in p.notes if n.onset_ticks >= 5760} for p in score.parts}
    assert not new["Tune"] and not new["Bass"]
    assert all(pitches <= {2, 4, 5, 7, 9, 11, 0} for name, pitches in new.items() if name == "Violin")


def test_a_chorale_and_its_refusals(tmp_path, monkeypatch):
    monkeypatch.setattr("melodia.api.chorales.load_choir", lambda name: Choir(ChoirConfig(time_size=12, voice_size=8)).eval())
    out = run("generate", "--model", "chorale", "--bars", 2, "--key", "G", "-o", tmp_path / "c.mid", "--json", "--quiet")
    (row,) = json.loads(out.stdout)
    score = Score.read(row["midi"])
    assert len(score.parts) == 4 and score.seconds == pytest.approx(8 * 60 / 84) and row["notes"] == score.num_notes
    assert (
        "sings in four voices" in run("generate", "--model", "chorale", "--density", "3", "-o", tmp_path / "d.mid", code=1).stderr
    )
    assert "makes no music" in run("generate", "--model", "transcriber", "-o", tmp_path / "d.mid", code=1).stderr


def test_eight_bits(generate, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "melodia.composition.performer.steps_of",
        lambda composer, precision: asked.append(precision) or steps_of(composer, precision),
    )
    generate("--precision", "int8", "--bars", "1", "--random-seed", 1, "-o", tmp_path / "a.mid")
    assert Score.read(tmp_path / "a.mid").num_notes and asked == ["int8"]
    assert "int4" in generate("--precision", "int4", "-o", tmp_path / "b.mid", code=2).stderr


def test_seconds_and_continuation_only(seed, tiny_checkpoint, tmp_path):
    common = ["--seed", seed, "--model", tiny_checkpoint, "--random-seed", 3]
    run("generate", *common, "--seconds", 4, "--continuation-only", "-o", tmp_path / "c.mid")
    assert Score.read(tmp_path / "c.mid").seconds <= 4.03


def test_from_silence(tiny_checkpoint, tmp_path):
    common = ["--model", tiny_checkpoint, "--random-seed", 3]
    run("generate", *common, "--bars", 8, "--instruments", "piano", "-o", tmp_path / "new.mid")
    assert [p.program for p in Score.read(tmp_path / "new.mid").parts] == [0]


@pytest.mark.parametrize(
    "options, message",
    [
        (["--bars", "0"], "bars: 0 is out of range"),
        (["--temperature", "-1"], "temperature: -1.0 is out of range; it must be from 0 to 100"),
        (["--top-p", "2"], "top_p: 2.0"),
        (["--top-k", "-1"], "top_k: -1"),
        (["--key", "Q"], "key: 'Q' is not a key"),
        (["--instruments", "piano,kazoo"], "'kazoo' is not an instrument"),
        (["--instruments", ""], "'' is not an instrument"),
        (["--meter", "4/0"], "meter: 4/0 is out of range"),
        (["--model", "nobody"], "nobody: no such model"),
        (["--device", "cuda:99"], "device: 'cuda:99' cannot be used"),
        (["--output", "out.wav"], "does not end in .mid"),
        (["--output", "."], "is a folder"),
    ],
)
def test_bad_options_are_one_line_and_exit_1(generate, options, message):
    outcome = generate(*options, code=1)
    assert outcome.stderr.startswith("melodia: ") and outcome.stderr.count("\n") == 1
    assert message in outcome.stderr and outcome.stdout == ""


@pytest.mark.parametrize(
    "content, message",
    [(b"", "empty"), (b"RIFF", "not a MIDI file"), (b"MThd\0\0\0\6\0\1\0\1\1\xe0MTrk\0\0\0\4\0\xff/\0", "no notes")],
)
def test_bad_seeds_are_one_line_and_exit_1(tmp_path, tiny_checkpoint, content, message):
    (tmp_path / "bad.mid").write_bytes(content)
    outcome = run("generate", "--seed", tmp_path / "bad.mid", "--model", tiny_checkpoint, "-o", tmp_path / "o.mid", code=1)
    assert message in outcome.stderr and "bad.mid" in outcome.stderr and outcome.stderr.count("\n") == 1
    assert not (tmp_path / "o.mid").exists()


def test_the_seed_is_never_overwritten(seed, tiny_checkpoint):
    before = seed.read_bytes()
    outcome = run("generate", "--seed", seed, "--model", tiny_checkpoint, "-o", seed, code=1)
    assert "is the seed itself" in outcome.stderr and seed.read_bytes() == before


def test_usage_errors_are_2():
    run("generate", "--bars", "many", code=2)
    run("sing", code=2)


def test_render(seed, tmp_path):
    outcome = run("render", seed, "--json")
    content = json.loads(outcome.stdout)
    assert content["sample_rate"] == 44_100 and soundfile.info(content["wav"]).channels == 2
    run("render", seed, "-o", tmp_path / "other.wav")
    assert (tmp_path / "other.wav").read_bytes() == (tmp_path / "song.wav").read_bytes()
    outcome = run("render", seed, "--soundfont", tmp_path / "none.sf2", code=1)
    assert "none.sf2: cannot be read" in outcome.stderr
    before = seed.read_bytes()
    assert "does not end in .wav" in run("render", seed, "-o", seed, code=1).stderr
    assert seed.read_bytes() == before


def test_models_and_corpora():
    listed = run("models").stdout
    assert "band (default)" in listed and "notices" not in listed
    rows = json.loads(run("models", "--json").stdout)
    assert all(row["metrics"] and row["licence"] and row["bytes"] < 2**24 for row in rows)
    names = {r["name"] for r in json.loads(run("corpora", "--json").stdout)}
    assert {"groove", "openscore", "pop909"} <= names
    assert "MIT" in run("corpora").stdout


def test_the_default_model_continues_every_example(tmp_path):
    for path in sorted(EXAMPLES.glob("*.mid")):
        run("generate", "--seed", path, "--bars", 2, "--random-seed", 1, "-o", tmp_path / path.name)
        seed, score = Score.read(path), Score.read(tmp_path / path.name)
        assert score.num_notes > seed.num_notes
        assert score.end_ticks <= seed.closing_bar_line() + 2 * seed.meters[-1].bar_ticks


def test_seed_bars_change_what_the_default_model_hears(tmp_path):
    for bars in (1, 8):
        run(
            "generate",
            "--seed",
            EXAMPLES / "pop.mid",
            "--bars",
            2,
            "--random-seed",
            1,
            "--seed-bars",
            bars,
            "-o",
            tmp_path / f"{bars}.mid",
        )
    assert (tmp_path / "1.mid").read_bytes() != (tmp_path / "8.mid").read_bytes()


def test_cli_py_runs_from_any_folder(tmp_path):
    done = subprocess.run([sys.executable, str(ROOT / "cli.py"), "--version"], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0 and done.stdout.startswith("melodia, version 0.")
