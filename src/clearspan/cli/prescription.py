"""How `clearspan doctor` tells people what it found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from clearspan.cli.evaluators import Fared, Stood
from clearspan.cli.findings import Library, Report, Sent, Stock
from clearspan.cli.judging import Judging
from clearspan.cli.screen import Rows
from clearspan.core import parse

__all__ = ["prescription"]

_MARKS = {
    "good": ("✓", "+", "green"),
    "ill": ("!", "!", "yellow"),
    "bad": ("✗", "x", "red"),
    "so": ("·", "-", "dim"),
}
_NO_RECORDS = 1_024
"""Bytes of a queue in which requests wait to collect or to deliver, and no telemetry."""
_GOOD = ("patched", "delivered", "healthy", "set", "answers")
_ILL = ("ailing", "silent")
_BAD = ("broken", "failed", "pending")


def prescription(report: Report) -> Prescription:
    """The report as something that a rich console can print."""
    return Prescription(report)


class Prescription:
    """What `prescription` gives."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The sections, then the verdict."""
        report, plain = self._report, options.ascii_only
        yield from _section("Versions", _pairs(report.versions))
        if report.settings:
            yield from _section("Settings", [_setting(row) for row in report.settings])
        if report.environment:
            yield from _section("OpenTelemetry variables", _pairs(report.environment))
        libraries = [_marked(each.state, _about(each), plain=plain) for each in report.libraries]
        yield from _section("Libraries", libraries)
        if report.destination is not None:
            yield from _section("Destination", _destination(report, plain=plain))
        if report.judge is not None:
            rows = _evaluators(report.evaluators, report.judge, plain=plain)
            yield from _section("Evaluators", rows)
        if report.guards:
            rows = [_marked(each.state, _stepped_in(each), plain=plain) for each in report.guards]
            yield from _section("Guards", rows)
        if report.status:
            yield from _section("This process", _listed(_process(report)))
        yield from _section("Result", _verdict(report, plain=plain))


def _section(title: str, rows: Sequence[tuple[Text, Text]]) -> Iterator[Text | Rows]:
    yield Text(title, style="bold")
    yield Rows(rows)


def _pairs(rows: Mapping[str, str | None]) -> list[tuple[Text, Text]]:
    return _listed((name, value or "not installed") for name, value in rows.items())


def _listed(rows: Iterable[tuple[str, str]]) -> list[tuple[Text, Text]]:
    return [(Text(name, "cyan"), Text(value)) for name, value in rows]


def _setting(row: Mapping[str, str]) -> tuple[Text, Text]:
    value = "not set" if row["value"] in ("None", "()") else row["value"]
    if row["origin"] == "default":
        return Text(row["name"], "cyan"), Text(value, "dim")
    return Text(row["name"], "cyan"), Text(value, "bold").append(
        f"  from {row['origin']}", "default"
    )


def _marked(state: str, said: str, *, plain: bool) -> tuple[Text, Text]:
    kinds = {"good": _GOOD, "bad": _BAD, "ill": _ILL}
    kind = next((kind for kind, states in kinds.items() if state in states), "so")
    fancy, ascii_only, style = _MARKS[kind]
    return Text(ascii_only if plain else fancy, style), Text(said)


def _evaluators(found: Sequence[Fared], judge: Judging, *, plain: bool) -> list[tuple[Text, Text]]:
    """A line for each, and one for the judge that some of them ask."""
    rows: list[tuple[Text, Text]] = []
    for each in found:
        state = "ailing" if each.ailing and each.state != "broken" else each.state
        rows.append(_marked(state, _judged(each), plain=plain))
    return [*rows, _marked(judge.state, f"judge: {judge.note}", plain=plain)]


def _destination(report: Report, *, plain: bool) -> list[tuple[Text, Text]]:
    rows = [_marked("", f"{report.destination}, content {report.content}", plain=plain)]
    if report.sent is not None:
        rows.append(_marked(report.sent.state, _fate(report.sent), plain=plain))
    if report.store is not None:
        rows.append(_marked(report.store.state, _stock(report.store), plain=plain))
    return rows


def _verdict(report: Report, *, plain: bool) -> list[tuple[Text, Text]]:
    rows = [_marked("", note, plain=plain) for note in report.notes]
    rows += [_marked("failed", problem, plain=plain) for problem in report.problems]
    if report.problems:
        return rows
    ailing = any(each.ailing for each in report.evaluators) or (report.judge is not None and report.judge.state == "silent")  # fmt: skip
    said = "all is well but for evaluators marked with !" if ailing else "all is well"
    return [*rows, _marked("ailing" if ailing else "healthy", said, plain=plain)]


