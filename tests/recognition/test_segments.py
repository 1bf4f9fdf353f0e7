"""Long recordings cut at pauses: nothing lost, nothing twice, whatever the parts they come in."""

import pytest
import torch

from melodia.errors import ConfigError
from melodia.recognition.segments import Piece, SegmentConfig, pieces, trimmed

RATE = 100.0


def talk(*spans):
    """Seconds of speech (positive) and of pause (negative) as a spectrogram."""
    generator = torch.Generator().manual_seed(0)
    parts = []
    for seconds in spans:
        level = -30.0 if seconds > 0 else -80.0
        parts.append(level + 3 * torch.randn(round(abs(seconds) * RATE), 80, generator=generator))
    return torch.cat(parts)


@pytest.mark.parametrize("size", [7, 100, 1000, 10**6])
def test_pieces_are_the_whole_recording_in_order(size):
    whole = talk(3, -0.7, 5, -0.6, 30, -1, 0.4, -3, 2)
    found = list(pieces(whole.split(size), RATE, SegmentConfig()))
    assert torch.equal(torch.cat([piece.decibels for piece in found]), whole)
    first = 0
    for piece in found:
        assert piece.first == first
        first += len(piece.decibels)
        assert len(piece.decibels) <= 16.5 * RATE


def test_they_end_in_pauses():
    found = list(pieces([talk(3, -0.8, 5, -0.8, 4, -0.2, 4)], RATE, SegmentConfig()))
    ends = [piece.first / RATE for piece in found[1:]]
    assert len(ends) == 2  # the short pause is none
    assert 3.1 < ends[0] < 3.7 and 8.9 < ends[1] < 9.5


def test_long_pauses_are_cut_in_their_middle_and_trimmed():
    first, second = pieces([talk(3, -3, 4)], RATE, SegmentConfig())
    assert second.first == pytest.approx(450, abs=10)
    for piece, margin in ((trimmed(first, 22, 22.0), 322), (trimmed(second, 22, 22.0), 422)):
        assert len(piece.decibels) == pytest.approx(margin, abs=5)
    assert trimmed(second, 22, 22.0).first == pytest.approx(600 - 22, abs=5)
    still = Piece(5, torch.full((50, 80), -90.0))
    assert torch.equal(trimmed(still, 2, 22.0).decibels, still.decibels)


def test_without_a_pause_the_quietest_place_will_do():
    whole = talk(40)
    whole[1230:1240] -= 15
    found = list(pieces([whole], RATE, SegmentConfig()))
    assert 1225 <= found[1].first <= 1245


def test_parts_do_not_matter():
    whole = talk(3, -0.7, 5, -0.6, 30, -1, 0.4, -3, 2)
    cuts = [[piece.first for piece in pieces(whole.split(size), RATE, SegmentConfig())] for size in (3, 50, 333, 10**6)]
    assert all(cut == cuts[0] for cut in cuts) and len(cuts[0]) > 4


def test_nothing_and_silence():
    assert not list(pieces([], RATE, SegmentConfig()))
    assert sum(len(p.decibels) for p in pieces([torch.full((5000, 80), -100.0)], RATE, SegmentConfig())) == 5000
    with pytest.raises(ConfigError, match="longest"):
        SegmentConfig(shortest=2, longest=3)
