"""`melodia shrink`."""

from __future__ import annotations

from pathlib import Path

import click

from melodia.commands.console import json_option, notice, result


@click.command("shrink")
@click.argument("checkpoint")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Folder to write.")
@json_option
def command(checkpoint: str, output: Path, as_json: bool) -> None:
    """Copy a checkpoint with its weights in eight bits: half the size. What that costs `melodia evaluate` tells."""
    from melodia.checkpoint import shrink

    before, after = shrink(checkpoint, output)
    row = {"checkpoint": str(output), "bytes_before": before, "bytes": after}
    if after >= before:
        notice(f"{checkpoint} is in eight bits already; {output} is a copy of it", quiet=False)
    result(f"{output}: {after / 2**20:.1f} MiB of weights, {before / 2**20:.1f} before", row, as_json)
