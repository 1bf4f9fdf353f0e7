"""`generate` and `vary` with what a user may ask of the music."""

import json
from pathlib import Path

import pytest

from melodia.composition.codec import encode
from melodia.composition.surprise import num_tokens
from melodia.score import Score
from tests.commands.conftest import run

EXAMPLES = Path(__file__).parents[2] / "corpora" / "examples"


@pytest.fixture
def seed(song, tmp_path):
    return song.write(tmp_path / "song.mid")


def test_generate_takes_wishes(seed, tiny_checkpoint, tmp_path):
    common = ("generate", seed, "--model", tiny_checkpoint, "--bars", 6, "--random-seed", 1, "--continuation-only", "--quiet")
    wishes = ("--register", "C3-C5,bass=28-48", "--density", "4-12", "--polyphony", "3,bass=1", "--velocity", "1:40,6:100")
    run(*common, *wishes, "--repetition", 1, "--instruments", "flute,bass@3,drums@1-2", "--temperature", "pitch=1.5,rhythm=0.9",
        "-o", tmp_path / "o.mid")  # fmt: skip
    score = Score.read(tmp_path / "o.mid")
    notes = [(part, note) for part in score.parts for note in part.notes]
    assert all(sum(b * 1440 <= n.onset_ticks < (b + 1) * 1440 for _, n in notes) in range(4, 13) for b in range(6))
    assert all(
        part.is_drum or (28 if part.program == 33 else 48) <= n.pitch <= (48 if part.program == 33 else 72) for part, n in notes
    )
    assert all(n.onset_ticks >= 2 * 1440 for part, n in notes if part.program == 33)
    assert all(n.offset_ticks <= 2 * 1440 for part, n in notes if part.is_drum)
    assert all(sum(m.onset_ticks <= n.onset_ticks < m.offset_ticks for _, m in notes) <= 3 for _, n in notes)
    assert all(30 <= n.velocity <= 110 for _, n in notes)


@pytest.mark.parametrize(
    "options, message",
    [
        (["--temperature", "loudness=1"], "temperature: 'loudness' is no attribute of a note; known are rhythm, duration, kind"),
        (["--register", "61-61", "--key", "C"], "register: there is no pitch of the key in it for Flute"),
        (["--register", "violin=40-60"], "register: Violin does not play here; Flute, Finger bass, Drums would"),
        (["--density", "200-300"], "density: bar 1 has 72 free places, too few for 200 notes"),
        (["--polyphony", "0"], "polyphony: 0 is out of range"),
        (["--velocity", "60-61"], "velocity: 60-61 is too narrow"),
        (["--repetition", "0"], "repetition: 0 is out of range"),
        (["--instruments", "flute,bass@9"], "instruments: Finger bass at bar 9 is outside of bars 1 to 6"),
    ],
)
def test_bad_wishes_are_one_line_and_exit_1(seed, tiny_checkpoint, tmp_path, options, message):
    outcome = run("generate", seed, "--model", tiny_checkpoint, "--bars", 6, "-o", tmp_path / "o.mid", *options, code=1)
    assert outcome.stderr.startswith("melodia: ") and outcome.stderr.count("\n") == 1
    assert message in outcome.stderr and outcome.stdout == "" and not (tmp_path / "o.mid").exists()


def test_ranked_takes_are_the_same_in_another_order(seed, tiny_checkpoint, tmp_path):
    common = ("generate", seed, "--model", tiny_checkpoint, "--bars", 3, "--random-seed", 1, "--count", 4, "--json")
    plain = json.loads(run(*common, "-o", tmp_path / "plain.mid").stdout)
    done = run(*common, "--rank", "-o", tmp_path / "ranked.mid")
    ranked = json.loads(done.stdout)
    assert f"take by take: {ranked[0]['nats_a_token']:.3f}, " in done.stderr.replace("\n", " ")
    nats = [row["nats_a_token"] for row in ranked]
    assert nats == sorted(nats) and len(set(nats)) == 4 and "nats_a_token" not in plain[0]
    files = [sorted(Path(row["midi"]).read_bytes() for row in rows) for rows in (plain, ranked)]
    assert files[0] == files[1]


def test_vary(seed, song, tiny_checkpoint, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    common = ("vary", seed, "--model", tiny_checkpoint, "--particles", 4, "--random-seed", 2)
    (row,) = json.loads(run(*common, "--bars", "2-3", "--instruments", "flute", "--density", "5", "--json").stdout)
    score = Score.read(row["midi"])
    assert row["midi"] == "song-varied.mid" and row["starts_at_seconds"] == 2.0
    assert [p.notes for p in score.parts[1:]] == [p.notes for p in song.parts[1:]]
    tune = score.parts[0].notes
    assert [n for n in tune if not 1440 <= n.onset_ticks < 4320] == [
        n for n in song.parts[0].notes if not 1440 <= n.onset_ticks < 4320
    ]
    assert [sum(b * 1440 <= n.onset_ticks < (b + 1) * 1440 for n in tune) for b in (1, 2)] == [5, 5]
    rows = json.loads(run(*common, "--bars", "2", "--count", 3, "--rank", "--json", "--quiet").stdout)
    nats = [row["nats_a_token"] for row in rows]
    assert nats == sorted(nats) and [Path(row["midi"]).name for row in rows] == [f"song-varied-take2-{i}.mid" for i in (1, 2, 3)]


@pytest.mark.parametrize(
    "options, message",
    [
        (["--bars", "4-9"], "bars: 4-9 is past the end; there are 4 bars"),
        (["--bars", "x"], "bars: 'x' is no range of bars"),
        (["--bars", "3-2"], "bars: 3-2 is no range of bars"),
        (["--bars", "2", "--instruments", "piano"], "instruments: Acoustic grand piano does not play in the score"),
        (["--bars", "2", "--output", "song.mid"], "song.mid is the song itself"),
    ],
)
def test_what_vary_cannot_do_is_one_line_and_exit_1(seed, tiny_checkpoint, tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    before = seed.read_bytes()
    outcome = run("vary", "song.mid", "--model", tiny_checkpoint, *options, code=1)
    assert message in outcome.stderr and outcome.stderr.count("\n") == 1 and seed.read_bytes() == before


def test_the_default_model_varies_an_example(tmp_path):
    run("vary", EXAMPLES / "pop.mid", "--bars", "3", "--particles", 4, "--random-seed", 1, "-o", tmp_path / "o.mid")
    song, score = Score.read(EXAMPLES / "pop.mid"), Score.read(tmp_path / "o.mid")
    for old, new in zip(song.parts, score.parts, strict=True):
        kept = [[n for n in part.notes if not 3840 <= n.onset_ticks < 5760] for part in (old, new)]
        assert kept[0] == kept[1]
    assert song.parts != score.parts and num_tokens(encode(score)) > 0
