"""With a real pipeline around it: what is sampled during a call stands in its record and on its span."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from clearspan import semconv as sc
from clearspan.core.ledger import Ledger
from clearspan.core.worker import Worker
from clearspan.draft import Draft
from clearspan.emit.content import ContentPolicy
from clearspan.emit.telemetry import Telemetry
from clearspan.figures.hardware import Attribution
from clearspan.pipeline import Pipeline
from clearspan.provider import Call, Endpoint
from clearspan.record import Invocation
from clearspan.samplers import DeviceState
from clearspan.stages import Figure

PATIENCE = 30.0
WATTS = 90.0


class Source:
    """A device that draws the same power all the time; it can be waited for until it was read again."""

    busy = False

    def __init__(self) -> None:
        self.was_read = threading.Semaphore(0)

    def states(self) -> Sequence[DeviceState]:
        self.was_read.release()
        return [DeviceState("GPU-7", 0.5, 1_000, WATTS, None, foreign=False)]

    def ids(self, indices: Sequence[int]) -> tuple[str, ...]:
        return tuple("GPU-7" for index in indices if index == 0)

    def wait(self, times: int) -> None:
        for _ in range(times):
            assert self.was_read.acquire(timeout=PATIENCE)


def nothing(draft: Draft, call: Call) -> None:
    draft.response_id = "r-1"


def answer(draft: Draft, result: Any) -> None:
    draft.usage(output=result)


class Rig:
    def __init__(self, *, own: bool) -> None:
        self.exporter = InMemorySpanExporter()
        tracers = TracerProvider(shutdown_on_exit=False)
        tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.meters = MeterProvider(shutdown_on_exit=False)
        self.records: list[Invocation] = []
        self.source = Source()
        self.attribution = Attribution(self.source, 0.01)

        def worker(handle: Any) -> Worker[Any]:
            return Worker("pipeline", handle, max_items=100, max_bytes=1_000_000)

        logger = LoggerProvider(shutdown_on_exit=False).get_logger("x")
        self.pipeline = Pipeline(
            Telemetry(tracers.get_tracer("x"), self.meters.get_meter("x"), logger),
            ContentPolicy(),
            Ledger(),
            worker=worker if own else None,
            consumers=[self.records.append],
            figures=[Figure("hardware", self.attribution.work_out)],
            watch=self.attribution,
        )

    def open(self, **about: Any) -> Draft:
        draft = Draft("chat", kind="internal")
        draft.provider, draft.model = "transformers", "small"
        draft.endpoint = Endpoint("chat", (), nothing, answer, kind="internal")
        for name, value in about.items():
            setattr(draft, name, value)
        assert self.pipeline.open(draft)
        return draft

    def close(self, draft: Draft, seconds: float, tokens: int) -> None:
        draft.result = tokens
        draft.end_ns = draft.start_ns + int(seconds * 1e9)
        self.pipeline.close(draft)

    def flush(self) -> None:
        if self.pipeline.worker is not None:
            assert self.pipeline.worker.flush(PATIENCE)


@pytest.fixture(params=[True, False], ids=["worker", "inline"])
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    made = Rig(own=request.param)
    yield made
    made.attribution.close(PATIENCE)
    if made.pipeline.worker is not None:
        assert made.pipeline.worker.close(PATIENCE)
    assert "clearspan-hardware" not in {thread.name for thread in threading.enumerate()}


def test_the_record_and_the_span_tell_it(rig: Rig) -> None:
    draft = rig.open(devices=(0,))
    rig.source.wait(3)
    rig.close(draft, 0.02, 9)
    rig.flush()
    (record,), (span,) = rig.records, rig.exporter.get_finished_spans()
    assert record.hardware is not None
    assert record.hardware.energy == pytest.approx(WATTS * 0.02, rel=1e-6)
    attributes = dict(span.attributes or {})
    assert attributes[sc.HARDWARE_ENERGY_PER_TOKEN] == pytest.approx(WATTS * 0.02 / 9, rel=1e-6)
    assert attributes[sc.HARDWARE_DEVICES] == ("GPU-7",)
    assert attributes[sc.HARDWARE_ATTRIBUTION] == "exclusive"


def test_calls_of_servers_elsewhere_start_no_thread(rig: Rig) -> None:
    draft = rig.open(kind="client", server_address="api.openai.com")
    assert "clearspan-hardware" not in {thread.name for thread in threading.enumerate()}
    rig.close(draft, 0.02, 9)
    rig.flush()
    assert rig.records[0].hardware is None


def test_calls_from_many_threads_at_once_add_up(rig: Rig) -> None:
    def one() -> None:
        barrier.wait(PATIENCE)
        draft = rig.open()
        rig.source.wait(1)
        barrier.wait(PATIENCE)
        drafts.append(draft)
        barrier.wait(PATIENCE)
        rig.close(draft, latest() - draft.started_at, 10)

    def latest() -> float:
        return max(draft.started_at for draft in drafts) + 0.02

    drafts: list[Draft] = []
    barrier = threading.Barrier(6)
    threads = [threading.Thread(target=one) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    rig.flush()
    shares = [record.hardware.energy or 0.0 for record in rig.records if record.hardware]
    whole = WATTS * (latest() - min(draft.started_at for draft in drafts))
    assert len(shares) == 6
    assert sum(shares) == pytest.approx(whole, rel=0.02)
