"""How a command says that it cannot go on: in one line, with what can be done about it."""

from __future__ import annotations

from typing import IO, Any

import click

__all__ = ["NOTHING", "USAGE", "Failure"]

NOTHING = 1
"""Nothing was found, or a check failed."""
USAGE = 2
"""The command was not used as it must be."""


class Failure(click.ClickException):
    """Ends a command with a line on standard error and an exit code."""

    def __init__(self, problem: str | Exception, code: int = NOTHING) -> None:
        text = " ".join(str(problem).split())
        super().__init__(text.removeprefix("clearspan: "))
        self.exit_code = code

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the line."""
        click.echo(f"clearspan: {self.message}", file=file, err=file is None)
