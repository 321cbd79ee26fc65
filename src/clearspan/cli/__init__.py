"""The command line: one command a file, imported when it is called.

Exit codes: 0 when all is well, 1 when nothing was found or a check failed, 2 for wrong usage.
"""

from __future__ import annotations

import io
import sys
from importlib import import_module
from typing import Any, Final

import click

__all__ = ["main"]

# Short help stands here, so that listing the commands imports none of them.
_COMMANDS: Final = {
    "demo": "Record a small program and show its traces.",
    "run": "Run a Python program and record it, without changing it.",
    "show": "List the stored traces, or draw one of them.",
    "tail": "Print spans as they are stored.",
    "evaluate": "Judge calls that are over: a data set, a store, recorded telemetry.",
    "doctor": "Check the installation, the settings and the destination.",
}


class _Commands(click.Group):
    """Commands that are modules of this package, each with its own `command`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"{__name__}.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


def _version(ctx: click.Context, parameter: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 -- how click calls it
    if wanted and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"clearspan {version('clearspan')}")
        ctx.exit()


def _forgiving(stream: Any) -> None:
    """Let what a terminal cannot show become `?`: prompts hold any character there is."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="replace")


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Try it: clearspan demo",
)
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_version,
    help="Show the version and exit.",
)  # fmt: skip
def main() -> None:
    """See what your program asks language models, and what they answer."""
    _forgiving(sys.stdout)
    _forgiving(sys.stderr)
