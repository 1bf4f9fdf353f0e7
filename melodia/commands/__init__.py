"""The command line. Each command is a module here; what it needs is imported when it runs."""

from __future__ import annotations

import errno
import signal
import sys
import threading
from typing import Any

import click

from melodia import __version__
from melodia.commands import (
    bench_memory,
    corpora,
    evaluate,
    generate,
    harmonize,
    humanize,
    inspect,
    models,
    prepare,
    render,
    shrink,
    sing,
    speak,
    train,
    transcribe,
    vary,
)
from melodia.errors import MelodiaError


class Melodia(click.Group):
    """The group that turns a `MelodiaError` into one line and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs a command; bugs keep their traceback."""
        try:
            return super().invoke(ctx)
        except MelodiaError as error:
            click.echo(f"melodia: {' '.join(str(error).split())}", err=True)
            ctx.exit(1)
        except OSError as error:  # a full disk, a folder that may not be written
            if error.errno == errno.EPIPE:
                raise
            click.echo(f"melodia: {error.filename or 'output'}: {error.strerror or error}", err=True)
            ctx.exit(1)


@click.group(cls=Melodia, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="melodia")
def main() -> None:
    """Make music with stacked LSTMs: continue a song, harmonise a tune, write down a recording, speak, sing, train on your own."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # names of files and parts may not fit the terminal
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # leaves nothing half done, as Ctrl-C


for command in (
    generate.command,
    vary.command,
    humanize.command,
    harmonize.command,
    transcribe.command,
    speak.command,
    sing.command,
    render.command,
    models.command,
    prepare.command,
    train.command,
    evaluate.command,
    shrink.command,
    inspect.command,
    corpora.command,
    bench_memory.command,
):
    main.add_command(command)
