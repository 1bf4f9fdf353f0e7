"""Where boxes stand on a roll: one lane a group, from the top down, as tall as its range asks for."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from melodia.inspection.reading import Floats, Reading

NARROWEST, WIDEST = 7.0, 26.0  # of a lane
MARGIN = 1.5  # above and below the boxes


class Lane(NamedTuple):
    """A group's lane: its name and where it begins and ends, growing downwards."""

    name: str
    top: float
    bottom: float


def lay_out(reading: Reading) -> tuple[list[Lane], Floats]:
    """The lanes of groups that have boxes, and of each box the top and bottom: (boxes, 2)."""
    heights = np.array([box.height for box in reading.boxes])
    groups = np.array([box.group for box in reading.boxes], dtype=int)
    places = np.zeros((len(heights), 2))
    lanes: list[Lane] = []
    top = 0.0
    for group in np.unique(groups):
        rows = groups == group
        lowest, highest = heights[rows].min(), heights[rows].max()
        inside = float(np.clip(highest - lowest + 1, NARROWEST, WIDEST))
        scale = inside / max(highest - lowest + 1, NARROWEST)
        centre = top + MARGIN + inside / 2 - (heights[rows] - (lowest + highest) / 2) * scale
        size = max(0.45 * scale, 0.38)
        places[rows] = np.stack([centre - size, centre + size], axis=1)
        bottom = top + inside + 2 * MARGIN
        name = reading.groups[group] if group < len(reading.groups) else ""
        lanes.append(Lane(name, top, bottom))
        top = bottom
    return lanes, places


def brightest(reading: Reading) -> float:
    """The nats from which on a box has the last colour: 49 of 50 boxes stay below."""
    return max(float(np.quantile([box.nats for box in reading.boxes], 0.98)), 1.0) if reading.boxes else 1.0
