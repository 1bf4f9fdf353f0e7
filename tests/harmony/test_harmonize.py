"""Voices that are made to given ones."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import melodia
from melodia.errors import ConfigError
from melodia.files import shipped
from melodia.harmony.data import FARTHEST, DataConfig, Pieces, mishear
from melodia.harmony.draw import DrawConfig
from melodia.harmony.echoes import Echoing, echoes
from melodia.harmony.evaluate import evaluate, harmonised, held
from melodia.harmony.harmonize import harmonize
from melodia.harmony.model import GIVEN, UNGIVEN, collated
from melodia.harmony.prepare import REST
from melodia.harmony.reading import ahead, ahead_sizes
from melodia.harmony.rules import BACH, RANGES, count_errors
from melodia.harmony.tonic import NO_TONIC, tonic_of
from melodia.score import PPQ, Meter, Note, Part, Score, Tempo
from tests.harmony.test_harmony import batch_of, piece, said, small

notes = st.tuples(st.integers(0, 200), st.integers(1, 700), st.integers(0, 127), st.integers(1, 127))  # rest, length, pitch


def melody(rows):
    """A part of notes one after the other, on the grid or off it."""
    found, tick = [], 0
    for rest, length, pitch, velocity in rows:
        found.append(Note(tick + rest, tick + rest + length, pitch, velocity))
        tick += rest + length
    return Part("Tune", 73, notes=found)


@settings(max_examples=8, deadline=None)
@given(st.lists(notes, min_size=1, max_size=6), st.integers(0, 3), st.sampled_from([(4, 4), (3, 4), (6, 8), (5, 8)]))
def test_given_notes_stay_and_made_ones_are_in_range(harmonizer, tmp_path_factory, rows, voice, meter):
    part = melody(rows)
    score = Score([part], [Tempo(0, 77.0)], [Meter(0, *meter)])
    name = ("soprano", "alto", "tenor", "bass")[voice]
    made = melodia.harmonize(voices={name: score}, model=harmonizer)
    path = made.write(tmp_path_factory.mktemp("x") / "a.mid")
    written = Score.read(path)
    by_name = {p.name: p for p in written.parts}
    assert by_name[name].notes == part.notes and by_name[name].program == 73
    assert written.tempos[0].tempo_bpm == pytest.approx(77) and written.meters == [Meter(0, *meter)]
    first, end = part.notes[0].onset_ticks, part.notes[-1].offset_ticks
    for other, (low, high) in zip(("soprano", "alto", "tenor", "bass"), RANGES, strict=True):
        if other != name and other in by_name:
            line = by_name[other].notes
            assert all(low <= n.pitch <= high and first <= n.onset_ticks < n.offset_ticks <= end for n in line)
            assert all(a.offset_ticks <= b.onset_ticks for a, b in pairwise(line))


def test_several_voices_in_one_file(harmonizer):
    soprano = melody([(0, 480, 72, 80), (0, 480, 74, 80)])
    bass = Part("Low", notes=[Note(0, 960, 48, 80)])
    score = Score([soprano, bass])
    made = melodia.harmonize(score, voices={"bass": "low"}, model=harmonizer)
    assert made.score.parts[0].notes == soprano.notes and made.score.parts[3].notes == bass.notes
    assert made.given == (True, False, False, True) and made.voices.shape == (8, 4)
    assert (made.voices[:, 3] == 48).all() and made.errors == count_errors(made.voices)
    alone = melodia.harmonize(voices={"bass": Score([bass])}, model=harmonizer)
    assert alone.given == (False, False, False, True)


def test_a_take_depends_on_its_number_alone(harmonizer):
    grid = np.tile(np.array([72, REST, REST, REST], np.uint8), (9, 1))
    three = harmonize(grid, GIVEN, harmonizer, DrawConfig(count=3, random_seed=5))
    one = harmonize(grid, GIVEN, harmonizer, DrawConfig(random_seed=5))
    np.testing.assert_array_equal(three[0], one[0])
    assert (three[0] != three[1]).any() and (three[0][:, 0] == 72).all()
    many = harmonize(grid, GIVEN, harmonizer, DrawConfig(count=18, random_seed=5))
    np.testing.assert_array_equal(many[:3], three)
    other = harmonize(grid, GIVEN, harmonizer, DrawConfig(random_seed=6))[0]
    assert all((other != take).any() for take in many)  # none of a neighbouring random seed
    likeliest = [harmonize(grid, GIVEN, harmonizer, DrawConfig(temperature=0, random_seed=s))[0] for s in (0, 1)]
    np.testing.assert_array_equal(*likeliest)


def test_a_key_and_strictness(harmonizer):
    grid = np.tile(np.array([72, REST, REST, REST], np.uint8), (40, 1))
    grid[::3, 0] = 70  # out of the key, but given
    made = harmonize(grid, GIVEN, harmonizer, DrawConfig(pitch_classes=frozenset({0, 4, 7})))[0]
    assert set((made[:, 1:] % 12).ravel()) <= {0, 4, 7} and (made[:, 0] == grid[:, 0]).all()
    errors = [sum(count_errors(harmonize(grid, GIVEN, harmonizer, DrawConfig(strictness=s))[0]).values()) for s in (0, 4)]
    assert errors[1] < errors[0] / 2


def test_what_cannot_be_harmonised(harmonizer):
    grid = np.full((4, 4), 60, np.uint8)
    for known, message in (((False,) * 4, "none of the four are given"), ((True,) * 4, "all of the four are given")):
        with pytest.raises(ConfigError, match=message):
            harmonize(grid, known, harmonizer, DrawConfig())
    with pytest.raises(ConfigError, match="take a harmonizer"):
        harmonize(grid, GIVEN, small(), DrawConfig())
    with pytest.raises(ConfigError, match="no pitch that the tenor may sing"):
        harmonize(grid + 15, GIVEN, small(72, 83, ahead_size=6), DrawConfig())


@pytest.mark.parametrize("known", [(True, False, False, False), (False, False, False, True), (False, True, True, False)])
def test_given_voices_are_known_from_the_outset_and_nothing_else_is(known):
    model, one = small(ahead_size=6), np.tile(piece(24, 1), (2, 1))
    free = [voice for voice in range(4) if not known[voice]]
    with torch.no_grad():
        whole = said(model, one, known)
        for step, number in ((0, 0), (17, 1), (40, len(free) - 1)):
            other = one.copy()
            other[step, free[number]] = 48 if one[step, free[number]] != 48 else 49
            for later in free:
                other[step + 1 :, later] = REST
            told = (whole - said(model, other, known)).abs().amax(dim=-1)[:, free].flatten()
            before = len(free) * step + number + 1
            assert (told[:before] < 1e-5).all() and told[before:].max() > 1e-4
        other = one.copy()
        other[40, known.index(True)] = 50 if one[40, known.index(True)] != 50 else 51
        assert (whole - said(model, other, known)).abs().amax(dim=-1)[0, free].min() > 1e-6


def test_likelihood_is_of_the_voices_that_are_not_given():
    model, pieces = small(ahead_size=6), [piece(steps, steps) for steps in (12, 2, 30)]
    alone = [model.nats([one], GIVEN)[0] for one in pieces]
    np.testing.assert_allclose(model.nats(pieces, GIVEN), alone, rtol=1e-5)
    assert model.nats(pieces[:1])[0] > alone[0]
    assert evaluate(model, pieces)["nats"] == pytest.approx(sum(alone) / (3 * 44), rel=1e-5)


def test_what_the_stack_ahead_reads():
    model, one = small(ahead_size=6), np.array([[60, 57, 53, 48], [60, 57, REST, 48], [62, REST, 53, 50]], np.uint8)
    batch = batch_of(one, piece(7, 0))._replace(
        given=torch.tensor([[True, False, True, False]] * 2), tonic=torch.tensor([5, NO_TONIC])
    )
    codes = ahead(model.read(batch), batch.lengths, 16)
    assert codes.shape[-1] == len(ahead_sizes(16)) and (codes >= 0).all() and (codes < torch.tensor(ahead_sizes(16))).all()
    soprano, alto, tenor = codes[0, :3, :5], codes[0, :3, 5:10], codes[0, :3, 10:15]
    assert soprano[:, 0].tolist() == [12, 12, 14] and soprano[:, 1].tolist() == [12, 14, 25]  # pitch, interval to the next
    assert soprano[:, 2].tolist() == [2, 1, 1]  # how long it is sung
    assert soprano[:, 3].tolist() == [7, 7, 9] and tenor[:, 3].tolist() == [0, 12, 0]  # above the tonic, F
    assert codes[:, 0, -1].tolist() == [0, 1]  # beats to the end
    assert soprano[:, 4].tolist() == [43, 73, 45] and tenor[:, 0].tolist() == [5, 16, 5]
    assert (alto[:, 0] == 17).all()


def test_the_tonic_of_what_is_given():
    major, minor = [60, 62, 64, 65, 67, 69, 71, 72], [69, 71, 72, 74, 76, 77, 80, 81]
    for shift in (0, 5):
        for tune, tonic in ((major, 0), (minor, 9)):
            voices = np.full((8, 4), REST, np.uint8)
            voices[:, 0] = np.array(tune) + shift
            assert tonic_of(voices, GIVEN) == (tonic + shift) % 12
            assert tonic_of(voices, (False, True, True, True)) == NO_TONIC
    voices[:, 0], voices[:, 3] = [64, 65, 67, 64, 62, 60, 64, 64], [48, 53, 55, 48, 55, 57, 55, 48]
    assert tonic_of(voices, GIVEN) == 4 and tonic_of(voices, (True, False, False, True)) == 0  # the bass knows better


def test_a_low_tune_is_counted_as_it_is_written_and_what_is_left_out_is_told(harmonizer):
    low = melody([(0, 480, 40, 80), (0, 480, 42, 80)])
    made = melodia.harmonize(Score([low, Part("Bells", 14, notes=[Note(0, 480, 90, 80)])]), part=1, model=harmonizer)
    assert made.errors["crossing"] > 0 and made.errors["range"] == 1
    assert "harmonised as if 2 octaves higher" in made.messages[0] and made.messages[1].endswith("left out: Bells")
    assert len(melodia.harmonize(Score([low]), model=harmonizer).messages) == 1


def test_a_melody_of_one_note(harmonizer):
    made = melodia.harmonize(Score([melody([(0, 30, 72, 80)])]), model=harmonizer)
    assert made.voices.shape == (1, 4) and all(len(part.notes) == 1 for part in made.score.parts)


def test_echoes_of_what_is_being_made():
    whole = np.concatenate([piece(30, 1), piece(30, 1), piece(9, 2)])
    expected, echoing = echoes(whole), Echoing(2, len(whole))
    for step in range(len(whole)):
        for mine, theirs in zip(echoing.next(), expected, strict=True):
            np.testing.assert_array_equal(mine[1], theirs[step])
        echoing.add(np.stack([piece(1, step)[0], whole[step]]))


def test_which_voices_are_given_in_training():
    pieces = [piece(8, n) for n in range(200)]
    drawn = Pieces(pieces, DataConfig(given=True)).given(3)
    assert 0.45 < np.mean([row == list(GIVEN) for row in drawn]) < 0.65 and [True] * 4 not in drawn
    assert len({tuple(row) for row in drawn}) == 15
    assert Pieces(pieces, DataConfig()).given(3) == [list(UNGIVEN)] * 200


def test_some_notes_are_misheard_and_the_true_ones_meant_where_they_begin():
    voices, ranges = np.tile(piece(40, 1, 60), (10, 1)), np.tile([55, 80], (4, 1))
    heard, meant = mishear(voices, GIVEN, ranges, np.random.default_rng(0))
    np.testing.assert_array_equal(heard[:, 0], voices[:, 0])
    other = heard != voices
    assert 0.08 < other[:, 1:].mean() < 0.2 and np.abs(heard.astype(int) - voices)[other].max() <= FARTHEST
    assert ((heard == REST) == (voices == REST)).all() and heard[heard != REST].max() <= 80
    begins = np.concatenate([np.ones((1, 4), bool), voices[1:] != voices[:-1]])
    np.testing.assert_array_equal(meant, np.where(begins, voices, heard))
    assert (heard[1:][~begins[1:]] == heard[:-1][~begins[1:]]).all()  # held as long as it was


def test_the_loss_is_of_what_is_meant():
    model, one = small(ahead_size=6), piece(12, 1)
    other = one.copy()
    other[5, 2] = 48 if one[5, 2] != 48 else 49
    batch = [collated([(one, *echoes(one))], [GIVEN], [meant]) for meant in (one, other)]
    with torch.no_grad():
        first, second = (model.loss(b) for b in batch)
        log_probs = said(model, one, GIVEN)[5, 2]
    assert first[0].item() == pytest.approx(model.nats([one], GIVEN)[0], rel=1e-5) and int(first[1]) == 36
    gained = log_probs[model.tokens(torch.tensor(one[5, 2]))] - log_probs[model.tokens(torch.tensor(other[5, 2]))]
    assert (second[0] - first[0]).item() == pytest.approx(gained.item(), abs=1e-3)


def test_takes_of_a_split():
    model, pieces = small(36, 84, ahead_size=6), [piece(9, 0, 60), piece(6, 1, 60)]
    for take, one in zip(harmonised(model, pieces), pieces, strict=True):
        np.testing.assert_array_equal(take[:, 0], held(one)[:, 0])
    rests = np.array([[REST] * 4, [60, REST, REST, 48], [REST] * 4, [62, REST, 50, 50]], np.uint8)
    assert held(rests).T.tolist() == [[60, 60, 60, 62], [REST] * 4, [50] * 4, [48, 48, 48, 50]]


def test_the_one_that_ships_errs_little():
    for take in melodia.harmonize_takes(shipped("corpora") / "examples" / "tune.mid", 3, random_seed=1):
        assert sum(take.errors_a_hundred_steps.values()) < 2 * sum(BACH.values())


def test_seconds_are_those_of_the_tempo(harmonizer):
    score = Score([melody([(0, PPQ, 72, 80)] * 4)], [Tempo(0, 60.0), Tempo(960, 120.0)])
    assert melodia.harmonize(score, model=harmonizer).score.seconds == pytest.approx(3.0)
