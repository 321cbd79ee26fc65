"""What commands print with: a console that knows pipes, JSON, times, and text from anywhere."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

__all__ = ["Rows", "console", "document", "line", "moment", "printable", "when"]

_PIPE_WIDTH = 120
_INDENT = 2
_NARROWEST = 20


def console() -> Console:
    """A console on standard output; in a pipe as wide as lines are still easy to read."""
    wide = None if sys.stdout.isatty() or os.environ.get("COLUMNS") else _PIPE_WIDTH
    return Console(width=wide, highlight=False, markup=False, emoji=False)


def document(value: object) -> None:
    """Print one JSON document."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=_narrow(), default=str))


def line(value: object) -> None:
    """Print JSON on one line, and send it off at once."""
    click.echo(json.dumps(value, ensure_ascii=_narrow(), default=str))
    sys.stdout.flush()


def _narrow() -> bool:
    encoding: Any = getattr(sys.stdout, "encoding", None)
    return not str(encoding).lower().replace("-", "").startswith("utf")


def when(nanoseconds: int) -> str:
    """A time of today by the clock, an older one by its date; local time."""
    found = datetime.fromtimestamp(nanoseconds / 1e9).astimezone()
    now = datetime.now().astimezone()
    if found.date() == now.date():
        return found.strftime("%H:%M:%S")
    return found.strftime("%b %d %H:%M" if found.year == now.year else "%Y-%m-%d")


def moment(nanoseconds: int) -> str:
    """A time to the millisecond, local."""
    found = datetime.fromtimestamp(nanoseconds / 1e9).astimezone()
    return f"{found:%H:%M:%S}.{found.microsecond // 1000:03}"


def printable(text: str) -> str:
    """`text` with its lines, but without what would steer a terminal."""
    return "".join(char if char.isprintable() or char == "\n" else " " for char in text)


class Rows:
    """Labels with what belongs to them beside, wrapped there; no space is left at a line's end.

    A label that would leave too little room stands on lines of its own.
    """

    def __init__(self, rows: Sequence[tuple[Text, Text]]) -> None:
        self._rows = rows

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw in the width of `options`."""
        longest = max((label.cell_len for label, _ in self._rows), default=0)
        half = options.max_width // 2
        widest = max(min(half, options.max_width - _NARROWEST), min(half, 2 * _INDENT))
        left = min(_INDENT + longest + 2, widest)
        room = max(1, options.max_width - left)
        for label, said in self._rows:
            beside = [label]
            if _INDENT + label.cell_len >= left:
                above = max(1, options.max_width - _INDENT)
                yield from (_line(each) for each in label.wrap(console, above, overflow="fold"))
                beside = []
            for wrapped in said.wrap(console, room, overflow="fold"):
                yield _line(*beside, wrapped, at=left)
                beside = []


def _line(*pieces: Text, at: int = _INDENT) -> Text:
    """A line: what comes last begins at `at`, what stands before it is indented."""
    text = Text(" " * _INDENT, no_wrap=True).append_text(Text().join(pieces[:-1]))
    text.append(" " * (at - text.cell_len)).append_text(pieces[-1])
    text.rstrip()
    return text
