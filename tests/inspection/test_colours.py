import numpy as np
import pytest

from melodia.inspection.colours import ANCHORS, colour_map


def lightness(colours):
    """CIE L*, by the definition and not by the way the maps are made."""
    srgb = colours / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    y = linear @ [0.2126, 0.7152, 0.0722]
    return np.where(y > 0.008856, 116 * np.cbrt(y) - 16, 903.3 * y)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("name", ["gate", "surprise"])
def test_one_way_maps_grow_steadily_darker_or_lighter(name, dark):
    steps = np.diff(lightness(colour_map(name, dark)))
    assert colour_map(name, dark).shape == (256, 3)
    assert (steps.sum() > 0) == dark and (steps * (1 if dark else -1) > -0.35).all()


@pytest.mark.parametrize("dark", [False, True])
def test_the_signed_map_is_as_strong_on_both_sides(dark):
    light = lightness(colour_map("signed", dark))
    assert light == pytest.approx(light[::-1], abs=6)
    extreme = light.argmin() if dark else light.argmax()
    assert abs(extreme - 127.5) < 12
    assert set(ANCHORS) == {"signed", "gate", "surprise"}
