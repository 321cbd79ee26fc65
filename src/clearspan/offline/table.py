"""The report as a table of plain text: a line for each evaluator, and what went wrong below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clearspan.offline.report import Report, Summary

__all__ = ["drawn"]

_HEADINGS = ("evaluator", "rows", "judged", "mean", "passed", "share", "95 % interval", "errors", "skipped")  # fmt: skip
_EXAMPLES = 10
_WIDTH = 100


def drawn(report: Report) -> str:
    """The table, why rows were skipped or failed to be judged, the gates, and the first rows that did not pass."""
    lines = _aligned([_HEADINGS, *(_cells(each) for each in report.summary.values())])
    for each in report.summary.values():
        lines += _reasons(each.name, "errors", each.errors)
        lines += _reasons(each.name, "skipped", each.skipped)
    failing = report.failing()
    lines += [_line(row) for row in failing[:_EXAMPLES]]
    if len(failing) > _EXAMPLES:
        lines.append(f"... and {len(failing) - _EXAMPLES} more that did not pass")
    return "\n".join([*lines, *(f"gate {gate}" for gate in report.gates())])


def _cells(each: Summary) -> tuple[str, ...]:
    low, high = each.interval or (None, None)
    return (
        _clean(each.name),
        f"{each.n:,}",
        f"{each.judged:,}",
        _number(each.mean),
        f"{each.passed:,}" if each.verdicts else "",
        _number(each.pass_rate),
        "" if low is None else f"{_number(low)} to {_number(high)}",
        str(sum(each.errors.values()) or ""),
        str(sum(each.skipped.values()) or ""),
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns under their headings; numbers to the right, and those that nothing fills left out."""
    kept = [at for at in range(len(_HEADINGS)) if any(row[at] for row in rows[1:])]
    widths = {at: max(len(row[at]) for row in rows) for at in kept}
    return [
        "  ".join(
            row[at].ljust(widths[at]) if at == 0 else row[at].rjust(widths[at]) for at in kept
        ).rstrip()
        for row in rows
    ]


def _reasons(name: str, what: str, counts: Mapping[str, int]) -> list[str]:
    told = ", ".join(f"{_clean(reason)} ({count:,})" for reason, count in counts.items())
    return [f"{_clean(name)}: {what}: {told}"] if told else []


def _line(row: Mapping[str, Any]) -> str:
    said = f"error {row['error']}" if row["error"] is not None else row["label"] or ""
    value = _number(row["value"])
    why = row["explanation"] or ""
    text = _clean(" ".join(filter(None, ("-", str(row["id"]), row["name"], value, said, why))))
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 3]}..."


def _clean(text: str) -> str:
    """`text` on one line, without what would steer a terminal."""
    return "".join(char if char.isprintable() else " " for char in text)