def _about(library: Library) -> str:
    found = f"{library.name} {library.version or ''}".rstrip()
    if library.state != "patched":
        return f"{found}: {library.state}{f' ({library.note})' if library.note else ''}"
    patched = sum(state == "patched" for state in library.targets.values())
    said = f"{found}: {patched} of {len(library.targets)} places patched"
    absent = Counter(
        path.partition(":")[0] for path, state in library.targets.items() if state == "absent"
    )
    if absent:
        places = ", ".join(f"{module} ({count})" for module, count in absent.items())
        said += f"; not in this version, as others have it: {places}"
    return said


def _judged(each: Fared) -> str:
    said = [f"{each.judged:,} judged"]
    if each.pass_rate is not None:
        said.append(f"{each.pass_rate:.0%} passed")
    said += [f"{count:,} {kind}" for kind, count in each.errors.items()]
    said += [f"{count:,} skipped ({reason})" for reason, count in each.skipped.items()]
    stands = f"{each.note}; " if each.note else "" if each.state == "set" else "in the store; "
    return f"{each.name}: {stands}{', '.join(said)}"


def _stepped_in(guard: Stood) -> str:
    said = [f"{count:,} {did}" for did, count in guard.actions.items()]
    stands = "" if guard.state == "set" else "in the store; "
    return f"{guard.name}: {stands}{', '.join(said) or 'has not stepped in'}"


def _fate(sent: Sent) -> str:
    words = {
        "delivered": "a test span arrived",
        "skipped": "no test span was sent",
        "unsampled": "the test span was not sent",
        "failed": "the test span failed",
        "pending": "the test span did not arrive in time",
    }[sent.state]
    # Why it failed stands in the result.
    return f"{words}: {sent.reason}" if sent.reason and sent.state == "unsampled" else words


def _stock(stock: Stock) -> str:
    found = {
        "healthy": f"{stock.path} is healthy",
        "absent": f"{stock.path} will be created by the first record",
        "broken": stock.problem or f"{stock.path} is broken",
    }[stock.state]
    if stock.counts is not None:
        counts = stock.counts
        found += (
            f": {_many(counts.traces, 'trace')}, {_many(counts.spans, 'span')}, {_many(counts.events, 'event')}, "
            f"{_many(counts.metric_points, 'metric point')}, {counts.bytes / 1e6:,.1f} MB"
        )
    if stock.set_aside:
        found += f"; set aside as damaged: {', '.join(stock.set_aside)}"
    return found


def _many(count: int, of: str) -> str:
    return f"{count:,} {of}{'' if count == 1 else 's'}"


def _books(accounts: Mapping[str, Any]) -> str:
    dropped = (
        ", ".join(f"{count:,} {reason}" for reason, count in accounts["dropped"].items()) or "0"
    )
    return (
        f"{accounts['created']:,} created, {accounts['exported']:,} exported, "
        f"{accounts['stored']:,} stored, {accounts['pending']:,} pending, dropped {dropped}"
    )


def _process(report: Report) -> Iterator[tuple[str, str]]:
    yield ("spans", _books(report.status["accounts"]))
    deliveries = report.status["deliveries"]
    places = Counter(signal for signal, _, _ in deliveries)
    for signal, destination, accounts in deliveries:
        if signal != "spans":  # of those the first destination's books are the ones above
            to = f"to {destination}: " if places[signal] > 1 else ""
            yield signal, f"{to}{_books(accounts)}"
    for queue in report.status["queues"]:
        yield queue["name"], _waiting(queue)
    told = report.status["destination_status"]
    if "spool" in told:
        yield "spool", "; ".join(_spool(told))
    errors = report.status["internal_errors"]
    yield (
        "internal errors",
        ", ".join(f"{site} {count}" for site, count in errors.items()) or "none",
    )


def _waiting(queue: Mapping[str, Any]) -> str:
    said = f"{queue['items']:,} of {queue['max_items']:,} places"
    if queue["max_bytes"] <= _NO_RECORDS:
        return said
    return f"{said}, {queue['bytes']:,} bytes of {parse.spelt_size(queue['max_bytes'])}"


def _spool(told: Mapping[str, str | int]) -> Iterator[str]:
    """Where it lies, what waits in it, and what became of the rest."""
    for name, value in told.items():
        if name == "spool":
            yield str(value)
        elif name.startswith("spool "):
            shown = f"{value:,}" if isinstance(value, int) else value
            yield f"{name.removeprefix('spool ')} {shown}"
