"""The bars of a take as a tree of their notes, to tell whether the bar at hand has been heard too often."""

from __future__ import annotations

from dataclasses import dataclass, field

Stroke = tuple[int, int, int]  # position, part, pitch


@dataclass(slots=True)
class Node:
    """What bars have in common so far. `times` bars end here, `stops` of its children may not end again."""

    children: dict[Stroke, Node] = field(default_factory=dict)
    times: int = 0
    stops: int = 0
    widest: int = 0  # the most `stops` among what lies `fewest - 1` notes from the root, here or below


class Repeats:
    """The bars so far, of which none may stand more than `most` times. Bars without notes do not count."""

    def __init__(self, most: int, fewest: int) -> None:
        self.most, self.depth = most, max(fewest - 1, 0)
        self.root = Node()
        self.bars: list[list[Stroke]] = []
        self.strokes: list[Stroke] = []  # of the bar at hand
        self.node: Node | None = self.root

    def add(self, stroke: Stroke) -> None:
        """The bar goes on."""
        self.strokes.append(stroke)
        self.node = self.node.children.get(stroke) if self.node else None

    def end_bar(self) -> None:
        """The bar is over."""
        if self.strokes:
            self._keep(self.strokes)
        self.strokes, self.node = [], self.root

    def full(self, node: Node | None) -> bool:
        """Whether a bar that comes to a node has been heard often enough."""
        return node is not None and node is not self.root and node.times >= self.most

    def widest(self, node: Node | None, notes: int) -> int:
        """At most how many notes would end a bar that may not end, for the last note that it must have."""
        if node is None:
            return 0
        return node.widest if notes <= self.depth else node.stops

    def copy(self) -> Repeats:
        """The same bars, at a bar line."""
        other = Repeats(self.most, self.depth + 1)
        for bar in self.bars:
            other._keep(bar)
        return other

    def _keep(self, strokes: list[Stroke]) -> None:
        self.bars.append(strokes)
        path = [self.root]
        for stroke in strokes:
            path.append(path[-1].children.setdefault(stroke, Node()))
        path[-1].times += 1
        if path[-1].times == self.most:
            path[-2].stops += 1
        for depth in range(min(self.depth, len(path) - 1), -1, -1):
            node = path[depth]
            below = (child.widest for child in node.children.values())
            node.widest = node.stops if depth == self.depth else max(below, default=0)
