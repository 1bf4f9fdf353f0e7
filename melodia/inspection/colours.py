"""Colours that are even to the eye, and told apart by the colour-blind.

The maps are straight lines in OKLab (Ottosson 2020, https://bottosson.github.io/posts/oklab), where equal
steps look equal: from paper to ink for what is between 0 and 1 and for surprise, and from blue over
paper to orange, equally dark at both ends, for what has a sign. On dark paper the lightness runs the
other way. The eight colours of groups are those of Okabe and Ito (2008), darkened where paper needs it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Colours = NDArray[np.uint8]  # (256, 3) sRGB

PAPER, DARK_PAPER = "#fbfaf7", "#17181b"
INK, FADED, LINE = "#22262b", "#767b82", "#dcd8cf"
GROUPS = ("#0072b2", "#d55e00", "#009e73", "#b0578d", "#a8820a", "#3f93c4", "#5b5b5b", "#8c510a")
ANCHORS = {
    "signed": (("#0b4f8a", "#4f97c9", "#f6f4ef", "#e08a3c", "#8f3d05"), ("#8cc4f2", "#2f6a9c", "#1f2024", "#a85a17", "#ffb877")),
    "gate": (("#f6f4ef", "#a9c9b5", "#4c8f8b", "#155a6b", "#0a2540"), ("#1f2024", "#1d4a58", "#2f8480", "#8fc7a2", "#f2f7d9")),
    "surprise": (("#c9ccd1", "#e3b66b", "#d9762b", "#a83216", "#5c0f1c"), ("#4a4e56", "#8d6a34", "#d0792f", "#f2a465", "#ffe9cf")),
}


def colour_map(name: str, dark: bool = False) -> Colours:
    """256 colours of a map: `signed`, `gate` or `surprise`; for dark paper if wanted."""
    anchors = np.array([_oklab(_parsed(text)) for text in ANCHORS[name][dark]])
    if name != "signed":  # even steps all the way
        anchors[:, 0] = np.linspace(anchors[0, 0], anchors[-1, 0], len(anchors))
    else:  # as dark at one end as at the other
        lightness = (anchors[:, 0] + anchors[::-1, 0]) / 2
        lightness[[1, 3]] = (lightness[0] + lightness[2]) / 2
        anchors[:, 0] = lightness
    places = np.linspace(0, len(anchors) - 1, 256)
    lab = np.stack([np.interp(places, np.arange(len(anchors)), anchors[:, i]) for i in range(3)], axis=1)
    return _srgb(lab)


def group_colour(group: int) -> str:
    """The colour of a group, as text."""
    return GROUPS[group % len(GROUPS)]


TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def _parsed(text: str) -> NDArray[Any]:
    return np.array([int(text[i : i + 2], 16) / 255 for i in (1, 3, 5)])


def _oklab(srgb: NDArray[Any]) -> NDArray[Any]:
    linear: NDArray[Any] = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    lab: NDArray[Any] = np.cbrt(linear @ TO_LMS.T) @ TO_LAB.T
    return lab


def _srgb(lab: NDArray[Any]) -> Colours:
    linear = ((lab @ np.linalg.inv(TO_LAB).T) ** 3 @ np.linalg.inv(TO_LMS).T).clip(0, 1)
    srgb = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return (srgb * 255).round().astype(np.uint8)
