"""One HTML file that shows a reading: everything inside, nothing fetched, drawn by a little JavaScript.

Numbers travel as bytes: a gate as 0-255 for 0 to 1, what has a sign as 1-255 for minus to plus the
unit's own greatest, and 0 where there is nothing. Names come from files that anyone may have written: they
stand in the page as JSON without a `<` and are shown as text alone.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melodia.files import write_atomically
from melodia.inspection.colours import DARK_PAPER, GROUPS, PAPER, colour_map
from melodia.inspection.lanes import brightest, lay_out
from melodia.inspection.reading import Floats, Reading, brightness, gates, memory, step_edges
from melodia.inspection.units import Ranked, Row, Unit, fitted, rows_of

MOST_BYTES, MOST_FITTED = 2_400_000, 600_000  # of traces, and of what they follow
MOST_LAYERS = 12
MOST_LISTED = 24  # of the most surprising boxes
HERE = Path(__file__).parent


def write_page(reading: Reading, ranked: Sequence[Ranked], path: Path, layers: Sequence[int]) -> Path:
    """Writes the page.

    Args:
        reading: what is shown.
        ranked: which units follow what.
        path: the file.
        layers: whose heat maps are shown.

    Raises:
        OSError: the file cannot be written.
    """
    write_atomically(path, page(reading, ranked, layers))
    return path


def page(reading: Reading, ranked: Sequence[Ranked], layers: Sequence[int]) -> str:
    """The page as text."""
    content = json.dumps(page_data(reading, ranked, layers), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    content = content.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    texts = {
        "TITLE": html.escape(f"{reading.title} · {reading.model}"),
        "PAPER": PAPER,
        "DARK": DARK_PAPER,
        "STYLE": _source("page.css"),
        "DATA": content,
        "SCRIPT": "".join(_source(name) for name in ("draw.js", "page.js", "point.js")),
    }
    return re.sub(r"\[\[([A-Z]+)\]\]", lambda place: texts[place[1]], _source("page.html"))


def page_data(reading: Reading, ranked: Sequence[Ranked], layers: Sequence[int]) -> dict[str, Any]:
    """What the script draws."""
    layers = layers[:MOST_LAYERS]
    rows = {layer: rows_of(reading.traces, ranked, layer, _most_rows(reading, len(layers))) for layer in layers}
    units = _chosen(reading, ranked, [row.unit for of_layer in rows.values() for row in of_layer])
    fits = _fits(reading, ranked, units)
    lanes, places = lay_out(reading)
    return {
        "title": reading.title,
        "model": reading.model,
        "facts": reading.facts,
        "words": {"tick": reading.tick_name, "unit": reading.unit_name},
        "mean": round(reading.mean_nats, 5),
        "brightest": round(brightest(reading), 2),
        "edges": _base64(step_edges(reading.times, reading.end).astype("<f4")),
        "steps": len(reading.times),
        "ticks": [[round(time, 4), label] for time, label in reading.ticks],
        "lanes": [[lane.name, round(lane.top, 2), round(lane.bottom, 2)] for lane in lanes],
        "boxes": _boxes(reading, places),
        "shares": list(reading.share_names),
        "traces": [{"memory": memory(trace), "gates": gates(trace)} for trace in reading.traces],
        "widths": [len(trace["hidden"][0]) for trace in reading.traces],
        "layers": [_layer(reading, layer, rows[layer]) for layer in layers],
        "names": [_name(reading, found, fits[found.name]) for found in ranked],
        "constant": [name for name in reading.signals if name not in {found.name for found in ranked}],
        "units": [_unit(reading, unit) for unit in units],
        "most": MOST_LISTED,
        "maps": {name: [_hex(colour_map(name)), _hex(colour_map(name, dark=True))] for name in ("signed", "gate", "surprise")},
        "colours": list(GROUPS),
    }


def _series(reading: Reading) -> int:
    """How many bytes one unit takes."""
    return max(max(len(gates(trace)) + 2 for trace in reading.traces) * len(reading.times), 1)


def _most_rows(reading: Reading, num_layers: int) -> int:
    """Of a heat map: half of the bytes are for rows."""
    return int(np.clip(MOST_BYTES // (_series(reading) * num_layers * 2), 4, 24))


def _chosen(reading: Reading, ranked: Sequence[Ranked], shown: Sequence[Unit]) -> list[tuple[int, int]]:
    """The units whose traces go along: those of the rows, then of each name its first, second ..."""
    deepest = max((len(found.best) for found in ranked), default=0)
    listed = [found.best[i] for i in range(deepest) for found in ranked if i < len(found.best)]
    units = list(dict.fromkeys((unit.layer, unit.unit) for unit in [*shown, *listed]))
    return units[: max(MOST_BYTES // _series(reading), len(shown))]


def _fits(reading: Reading, ranked: Sequence[Ranked], units: Sequence[tuple[int, int]]) -> dict[str, dict[str, str]]:
    """For each name what its units follow, on their scales: the best of all layers, of each layer, then the others."""
    places = [(found.name, unit) for found in ranked for unit in found.best_of_layer]
    deepest = max((len(found.best) for found in ranked), default=0)
    others = [(found.name, found.best[i]) for i in range(deepest) for found in ranked if i < len(found.best)]
    pairs = dict.fromkeys([*others[: len(ranked)], *places, *others])
    able = [(name, unit) for name, unit in pairs if (unit.layer, unit.unit) in units]
    made: dict[str, dict[str, str]] = {found.name: {} for found in ranked}
    for name, unit in able[: MOST_FITTED // max(len(reading.times), 1)]:
        made[name][f"{unit.layer}/{unit.unit}"] = _base64(_follows(reading, name, unit))
    return made


def _boxes(reading: Reading, places: Floats) -> list[list[Any]]:
    return [
        [
            box.step,
            round(box.onset, 4),
            round(box.offset, 4),
            round(top, 2),
            round(bottom, 2),
            round(box.nats, 2),
            [round(share, 2) for share in box.shares],
            box.label,
            box.likelier,
            box.group,
        ]
        for box, (top, bottom) in zip(reading.boxes, places.tolist(), strict=True)
    ]


def _layer(reading: Reading, layer: int, shown: Sequence[Row]) -> dict[str, Any]:
    trace = reading.traces[layer]
    means = {name: _base64(_gate(trace[name].mean(axis=1))) for name in gates(trace)}
    rows = []
    for row in shown:
        values = trace[memory(trace)][:, row.unit.unit]
        rows.append([row.unit.unit, row.name, round(row.unit.r, 3), round(brightness(values) / _greatest(values), 4)])
    return {
        "layer": layer,
        "memory": memory(trace),
        "gates": gates(trace),
        "means": means,
        "rows": rows,
        "width": len(trace["hidden"][0]),
    }


def _name(reading: Reading, found: Ranked, fits: dict[str, str]) -> dict[str, Any]:
    best = [[unit.layer, unit.unit, round(unit.r, 3)] for unit in found.best]
    return {
        "name": found.name,
        "means": reading.explained.get(found.name, ""),
        "best": best,
        "chance": round(found.chance, 3),
        "clear": found.above_chance,
        "steps": found.steps,
        "fits": fits,
    }


def _unit(reading: Reading, unit: tuple[int, int]) -> dict[str, Any]:
    layer, index = unit
    trace = reading.traces[layer]
    most = _greatest(trace[memory(trace)][:, index])
    made: dict[str, Any] = {"layer": layer, "unit": index, "most": float(f"{most:.3g}")}
    for name in dict.fromkeys((memory(trace), "hidden", *gates(trace))):
        values = trace[name][:, index]
        made[name] = _base64(_gate(values) if name in gates(trace) else _signed(values, most if name == memory(trace) else 1.0))
    return made


def _follows(reading: Reading, name: str, unit: Unit) -> NDArray[np.uint8]:
    trace = reading.traces[unit.layer]
    values = trace[memory(trace)][:, unit.unit]
    return _signed(fitted(reading.signals[name], values), _greatest(values))


def _greatest(values: Floats) -> float:
    return float(np.abs(values).max()) or 1.0


def _gate(values: Floats) -> NDArray[np.uint8]:
    return (values.clip(0, 1) * 255).round().astype(np.uint8)


def _signed(values: Floats, most: float) -> NDArray[np.uint8]:
    scaled = 128 + 127 * np.nan_to_num(values / most).clip(-1, 1)
    return np.where(np.isfinite(values), scaled.round(), 0).astype(np.uint8)


def _base64(values: Any) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")


def _hex(colours: Any) -> str:
    return bytes(colours.tobytes()).hex()


def _source(name: str) -> str:
    return (HERE / name).read_text("utf-8")
