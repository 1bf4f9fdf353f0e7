"""Takes of the pianist."""

import numpy as np
import pytest
import torch

import melodia
from melodia.errors import ConfigError
from melodia.performance.codec import (
    EVENTS,
    VELOCITY,
    as_score,
    decode,
    encode,
    notes_of,
    playable,
    seconds_of,
    velocity_bins,
    velocity_in_bin,
)
from melodia.performance.generate import GenerateConfig, Improvisation, generate, listen
from melodia.performance.recall import Recall
from melodia.performance.steps import PianistSteps, streams_of
from melodia.sampling import SamplingConfig
from melodia.score import SUSTAIN, Control, Note, Part, Score, Tempo
from tests.performance.test_model import performance

DRAWN = SamplingConfig()


def test_the_same_random_seed_gives_the_same_takes(pianist):
    config = GenerateConfig(seconds=4, count=3, random_seed=7)
    first, again = (generate(None, pianist, config, DRAWN).scores for _ in range(2))
    assert first == again and first[0] != first[1]
    assert generate(None, pianist, GenerateConfig(seconds=4, random_seed=7), DRAWN).scores[0] == first[0]
    other = generate(None, pianist, GenerateConfig(seconds=4, random_seed=8), DRAWN).scores[0]
    assert other != first[0]
    for score in first:
        assert 3 < score.seconds <= 4 and score.num_notes
        assert notes_of(score).tolist() == playable(notes_of(score)).tolist()


def test_a_take_can_be_written_and_read(pianist, tmp_path):
    score = generate(None, pianist, GenerateConfig(seconds=5), DRAWN).scores[0]
    read = Score.read(score.write(tmp_path / "a.mid"))
    assert read.parts[0].notes == score.parts[0].notes and read.tempos == [Tempo(0, 125.0)]
    assert notes_of(read)[:, :2].max() <= 500


def test_temperature_0_is_the_likeliest(pianist):
    takes = generate(None, pianist, GenerateConfig(seconds=1, count=2), SamplingConfig(temperature=0)).scores
    assert takes[0] == takes[1] and takes[0].num_notes


def test_a_seed_of_any_kind_stays_as_it_is(pianist):
    melody = Part("Lead", 40, notes=[Note(0, 480, 70, 90), Note(480, 1000, 72, 90)], controls=[Control(900, SUSTAIN, 127)])
    drums = Part(is_drum=True, notes=[Note(0, 60, 36, 90)])
    seed = Score([melody, drums], [Tempo(0, 90.0), Tempo(480, 60.0)])
    takes = generate(seed, pianist, GenerateConfig(seconds=3), DRAWN)
    made, join = takes.scores[0], takes.join_ticks
    assert join >= 1000 and "without its drums" in takes.messages[0]
    assert made.parts[0].notes == melody.notes and made.parts[1].notes == drums.notes and made.tempos == seed.tempos
    assert made.parts[0].controls[-1] == Control(join, SUSTAIN, 0)
    assert made.parts[2].notes and all(note.onset_ticks >= join for note in made.parts[2].notes)
    only = generate(seed, pianist, GenerateConfig(seconds=3, continuation_only=True), DRAWN).scores[0]
    alone = seconds_of(only, np.array([n.onset_ticks for n in only.parts[0].notes]))
    after = seconds_of(made, np.array([n.onset_ticks for n in made.parts[2].notes])) - made.seconds_at(join)
    np.testing.assert_allclose(np.sort(after), np.sort(alone), atol=0.002)
    piano = as_score(decode(performance(3)))
    takes = generate(piano, pianist, GenerateConfig(seconds=2), DRAWN)
    (part,) = takes.scores[0].parts
    assert part.notes[: piano.num_notes] == piano.parts[0].notes and len(part.notes) > piano.num_notes and not takes.messages
    with pytest.raises(ConfigError, match="no notes for a piano in it"):
        generate(Score([drums]), pianist, GenerateConfig(), DRAWN)


@pytest.mark.parametrize("velocity", [10, 126])
def test_notes_go_on_as_loud_as_the_seed_was(pianist, velocity):
    seed = Score([Part("Piano", notes=[Note(i * 240, i * 240 + 200, 60 + i % 3, velocity) for i in range(8)])])
    with torch.no_grad():
        before = pianist.head.scores.bias.clone()
        pianist.head.scores.bias[VELOCITY:EVENTS] = -1e9  # no velocity is told
        takes = generate(seed, pianist, GenerateConfig(seconds=3), DRAWN)
        pianist.head.scores.bias.copy_(before)
    made = takes.scores[0].parts[0].notes[8:]
    assert len(made) > 3 and {note.velocity for note in made} == {velocity}
    assert velocity_in_bin(int(velocity_bins(np.array([velocity]))[0])) == velocity


def test_notes_are_drawn_in_the_precision_asked(pianist, monkeypatch):
    dtypes = []

    def steps(model, precision):
        made = PianistSteps(model, precision)
        dtypes.append({product.weights.dtype.name for product in (*made.lstm.products, made.keys, made.scores)})
        return made

    monkeypatch.setattr("melodia.performance.generate.PianistSteps", steps)
    for precision in ("float32", "int8"):
        assert generate(None, pianist, GenerateConfig(seconds=4, precision=precision), DRAWN).scores[0].num_notes > 3
    assert dtypes == [{"float32"}, {"int8"}]
    with pytest.raises(ConfigError, match="precision: 'int4'"):
        GenerateConfig(precision="int4")


def test_streams_of_a_pianist_are_those_of_the_codec(pianist):
    playing = Improvisation(PianistSteps(pianist), pianist.first_state(1), Recall(), [1, 2], DRAWN)
    assert list(playing.play(1000))[-1] == 10
    for events in playing.takes:
        half = len(events) // 2  # notes that have no end yet are later than that
        assert half > 30 and encode(decode(events)).tolist()[:half] == events[:half]


def test_what_the_seed_played_can_be_recalled(pianist, monkeypatch):
    monkeypatch.setattr("melodia.performance.generate.WINDOW", 7)
    notes = notes_of(Score([Part("Piano", notes=[Note(i * 240, i * 240 + 200, 60 + i % 5, 70) for i in range(12)])]))
    state, recall = listen(pianist, notes)
    (stream,), _ = streams_of(state, recall, 1)
    assert recall.pitches == notes[:, 2].tolist() and recall.steps == notes[:, 0].tolist()
    assert stream.recall.rows[0][3] == 62 and stream.step == notes[-1, 1]  # C C# D D# E C C# ... goes on with D


def test_what_is_of_bars_is_refused(pianist):
    for options in ({"bars": 4}, {"instruments": "piano"}, {"key": "C"}, {"tempo": 100}, {"meter": "3/4"}, {"seed_bars": 3}):
        with pytest.raises(ConfigError, match=f"{next(iter(options))}: has no meaning for this model, which plays one piano"):
            melodia.generate(model=pianist, **options)
    assert melodia.generate(model=pianist, seconds=1, random_seed=3).seconds <= 1
