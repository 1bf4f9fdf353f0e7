import pytest

import melodia
from melodia.api.music import make_takes
from melodia.composition.codec import KIND, KIND_BAR
from melodia.composition.generate import silent
from melodia.composition.plan import GenerateConfig, make_plan
from melodia.errors import ConfigError
from melodia.instruments import program_name
from melodia.midi import midi_bytes
from melodia.score import PPQ, SUSTAIN, Control, Meter, Note, Part, Score, Tempo


def made_by(tiny, seed, **options):
    return make_takes(seed, **{"model": tiny, "bars": 4, **options})


def test_it_goes_on_from_the_bar_line_and_keeps_what_was(tiny, song):
    takes = made_by(tiny, song)
    score = takes.scores[0]
    join = takes.join_ticks
    assert join == 4 * 1440
    assert len(score.bars(join + 4 * 1440)) == 8
    assert score.end_ticks <= join + 4 * 1440
    assert [(p.name, p.program, p.is_drum, p.channel) for p in score.parts] == [
        (p.name, p.program, p.is_drum, p.channel) for p in song.parts
    ]
    assert (score.tempos, score.meters) == (song.tempos, song.meters)
    for before, after in zip(song.parts, score.parts, strict=True):
        assert after.notes[: len(before.notes)] == before.notes
        assert all(n.onset_ticks >= join for n in after.notes[len(before.notes) :])
    assert score.num_notes > song.num_notes


def test_the_same_random_seed_gives_the_same_bytes_and_takes_differ(tiny, song):
    a, b = (made_by(tiny, song, count=3, random_seed=4) for _ in range(2))
    assert [midi_bytes(s) for s in a.scores] == [midi_bytes(s) for s in b.scores]
    assert len({midi_bytes(s) for s in a.scores}) == 3
    assert midi_bytes(made_by(tiny, song, random_seed=5).scores[0]) != midi_bytes(a.scores[0])


def test_temperature_0_is_deterministic(tiny, song):
    scores = [made_by(tiny, song, temperature=0, random_seed=i).scores[0] for i in range(2)]
    assert midi_bytes(scores[0]) == midi_bytes(scores[1])


def test_continuation_only_is_the_same_music_from_the_start(tiny, song):
    whole = made_by(tiny, song).scores[0]
    alone = made_by(tiny, song, continuation_only=True)
    assert alone.join_ticks == 0
    cut = whole.clip(5760, 6 * 5760)
    assert [p.notes for p in alone.scores[0].parts] == [p.notes for p in cut.parts if p.notes]
    assert alone.scores[0].meters == [Meter(0, 3, 4)] and alone.scores[0].tempos == song.tempos


def test_a_key_holds_for_all_but_drums(tiny, song):
    score = made_by(tiny, song, key="Eb", scale="minor-pentatonic", continuation_only=True, bars=8).scores[0]
    pitches = {n.pitch % 12 for p in score.parts if not p.is_drum for n in p.notes}
    assert pitches and pitches <= {3, 6, 8, 10, 1}


def test_instruments_choose_and_add(tiny, song):
    score = made_by(tiny, song, instruments="bass,piano", bars=8).scores[0]
    played = {p.name: sum(n.onset_ticks >= 5760 for n in p.notes) for p in score.parts}
    assert played["Tune"] == played["Kit"] == 0
    assert played["Bass"] > 0 and played["Acoustic grand piano"] > 0


def test_tempo_and_meter_can_be_told(tiny, song):
    takes = made_by(tiny, song, tempo=133.0, meter="5/4")
    score = takes.scores[0]
    assert score.tempos == [Tempo(0, 133.0)]
    assert takes.messages == ["tempo 133 as asked; the seed's was 90"]
    assert score.meters == [Meter(0, 3, 4), Meter(5760, 5, 4)]
    assert 5760 < score.end_ticks <= 5760 + 4 * 5 * PPQ


@pytest.mark.parametrize("seconds", [3.0, 10.0])
def test_seconds_are_exact(tiny, song, seconds):
    score = made_by(tiny, song, bars=None, seconds=seconds, continuation_only=True).scores[0]
    assert score.seconds <= seconds + 0.03
    assert score.seconds > seconds - 4


def test_from_silence(tiny):
    score = made_by(tiny, None, instruments=["flute", "drums"], meter=(6, 8), tempo=70).scores[0]
    assert {(p.program, p.is_drum) for p in score.parts} == {(73, False), (0, True)}
    assert score.meters == [Meter(0, 6, 8)] and score.tempos == [Tempo(0, 70)]
    assert 0 < score.end_ticks <= 4 * 1440
    assert {p.is_drum for p in made_by(tiny, None).scores[0].parts} == {False, True}


def test_pedal_and_bend_rest_before_the_continuation(tiny):
    part = Part("P", 0, notes=[Note(0, 1900, 60, 80)], controls=[Control(0, 7, 99), Control(5, SUSTAIN, 127)])
    score = made_by(tiny, Score([part])).scores[0]
    assert [c for c in score.parts[0].controls if c.number == SUSTAIN][-1] == Control(1920, SUSTAIN, 0)
    alone = made_by(tiny, Score([part]), continuation_only=True).scores[0]
    assert [c for p in alone.parts for c in p.controls] == [Control(0, 7, 99)]


