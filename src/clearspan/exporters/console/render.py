"""Drawing the tree of a trace with rich: a line a span, with a bar over the time of the trace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from clearspan.exporters.console.quantities import duration, money, sums as total, tokens
from clearspan.exporters.console.scores import ScoreView, remarks, share_passed
from clearspan.exporters.console.totals import Totals, totals
from clearspan.exporters.console.view import Line, SpanView, arrange

__all__ = ["TraceTree", "render_trace"]

_COLOURS = {"model": "cyan", "step": "magenta", "other": "blue"}
_GAP = 2
_NARROWEST_NAME, _WIDEST_NAME = 16, 60
_NARROWEST_BAR, _WIDEST_BAR = 8, 36
_NARROWEST_NOTES, _SHORT_NOTES = 10, 40
_DEEPEST = 12


@dataclass(frozen=True, slots=True)
class _Marks:
    """The signs of a tree, for terminals that have them and for those that do not."""

    branch: str
    corner: str
    pass_by: str
    bar: str
    waiting: str
    arrow: str
    error: str
    more: str
    dot: str
    plain: bool


_FANCY = _Marks("├─ ", "└─ ", "│  ", "█", "░", "→", "✗ ", "…", " · ", plain=False)
_PLAIN = _Marks("|- ", "`- ", "|  ", "#", "-", ">", "x ", "~", " | ", plain=True)


@dataclass(frozen=True, slots=True)
class _Widths:
    """Cells for each column; 0 leaves it out."""

    name: int
    bar: int
    duration: int
    tokens: int
    cost: int
    notes: int


def render_trace(
    spans: Sequence[SpanView],
    *,
    title: str | None = None,
    max_spans: int = 1_000,
    scores: Mapping[str, Sequence[ScoreView]] | None = None,
) -> TraceTree:
    """The tree of one trace, to be printed by a rich console.

    Each line has the span's name, a bar over the time of the trace (lighter until the answer
    began), its duration, tokens in and out, cost, and what there is to say: error, how it ended,
    finish reasons, time to the first content, tokens a second, energy, retries. `~` marks what was not
    reported. It takes the width that there is: bars go first, then notes move to a line of their own. The
    scores of a span stand below it. It says the same without colours.

    Args:
        spans: Spans of one trace, in any order.
        title: Stands before the sums in the first line.
        max_spans: How many lines at most; the rest is counted.
        scores: Those of each span, by its id.
    """
    return TraceTree(spans, title, max_spans, scores or {})


class TraceTree:
    """What `render_trace` gives: something that a rich console can print."""

    def __init__(
        self,
        spans: Sequence[SpanView],
        title: str | None,
        max_spans: int,
        scores: Mapping[str, Sequence[ScoreView]],
    ) -> None:
        self._title = title
        self._totals = totals(spans)
        self._scores = scores
        self._passed = share_passed(score for each in scores.values() for score in each)
        self._all = arrange(spans)
        self._lines = self._all[:max_spans]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw, in the width and with the signs that `options` admit."""
        marks = _PLAIN if options.ascii_only else _FANCY
        yield self._heading(marks)
        if not self._lines:
            return
        start = min(line.start_ns for line in self._all)
        length = max(1, max(line.end_ns for line in self._all) - start)
        widths = _fit(self._lines, marks, options.max_width)
        for line in self._lines:
            yield from _draw(line, marks, widths, start, length)
            yield from _judged(self._scores.get(line.span_id, ()), line, marks, options.max_width)
        if hidden := len(self._all) - len(self._lines):
            yield Text(f"{marks.more} {hidden} more spans", style="dim", no_wrap=True)

    def _heading(self, marks: _Marks) -> Text:
        sums = self._totals
        parts = [duration(sums.duration_ns), f"{sums.spans} span{'s' * (sums.spans != 1)}"]
        if used := _tokens(sums, marks):
            parts.append(f"{used} tokens")
        if sums.costs:
            # A sum of which a part is not known says so.
            part = f" for {sums.priced} of {sums.calls} calls" * (sums.priced < sums.calls)
            parts.append(total(sums.costs, plain=marks.plain) + part)
        if self._passed[1]:
            parts.append(f"{self._passed[0]} of {self._passed[1]} scores passed")
        if sums.session:
            parts.append(f"session {sums.session}")
        heading = Text(self._title or "", style="bold")
        heading.append((marks.dot if self._title else "") + marks.dot.join(parts), "not bold dim")
        if sums.errors:
            problem = f"{sums.errors} error{'s' * (sums.errors != 1)}"
            heading.append(marks.dot, "not bold dim").append(problem, "bold red")
        return heading


