"""The books: whatever happens, created = exported + stored + dropped + pending, and every loss has a reason."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import threading
import time
import tracemalloc
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import openai
import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics.export import (
    InMemoryMetricReader,
    MetricExporter,
    MetricExportResult,
)
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

import clearspan
from clearspan import runtime as runtimes
from clearspan.capture import inlet
from clearspan.core.going_on import GoingOn
from clearspan.core.ledger import Accounts
from clearspan.draft import Draft
from clearspan.runtime import Runtime
from clearspan.runtime.state import Status
from clearspan.testing import ModelServer, captured
from tests.faults.kit import eventually

FATES = ("arrives", "fails", "raises", "nonsense", "too_large")


class Sink:
    """What both exporters of a test do with a batch."""

    def __init__(self) -> None:
        self.fate = "arrives"
        self.spans = self.events = 0
        self.held_up = False

    def take(self, items: int, well: Any, ill: Any) -> Any:
        until = time.monotonic() + 60
        while self.held_up and time.monotonic() < until:
            time.sleep(0.001)  # not by an `Event`: a child may be forked while its lock is held
        if self.fate == "raises":
            raise RuntimeError("a sink that breaks")
        if self.fate == "nonsense":
            return None
        return well if self.fate == "arrives" else ill

    @property
    def too_large(self) -> bool:
        return self.fate == "too_large"


class Spans(SpanExporter):
    def __init__(self, sink: Sink) -> None:
        self.sink = sink

    @property
    def too_large(self) -> bool:
        return self.sink.too_large

    def export(self, spans: Sequence[Any]) -> Any:
        found = self.sink.take(len(spans), SpanExportResult.SUCCESS, SpanExportResult.FAILURE)
        self.sink.spans += len(spans) * (found is SpanExportResult.SUCCESS)
        return found

    def shutdown(self) -> None:
        """Nothing is held."""


class Events(LogRecordExporter):
    def __init__(self, sink: Sink) -> None:
        self.sink = sink

    def export(self, batch: Sequence[Any]) -> Any:
        well, ill = LogRecordExportResult.SUCCESS, LogRecordExportResult.FAILURE
        found = self.sink.take(len(batch), well, ill)
        self.sink.events += len(batch) * (found is well)
        return found

    def shutdown(self) -> None:
        """Nothing is held."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing is held back."""
        return True


