"""The options that say what new music is to be like, shared by the verbs that make it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

OPTIONS = (
    click.option(
        "--temperature", default="1", show_default=True, help="0: the likeliest notes; above 1: bolder. Or rhythm=0.8,pitch=1.1 ..."
    ),
    click.option("--top-k", type=int, default=0, show_default=True, help="Draw from the k likeliest only; 0: from all."),
    click.option(
        "--top-p", type=float, default=0.98, show_default=True, help="Draw from the likeliest that make up this probability."
    ),
    click.option("--key", help="Only pitches of this key: C, F#, Bb, Am ..."),
    click.option("--scale", help="Scale of the key: major, minor, dorian, blues ..."),
    click.option("--register", help="Lowest and highest pitch: 48-84, C3-C6, or piano=48-84,bass=28-48."),
    click.option("--density", help="Fewest and most notes a bar, all instruments together: 4-12."),
    click.option("--polyphony", help="Most notes sounding at once: 3, or piano=3,bass=1."),
    click.option("--velocity", help="Softest and loudest: 60-100, or points along the bars: 1:40,8:100."),
    click.option("--repetition", type=int, help="How often the same bar may stand; 1: no bar comes twice."),
)
rank_option = click.option(
    "--rank", is_flag=True, help="Sort the takes by the model's own surprise: the first file is the least surprising."
)
NAMES = ("temperature", "top_k", "top_p", "key", "scale", "register", "density", "polyphony", "velocity", "repetition")


def steering_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options to a command, in their order."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def steered(options: dict[str, Any]) -> dict[str, Any]:
    """Those of a command's options that steer."""
    return {name: options[name] for name in NAMES}