def _fit(lines: Sequence[Line], marks: _Marks, width: int) -> _Widths:
    """Share `width` out: durations, tokens and costs whole, then names, then notes, then bars."""
    time = max(len(duration(line.end_ns - line.start_ns)) for line in lines)
    used = max(cell_len(_tokens(line, marks)) for line in lines)
    cost = max(cell_len(_cost(line, marks)) for line in lines)
    left = width - time - _GAP - (used + _GAP if used else 0)
    if left - cost - _GAP < _NARROWEST_NAME:
        cost = 0  # it is among the notes then
    left -= cost + _GAP if cost else 0
    longest = max(cell_len(_name(line, marks)) for line in lines)
    name = min(longest, _WIDEST_NAME, max(_NARROWEST_NAME, left * 9 // 20))
    name = max(1, min(name, left))
    said = max((cell_len(_said(line, marks, with_cost=not cost)) for line in lines), default=0)
    # Short notes are worth more than bars and the ends of names; long ones are not.
    if said <= _SHORT_NOTES and _NARROWEST_NAME <= (room := left - said - _GAP) < name:
        name = room
    left -= name
    notes = said if said <= min(_SHORT_NOTES, left - _GAP) else min(said, left * 3 // 5 - _GAP)
    notes = notes if notes >= min(said, _NARROWEST_NOTES) else 0
    left -= notes + _GAP if notes else 0
    bar = min(left - _GAP, _WIDEST_BAR)
    return _Widths(name, bar if bar >= _NARROWEST_BAR else 0, time, used, cost, notes)


def _draw(line: Line, marks: _Marks, widths: _Widths, start: int, length: int) -> RenderResult:
    colour = "red" if line.failed else _COLOURS[line.kind]
    text = Text(no_wrap=True, overflow="crop", end="\n")
    name = _cell(_name(line, marks), widths.name, marks)
    guides = min(len(_guides(line, marks)), len(name))
    text.append(name[:guides], "dim").append(name[guides:], "red" if line.failed else "")
    if widths.bar:
        before, waiting, working = _bar(line, widths.bar, start, length)
        text.append(" " * (_GAP + before))
        text.append(marks.waiting * waiting, colour).append(marks.bar * working, colour)
        text.append(" " * (widths.bar - before - waiting - working))
    text.append(" " * _GAP + duration(line.end_ns - line.start_ns).rjust(widths.duration))
    if widths.tokens:
        text.append(" " * _GAP + _tokens(line, marks).rjust(widths.tokens), "green")
    if widths.cost:
        text.append(" " * _GAP + _cost(line, marks).rjust(widths.cost), "yellow")
    said = _said(line, marks, with_cost=not widths.cost)
    if said and widths.notes:
        text.append(" " * _GAP + _cell(said, widths.notes, marks), "red" if line.failed else "dim")
    text.rstrip()
    yield text
    if said and not widths.notes:
        below = Text(" " * (guides + _GAP), overflow="fold")
        yield below.append(said, "red" if line.failed else "dim")


def _judged(scores: Sequence[ScoreView], line: Line, marks: _Marks, width: int) -> Iterator[Text]:
    """The scores of a span, as many on a line as there is room for; no number is cut."""
    guides = "".join("   " if last else marks.pass_by for last in line.last[-_DEEPEST:])
    indent = guides + " " * _GAP if cell_len(guides) + _SHORT_NOTES <= width else " " * _GAP
    text = Text()
    for said, style in remarks(scores, plain=marks.plain):
        if text and cell_len(text.plain) + len(marks.dot) + cell_len(said) > width:
            yield text
            text = Text()
        text.append(marks.dot if text else indent, "dim").append(said, style)
        text.overflow = "fold"
    if text:
        yield text


def _name(line: Line, marks: _Marks) -> str:
    return _guides(line, marks) + (marks.error if line.failed else "") + line.name


def _guides(line: Line, marks: _Marks) -> str:
    """The lines of the tree before a name; of very deep ones only the innermost."""
    if not line.last:
        return ""
    *outer, here = line.last[-_DEEPEST:]
    passing = "".join("   " if last else marks.pass_by for last in outer)
    return passing + (marks.corner if here else marks.branch)


def _bar(line: Line, width: int, start: int, length: int) -> tuple[int, int, int]:
    """Cells before the span, until its first chunk, and until its end: at least one in all."""

    def place(when: int) -> int:
        return round((when - start) * width / length)

    begin = min(place(line.start_ns), width - 1)
    end = max(begin + 1, min(place(line.end_ns), width))
    first = begin if line.first_ns is None else min(max(begin, place(line.first_ns)), end - 1)
    return begin, first - begin, end - first


def _tokens(of: Line | Totals, marks: _Marks) -> str:
    return tokens(of.input_tokens, of.output_tokens, estimated=of.estimated, arrow=marks.arrow)


def _cost(line: Line, marks: _Marks) -> str:
    return "" if line.cost is None else money(line.cost, plain=marks.plain)


def _said(line: Line, marks: _Marks, *, with_cost: bool) -> str:
    cost = [_cost(line, marks)] if with_cost and line.cost is not None else []
    return marks.dot.join((*line.notes, *cost))


def _cell(text: str, width: int, marks: _Marks) -> str:
    """`text` in exactly `width` cells, with a mark where it was cut."""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(text, width - 1) + marks.more
