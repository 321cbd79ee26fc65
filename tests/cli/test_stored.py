"""The sums that stand in the list of traces: as those of whole spans, from a part of what is stored."""

from __future__ import annotations

import random
import sqlite3
from collections import UserDict
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.trace import set_span_in_context

from clearspan import semconv as sc
from clearspan.cli.stored import sums_of
from clearspan.exporters.console import totals
from clearspan.exporters.console.facts import SHOWN
from clearspan.exporters.store import SpanOutline, Store, StoreReader, StoreSpanExporter
from tests.exporters.kit import CHAT, SECOND, tracer

AGENT = {"gen_ai.operation.name": "invoke_agent"}
DOLLARS = {sc.COST_TOTAL: 0.1, sc.COST_CURRENCY: "USD"}
EUROS = {sc.COST_TOTAL: 0.7, sc.COST_CURRENCY: "EUR"}
GUESSED = {sc.COST_ESTIMATED: True, sc.USAGE_SOURCE: "estimated", sc.USAGE_INPUT_SOURCE: "reported"}
TOKENS = {"gen_ai.usage.input_tokens": 24, "gen_ai.usage.output_tokens": 6}


class Shop:
    """A store, and a writer of traces whose spans stand below one another."""

    def __init__(self, path: Path) -> None:
        self._store = Store(path)
        self._tracer = tracer(StoreSpanExporter(self._store))
        self._starts = 0
        self.path = path

    def trace(self, *chain: dict[str, Any], beside: bool = False) -> str:
        """Spans each below the one before, or all below the first; answers the trace's id."""
        self._starts += SECOND
        made: list[Any] = []
        for depth, attributes in enumerate(chain):
            above = made[0 if beside else -1] if made else None
            made.append(
                self._tracer.start_span(
                    f"span {depth}",
                    context=set_span_in_context(above) if above is not None else None,
                    start_time=self._starts + depth,
                    attributes=attributes,
                )
            )
        for span in reversed(made):
            span.end(end_time=self._starts + SECOND)
        return f"{made[0].get_span_context().trace_id:032x}"

    def reader(self) -> StoreReader:
        self._store.close()
        return StoreReader(self.path)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path / "s.db")


def test_the_sums_are_those_of_the_whole_spans(shop: Shop) -> None:
    draw = random.Random(7)
    shop.trace({**AGENT, **DOLLARS, **TOKENS}, {**CHAT, **DOLLARS}, {**CHAT, **EUROS, **GUESSED})
    shop.trace({**AGENT, **DOLLARS, **TOKENS}, CHAT)  # nobody below says what it cost
    shop.trace({**AGENT, **DOLLARS}, {"a.b": "a step"}, {**AGENT, **DOLLARS}, {**CHAT, **DOLLARS})
    shop.trace({"session.id": "s-1"}, {**CHAT, sc.COST_TOTAL: 1}, {sc.COST_TOTAL: "much"})
    shop.trace(
        AGENT,
        *({**CHAT, **EUROS, sc.COST_TOTAL: draw.random() / 7} for _ in range(50)),
        beside=True,
    )
    reader = shop.reader()
    found = reader.traces()
    sums = sums_of(reader, found)
    assert sums == {each.trace_id: totals(reader.trace(each.trace_id)) for each in found}
    assert len(sums) == 5
    deep = [[tuple(cost) for cost in sums[each.trace_id].costs] for each in found]
    assert deep[4] == [
        (0.7, "EUR", True),
        (0.1, "USD", False),
    ]  # what the agent repeats is not added
    assert deep[3] == [(0.1, "USD", False)]
    assert deep[2] == [(0.1, "USD", False)]


def test_all_is_read_that_a_sum_needs() -> None:
    asked: set[str] = set()

    class Attributes(UserDict[str, Any]):
        def get(self, key: str, default: Any = None) -> Any:
            asked.add(key)
            return super().get(key, default)

        def __getitem__(self, key: str) -> Any:
            asked.add(key)
            return super().__getitem__(key)

    given: Any = Attributes({**CHAT, **DOLLARS, **GUESSED})
    totals([SpanOutline("a", None, "chat", 0, 1, "unset", given)])
    assert {sc.COST_TOTAL, sc.COST_CURRENCY, sc.COST_ESTIMATED, sc.USAGE_SOURCE} <= asked
    assert asked <= set(SHOWN)


def test_nothing_else_is_read_and_the_store_is_asked_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = {"gen_ai.input.messages": "a long conversation"}
    wanted = [shop.trace({**CHAT, **DOLLARS, **message}) for _ in range(3)]
    shop.trace({"a.b": "no model was called"})
    reader = shop.reader()
    found = reader.traces()
    rows: list[list[Any]] = []
    ask = StoreReader._ask

    def asked(self: StoreReader, *question: Any) -> list[Any]:
        rows.append(ask(self, *question))
        return rows[-1]

    monkeypatch.setattr(StoreReader, "_ask", asked)
    assert set(sums_of(reader, found)) == set(wanted)
    assert [len(each) for each in rows] == [3]
    assert "conversation" not in str(rows)


def test_traces_that_are_gone_or_were_written_by_others(shop: Shop) -> None:
    gone, odd, whole = (shop.trace({**CHAT, **DOLLARS}) for _ in range(3))
    reader = shop.reader()
    found = reader.traces()
    with sqlite3.connect(shop.path) as connection:
        connection.execute("DELETE FROM spans WHERE trace_id = ?", (gone,))
        connection.execute("UPDATE spans SET attributes = '{NaN' WHERE trace_id = ?", (odd,))
    sums = sums_of(reader, found)
    assert {each: sums[each].costs for each in sums} == {odd: (), whole: sums[whole].costs}
    assert sums[whole].costs[0].amount == 0.1
