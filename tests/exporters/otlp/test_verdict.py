"""What exporters tell of why they failed."""

from __future__ import annotations

from typing import Any

import pytest

from clearspan.core import deadline
from clearspan.exporters import Destination
from clearspan.exporters.otlp import build, grpc_calls, own
from tests.exporters.kit import spans
from tests.support.otlp_sink import Reply, grpc_sink, http_sink

LARGE = Reply("RESOURCE_EXHAUSTED", (), b"received message larger than max (5000000 vs. 4194304)")


def exporter(url: str, protocol: str = "grpc", **more: Any) -> Any:
    return build(Destination(endpoint=url, protocol=protocol, **more)).span


def test_what_grpc_finds_too_large_is_told_at_once() -> None:
    """The code alone would have it tried again and again, until the time is over."""
    with grpc_sink() as sink:
        made = exporter(sink.url)
        assert not made.too_large
        sink.script = [LARGE]
        assert made.export(spans()).value == 1
        assert made.too_large
        assert len(sink.arrived) == 1
        assert made.export(spans()).value == 0
        assert not made.too_large
        sink.script = [Reply("INVALID_ARGUMENT")]
        assert made.export(spans()).value == 1
        assert not made.too_large
        made.shutdown()


def test_what_gets_no_answer_is_not_told_as_what_was_before() -> None:
    with http_sink() as sink:
        made = exporter(sink.url, "http/protobuf", timeout=0.2)
        sink.script = [413]
        assert made.export(spans()).value == 1
        assert made.too_large
    assert made.export(spans()).value == 1, "nobody is there any more"
    assert not made.too_large
    made.shutdown()


def test_what_is_not_even_sent_is_not_told_as_what_was_before() -> None:
    with grpc_sink() as sink:
        made = exporter(sink.url)
        sink.script = [LARGE]
        made.export(spans())
        assert made.too_large
        made.shutdown()
        assert made.export(spans()).value == 1
        assert not made.too_large


def test_a_call_is_over_by_the_deadline_of_its_thread() -> None:
    with grpc_sink() as sink:
        made = exporter(sink.url, timeout=60)
        sink.answer = "hang"
        with deadline.within(0.3):
            assert made.export(spans()).value == 1
        made.shutdown()


def test_where_grpc_cannot_be_called_nothing_is_asked_of_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with grpc_sink() as sink:
        made = exporter(sink.url)
        sink.script = [LARGE]
        made.export(spans())
        monkeypatch.setattr(own, "calls", cut := grpc_calls._Calls())
        cut.cut = True
        for _ in range(2):
            assert made.export(spans()).value == 1
            assert not made.too_large
        assert [text for text in caplog.messages if "nothing is exported" in text] == caplog.messages[-1:]  # fmt: skip
        assert len(sink.arrived) == 1
        made.shutdown()
