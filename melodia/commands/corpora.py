"""`melodia corpora`."""

from __future__ import annotations

import click

from melodia.commands.console import json_option


@click.command("corpora")
@json_option
def command(as_json: bool) -> None:
    """List the corpora that there are recipes for: source, licence, how to get them."""
    import json
    from dataclasses import asdict

    from melodia.files import shipped
    from melodia.recipe import load_recipe

    recipes = [load_recipe(path.parent.name) for path in sorted(shipped("corpora").glob("*/corpus.toml"))]
    if as_json:
        click.echo(json.dumps([asdict(r) for r in recipes], indent=2, ensure_ascii=False))
        return
    for recipe in recipes:
        click.echo(
            f"{recipe.name}: {recipe.title}\n  licence {recipe.licence}\n  source  {recipe.url}\n  get it  {recipe.how_to_get}"
        )