SEEDS = {
    "one note": Score([Part(notes=[Note(0, 100, 60, 80)])]),
    "one late note": Score([Part(notes=[Note(100_000, 100_100, 60, 80)])]),
    "a drum loop": Score([Part(is_drum=True, notes=[Note(i * 240, i * 240 + 60, 36 + i % 5, 90) for i in range(16)])]),
    "16 parts": Score([Part(f"{i}", i * 8, notes=[Note(0, 480 * i + 100, 40 + i, 80)]) for i in range(16)]),
    "40 parts": Score([Part(f"{i}", i, notes=[Note(0, 480 * i + 100, 40 + i, 80)]) for i in range(40)]),
    "40 minutes": Score([Part(notes=[Note(i * 960, i * 960 + 900, 48 + i % 24, 80) for i in range(2400)])]),
    "5/4": Score([Part(notes=[Note(0, 2400, 60, 80)])], meters=[Meter(0, 5, 4)]),
    "6/8 then 3/4": Score([Part(notes=[Note(0, 4000, 60, 80)])], meters=[Meter(0, 6, 8), Meter(1440, 3, 4)]),
    "a tempo ramp": Score([Part(notes=[Note(0, 4000, 60, 80)])], [Tempo(i * 100, 60.0 + i) for i in range(40)]),
    "top and bottom": Score([Part(notes=[Note(0, 480, 127, 80), Note(0, 480, 0, 1)])]),
}


@pytest.mark.parametrize("name", SEEDS)
def test_anything_serves_as_a_seed(tiny, name):
    seed = SEEDS[name]
    takes = made_by(tiny, seed, bars=2)
    score = takes.scores[0]
    bar = score.meter_at(takes.join_ticks).bar_ticks
    assert takes.join_ticks == seed.closing_bar_line()
    assert score.num_notes > seed.num_notes
    assert score.end_ticks <= takes.join_ticks + 2 * bar
    assert score.tempos == seed.tempos and score.meters == seed.meters
    assert len(takes.messages) == (name == "40 parts")


def test_seed_bars_limit_what_is_heard(song):
    whole, last = (make_plan(song, GenerateConfig(seed_bars=n)) for n in (64, 1))
    assert [int((plan.events[:, KIND] == KIND_BAR).sum()) for plan in (whole, last)] == [4, 1]
    heard = make_plan(song.clip(3 * 1440, 4 * 1440), GenerateConfig()).events
    assert (last.events == heard).all()


def test_a_last_chord_that_rings_for_bars_is_heard(tiny, song):
    song.parts[1].notes[-1] = Note(4320, 9 * 1440, 39, 90)
    takes = made_by(tiny, song, seed_bars=1, bars=8)
    assert takes.join_ticks == 9 * 1440 and takes.scores[0].end_ticks > takes.join_ticks


def test_a_new_instrument_joins_a_full_score(tiny):
    full = Score([Part(f"{i}", i, notes=[Note(0, 480 * i + 100, 40 + i, 80)]) for i in range(16)])
    plan = make_plan(full, GenerateConfig(programs=(108,)))
    assert [plan.parts[plan.order[i]].program for i in plan.playing] == [108]


def test_a_tempo_change_on_the_join_is_not_the_seeds(tiny, song):
    song.tempos.append(Tempo(5760, 200.0))
    assert made_by(tiny, song, tempo=100).messages == ["tempo 100 as asked; the seed's was 90"]


def test_a_score_without_notes_is_refused(tiny):
    with pytest.raises(ConfigError, match="has no notes"):
        made_by(tiny, Score([Part()]))


@pytest.mark.parametrize(
    "options, message",
    [
        ({"bars": 0}, "bars: 0 is out of range"),
        ({"bars": 2, "seconds": 2.0}, "give one of them"),
        ({"bars": None, "seconds": 0.0}, "seconds: 0.0 is out of range"),
        ({"temperature": -0.5}, "temperature: -0.5"),
        ({"key": "H"}, "key: 'H' is not a key"),
        ({"key": "C", "scale": "odd"}, "scale: 'odd' is not known"),
        ({"scale": "dorian"}, "needs a key"),
        ({"meter": "waltz"}, "meter: 'waltz' is not a meter"),
        ({"meter": "3/5"}, "meter: 3/5 is out of range"),
        ({"tempo": 1.0}, "tempo: 1.0 is out of range"),
        ({"instruments": "kazoo"}, "instruments: 'kazoo' is not an instrument"),
        ({"count": 0}, "count: 0 is out of range"),
        ({"seed_bars": 0}, "seed_bars: 0 is out of range"),
        ({"random_seed": -1}, "random_seed: -1 is out of range"),
        ({"device": "abacus"}, "device: 'abacus' cannot be used"),
    ],
)
def test_settings_out_of_range(tiny_checkpoint, song, options, message):
    with pytest.raises(ConfigError, match=message):
        make_takes(song, **{"model": tiny_checkpoint, **options})


def test_the_python_api(tiny, song, tmp_path):
    path = song.write(tmp_path / "song.mid")
    score = melodia.generate(path, bars=2, temperature=0.9, model=tiny)
    assert Score.read(score.write(tmp_path / "out.mid")).num_notes == score.num_notes
    assert len(melodia.generate_takes(path, 3, bars=1, model=tiny)) == 3


def test_instruments_that_were_asked_for_and_stay_silent_are_named():
    score = Score([Part(program=0, notes=[Note(0, 480, 60, 80)]), Part(is_drum=True, notes=[Note(960, 1000, 36, 80)])])
    assert silent(score, 480, (0, 33, 128)) == [program_name(0), program_name(33)]
    assert silent(score, 0, (0, 128)) == []
