"""The queues in front of exporters: what they take, what they refuse, and when they are done."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult

import clearspan
from clearspan import registry
from clearspan.core import deadline
from clearspan.core.ledger import Ledger
from clearspan.exporters import Exporters
from clearspan.runtime.libraries import ProviderSet
from clearspan.runtime.queues import LogQueue, Nowhere, SpanQueue
from tests.runtime.support import Kept, Stuck, names, work


class OnlyRecorded(Sampler):
    """Spans that are recorded and not sampled, as a debugging view asks for."""

    def should_sample(self, *given: Any, **named: Any) -> SamplingResult:
        return SamplingResult(Decision.RECORD_ONLY)

    def get_description(self) -> str:
        return "only recorded"


def test_spans_that_are_not_sampled_are_not_exported() -> None:
    kept = Kept()
    queue = SpanQueue(kept, max_bytes=10**6, interval=0.01)
    provider = TracerProvider(OnlyRecorded())
    provider.add_span_processor(queue)
    provider.get_tracer("x").start_span("x").end()
    assert provider.force_flush()
    assert kept.spans == []
    assert queue.close(30)


def test_spans_without_a_destination_are_told_as_dropped() -> None:
    ledger = Ledger()
    for sampler in (None, OnlyRecorded()):
        provider = TracerProvider(sampler)
        provider.add_span_processor(Nowhere(ledger))
        provider.get_tracer("x").start_span("x").end()
        assert provider.force_flush()
        provider.shutdown()
    assert ledger.read().dropped == {"no_destination": 1}


def test_any_opentelemetry_program_may_use_the_span_queue() -> None:
    kept = Kept()
    queue = SpanQueue(kept, max_bytes=10**6, interval=60)
    provider = TracerProvider()
    provider.add_span_processor(queue)
    tracer = provider.get_tracer("x")
    tracer.start_span("a", attributes={"text": "x" * 10, "number": 3}).end()
    tracer.start_span("b").end()
    assert provider.force_flush(30_000)
    assert names(kept.spans) == ["a", "b"]
    provider.shutdown()
    tracer.start_span("c").end()
    assert queue.close(30)
    assert kept.closed == 1


def test_a_full_queue_refuses_and_counts() -> None:
    stuck, ledger = Stuck(), Ledger()
    queue = SpanQueue(stuck, max_bytes=3_000, interval=0.0, ledger=ledger)
    uncounted = SpanQueue(Stuck(), max_bytes=500, interval=0.0)
    provider = TracerProvider()
    provider.add_span_processor(queue)
    provider.add_span_processor(uncounted)
    for _ in range(20):
        provider.get_tracer("x").start_span("x").end()
    assert stuck.reached.wait(30)
    stuck.let_go.set()
    assert queue.worker.flush(30)
    accounts = ledger.read()
    assert accounts.exported + accounts.dropped["export_queue_full"] == 20
    assert accounts.exported == len(stuck.spans)
    assert queue.close(30)
    assert uncounted.close(30)


def test_a_failed_export_is_counted_once_by_the_destination_that_counts() -> None:
    ledger = Ledger()
    queues = [
        SpanQueue(Kept(fail=True), max_bytes=10**6, interval=60, ledger=one)
        for one in (ledger, None)
    ]
    provider = TracerProvider()
    for queue in queues:
        provider.add_span_processor(queue)
    provider.get_tracer("x").start_span("x").end()
    assert provider.force_flush()
    assert ledger.read().dropped == {"export_failed": 1}
    assert all(queue.close(30) for queue in queues)


def test_log_records_go_the_same_way() -> None:
    exporter = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
    queue = LogQueue(exporter, max_bytes=1_200, interval=60)
    provider = LoggerProvider()
    provider.add_log_record_processor(queue)
    for _ in range(2):
        provider.get_logger("x").emit(event_name="said", attributes={"text": "x" * 100})
    assert provider.force_flush()
    assert len(exporter.get_finished_logs()) == 1, "the second found no room"
    provider.shutdown()
    assert queue.close(30)


def test_F48_what_the_queues_send_is_not_recorded() -> None:
    """An exporter that is itself instrumented, as one over an instrumented HTTP client is."""

    class Chatty(Kept):
        def export(self, spans: Any) -> Any:
            with clearspan.span("while exporting"):
                return super().export(spans)

    kept = Chatty()
    clearspan.init(exporters=[kept], providers=(), export_interval=0.01)
    for _ in range(3):
        work()
        clearspan.flush()
    assert names(kept.spans) == ["work"] * 3


def test_a_destination_may_take_nothing(monkeypatch: Any) -> None:
    monkeypatch.setitem(
        registry._added,
        (registry.EXPORTERS, "void"),
        lambda where: Exporters(None, None, None, "the void"),
    )
    with clearspan.init(exporters=["void"], providers=()) as runtime:
        work()
        assert clearspan.flush()
        assert runtime.destination == "the void"


def test_patches_that_are_not_ours_to_remove_stay() -> None:
    from clearspan.capture.patching import Patches
    from clearspan.provider import Provider, Server

    provider = Provider("p", "p", "1", (), lambda instance: Server("p"))
    patches = Patches(provider)
    patches.install()
    ProviderSet().remove([patches])
    assert patches.live
    patches.remove()


def test_disabled_runtimes_have_nothing_to_renew() -> None:
    runtime = clearspan.init(disabled=True)
    runtime.renew()
    assert runtime.ledger.read().created == 0
    assert threading.active_count() >= 1


def test_all_that_a_span_holds_weighs() -> None:
    text = "x" * 1_000
    queue = SpanQueue(Kept(), max_bytes=10**6, interval=3600)
    tracer = TracerProvider()
    tracer.add_span_processor(queue)
    made = tracer.get_tracer("x")
    weights: list[int] = []

    def ended(span: Any) -> int:
        span.end()
        weights.append(queue.worker.pending_bytes)
        return weights[-1] - sum(weights[-2:-1])

    bare = ended(made.start_span(""))
    event = made.start_span("")
    event.add_event(text, {"more": text})
    link = made.start_span("", links=[trace.Link(event.get_span_context(), {"more": text})])
    status = made.start_span("")
    status.set_status(trace.StatusCode.ERROR, text)
    numbers = made.start_span("", attributes={"many": list(range(1_000))})
    assert ended(event) > bare + 2_000
    assert ended(link) > bare + 1_000
    assert ended(status) == bare + 1_000
    assert ended(numbers) > bare + 8_000
    assert ended(made.start_span(text)) == bare + 1_000
    assert ended(made.start_span("\u6c49" * 1_000)) == bare + 3_000, "in bytes, not in characters"
    assert queue.close(30)


def test_the_body_of_a_log_record_weighs() -> None:
    queue = LogQueue(InMemoryLogRecordExporter(), max_bytes=10**6, interval=3600)  # type: ignore[no-untyped-call]
    provider = LoggerProvider()
    provider.add_log_record_processor(queue)
    provider.get_logger("x").emit(body={"text": ["x" * 5_000]})
    assert queue.worker.pending_bytes > 5_000
    assert queue.close(30)


def test_halves_whose_turn_does_not_come_by_the_deadline_are_counted() -> None:
    class TooLarge(Kept):
        too_large = True

        def export(self, spans: Any) -> Any:
            time.sleep(0.05)  # longer than there is time
            return super().export(spans)

    ledger = Ledger()
    kept = TooLarge(fail=True)
    queue = SpanQueue(kept, max_bytes=10**6, interval=3600, ledger=ledger)
    with deadline.within(0.02):
        queue._records._export(["one", "two", "three", "four"])
    assert ledger.read().dropped == {"export_failed": 4}
    assert len(kept.spans) in (0, 4), "one export, and no more"
    assert queue.close(30)


def test_points_that_nobody_keeps_are_in_no_books(tmp_path: Path) -> None:
    """There is no store yet, and nothing but the machine is told of."""
    with clearspan.init(store=tmp_path / "runs.db", providers=(), hardware="process") as runtime:
        assert runtime.flush(30)
        books = [each for each in runtime.status().deliveries if each.signal == "metric points"]
        assert [each.accounts.created for each in books] == [0]
        assert list(tmp_path.iterdir()) == []
        work()
        assert runtime.flush(30)
        books = [each for each in runtime.status().deliveries if each.signal == "metric points"]
        assert books[0].accounts.stored > 0
        assert (tmp_path / "runs.db").exists()
