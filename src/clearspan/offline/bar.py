"""The progress bar: on standard error, and only where that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Literal

__all__ = ["Progress", "progressing"]

Progress = Callable[[int, "int | None"], object]
"""Told how much of the source is done, and how much there is (`None` where nobody knows)."""


@contextmanager
def progressing(wanted: Progress | Literal[False] | None) -> Generator[Progress]:
    """Whom to tell: the callable given, a bar on a terminal, else nobody (`False`: nobody at all)."""
    if callable(wanted):
        yield wanted
    elif wanted is False or not sys.stderr.isatty():
        yield _nobody
    else:
        with _bar() as tell:
            yield tell


def _nobody(done: int, total: int | None) -> None:
    """Say nothing."""


@contextmanager
def _bar() -> Generator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress as Bar, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