class Points(MetricExporter):
    """Takes metric points, or not."""

    def __init__(self) -> None:
        super().__init__()
        self.points = 0
        self.fails = False

    def export(self, metrics_data: Any, timeout_millis: float = 10_000, **kwargs: Any) -> Any:
        self.points += len(points_of(metrics_data)) * (not self.fails)
        return MetricExportResult.FAILURE if self.fails else MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Nothing is held."""


def points_of(data: Any) -> list[tuple[str, Any]]:
    """The points of a collection, each with its instrument's name."""
    return [
        (metric.name, point)
        for resource in (data.resource_metrics if data is not None else ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
        for point in metric.data.data_points
    ]


@clearspan.task
def work(number: int = 0) -> int:
    return number


@clearspan.task
def broken() -> None:
    raise LookupError


@clearspan.task
def letters() -> Generator[str, None, None]:
    yield from "abc"


def balanced(accounts: Accounts) -> None:
    settled = accounts.exported + accounts.stored + sum(accounts.dropped.values())
    assert accounts.created == settled + accounts.pending
    assert accounts.pending >= 0, accounts


def in_child(function: Callable[[], Any]) -> Any:
    """What `function` answers in a forked child, which ends without a word."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:  # pragma: no cover -- in another process
        with os.fdopen(writing, "w") as pipe:
            pipe.write(json.dumps(function()))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        told = pipe.read()
    assert os.waitpid(child, 0)[1] == 0
    return json.loads(told)


def childs_share() -> Any:
    """A child begins with empty books, and keeps its own."""
    before = clearspan.status().accounts
    for number in range(3):
        work(number)
    flushed = clearspan.flush(20)
    after = clearspan.status().accounts
    balanced(after)
    return [before.created, before.pending, flushed, after.created, after.pending]


class Books(RuleBasedStateMachine):
    """A program that does what programs do, with a sink that fails, and a reader of the books."""

    def __init__(self) -> None:
        super().__init__()
        self.sink = Sink()
        self.open: list[Any] = []
        self.made = 0
        self.runtime: Runtime | None = None

    @initialize(rate=st.sampled_from([1.0, 1.0, 0.0, 0.5]), where=st.sampled_from(["span", "both"]))
    def begin(self, rate: float, where: str) -> None:
        self.start(rate, where, guarded=False)

    @precondition(lambda self: self.runtime is None)
    @rule(
        rate=st.sampled_from([1.0, 1.0, 0.0, 0.5]),
        where=st.sampled_from(["span", "both"]),
        guarded=st.booleans(),
    )
    def start(self, rate: float, where: str, guarded: bool) -> None:
        self.sink = Sink()
        self.made = 0
        self.runtime = clearspan.init(
            exporters=[Spans(self.sink), Events(self.sink)], providers=["openai"], hardware="off",
            sample_rate=rate, content_target=where, queue_bytes="64KB", export_interval=0.005,
            guards=["pii:block:input"] if guarded else (),
        )  # fmt: skip

    @precondition(lambda self: self.runtime is not None)
    @rule(times=st.integers(1, 40))
    def emit(self, times: int) -> None:
        for number in range(times):
            work(number)
        self.made += times

    @precondition(lambda self: self.runtime is not None)
    @rule()
    def emit_a_failure(self) -> None:
        with contextlib.suppress(LookupError):
            broken()
        self.made += 1

    @precondition(lambda self: self.runtime is not None)
    @rule(card=st.booleans(), stream=st.booleans())
    def emit_a_call(self, card: bool, stream: bool) -> None:
        """A guard may stop it before it is sent."""
        text = "My card is 4111 1111 1111 1111." if card else "Hello"
        asked: Any = {"model": "m", "messages": [{"role": "user", "content": text}]}
        with contextlib.suppress(clearspan.Blocked):
            if stream:
                list(CLIENT.chat.completions.create(**asked, stream=True))
            else:
                CLIENT.chat.completions.create(**asked)
        self.made += 1

    @precondition(lambda self: self.runtime is not None)
    @rule()
    def open_a_stream(self) -> None:
        stream = letters()
        next(stream)
        self.open.append(stream)
        self.made += 1

    @precondition(lambda self: self.open)
    @rule(to_the_end=st.booleans())
    def leave_a_stream(self, to_the_end: bool) -> None:
        stream = self.open.pop()
        if to_the_end:
            list(stream)
        stream.close()

    @rule(fate=st.sampled_from(FATES))
    def turn(self, fate: str) -> None:
        self.sink.fate = fate

    @rule()
    def hold_up(self) -> None:
        self.sink.held_up = True

    @rule()
    def let_go(self) -> None:
        self.sink.held_up = False

    @precondition(lambda self: not self.sink.held_up and self.runtime is not None)
    @rule()
    def flush(self) -> None:
        assert clearspan.flush(30)
        found = clearspan.status()
        assert found.accounts.pending == found.open_calls
        assert found.accounts.exported == self.sink.spans

    @precondition(lambda self: self.runtime is not None)
    @rule()
    def fork(self) -> None:
        held_up, fate = self.sink.held_up, self.sink.fate
        self.sink.held_up = False  # what it holds up in the parent is no matter of the child's
        before, pending, flushed, created, left = in_child(childs_share)
        self.sink.held_up = held_up
        assert (before, pending, flushed, created, left) == (0, 0, True, 3, 0), fate

    @precondition(lambda self: not self.sink.held_up and self.runtime is not None)
    @rule()
    def shut_down(self) -> None:
        running = self.running
        assert clearspan.shutdown(30)
        found = running.status()
        assert (found.accounts.pending, found.open_calls) == (0, 0)
        work()
        assert running.status().accounts == found.accounts, "nothing is recorded any more"
        self.open.clear()
        self.runtime = None

    @property
    def running(self) -> Runtime:
        assert self.runtime is not None
        return self.runtime

    @invariant()
    def the_books_are_balanced(self) -> None:
        if self.runtime is None:
            return
        found = self.runtime.status()
        balanced(found.accounts)
        assert found.accounts.created == self.made
        assert found.internal_errors.keys() <= {"worker.clearspan-spans", "worker.clearspan-events"}
        for delivery in found.deliveries:
            balanced(delivery.accounts)
            assert delivery.destination in ("Spans", "Events")
        for queue in found.queues:
            assert 0 <= queue.items <= queue.max_items
            assert 0 <= queue.bytes <= queue.max_bytes

    def teardown(self) -> None:
        self.sink.held_up = False
        clearspan.shutdown(30)
        self.open.clear()


CLIENT: Any = None


@pytest.fixture
def client() -> Iterator[Any]:
    global CLIENT
    with (
        ModelServer() as server,
        openai.OpenAI(base_url=server.url, api_key="k", max_retries=0) as made,
    ):
        CLIENT = made
        yield made
    CLIENT = None


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CLEARSPAN_STRICT")
    monkeypatch.setattr(runtimes, "_warned", set())
    yield
    clearspan.shutdown()
    assert inlet.current() is None


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_F47_the_books_are_balanced_whatever_happens(client: Any) -> None:
    sizes = settings(max_examples=12, stateful_step_count=20, deadline=None)
    run_state_machine_as_test(Books, settings=sizes)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_F47_a_child_keeps_books_of_its_own() -> None:
    """Nothing that the parent created or lost is told by its child, of no signal."""
    sink = Sink()
    runtime = clearspan.init(exporters=[Spans(sink), Events(sink)], providers=(), hardware="off")
    work()
    assert clearspan.flush(30)

    def share() -> Any:
        before = [each.accounts.created for each in runtime.status().deliveries]
        return [
            before,
            childs_share(),
            [each.accounts.created for each in runtime.status().deliveries],
        ]

    assert in_child(share) == [[0, 0], [0, 0, True, 3, 0], [3, 0]]
    assert runtime.status().accounts == Accounts(1, 1, 0)


def test_F47_a_stream_that_is_read_on_after_the_end_is_the_programs() -> None:
    """Its record ended with clearspan; the program reads what is left, and nothing is counted as a failure."""
    sink = Sink()
    runtime = clearspan.init(exporters=[Spans(sink)], providers=(), hardware="off")
    stream = letters()
    assert next(stream) == "a"
    assert clearspan.shutdown(30)
    assert list(stream) == ["b", "c"]
    found = runtime.status()
    assert (found.accounts, found.internal_errors) == (Accounts(1, 1, 0), {})


@pytest.mark.parametrize("fate", FATES[1:])
def test_F47_no_drop_is_silent(fate: str) -> None:
    """However a sink fails, each span, event and point that it did not get is counted with a reason."""
    sink, points = Sink(), Points()
    sink.fate, points.fails = fate, True
    runtime = clearspan.init(
        exporters=[Spans(sink), Events(sink), points], providers=(), hardware="off", content_target="both",
    )  # fmt: skip
    with clearspan.invocation("chat", model="m") as draft:
        draft.input("why?")
    work()
    clearspan.flush(30)
    found = runtime.status()
    reason = "too_large" if fate == "too_large" else "export_failed"
    assert found.accounts == Accounts(2, 0, 0, {reason: 2})
    books = {each.signal: each.accounts for each in found.deliveries}
    assert books["spans"] == found.accounts
    assert books["events"] == Accounts(1, 0, 0, {"export_failed": 1})
    assert books["metric points"].created == books["metric points"].dropped["export_failed"] > 0
    assert points.points == 0


def test_F47_what_arrives_is_counted_at_every_destination(tmp_path: Path) -> None:
    """The spans of the program are settled once; each destination keeps books of its own."""
    sink, points = Sink(), Points()
    runtime = clearspan.init(
        store=tmp_path / "s.db", exporters=[Spans(sink), Events(sink), points], providers=(), hardware="off",
        content_target="both",
    )  # fmt: skip
    with clearspan.invocation("chat", model="m") as draft:
        draft.input("why?")
    work()
    assert clearspan.flush(30)
    found = runtime.status()
    assert found.accounts == Accounts(2, 0, 2)
    books = {
        (each.signal, each.destination.partition(" ")[0]): each.accounts
        for each in found.deliveries
    }
    assert books["spans", "store"] == Accounts(2, 0, 2)
    assert books["spans", "Spans"] == Accounts(2, 2, 0)
    assert (books["events", "store"], books["events", "Events"]) == (
        Accounts(1, 0, 1),
        Accounts(1, 1, 0),
    )
    told = books["metric points", "Points"]
    assert told.exported == told.created == points.points > 0
    assert books["metric points", "store"].stored > 0


@pytest.mark.parametrize("most", [3, 40])
def test_F47_what_finds_no_room_is_told_as_dropped(most: int) -> None:
    sink = Sink()
    sink.held_up = True
    runtime = clearspan.init(
        exporters=[Spans(sink)], providers=(), hardware="off", export_interval=0.001, queue_bytes=4096 * most,
    )  # fmt: skip
    for number in range(400):
        work(number)
    assert eventually(lambda: sum(runtime.status().accounts.dropped.values()) > 0)
    balanced(runtime.status().accounts)
    sink.held_up = False
    assert clearspan.flush(30)
    found = runtime.status().accounts
    assert set(found.dropped) <= {"queue_full", "export_queue_full"}
    assert (found.pending, found.exported) == (0, sink.spans)
    assert found.created == 400


def test_F47_the_books_are_metrics_too() -> None:
    """By the names of OpenTelemetry's conventions; the same identity, read from what was exported."""
    sink, reader = Sink(), InMemoryMetricReader()
    runtime = clearspan.init(exporters=[Spans(sink), reader], providers=(), hardware="off")
    assert not [
        name for name, _ in points_of(reader.get_metrics_data()) if name.startswith("otel.")
    ]
    for number in range(5):
        work(number)
    assert clearspan.flush(30)
    sink.fate = "fails"
    work()
    clearspan.flush(30)
    stream = letters()
    next(stream)
    found: dict[tuple[str, Any, Any], float] = {
        (
            name,
            point.attributes.get("error.type"),
            point.attributes.get("otel.component.name"),
        ): point.value
        for name, point in points_of(reader.get_metrics_data())
        if name.startswith(("otel.sdk.", "clearspan.queue."))
    }
    assert found["otel.sdk.span.started", None, None] == 7
    assert found["otel.sdk.processor.span.processed", None, None] == 5
    assert found["otel.sdk.processor.span.processed", "export_failed", None] == 1
    assert found["otel.sdk.span.live", None, None] == 1
    assert found["otel.sdk.exporter.span.exported", None, "Spans"] == 5
    assert found["otel.sdk.exporter.span.exported", "export_failed", "Spans"] == 1
    most = {queue.name: queue.max_items for queue in runtime.status().queues}
    for metric, queue in (
        ("otel.sdk.processor.span.queue", "clearspan-spans"),
        ("clearspan.queue", "clearspan"),
    ):
        assert found[f"{metric}.size", None, queue] == 0
        assert found[f"{metric}.capacity", None, queue] == most[queue]
        assert [name for name, *_ in found if name == f"{metric}.size"] == [f"{metric}.size"]
    stream.close()


def test_F47_only_spans_are_counted_as_spans_that_wait() -> None:
    """The queue of what is to be worked on holds pieces of streams and sessions too: it has a name of its own."""
    sink, reader = Sink(), InMemoryMetricReader()
    runtime = clearspan.init(
        exporters=[Spans(sink), reader], providers=(), hardware="off", export_interval=3_600
    )
    sink.held_up = True  # what is being exported waits still
    work()
    assert runtime.pipeline is not None
    assert runtime.pipeline.complete_all(30)
    worker: Any = runtime.pipeline.worker
    entered, go, handle = threading.Event(), threading.Event(), worker._handle

    def wait(batch: list[Any]) -> None:
        entered.set()
        go.wait(60)
        handle(batch)

    worker._handle = wait
    pieces = letters()
    next(pieces)
    pieces.close()
    assert entered.wait(60)
    waiting = {
        (name, point.attributes["otel.component.name"]): point.value
        for name, point in points_of(reader.get_metrics_data())
        if name.endswith("queue.size")
    }
    work_items = worker.pending
    go.set()
    sink.held_up = False
    assert work_items >= 1
    assert waiting == {
        ("otel.sdk.processor.span.queue.size", "clearspan-spans"): 1,
        ("clearspan.queue.size", "clearspan"): work_items,
    }
    assert clearspan.flush(30)
    assert sink.spans == 2


def test_F47_doctor_tells_the_books(tmp_path: Path) -> None:
    from rich.console import Console

    from clearspan.cli.checkup import examine
    from clearspan.cli.prescription import prescription

    report = examine({"store": tmp_path / "s.db", "hardware": "off"}, send=True, timeout=20)
    accounts = report.status["accounts"]
    assert (accounts["created"], accounts["stored"], accounts["dropped"]) == (1, 1, {})
    books = {signal: told for signal, _, told in report.status["deliveries"]}
    assert books["spans"] == accounts
    assert set(books) == {"spans", "events", "metric points"}
    console = Console(record=True, width=200)
    console.print(prescription(report))
    shown = console.export_text()
    assert "1 created, 0 exported, 1 stored, 0 pending, dropped 0" in shown
    points = books["metric points"]
    told = f"{points['created']} created, 0 exported, {points['stored']} stored"
    assert any("metric points" in line and told in line for line in shown.splitlines())


def test_F47_what_nobody_ends_is_given_up_and_told() -> None:
    """The registry of open calls is bounded by number and by age; what had to go is in the books."""
    now = [0.0]
    lost: list[tuple[str, str]] = []
    going: GoingOn[Draft] = GoingOn(
        lambda draft, reason: lost.append((draft.operation, reason)),
        most=3, longest=10, clock=lambda: now[0],
    )  # fmt: skip

    def begin(number: int, name: str) -> bool:
        draft = Draft(name)
        draft.started_at = now[0]
        return going.begin(number, draft)

    def open_now() -> list[str]:
        return [draft.operation for draft in going.values()]

    for number, name in enumerate("abcd"):
        if begin(number, name):
            going.trim()
    assert (open_now(), lost) == (["b", "c", "d"], [("a", "too_many_open")])
    now[0] = 11.0
    assert begin(9, "e")
    going.trim()
    assert (open_now(), lost[1:]) == (["e"], [(each, "open_too_long") for each in "bcd"])


def test_F47_open_calls_are_bounded_in_the_pipeline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        GoingOn.__init__, "__kwdefaults__", {**(GoingOn.__init__.__kwdefaults__ or {}), "most": 8}
    )
    sink = Sink()
    runtime = clearspan.init(exporters=[Spans(sink)], providers=(), hardware="off")
    streams = [letters() for _ in range(20)]
    for stream in streams:
        next(stream)
    found = runtime.status()
    assert (found.open_calls, found.accounts.dropped) == (8, {"too_many_open": 12})
    for stream in streams:
        list(stream)
    assert clearspan.flush(30)
    found = runtime.status()
    assert (found.accounts.exported, found.accounts.pending, sink.spans) == (8, 0, 8)


