"""What a tree says of cost, pace and energy, and what it sums up."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, strategies as st
from rich.cells import cell_len
from rich.console import Console

from clearspan.exporters.console import (
    ConsoleSpanExporter,
    cost,
    estimated,
    money,
    render_trace,
    speed,
    sums,
    totals,
    wait,
)
from clearspan.exporters.console.quantities import Money, energy, pace, tokens
from tests.exporters.kit import tracer

MS = 1_000_000


@dataclass
class Span:
    """The least that a tree takes."""

    span_id: str
    parent_id: str | None = None
    name: str = "step"
    start_ns: int = 0
    end_ns: int = 100 * MS
    status: str = "unset"
    attributes: dict[str, Any] = field(default_factory=dict)


def call(span_id: str, parent_id: str | None = None, **facts: Any) -> Span:
    """A model call; facts by their names without dots."""
    return Span(span_id, parent_id, "chat m", attributes=told("chat", **facts))


def agent(span_id: str, parent_id: str | None = None, **facts: Any) -> Span:
    return Span(span_id, parent_id, "invoke_agent a", attributes=told("invoke_agent", **facts))


NAMES = {
    "sent": "gen_ai.usage.input_tokens",
    "received": "gen_ai.usage.output_tokens",
    "source": "clearspan.usage.source",
    "sent_by": "clearspan.usage.input.source",
    "received_by": "clearspan.usage.output.source",
    "paid": "clearspan.cost.total",
    "currency": "clearspan.cost.currency",
    "roughly": "clearspan.cost.estimated",
    "content": "clearspan.response.time_to_first_content",
    "chunk": "gen_ai.response.time_to_first_chunk",
    "decoded": "clearspan.decode.rate",
    "seen": "clearspan.response.output_rate",
    "joules": "clearspan.hardware.energy",
}


def told(operation: str, **facts: Any) -> dict[str, Any]:
    return {
        "gen_ai.operation.name": operation,
        **{NAMES[name]: fact for name, fact in facts.items()},
    }


def drawn(spans: list[Span], width: int = 120, *, ascii_only: bool = False) -> list[str]:
    """The lines that a console of that width shows."""
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding="ascii" if ascii_only else "utf-8", newline="\n")
    Console(file=file, width=width, color_system=None).print(render_trace(spans))
    file.flush()
    return raw.getvalue().decode().splitlines()


def usd(amount: float, *, estimated: bool = False) -> Money:
    return Money(amount, "USD", estimated)


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "$0"),
        (1e-10, "$1.0e-10"),
        (1.08e-6, "$0.00000108"),
        (0.00042, "$0.00042"),
        (0.000123456, "$0.000123"),
        (0.0009996, "$0.001"),
        (0.05, "$0.05"),
        (0.5, "$0.50"),
        (0.999, "$0.999"),
        (0.9996, "$1.00"),
        (1, "$1.00"),
        (1234.5, "$1,234.50"),
    ],
)
def test_money_is_never_nothing_for_being_little(amount: float, text: str) -> None:
    assert money(usd(amount)) == text


@given(st.floats(1e-9, 1e9))
def test_money_is_as_exact_as_it_looks(amount: float) -> None:
    shown = float(money(usd(amount))[1:].replace(",", ""))
    assert shown == pytest.approx(amount, rel=0.006)


def test_currencies_have_their_signs_or_codes() -> None:
    assert money(Money(2, "EUR", estimated=False)) == "€2.00"
    assert money(Money(2, "GBP", estimated=True)) == "~£2.00"
    assert money(Money(2, "CHF", estimated=False)) == "CHF 2.00"
    assert money(Money(2, None, estimated=False)) == "2.00"
    assert money(Money(2, "EUR", estimated=True), plain=True) == "~EUR 2.00"
    assert money(usd(2), plain=True) == "$2.00"
    assert sums([usd(1), Money(2, "EUR", estimated=True)]) == "$1.00 + ~€2.00"
    assert sums([]) == ""


@pytest.mark.parametrize(
    ("rate", "text"),
    [(0.031, "0.031 tok/s"), (2.34, "2.3 tok/s"), (41.7, "42 tok/s"), (12_345, "12,345 tok/s")],
)
def test_paces(rate: float, text: str) -> None:
    assert pace(rate) == text
    assert pace(rate, estimated=True) == f"~{text}"


@pytest.mark.parametrize(
    ("joules", "text"),
    [(0.00042, "0.00042 J"), (2.51, "2.5 J"), (1_234, "1,234 J"), (43_210, "43.2 kJ")],
)
def test_energies(joules: float, text: str) -> None:
    assert energy(joules) == text


def test_tokens_that_are_not_known_are_left_out() -> None:
    assert tokens(None, None, estimated=(True, True)) == ""
    assert tokens(1812, None) == "1,812→"
    assert tokens(None, 3, estimated=(True, True), arrow=">") == ">~3"


@pytest.mark.parametrize("value", [None, True, "1", -0.1, float("nan"), float("inf"), 1e12])
def test_what_is_no_amount_is_absent(value: Any) -> None:
    facts = told("chat", paid=value, decoded=value, seen=value, joules=value)
    assert cost(facts) is None
    assert speed(facts) is None
    (line,) = drawn([Span("1", attributes=facts)])[1:]
    assert line.endswith("100ms")


@pytest.mark.parametrize("currency", [None, 7, "", "\x1b"])
def test_a_currency_that_is_none(currency: Any) -> None:
    assert cost(told("chat", paid=1, currency=currency)) == Money(1, None, estimated=False)


def test_a_currency_from_anywhere_is_short_and_harmless() -> None:
    found = cost(told("chat", paid=1, currency="\x1b[31mUS dollars", roughly="yes"))
    assert found == Money(1, "[31mUS", estimated=False)


def test_the_answer_begins_with_its_content_where_that_is_known() -> None:
    assert wait(told("chat", content=0.05, chunk=0.01)) == ("first 50ms", 50 * MS)
    assert wait(told("chat", chunk=0.01)) == ("first chunk 10ms", 10 * MS)
    assert wait(told("chat", content="soon")) is None
    (line,) = drawn([call("1", content=0.05, chunk=0.01)])[1:]
    assert abs(line.count("░") - line.count("█")) <= 1


def test_the_pace_of_the_model_goes_before_that_of_the_reader() -> None:
    assert speed(told("chat", decoded=50, seen=40, source="counted")) == "50 tok/s"
    assert speed(told("chat", seen=40)) == "40 tok/s"
    assert speed(told("chat", seen=40, source="estimated")) == "~40 tok/s"
    assert speed(told("chat", decoded=0, seen=0)) is None


@pytest.mark.parametrize(
    ("sources", "marked"),
    [
        ({}, (False, False)),
        ({"source": "counted"}, (False, False)),
        ({"source": "estimated"}, (True, True)),
        ({"source": "estimated", "sent_by": "reported"}, (False, True)),
        ({"source": "estimated", "received_by": "counted"}, (True, False)),
    ],
)
def test_only_what_was_estimated_is_marked(
    sources: dict[str, str], marked: tuple[bool, bool]
) -> None:
    assert estimated(told("chat", **sources)) == marked


def test_a_line_has_cost_pace_and_energy() -> None:
    facts = {"paid": 0.00042, "currency": "USD", "content": 0.05, "seen": 41.7, "joules": 2.5}
    (line,) = drawn([call("1", sent=12, received=3, **facts)])[1:]
    assert line.endswith("12→3  $0.00042  first 50ms · 42 tok/s · 2.5 J")
    (line,) = drawn([call("1", sent=12, received=3, source="estimated", roughly=True, **facts)])[1:]
    assert line.endswith("~12→~3  ~$0.00042  first 50ms · ~42 tok/s · 2.5 J")


def test_costs_stand_below_each_other() -> None:
    spans = [Span("1"), call("2", "1", paid=0.5), call("3", "1", paid=12), call("4", "1")]
    lines = drawn(spans)[1:]
    assert lines[1].endswith("  0.50")
    assert lines[2].endswith(" 12.00")
    assert cell_len(lines[1]) == cell_len(lines[2])
    assert lines[3].endswith("100ms")


def test_where_there_is_little_room_the_cost_is_a_note() -> None:
    spans = [call("1", sent=1812, received=64, paid=0.00042, currency="EUR", content=0.05)]
    tree = drawn(spans, 34)
    assert max(map(cell_len, tree)) <= 34
    assert tree[-1].strip() == "first 50ms · €0.00042"
    assert drawn(spans, 34, ascii_only=True)[-1].strip() == "first 50ms | EUR 0.00042"


def test_at_eighty_columns_cost_and_pace_are_whole() -> None:
    facts = {"paid": 0.0000227, "currency": "USD", "content": 0.107, "seen": 82}
    finish = {"gen_ai.response.finish_reasons": ["stop"]}
    root = agent("1")
    streamed = call("2", "1", sent=51, received=25, **facts)
    streamed.name = "chat a-model-of-a-rather-long-name"
    streamed.attributes |= finish
    tree = drawn([root, streamed], 80)
    assert tree[-1].endswith("51→25  $0.0000227  stop · first 107ms · 82 tok/s")
    assert max(map(cell_len, tree)) <= 80


def test_long_notes_leave_room_for_names_and_bars() -> None:
    failed = call("1")
    failed.status, failed.name = "error", "chat m" * 8
    failed.attributes["error.type"] = "e" * 70
    (line,) = drawn([failed], 120)[1:]
    assert "█" in line
    assert line.endswith("…")


# --- sums


def test_the_sums_are_of_all_calls() -> None:
    spans = [
        Span("1"),
        call("2", "1", sent=10, received=2, paid=0.1, currency="USD"),
        call("3", "1", sent=20, paid=0.2, currency="USD"),
    ]
    found = totals(spans)
    assert (found.input_tokens, found.output_tokens, found.estimated) == (30, 2, (False, False))
    assert found.costs == (Money(pytest.approx(0.3), "USD", estimated=False),)  # type: ignore[arg-type]
    assert "30→2 tokens · $0.30" in drawn(spans)[0]


def test_each_currency_has_a_sum_and_one_estimate_marks_its_own() -> None:
    spans = [
        call("1", paid=1, currency="USD"),
        call("2", paid=1, currency="EUR"),
        call("3", paid=2, currency="USD", roughly=True),
    ]
    assert totals(spans).costs == (Money(1, "EUR", estimated=False), usd(3, estimated=True))
    assert "€1.00 + ~$3.00" in drawn(spans)[0]
    assert "EUR 1.00 + ~$3.00" in drawn(spans, ascii_only=True)[0]


def test_what_an_agent_repeats_is_not_summed_again() -> None:
    spans = [
        agent("0", sent=30, received=4, paid=3),
        agent("1", "0", sent=30, received=4, paid=3),
        Span("2", "1"),
        call("3", "2", sent=10, received=2, paid=1, source="estimated", sent_by="reported"),
        call("4", "2", sent=20, received=2, paid=2),
    ]
    found = totals(spans)
    assert (found.input_tokens, found.output_tokens) == (30, 4)
    assert found.costs == (Money(3, None, estimated=False),)
    assert (found.priced, found.calls, found.estimated) == (2, 2, (False, True))


def test_what_only_an_agent_tells_is_summed() -> None:
    spans = [agent("1", sent=30, received=4, paid=3, source="estimated"), Span("2", "1")]
    found = totals(spans)
    assert (found.input_tokens, found.output_tokens, found.estimated) == (30, 4, (True, True))
    assert found.costs == (Money(3, None, estimated=False),)


def test_a_sum_of_which_a_part_is_missing_says_so() -> None:
    spans = [call("1", sent=1, paid=1, currency="USD"), call("2", sent=1), call("3")]
    assert drawn(spans)[0].endswith("2→ tokens · $1.00 for 1 of 2 calls")


def test_nothing_known_is_nothing_said() -> None:
    found = totals([Span("1"), call("2", source="estimated")])
    assert (found.input_tokens, found.output_tokens, found.costs) == (None, None, ())
    assert found.estimated == (False, False)
    assert drawn([Span("1"), call("2")])[0] == "100ms · 2 spans"


def test_spans_in_a_circle_have_sums() -> None:
    spans = [agent("1", "2", sent=1), call("2", "1", sent=2), call("3", "3", sent=4)]
    assert totals(spans).input_tokens == 6


def test_the_exporter_draws_all_of_it() -> None:
    file = io.StringIO()
    exporter = ConsoleSpanExporter(Console(file=file, width=160, color_system=None))
    facts = told(
        "chat", sent=12, received=3, source="estimated", paid=0.5, currency="EUR", roughly=True,
        content=0.0, seen=50, joules=3,
    )  # fmt: skip
    facts |= {"clearspan.phase.load": 1.5, "clearspan.task": "text-generation"}
    tracer(exporter).start_span("chat m", attributes=facts).end()
    heading, line = file.getvalue().splitlines()
    assert heading.endswith("~12→~3 tokens · ~€0.50")
    assert line.endswith(
        "~12→~3  ~€0.50  text-generation · first 0.0ms · load 1.50s · ~50 tok/s · 3.0 J"
    )
