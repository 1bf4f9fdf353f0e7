"""A made-up reading for the tests: no network, units that are planted."""

import numpy as np

from melodia.inspection.reading import Box, Reading


def planted(steps=120, units=10, **changes) -> Reading:
    """Noise in two layers; unit 3 of the second follows a bar of 12 steps, unit 5 of the first stands still."""
    random = np.random.default_rng(0)
    layers = []
    for _ in range(2):
        layers.append({name: random.random((steps, units)).astype(np.float32) for name in ("input", "forget", "output")})
        layers[-1] |= {name: random.normal(size=(steps, units)).astype(np.float32) for name in ("hidden", "cell")}
    signal = (random.random(steps) < 0.3).astype(float)
    layers[1]["cell"][:, 3] = 2 * signal - 5
    layers[0]["cell"][:, 5] = 0.7
    boxes = [Box(i, i / 2, i / 2 + 0.4, 60 + i % 7, i % 2, 1 + i % 5, f"note {i}", (1, i % 5)) for i in range(steps)]
    parts = {
        "title": "made.up",
        "model": "planted",
        "facts": ["no network"],
        "times": np.arange(steps) / 2,
        "end": steps / 2,
        "traces": layers,
        "signals": {"bell": signal, "still": np.ones(steps), "nowhere": np.full(steps, np.nan)},
        "ticks": [(float(i), str(1 + i // 6)) for i in range(0, steps // 2, 6)],
        "boxes": boxes,
        "groups": ["left", "right"],
        "share_names": ("sure", "unsure"),
    }
    return Reading(**parts | changes)