# -- what goes with it: nothing grows, nothing stays ----------------------------------------------


def test_F53_disabled_means_that_nothing_is_kept(tmp_path: Path, client: Any) -> None:
    asked: Any = {"model": "m", "messages": [{"role": "user", "content": "x" * 10_000}]}
    client.chat.completions.create(**asked)
    before = _threads(), type(client.chat.completions).create
    runtime = clearspan.init(disabled=True, store=tmp_path / "s.db")
    work()
    gc.collect()
    tracemalloc.start()
    try:
        grown = _held(lambda: client.chat.completions.create(**asked), 40)
    finally:
        tracemalloc.stop()
    assert grown < 20_000, "less than two of the requests"
    assert (_threads(), type(client.chat.completions).create) == before
    assert runtime.status() == Status(False)
    assert list(tmp_path.iterdir()) == []


def _threads() -> set[str]:
    """Those that are running, but for the model server's, which come and go with connections."""
    names = {thread.name for thread in threading.enumerate()}
    return {name for name in names if not name.startswith("clearspan-model-server")}


def _held(call: Callable[[], Any], times: int) -> int:
    """Bytes of clearspan's that so many calls leave behind."""
    where = [
        tracemalloc.Filter(inclusive=True, filename_pattern="*/clearspan/*"),
        tracemalloc.Filter(inclusive=False, filename_pattern="*/clearspan/testing/*"),
    ]
    call()
    first = tracemalloc.take_snapshot().filter_traces(where)
    for _ in range(times):
        call()
    gc.collect()
    second = tracemalloc.take_snapshot().filter_traces(where)
    return sum(each.size_diff for each in second.compare_to(first, "filename"))


