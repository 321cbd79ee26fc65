"""The list of traces on terminals of every width: columns go, and no number is ever cut."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

import clearspan
from clearspan.cli.listing import listing
from clearspan.exporters.console import Totals
from clearspan.exporters.console.quantities import Money
from clearspan.exporters.store import StoreReader, TraceSummary
from tests.cli.conftest import Command, chat, record

if TYPE_CHECKING:
    from pathlib import Path

SUMMARY = TraceSummary(
    trace_id="0123456789abcdef" * 2, name="invoke_workflow a long afternoon", start_ns=10**18,
    end_ns=10**18 + 754 * 10**9, spans=1_234, errors=17, input_tokens=3_703_701,
    output_tokens=296_295, models=("a-model-of-some-length",), session="session-17", user=None, service="shop",
)  # fmt: skip
NUMBERS = {"took": "12m34s", "spans": "1,234", "in": "3,703,701", "out": "296,295", "errors": "17"}


def drawn(width: int, summary: TraceSummary = SUMMARY) -> list[str]:
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(listing([summary], {}))
    return capture.get().splitlines()


@pytest.mark.parametrize("width", range(1, 131))
def test_a_number_is_whole_or_not_there(width: int) -> None:
    heading, line = drawn(width)
    assert max(len(heading), len(line)) <= width
    shown = [name for name in NUMBERS if name in heading.split()]
    assert [word for word in line.split() if word in NUMBERS.values()] == [
        NUMBERS[name] for name in shown
    ]
    for name in shown:  # each under its own heading
        end = heading.index(f" {name}") + len(name) + 1
        assert line[:end].endswith(NUMBERS[name])
    assert (" 3" in line, " 2" in line) == ("in" in shown, "out" in shown)


def test_what_matters_least_goes_first() -> None:
    columns = [set(drawn(width)[0].split()) for width in range(130, 22, -1)]
    gone = list(dict.fromkeys(name for found in columns for name in found))
    gone.sort(key=lambda name: sum(name in found for found in columns))
    assert gone[:8] == ["session", "model", "spans", "start", "took", "out", "in", "errors"]
    assert all({"trace", "name"} <= found for found in columns)


def test_sixty_columns_have_room_for_large_counts(
    call: Command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work() -> None:
        with clearspan.context(session="session-17"), clearspan.span("a long afternoon"):
            chat("a-model-of-some-length", "?", "!", tokens=(3_703_701, 296_295))

    record("s.db", work)
    monkeypatch.setenv("COLUMNS", "60")
    heading, line = call("show", "--store", "s.db").stdout.splitlines()
    assert heading.split()[-2:] == ["in", "out"]
    assert line.split()[-2:] == ["3,703,701", "296,295"]
    assert line.startswith(StoreReader("s.db").traces()[0].trace_id[:8])


def test_a_trace_without_a_name_on_a_very_narrow_terminal() -> None:
    nameless = dataclasses.replace(SUMMARY, name="", models=(), session=None)
    assert drawn(5, nameless) == ["trace", "01234"]


def test_costs_in_two_currencies_are_whole_or_not_there() -> None:
    sums = Totals(
        duration_ns=1, spans=1, calls=2, errors=0, input_tokens=1, output_tokens=1,
        costs=(Money(1234.5, "EUR", estimated=False), Money(0.00042, "USD", estimated=True)),
        priced=2, session=None, estimated=(False, False),
    )  # fmt: skip
    whole = "€1,234.50 + ~$0.00042"
    for width in range(30, 131):
        console = Console(width=width, color_system=None)
        with console.capture() as capture:
            console.print(listing([SUMMARY], {SUMMARY.trace_id: sums}))
        heading, line = capture.get().splitlines()
        assert ("cost" in heading.split()) == (whole in line) == ("€" in line)
