"""How a command says that it cannot go on: in one line, with what can be done about it."""

from __future__ import annotations

from typing import IO, Any

import click

__all__ = ["Failure", "Misuse"]


class Failure(click.ClickException):
    """Ends a command with a line on standard error: nothing was found, or it went wrong."""

    exit_code = 1

    def __init__(self, problem: str | Exception) -> None:
        text = " ".join(str(problem).split())
        super().__init__(text.removeprefix("clearspan: "))

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the line."""
        click.echo(f"clearspan: {self.message}", file=file, err=file is None)


class Misuse(Failure):
    """Ends a command in the same way: it was not used, or not set, as it must be."""

    exit_code = 2
