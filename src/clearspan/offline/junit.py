"""The report as JUnit XML: a suite for each evaluator, a case for each row, a suite for the gates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

if TYPE_CHECKING:
    from clearspan.offline.report import Gate, Report

__all__ = ["document"]

# What XML 1.0 cannot hold at all.
_UNFIT = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def document(report: Report) -> str:
    """The whole document."""
    cases: dict[str, list[str]] = {name: [] for name in report.summary}
    for row in report.rows:
        cases[row["name"]].append(_case(row))
    suites = [_suite(name, inside) for name, inside in cases.items()]
    gates = [_gate(gate) for gate in report.gates()]
    if gates:
        suites.append(_suite("fail_under", gates))
    inside = "".join(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="clearspan evaluate"{_counts(inside)}>\n{inside}</testsuites>\n'  # fmt: skip


def _suite(name: str, cases: list[str]) -> str:
    inside = "".join(cases)
    return f"<testsuite name={_quoted(name)}{_counts(inside)}>\n{inside}</testsuite>\n"


def _counts(inside: str) -> str:
    """The counts of a suite. The text of a case is escaped: its `<` are all markup."""
    found = {
        "tests": inside.count("<testcase "),
        "failures": inside.count("<failure "),
        "errors": inside.count("<error "),
        "skipped": inside.count("<skipped "),
    }
    return "".join(f' {name}="{count}"' for name, count in found.items())


def _case(row: Mapping[str, Any]) -> str:
    head = f"<testcase name={_quoted(str(row['id']))} classname={_quoted(row['name'])}"
    why = escape(_fit(row["explanation"] or ""))
    if row["error"] is not None:
        return f"{head}><error type={_quoted(row['error'])} message={_quoted(row['error'])}>{why}</error></testcase>\n"  # fmt: skip
    if row["skipped"] is not None:
        return f"{head}><skipped message={_quoted(row['skipped'])}/></testcase>\n"
    if row["passed"] is False:
        return f"{head}><failure message={_quoted(_said(row))}>{why}</failure></testcase>\n"
    return f"{head}><system-out>{escape(_fit(_said(row)))}</system-out></testcase>\n"


def _said(row: Mapping[str, Any]) -> str:
    told = [f"{name} {row[name]}" for name in ("value", "label") if row[name] is not None]
    return ", ".join(told) or ("failed" if row["passed"] is False else "passed")


def _gate(gate: Gate) -> str:
    head = f'<testcase name={_quoted(gate.name)} classname="fail_under"'
    return f"{head}><failure message={_quoted(str(gate))}></failure></testcase>\n" if gate.missed else f"{head}/>\n"  # fmt: skip


def _quoted(text: str) -> str:
    return quoteattr(_fit(text))


def _fit(text: str) -> str:
    return _UNFIT.sub("\ufffd", text)
