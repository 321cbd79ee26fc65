"""What is too large goes in halves, and each part is told of once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    InMemoryMetricReader,
    MetricExporter,
    MetricExportResult,
)

from clearspan.core import deadline
from clearspan.exporters import Destination
from clearspan.exporters.otlp import build
from clearspan.runtime.halving import by_halves, fate, halves, halves_of_points, points
from clearspan.runtime.queues import MetricQueue, SpanQueue
from tests.exporters.kit import spans
from tests.support.otlp_sink import http_sink

Told = list[tuple[Any, list[int]]]


def halved(answers: list[Any], most: int = 8) -> tuple[Told, list[list[int]]]:
    """What is told of some numbers, and what was tried; answers that are none of ours are raised."""
    told: Told = []
    tried: list[list[int]] = []

    def export(part: list[int]) -> str | None:
        tried.append(part)
        answer = answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer  # type: ignore[no-any-return]

    try:
        by_halves(
            list(range(most)), export, halves, lambda reason, part: told.append((reason, part))
        )
    except ConnectionError:
        told.append(("raised", []))
    return told, tried


def test_halves_go_in_order_and_what_cannot_be_parted_is_lost_alone() -> None:
    large = "too_large"
    told, tried = halved([large, large, None, large, None, large, None], most=4)
    assert tried == [[0, 1, 2, 3], [0, 1], [0], [1], [2, 3]]
    assert told == [(None, [0]), (large, [1]), (None, [2, 3])]


def test_when_an_exporter_raises_every_part_is_told_of() -> None:
    told, tried = halved(["too_large", "too_large", None, ConnectionError("down")])
    assert tried == [[*range(8)], [0, 1, 2, 3], [0, 1], [2, 3]]
    assert told == [(None, [0, 1]), ("export_failed", [2, 3]), ("export_failed", [4, 5, 6, 7]), ("raised", [])]  # fmt: skip


def test_when_the_time_is_over_nothing_more_is_tried() -> None:
    with deadline.within(0):
        assert halved([]) == ([("export_failed", [*range(8)])], [])


def test_what_became_of_an_export() -> None:
    arrived, failed = SimpleNamespace(value=0), SimpleNamespace(value=1)
    for exporter, reason in (
        (SimpleNamespace(too_large=True), "too_large"),
        (SimpleNamespace(too_large=False), "export_failed"),
        (SimpleNamespace(too_large="perhaps"), "export_failed"),
        (SimpleNamespace(), "export_failed"),
    ):
        assert fate(exporter, arrived) is None
        assert fate(exporter, failed) == reason


class Refusing(MetricExporter):
    """Finds the first batch too large, and is gone then."""

    def __init__(self) -> None:
        super().__init__()
        self.too_large = False

    def export(self, metrics_data: Any, timeout_millis: float = 0, **kwargs: Any) -> Any:
        if self.too_large:
            raise ConnectionError("down")
        self.too_large = True
        return MetricExportResult.FAILURE

    def shutdown(self, timeout_millis: float = 0, **kwargs: Any) -> None:
        """Nothing is held."""

    def force_flush(self, timeout_millis: float = 0) -> bool:
        return True


def counters(provider: MeterProvider, many: int) -> None:
    for number in range(many):
        provider.get_meter("x").create_counter(f"counter{number}").add(1)


def test_F47_points_of_an_exporter_that_raises_between_halves_do_not_wait_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CLEARSPAN_STRICT", raising=False)
    queue = MetricQueue(Refusing(), interval=3600)
    queue.start()
    counters(MeterProvider([queue.reader()]), 4)
    assert queue.worker.flush(30)
    queue.worker.offer("now")
    assert queue.worker.flush(30)
    books = queue.books.read().accounts
    assert (books.pending, books.dropped) == (0, {"export_failed": books.created})
    assert books.created >= 4
    queue.close(30)


def test_metrics_are_parted_by_instruments() -> None:
    reader = InMemoryMetricReader()
    counters(MeterProvider([reader]), 3)
    data: Any = reader.get_metrics_data()
    parts = halves_of_points(data)
    assert [points(part) for part in parts] == [2, 1]
    assert halves_of_points(parts[1]) == []


def test_F26_a_receiver_that_went_away_is_asked_once_whatever_it_found_too_large_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    tried: list[int] = []
    with http_sink() as sink:
        exporter: Any = build(Destination(endpoint=sink.url, timeout=0.2)).span
        sink.script = [413]
        queue = SpanQueue(exporter, max_bytes=10**7, interval=3600)
        (first,) = spans()
        queue.on_end(first)
        assert queue.worker.flush(30)
        assert queue.books.read().accounts.dropped == {"too_large": 1}
    export = exporter.export

    def noted(batch: Any) -> Any:
        tried.append(len(batch))
        return export(batch)

    exporter.export = noted
    for span in spans(16):
        queue.on_end(span)
    assert queue.worker.flush(30)
    assert tried == [16]
    assert queue.books.read().accounts.dropped == {"too_large": 1, "export_failed": 16}
    assert queue.close(30)
