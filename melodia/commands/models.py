"""`melodia models`."""

from __future__ import annotations

from typing import Any

import click

from melodia.commands.console import json_option


@click.command("models")
@json_option
def command(as_json: bool) -> None:
    """List the checkpoints that ship: what they do, data, licence, size, measured numbers."""
    import json

    from melodia.checkpoint import DEFAULTS, read_info
    from melodia.files import shipped

    rows: list[dict[str, Any]] = []
    for config in sorted(shipped("checkpoints").glob("*/config.json")):
        info = read_info(config.parent)
        size = (config.parent / "model.safetensors").stat().st_size
        rows.append(
            {
                "name": config.parent.name,
                "default": config.parent.name == DEFAULTS.get(info.domain),
                "title": info.title,
                "domain": info.domain,
                "data": info.data,
                "licence": info.licence,
                "bytes": size,
                "metrics": info.metrics,
            }
        )
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for row in rows:
        click.echo(f"{row['name']}{' (default)' if row['default'] else ''}: {row['title']}")
        click.echo(f"  domain   {row['domain']}")
        click.echo("  data     " + ", ".join(f"{s['name']} ({s['licence']})" for s in row["data"]))
        click.echo(f"  licence  {row['licence']}")
        click.echo(f"  size     {row['bytes'] / 2**20:.1f} MiB")
        click.echo("  measured " + ", ".join(_told(row["metrics"])))


def _told(metrics: dict[str, Any]) -> list[str]:
    return [f"{name.replace('_', ' ')} {_number(value)}" for name, value in metrics.items() if isinstance(value, int | float)]


def _number(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
