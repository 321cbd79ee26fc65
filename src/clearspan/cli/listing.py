"""The table of traces, fitted to the width that there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from clearspan.cli.screen import when
from clearspan.exporters.console import Totals, duration, sums as summed
from clearspan.exporters.store import TraceSummary

__all__ = ["listing"]

_ID = 0
_ID_DIGITS = 8
_WIDE = 100
_HEADINGS = (
    "trace",
    "start",
    "took",
    "name",
    "model",
    "session",
    "spans",
    "in",
    "out",
    "cost",
    "passed",
    "errors",
)
_START, _TOOK, _NAME, _MODEL, _SESSION, _SPANS, _IN, _OUT, _COST, _PASSED, _ERRORS = range(1, 12)
# What gives way when there is little room, and how far; no number is ever cut.
_ELASTIC = {_NAME: 14, _MODEL: 9, _SESSION: 7}
_NUMBERS = (_TOOK, _SPANS, _IN, _OUT, _COST, _PASSED, _ERRORS)
# What is left out when that is not enough, the least important first.
_LEAVING = (_SESSION, _MODEL, _COST, _SPANS, _START, _TOOK, _PASSED, _OUT, _IN, _ERRORS)


def listing(
    found: Sequence[TraceSummary],
    sums: Mapping[str, Totals],
    passed: Mapping[str, tuple[int, int]] | None = None,
) -> Listing:
    """The traces as a table that a rich console can print; columns without a value are left out.

    `sums` are those of the traces by their ids, where there are any; `passed`, how many of how many scores did.
    """
    return Listing(found, sums, passed or {})


class Listing:
    """What `listing` gives."""

    def __init__(
        self,
        found: Sequence[TraceSummary],
        sums: Mapping[str, Totals],
        passed: Mapping[str, tuple[int, int]],
    ) -> None:
        self._traces = [
            (each, sums.get(each.trace_id), passed.get(each.trace_id)) for each in found
        ]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw in the width of `options`."""
        rows = [_cells(*each, plain=options.ascii_only) for each in self._traces]
        widths = _fit(rows, options.max_width)
        yield _drawn(_HEADINGS, widths, options, heading=True)
        for row in rows:
            yield _drawn(row, widths, options)


def _cells(
    trace: TraceSummary, sums: Totals | None, passed: tuple[int, int] | None, *, plain: bool
) -> tuple[str, ...]:
    sent, made = ("~" * about for about in (sums.estimated if sums else (False, False)))
    return (
        trace.trace_id[:_ID_DIGITS],
        when(trace.start_ns),
        duration(trace.duration_ns),
        _bare(trace.name),
        _bare(", ".join(trace.models)),
        _bare(trace.session or ""),
        f"{trace.spans:,}",
        "" if trace.input_tokens is None else f"{sent}{trace.input_tokens:,}",
        "" if trace.output_tokens is None else f"{made}{trace.output_tokens:,}",
        summed(sums.costs, plain=plain) if sums else "",
        "" if passed is None else f"{passed[0]:,}/{passed[1]:,}",
        str(trace.errors or ""),
    )


def _bare(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)


def _fit(rows: Sequence[Sequence[str]], width: int) -> dict[int, int]:
    """The width of each column that is shown: names give way first, then whole columns."""
    widths = {
        at: max(cell_len(heading), *(cell_len(row[at]) for row in rows))
        for at, heading in enumerate(_HEADINGS)
        if any(row[at] for row in rows)
    }
    for leaving in _LEAVING:
        if _squeeze(widths, width):
            return widths
        widths.pop(leaving, None)
    if not _squeeze(widths, width) and _NAME in widths:
        widths[_NAME] = max(1, width - widths[_ID] - _gap(width))
    return widths


def _gap(width: int) -> int:
    return 2 if width >= _WIDE else 1


def _squeeze(widths: dict[int, int], width: int) -> bool:
    """Narrow the widest of the elastic columns until all fit; False when they cannot."""
    elastic = {at: widths[at] for at in _ELASTIC if at in widths}
    rigid = sum(cells for at, cells in widths.items() if at not in elastic)
    room = width - rigid - _gap(width) * (len(widths) - 1)
    while sum(elastic.values()) > room:
        if not elastic:
            return False
        widest = max(elastic, key=lambda at: elastic[at] - _ELASTIC[at])
        if elastic[widest] <= _ELASTIC[widest]:
            return False
        elastic[widest] -= 1
    widths.update(elastic)
    return True


def _drawn(
    row: Sequence[str], widths: dict[int, int], options: ConsoleOptions, *, heading: bool = False
) -> Text:
    more = "~" if options.ascii_only else "…"
    drawn = Text(no_wrap=True, overflow="crop")
    for at, width in widths.items():
        cell = row[at]
        if cell_len(cell) > width:
            cell = set_cell_size(cell, width - 1) + more
        padding = " " * (width - cell_len(cell))
        drawn.append(padding + cell if at in _NUMBERS else cell + padding, _style(at, heading))
        drawn.append(" " * _gap(options.max_width))
    drawn.rstrip()
    return drawn


def _style(at: int, heading: bool) -> str:  # noqa: FBT001 -- one caller, two arguments
    if heading:
        return "bold"
    styles = {
        _ID: "cyan",
        _COST: "yellow",
        _PASSED: "green",
        _ERRORS: "bold red",
        _SESSION: "dim",
        _MODEL: "magenta",
    }
    return styles.get(at, "")
