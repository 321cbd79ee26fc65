"""What a receiver gets in the rarer settings: vocabularies, exceptions, no content, odd values."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import clearspan
from clearspan.core.ledger import Accounts
from clearspan.emit import measures
from tests.support.otlp_sink import SINKS, Sink, plain

LONG = 60.0


@pytest.fixture(params=SINKS)
def sink(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    monkeypatch.chdir(tmp_path)
    with SINKS[request.param]() as found:
        found.protocol = request.param  # type: ignore[attr-defined]
        yield found
        clearspan.shutdown(LONG)


def start(sink: Any, **settings: Any) -> None:
    clearspan.init(
        endpoint=sink.url, protocol=sink.protocol, providers=(), hardware="off", **settings
    )


@clearspan.tool
def add(first: Any, second: Any) -> Any:
    return first + second


def ask(text: Any = "question", **facts: Any) -> None:
    with clearspan.invocation("chat", provider="acme", model="m") as draft:
        draft.input([{"role": "user", "parts": [{"type": "text", "content": text}]}])
        draft.text("answer")
        draft.finish("stop")
        draft.usage(input=12, output=3, cache_read=4)
        for name, value in facts.items():
            draft.extra(name, value)


INFERENCE = "gen_ai.client.inference."
CURRENT = {"gen_ai.client.operation.duration", "gen_ai.client.token.usage"}
NEXT = {
    f"{INFERENCE}duration",
    f"{INFERENCE}usage.input_tokens",
    f"{INFERENCE}usage.output_tokens",
    f"{INFERENCE}usage.cache_read.input_tokens",
    f"{INFERENCE}operation.input_tokens",
    f"{INFERENCE}operation.output_tokens",
}


@pytest.mark.parametrize(
    ("names", "expected"), [("current", CURRENT), ("next", NEXT), ("both", CURRENT | NEXT)]
)
def test_each_vocabulary_with_its_instruments(sink: Sink, names: str, expected: set[str]) -> None:
    start(sink, metric_names=names)
    ask()
    add(1, 2)
    assert clearspan.flush(LONG)
    known = {item.name: item for item in measures.INSTRUMENTS}
    found = sink.told()
    assert found.keys() == expected | {
        "gen_ai.execute_tool.duration",
        "clearspan.client.operation.count",
    }
    for name, metric in found.items():
        assert metric.unit == known[name].unit
        if known[name].kind == "counter":
            assert metric.sum.is_monotonic
            if name.startswith(INFERENCE):
                assert {
                    plain(p.attributes)["gen_ai.token.modality"] for p in metric.sum.data_points
                } == {"unknown"}
        else:
            (bounds,) = {tuple(point.explicit_bounds) for point in metric.histogram.data_points}
            assert bounds == tuple(known[name].buckets or ())


@pytest.mark.parametrize(
    ("signal", "on_span", "in_logs"), [("", 1, 0), ("logs", 0, 1), ("logs/dup", 1, 1)]
)
def test_an_exception_as_its_signal_is_asked_for(
    sink: Sink, monkeypatch: pytest.MonkeyPatch, signal: str, on_span: int, in_logs: int
) -> None:
    monkeypatch.setenv("OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN", signal)
    start(sink)
    error = ValueError("went wrong")
    with pytest.raises(ValueError, match="went wrong") as caught:
        with clearspan.invocation("chat", model="m"):
            raise error
    assert caught.value is error
    assert clearspan.flush(LONG)
    (span,) = (item.item for item in sink.spans)
    logs = [item.item for item in sink.logs]
    assert (span.status.code, span.status.message) == (2, "went wrong")
    assert plain(span.attributes)["error.type"] == "ValueError"
    assert [event.name for event in span.events] == ["exception"] * on_span
    assert [record.event_name for record in logs] == ["gen_ai.client.operation.exception"] * in_logs
    for told in (*span.events, *logs):
        found = plain(told.attributes)
        assert (found["exception.type"], found["exception.message"]) == ("ValueError", "went wrong")
        assert "test_otlp_signals.py" in found["exception.stacktrace"]
    for record in logs:
        assert (record.severity_number, record.severity_text) == (13, "WARN")
        assert (record.trace_id, record.span_id) == (span.trace_id, span.span_id)
    duration = next(
        i.item for i in sink.metrics if i.item.name == "gen_ai.client.operation.duration"
    )
    assert plain(duration.histogram.data_points[0].attributes)["error.type"] == "ValueError"


@pytest.mark.parametrize("mode", ["off", "metadata"])
def test_without_content_nothing_of_it_leaves(
    sink: Sink, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setenv("OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN", "logs/dup")
    start(sink, content=mode, content_target="both")
    canary = "canary-5"
    with clearspan.context(prompt="greeting", variables={"name": canary}):
        with clearspan.span("step") as step:
            step.set(input=canary, output={"x": canary})
            ask(canary)
            add(canary, canary)
        with pytest.raises(ValueError, match=canary), clearspan.span("failing"):
            raise ValueError(canary)
    assert clearspan.flush(LONG)
    assert {item.signal for item in sink.arrived} == {"traces", "metrics", "logs"}
    sent = b"".join(item.message.SerializeToString() for item in sink.arrived)
    assert canary.encode() not in sent
    assert b"gen_ai.prompt.name" in sent


def test_secrets_do_not_leave_in_any_signal(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN", "logs/dup")
    start(sink, content_target="both")
    secret = "sk-proj-aB3dE6gH9jK2mN5pQ8sT1vW4"
    with clearspan.context(metadata={"note": secret}, variables={"key": secret}):
        with clearspan.span("step") as step:
            step.set(input={secret: [secret]}, output=f"line\n{secret}", note=f"k={secret}")
            ask(f"my key:\n{secret}", **{"shop.key": secret})
            add(secret, f"\t{secret}")
        with pytest.raises(ValueError, match=secret), clearspan.span("failing"):
            raise ValueError(secret)
    assert clearspan.flush(LONG)
    sent = b"".join(item.message.SerializeToString() for item in sink.arrived)
    assert secret.encode() not in sent
    assert sent.count(b"[secret]") >= 10


ODD: dict[str, Any] = {
    "surrogate": "a\ud800b",
    "NaN": math.nan,
    "infinity": math.inf,
    "huge number": 10**400,
    "64 bits and one": 2**63,
    "bytes": b"\xff",
    "object": object(),
    "circle": [],
    "mixed": [1, "a", None, {"b": math.nan}],
    "deep": [[[[[[[[[[[[[[[[[[[["x"]]]]]]]]]]]]]]]]]]]],
    "control": "\x00\x1b",
}
ODD["circle"].append(ODD["circle"])


def test_one_odd_value_costs_no_other_call_anything(sink: Sink) -> None:
    start(sink, content_target="both")
    for number, value in enumerate(ODD.values()):
        ask(value, **{"shop.odd": value})
        ask(f"plain {number}")
        with clearspan.span("step") as step:
            step.set(input=value, output={"v": value, "w": 1}, odd=value)
    assert clearspan.flush(LONG)
    count = len(ODD)
    assert clearspan.status().accounts == Accounts(created=3 * count, exported=3 * count, stored=0)
    names = [item.item.name for item in sink.spans]
    assert (names.count("chat m"), names.count("step")) == (2 * count, count)
    assert len(sink.logs) == 2 * count
    for item in sink.spans:
        if item.item.name == "chat m":
            assert plain(item.item.attributes)["gen_ai.usage.input_tokens"] == 12


def test_what_is_not_sampled_is_measured_all_the_same(sink: Sink) -> None:
    start(sink, sample_rate=0.0)
    ask()
    assert clearspan.flush(LONG)
    assert sink.spans == []
    assert set(sink.told()) == {*CURRENT, "clearspan.client.operation.count"}
    assert clearspan.status().accounts == Accounts(1, 0, 0, {"unsampled": 1})