def test_F61_coming_and_going_leaves_nothing(tmp_path: Path) -> None:
    """Threads, descriptors and objects of ours are as many after many runs as after a few."""

    def cycle(number: int) -> None:
        sink = Sink()
        with clearspan.init(
            store=tmp_path / "s.db", exporters=[Spans(sink), Events(sink)], providers=["openai"], hardware="off",
            content_target="both", evaluators=["refusal"],
        ):  # fmt: skip
            work(number)

    def counts() -> tuple[int, int, int]:
        gc.collect()
        ours = sum(str(type(item).__module__).startswith("clearspan.") for item in gc.get_objects())
        return threading.active_count(), len([*Path("/proc/self/fd").iterdir()]), ours

    for number in range(3):
        cycle(number)
    before = counts()
    for number in range(12):
        cycle(number)
    after = counts()
    assert after[:2] == before[:2]
    assert after[2] <= before[2] + 12, "not so much as one object a cycle"


def test_F62_what_the_host_drops_is_free(client: Any) -> None:
    """With the collector off: once a call is complete, nothing of ours holds its content."""
    import weakref

    class Text(str):
        __slots__ = ("__weakref__",)

    with captured(providers=["openai"]) as seen:
        gc.disable()
        try:
            text = Text("x" * 1_000_000)
            held = weakref.ref(text)
            answer = client.chat.completions.create(
                model="m", messages=[{"role": "user", "content": text}]
            )
            answered = weakref.ref(answer)
            del text, answer
            assert len(seen.invocations) == 1
            seen._invocations.clear()
            seen._spans.clear()
            assert eventually(lambda: answered() is None)
            assert eventually(lambda: held() is None)
        finally:
            gc.enable()


