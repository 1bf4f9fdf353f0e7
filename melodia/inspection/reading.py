"""What a network did while it read: the currency between the domains, which read, and what draws.

A reading has T steps. Their times (in any unit) never fall; several steps may share one, as the notes
of a chord do. On a picture such steps split the span up to the next time evenly, in the order of reading.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]


class Box(NamedTuple):
    """Something that was read, as a rectangle: a note, a word, a phone."""

    step: int  # that read it
    onset: float
    offset: float
    height: float  # a pitch, or any place on the vertical axis
    group: int  # who plays
    nats: float  # how surprising it was
    label: str
    shares: tuple[float, ...] = ()  # of the nats, in the order of `Reading.share_names`
    likelier: str = ""  # what the network thought more probable


@dataclass(slots=True, kw_only=True)
class Reading:
    """Everything that is drawn. `ticks` are the bar lines, or other marks, with their labels."""

    title: str
    model: str
    facts: list[str]
    times: Floats  # (T,)
    end: float
    traces: list[dict[str, Floats]]  # of each layer (T, units), under the names of `StackedLSTM.trace`
    signals: dict[str, Floats]  # (T,), or (T, k) where any mix of k columns counts; NaN where undefined
    ticks: list[tuple[float, str]]
    boxes: list[Box]
    explained: dict[str, str] = field(default_factory=dict)  # each signal in a few words
    groups: list[str] = field(default_factory=list)
    share_names: tuple[str, ...] = ()
    tick_name: str = "bar"
    unit_name: str = "note"  # what a box is

    @property
    def begin(self) -> float:
        """Where the time axis begins."""
        return float(self.times[0])

    @property
    def mean_nats(self) -> float:
        """Of a box; 0 without any."""
        return float(np.mean([box.nats for box in self.boxes])) if self.boxes else 0.0

    def until(self, end: float) -> Reading:
        """The same up to a time."""
        keep = int(np.searchsorted(self.times, end, side="left"))
        return Reading(
            **{name: getattr(self, name) for name in ("title", "model", "facts", "explained", "groups", "share_names")},
            **{name: getattr(self, name) for name in ("tick_name", "unit_name")},
            times=self.times[:keep],
            end=min(end, self.end),
            traces=[{name: values[:keep] for name, values in layer.items()} for layer in self.traces],
            signals={name: values[:keep] for name, values in self.signals.items()},
            ticks=[tick for tick in self.ticks if tick[0] < end],
            boxes=[box._replace(offset=min(box.offset, end)) for box in self.boxes if box.onset < end],
        )


def step_edges(times: Floats, end: float) -> Floats:
    """Where each step is drawn: steps of one time split the span up to the next time evenly.

    Args:
        times: (T,), never falling.
        end: of the last step; not before the last time.

    Returns:
        (T + 1,), never falling.
    """
    starts, first, counts = np.unique(times, return_index=True, return_counts=True)
    spans = np.diff(np.append(starts, max(end, starts[-1])))
    inside = np.arange(len(times)) - np.repeat(first, counts)
    edges = np.repeat(starts, counts) + inside * np.repeat(spans / counts, counts)
    return np.append(edges, max(end, starts[-1]))


def brightness(values: Floats) -> float:
    """What is drawn in the strongest colour: 49 of 50 values are nearer to 0."""
    return float(np.quantile(np.abs(values), 0.98)) or float(np.abs(values).max()) or 1.0


def memory(trace: dict[str, Floats]) -> str:
    """The name of what a layer remembers with: `cell` where there is one, else `hidden`."""
    return "cell" if "cell" in trace else "hidden"


def gates(trace: dict[str, Floats]) -> list[str]:
    """The names of a layer's gates, those between 0 and 1."""
    return [name for name in trace if name not in ("cell", "hidden", "candidate")]
