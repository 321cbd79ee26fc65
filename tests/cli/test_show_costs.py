"""What the list of traces says of cost, and of counts that nobody reported."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path

import pytest

import clearspan
from clearspan.exporters.store import SpanOutline, StoreReader
from tests.cli.conftest import Command, chat, failing, names, record

PRICES = {
    "only": True,
    "currency": "EUR",
    "models": {"m-priced": {"input": 100.0, "output": 200.0}},
}


def guessed() -> None:
    with clearspan.invocation("chat", model="m-priced") as draft:
        draft.usage(input=10, output=5, source="estimated")


@pytest.fixture
def priced(place: Path) -> str:
    """A store with a trace whose cost is known, one with an estimate, one without."""

    def work() -> None:
        chat("m-priced", "?", "!", tokens=(1200, 30))
        guessed()
        chat("m-free", "?", "!", tokens=(7, 8))

    record("s.db", work, pricing=PRICES)
    return "s.db"


def test_the_list_has_a_column_for_the_cost(call: Command, priced: str) -> None:
    heading, free, rough, known = call("show", "--store", priced).stdout.splitlines()
    assert heading.split() == ["trace", "start", "took", "name", "model", "spans", "in", "out", "cost"]  # fmt: skip
    assert re.search(r" 1,200 +30 +€0\.126$", known)
    assert re.search(r" ~10 +~5 +~€0\.002$", rough)
    assert re.search(r" 7 +8$", free)


@pytest.mark.parametrize("width", [200, 80, 60, 40])
def test_no_line_is_wider_than_the_terminal(
    call: Command, priced: str, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    lines = call("show", "--store", priced).stdout.splitlines()
    assert len(lines) == 4
    assert max(map(len, lines)) <= width


def test_errors_are_worth_more_room_than_costs(
    call: Command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work() -> None:
        with clearspan.span("outer", kind="workflow"):
            chat("m-priced", "?", "!", tokens=(1200, 30))
            with suppress(ConnectionError):
                failing()

    record("s.db", work, pricing=PRICES)
    monkeypatch.setenv("COLUMNS", "66")
    heading = call("show", "--store", "s.db").stdout.splitlines()[0]
    assert "cost" not in heading
    assert heading.endswith("errors")


def test_the_list_as_json_has_the_costs_by_currency(call: Command, priced: str) -> None:
    document = json.loads(call("show", "--json", "--store", priced).stdout)
    free, rough, known = document["traces"]
    assert known["costs"] == [
        {"amount": pytest.approx(0.126), "currency": "EUR", "estimated": False}
    ]
    assert rough["costs"] == [
        {"amount": pytest.approx(0.002), "currency": "EUR", "estimated": True}
    ]
    assert free["costs"] == []


def test_one_trace_as_json_has_all_numbers(call: Command, priced: str) -> None:
    document = json.loads(
        call("show", "last", "--model", "m-priced", "--json", "--store", priced).stdout
    )
    (span,) = document["spans"]
    assert span["attributes"]["clearspan.usage.source"] == "estimated"
    assert span["attributes"]["clearspan.cost.total"] == pytest.approx(0.002)
    assert span["attributes"]["clearspan.cost.currency"] == "EUR"
    assert span["attributes"]["clearspan.cost.estimated"] is True


def test_a_trace_that_is_deleted_meanwhile_is_listed_without_its_cost(
    call: Command, priced: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(self: StoreReader, *_: object) -> dict[str, list[SpanOutline]]:
        return {}

    monkeypatch.setattr(StoreReader, "outlines", gone)
    assert len(names(call, "--store", priced)) == 3
    assert "cost" not in call("show", "--store", priced).stdout
