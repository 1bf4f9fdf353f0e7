"""Composers that play drums alone, or one line."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

import melodia
from melodia.api.music import make_takes
from melodia.composition.augment import AugmentConfig
from melodia.composition.codec import KIND, KIND_PART, PROGRAM, encode
from melodia.composition.data import DataConfig
from melodia.composition.model import Composer, ComposerConfig
from melodia.composition.plan import GenerateConfig, make_plan
from melodia.composition.styles import in_general_midi, style_of
from melodia.composition.train import TrainConfig, composer_to_train, make_config
from melodia.errors import ConfigError, MidiError
from melodia.instruments import DRUMS
from melodia.score import PPQ, Note, Part, Score
from melodia.training import TrainingConfig

DOUBLED = Score([Part("Tune", 40, notes=[Note(0, PPQ, 60, 80), Note(0, PPQ, 64, 80)])])
STAGGERED = Score([Part("Piano", notes=[Note(i * 240, i * 240 + 600, 60 + i % 5, 80) for i in range(16)])])


def composer(style):
    torch.manual_seed(3)
    return Composer(
        ComposerConfig(embedding_size=8, hidden_size=16, num_layers=1, head_size=8, dropout=0.0, style=style, program=73)
    ).eval()


def only(song, *places):
    return encode(replace(song, parts=[song.parts[i] for i in places]))


def test_the_style_of_a_corpus(song):
    tune, drums, both = only(song, 0), only(song, 2), only(song, 0, 1)
    assert style_of([tune, tune]) == ("melody", 73) and style_of([drums, drums]) == ("drums", DRUMS)
    for pieces in ([tune, drums], [both], [tune, both], [encode(DOUBLED)], [encode(STAGGERED)], []):
        assert style_of(pieces) == ("any", 0)
    with pytest.raises(ConfigError, match="style: 'polka' is not known"):
        composer("polka")


def test_drums_go_on_and_all_else_falls_silent(song):
    takes = make_takes(song, model=composer("drums"), bars=2, density=(4, 20))
    made, join = takes.scores[0], takes.join_ticks
    assert "plays drums alone; the seed's other parts fall silent" in takes.messages[0]
    for before, after in zip(song.parts, made.parts, strict=True):
        assert after.notes[: len(before.notes)] == before.notes
        assert before.is_drum or all(note.onset_ticks < join for note in after.notes)
    (kit,) = (part for part in made.parts if part.is_drum)
    assert any(note.onset_ticks >= join for note in kit.notes)
    events = make_plan(song, GenerateConfig(), "drums").events
    assert events[events[:, KIND] == KIND_PART, PROGRAM].tolist() == [DRUMS]
    silence = melodia.generate(model=composer("drums"), bars=2)
    assert [part.is_drum for part in silence.parts] == [True]


def test_a_melody_goes_on_a_note_at_a_time(song):
    takes = make_takes(song, model=composer("melody"), bars=3, density=(3, 8), continuation_only=True)
    (part,) = takes.scores[0].parts
    assert part.name == "Tune" and "plays one line alone" in takes.messages[0]
    assert len(part.notes) > 3 and all(one.offset_ticks <= other.onset_ticks for one, other in pairwise(part.notes))
    silence = melodia.generate(model=composer("melody"), bars=2)
    assert [part.program for part in silence.parts] == [73]
    assert melodia.generate(model=composer("melody"), bars=2, instruments="violin").parts[0].program == 40


def test_another_instrument_takes_the_line_over(song):
    plan = make_plan(song, GenerateConfig(programs=(40,)), "melody")
    np.testing.assert_array_equal(plan.events[:, 6:], make_plan(song, GenerateConfig(), "melody").events[:, 6:])  # the same notes
    assert plan.events[0, PROGRAM] == 40 and [part.name for part in plan.parts[3:]] == ["Violin"] and not plan.parts[3].notes
    takes = make_takes(song, model=composer("melody"), bars=2, instruments="violin", density=(2, 8))
    assert [part.name for part in takes.scores[0].parts] == ["Tune", "Bass", "Kit", "Violin"]
    line = takes.scores[0].parts[3].notes
    assert len(line) > 3 and line[0].onset_ticks >= takes.join_ticks
    assert takes.scores[0].parts[0].notes == song.parts[0].notes


@pytest.mark.parametrize(
    ("style", "instruments", "message"),
    [
        ("drums", "piano", "plays drums alone; leave them out"),
        ("drums", "drums,bass", "plays drums alone"),
        ("melody", "violin,flute", "plays one line; name one instrument"),
        ("melody", "drums", "plays one line"),
    ],
)
def test_who_cannot_play_is_refused(song, style, instruments, message):
    with pytest.raises(ConfigError, match=message):
        melodia.generate(song, model=composer(style), instruments=instruments)


def test_seeds_without_anything_of_the_style_are_refused(song):
    with pytest.raises(ConfigError, match="there are no drums in it"):
        melodia.generate(replace(song, parts=song.parts[:2]), model=composer("drums"))
    with pytest.raises(MidiError, match="nothing to play on"):
        melodia.generate(replace(song, parts=song.parts[2:]), model=composer("melody"))


def test_drums_of_the_intro_are_heard_however_little_is_listened_to(song):
    song.parts[2].notes = [note for note in song.parts[2].notes if note.onset_ticks < 3 * PPQ]  # the first bar of four
    plan = make_plan(song, GenerateConfig(seed_bars=1), "drums")
    assert plan.playing == [0] and (plan.events[:, PROGRAM] == DRUMS).any()
    made = melodia.generate(song, model=composer("drums"), bars=2, seed_bars=1, density=(4, 20))
    assert max(note.onset_ticks for note in made.parts[2].notes) > 12 * PPQ


def test_what_rings_on_elsewhere_does_not_silence_the_line(song):
    song.parts[1].notes = [note._replace(offset_ticks=12 * PPQ + 50) for note in song.parts[1].notes[-1:]]
    takes = [
        make_takes(song, model=composer("melody"), bars=1, random_seed=i, density=(6, 9), continuation_only=True) for i in range(8)
    ]
    assert any(note.onset_ticks == 0 for take in takes for part in take.scores[0].parts for note in part.notes)


def test_bars_are_rewritten_by_composers_that_play_anything(song):
    with pytest.raises(ConfigError, match="to rewrite bars takes one that plays anything"):
        melodia.vary(song, (2, 3), model=composer("drums"))


def test_a_composer_tuned_on_other_music_plays_anything(monkeypatch):
    cases = (
        ("drums", "drums", False, "drums"),
        ("drums", "any", False, "any"),
        ("any", "melody", False, "any"),
        ("any", "drums", True, "drums"),  # as it was asked for
        ("drums", "any", True, "any"),
    )
    for style, tuned_on, restyled, expected in cases:
        monkeypatch.setattr("melodia.composition.train.load_composer", lambda name, style=style: composer(style))
        config = TrainConfig(
            model=ComposerConfig(style=tuned_on),
            training=TrainingConfig(),
            data=DataConfig(),
            augmentation=AugmentConfig(),
            start="x",
            restyled=restyled,
        )
        assert composer_to_train(config).config.style == expected


def test_a_style_can_be_asked_for_that_the_corpus_has(song):
    class Prepared:
        def __init__(self, *pieces):
            self.songs = Songs(pieces)

        def pieces(self, split):
            return self.songs

    class Songs(list):
        @property
        def lengths(self):
            return np.array([len(piece) for piece in self])

    drums, both, most = Prepared(only(song, 2)), Prepared(only(song, 0, 2)), Prepared(only(song, 0), only(song, 0, 1))
    assert make_config(drums).model.style == make_config(drums, style="drums").model.style == "drums"
    assert make_config(drums, style="any").model.style == "any" and make_config(drums, style="any").restyled
    assert not make_config(drums).restyled
    assert make_config(most).model.style == "any"
    told = make_config(most, style="melody").model  # one of two pieces is a line
    assert (told.style, told.program) == ("melody", 73)
    for style in ("drums", "melody"):
        with pytest.raises(ConfigError, match=f"most of the corpus is other music than {style}"):
            make_config(both, style=style)


def test_new_drums_have_a_sound_in_general_midi():
    made = Part(is_drum=True, notes=[Note(0, 60, 22, 90), Note(0, 90, 42, 80), Note(240, 300, 26, 70), Note(480, 500, 38, 60)])
    assert [n.pitch for n in in_general_midi(made, []).notes] == [42, 46, 38]
    assert [n.pitch for n in in_general_midi(made, [Note(0, 9, 22, 9)]).notes] == [22, 42, 46, 38]
    tune = Part(notes=[Note(0, 60, 22, 90)])
    assert in_general_midi(tune, []) is tune


@pytest.mark.parametrize("model", [3, object(), "transcriber"])
def test_what_makes_no_music_is_refused(model):
    with pytest.raises(ConfigError, match="makes no music; give the name or folder"):
        melodia.generate(model=model)
