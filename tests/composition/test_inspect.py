import math

import numpy as np
import pytest
import torch

from melodia.composition import inspect as module
from melodia.composition.codec import encode
from melodia.composition.data import make_piece
from melodia.composition.evaluate import score_pieces
from melodia.composition.inspect import inspect
from melodia.composition.likelier import SHARES, pitch_text
from melodia.composition.model import Composer, ComposerConfig
from melodia.composition.recall import look_up
from melodia.errors import ConfigError
from melodia.score import PPQ, Note, Part, Score


def test_surprise_is_what_evaluate_counts(tiny, song):
    found = inspect(tiny, song)
    expected = score_pieces(tiny, [encode(song)])
    assert found.nats_a_note / math.log(2) == pytest.approx(expected.bits_a_note, rel=1e-5)
    for name, nats in found.nats_by_attribute.items():
        assert nats / math.log(2) == pytest.approx(expected.by_attribute[name], abs=1e-5)
    boxes = found.reading.boxes
    assert len(boxes) == song.num_notes and all(sum(b.shares) == pytest.approx(b.nats) for b in boxes)
    note_columns = ("position", "part", "pitch", "velocity", "beats", "steps")
    of_notes = sum(found.nats_by_attribute[name] for name in note_columns)
    assert sum(sum(b.shares[1:]) for b in boxes) / len(boxes) < of_notes <= found.reading.mean_nats  # kinds come on top


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("length", [1000, 7])
def test_traces_are_those_of_forward(song, cell, length, monkeypatch):
    monkeypatch.setattr(module, "LENGTH", length)
    torch.manual_seed(0)
    config = ComposerConfig(embedding_size=4, hidden_size=12, num_layers=2, head_size=8, cell=cell, layer_norm=True)
    composer = Composer(config).eval()
    events = encode(song)
    piece = make_piece(events)
    inputs = [torch.from_numpy(a[None].astype(np.int64)) for a in (events, look_up(events, piece.pointers))]
    with torch.no_grad():
        hidden, _ = composer(*inputs)
    for bars in (None, (2, 3)):
        reading = inspect(composer, song, bars).reading
        first = 3 if bars is None else int(np.flatnonzero(events[:, 0] == 1)[1])
        steps = len(reading.times)
        assert reading.traces[-1]["hidden"] == pytest.approx(hidden[0, first : first + steps].numpy(), abs=1e-5)
        assert all(len(values) == steps for trace in reading.traces for values in trace.values())
        assert all(len(values) == steps for values in reading.signals.values())


def test_what_a_residual_network_did_can_be_seen(song):
    config = ComposerConfig(embedding_size=4, hidden_size=12, num_layers=3, head_size=8, residual=True, layer_norm=True)
    reading = inspect(Composer(config).eval(), song).reading
    assert len(reading.traces) == 3 and "residual, layer norm" in reading.facts[-1]


def test_bars_and_boxes(tiny, song):
    whole, part = inspect(tiny, song), inspect(tiny, song, (2, 3))
    assert [label for _, label in whole.reading.ticks] == ["1", "2", "3", "4"]
    assert [label for _, label in part.reading.ticks] == ["2", "3"] and part.reading.begin == 3 and part.reading.end == 9
    kept = {(b.label, round(b.nats, 4)) for b in part.reading.boxes}
    assert kept == {(b.label, round(b.nats, 4)) for b in whole.reading.boxes if 3 <= b.onset < 9}
    for box in part.reading.boxes:
        assert part.reading.times[box.step] == box.onset
    assert inspect(tiny, song, (4, 99)).reading.facts[0] == "bar 4"
    for bars, message in (((0, 2), "no range"), ((3, 2), "no range"), ((5, 6), "past the end; there are 4 bars")):
        with pytest.raises(ConfigError, match=message):
            inspect(tiny, song, bars)


def test_a_long_piece_is_cut_at_a_bar_line_and_it_is_told(tiny, song, monkeypatch):
    monkeypatch.setattr(module, "MOST_EVENTS", 30)
    found = inspect(tiny, song)
    assert "bars 1-2 of 4" in found.messages[0] and len(found.reading.times) <= 30
    assert [label for _, label in found.reading.ticks] == ["1", "2"]
    crowd = Score([Part(notes=[Note(i * 20, i * 20 + 20, 60, 90) for i in range(60)])])
    found = inspect(tiny, crowd)
    assert "part of bar 1" in found.messages[0] and len(found.reading.times) == 30


def test_small_and_crowded_pieces(tiny):
    one = inspect(tiny, Score([Part(notes=[Note(0, PPQ, 60, 90)])])).reading
    assert len(one.boxes) == 1 and one.facts[2] == "1 note" and one.boxes[0].label == "C4 · Acoustic grand piano · beat 1"
    drums = inspect(tiny, Score([Part(is_drum=True, notes=[Note(i * PPQ, i * PPQ + 60, 36, 90) for i in range(8)])])).reading
    assert drums.boxes[0].label.startswith("kick · Drums")
    parts = [Part("Twin", notes=[Note(j * 240, j * 240 + 200, 40 + i, 60) for j in range(3 + i % 2)]) for i in range(18)]
    parts[17].name = "Last"
    found = inspect(tiny, Score(parts))
    assert found.messages == ["only the 16 fullest of 18 parts are read"]
    assert len(set(found.reading.groups)) == 16 and {"Twin 15", "Last"} <= set(found.reading.groups)


def test_what_was_likelier_is_never_what_was_read(tiny, song):
    boxes = inspect(tiny, song).reading.boxes
    told = [b for b in boxes if b.likelier]
    assert told
    for box in told:
        assert box.likelier.endswith("%)") and not box.likelier.startswith(box.label.split(" · ")[0] + " ")
    assert tuple(SHARES) == ("time", "part", "pitch", "velocity", "duration")
    assert [pitch_text(p) for p in (60, 21, 0, 128 + 38, 128 + 99)] == ["C4", "A0", "C−1", "snare", "drum 99"]
