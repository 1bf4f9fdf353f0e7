import matplotlib.image
import pytest

from melodia.errors import MelodiaError
from melodia.picture import draw_learning_curve, draw_piano_roll


def colours(path):
    pixels = (matplotlib.image.imread(path)[..., :3] * 255).round().astype(int).reshape(-1, 3)
    return {tuple(p) for p in pixels.tolist()}


def test_seed_and_continuation_have_two_colours(song, tmp_path):
    seed, made = (0x5B, 0x6B, 0x7A), (0xE0, 0x67, 0x2F)
    both = colours(draw_piano_roll(song, tmp_path / "both.png", join_ticks=2880))
    assert {seed, made} <= both
    assert seed not in colours(draw_piano_roll(song, tmp_path / "one.png"))


def test_any_name_can_be_drawn(song, tmp_path):
    song.parts[0].name = "$_$ \\frac"
    assert draw_piano_roll(song, tmp_path / "odd.png").is_file()


def test_a_curve(tmp_path):
    metrics = tmp_path / "metrics.jsonl"
    with pytest.raises(MelodiaError, match="cannot be read"):
        draw_learning_curve(metrics, tmp_path / "curve.png")
    metrics.write_text(
        '{"iteration": 1, "train": null, "valid": 3.1, "unit": "bits"}\n{"iteration": 2, "train": 2.0, "valid": 2.1, "unit": "bits"}\n'
    )
    assert len(colours(draw_learning_curve(metrics, tmp_path / "curve.png"))) > 5