@pytest.mark.parametrize(
    "variables", [{"OTEL_SDK_DISABLED": "true"}, {"OTEL_TRACES_SAMPLER": "always_off"}, {}]
)
@pytest.mark.parametrize("rate", [0.0, 0.5, 1.0])
def test_F63_spans_that_record_nothing_do_no_harm(
    variables: dict[str, str], rate: float, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sampled out, by ratio, or with an SDK that is switched off, in a trace that says it is sampled."""
    from opentelemetry import context, trace
    from opentelemetry.sdk.trace import TracerProvider

    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    own = TracerProvider()
    for provider in (None, own):
        sink = Sink()
        chosen: Any = {} if provider is None else {"tracer_provider": provider}
        if provider is None and rate < 1:
            chosen["sample_rate"] = rate
        runtime = clearspan.init(
            exporters=[Spans(sink)], providers=["openai"], hardware="off", **chosen
        )
        around = trace.NonRecordingSpan(
            trace.SpanContext(7, 7, is_remote=True, trace_flags=trace.TraceFlags(1))
        )
        token = context.attach(trace.set_span_in_context(around))
        try:
            for _ in range(4):
                answer = client.chat.completions.create(
                    model="m", messages=[{"role": "user", "content": "a"}]
                )
                assert answer.choices[0].message.content
                assert len(list(letters())) == 3
        finally:
            context.detach(token)
        assert clearspan.flush(30)
        found = runtime.status()
        balanced(found.accounts)
        assert (found.accounts.pending, found.internal_errors) == (0, {})
        assert found.accounts.created in (0, 8)
        clearspan.shutdown(30)


@pytest.mark.parametrize("sampled", [True, False], ids=["in a trace", "on its own"])
def test_F63_what_nobody_records_is_told_as_dropped(client: Any, sampled: bool) -> None:
    """A provider that does nothing, be it in a trace that says it is sampled: no span was there to hand over."""
    from opentelemetry import context, trace

    runtime = clearspan.init(
        providers=["openai"],
        hardware="off",
        tracer_provider=trace.NoOpTracerProvider(),
        store="s.db",
    )
    around = trace.INVALID_SPAN
    if sampled:
        around = trace.NonRecordingSpan(
            trace.SpanContext(7, 7, is_remote=True, trace_flags=trace.TraceFlags(1))
        )
    token = context.attach(trace.set_span_in_context(around))
    try:
        client.chat.completions.create(model="m", messages=[{"role": "user", "content": "a"}])
        work()
    finally:
        context.detach(token)
    assert clearspan.flush(30)
    assert runtime.status().accounts == Accounts(2, 0, 0, {"not_recorded": 2})


def test_F64_sampled_out_means_no_work(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is copied, read, encoded or judged for a call that nobody will see."""
    from clearspan.core import copying, jsonfast

    def refuse(*given: Any, **named: Any) -> Any:
        raise AssertionError("work for nobody")

    class Judge(clearspan.Evaluator):
        name = "never"

        def evaluate(self, call: Any) -> Any:
            return refuse()

    # Names are cleaned all the same: its points tell them.
    for module, name in ((jsonfast, "dumps"), (copying.Copier, "of")):
        monkeypatch.setattr(module, name, refuse)
    sink = Sink()
    runtime = clearspan.init(
        exporters=[Spans(sink)], providers=["openai"], hardware="off", sample_rate=0, evaluators=[Judge()],
    )  # fmt: skip
    client.chat.completions.create(model="m", messages=[{"role": "user", "content": "a"}])
    work(1)
    assert clearspan.flush(30)
    found = runtime.status()
    assert found.accounts == Accounts(2, 0, 0, {"unsampled": 2})
    assert found.internal_errors == {}
    assert (found.evaluators[0].judged, sink.spans) == (0, 0)


@pytest.mark.parametrize(
    "answer",
    [None, "text", float("nan"), float("inf"), 10**400, [], object(), "raises", "exits"],
    ids=lambda answer: str(answer)[:12],
)
def test_F79_what_is_no_score_is_an_error_and_no_score(answer: Any) -> None:
    """An outcome is a value, or an error, or skipped: never two of them, and never a made-up zero."""

    class Odd(clearspan.Evaluator):
        name = "odd"

        def evaluate(self, call: Any) -> Any:
            if answer == "raises":
                raise LookupError
            if answer == "exits":
                raise SystemExit(3)
            return answer

    with captured(evaluators=[Odd()]) as seen:
        with clearspan.invocation("chat", model="m") as draft:
            draft.input("why?")
            draft.text("because")
        (score,) = seen.scores
        (status,) = seen.evaluators
    told = [
        score.value is not None or score.label is not None,
        score.error is not None,
        score.skipped is not None,
    ]
    assert told.count(True) == 1, score
    if not isinstance(answer, str) or answer in ("raises", "exits"):
        assert score.value is None
        assert score.error is not None or answer is None
    assert status.judged + sum(status.errors.values()) + sum(status.skipped.values()) == 1
