"""The pipeline: from the opening of a draft to its record, here or on the worker, and in the books."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry.baggage import set_baggage
from opentelemetry.context import attach, detach, set_value
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, NumberDataPoint
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON

from clearspan import semconv as sc
from clearspan.core import fence
from clearspan.core.ledger import Accounts, Ledger
from clearspan.core.tape import FEW, MANY, Strip
from clearspan.core.worker import Worker
from clearspan.draft import Draft
from clearspan.emit import tally
from clearspan.emit.content import ContentPolicy
from clearspan.emit.telemetry import Telemetry
from clearspan.pipeline import Pipeline
from clearspan.provider import Call, Endpoint
from clearspan.record import Invocation, Outcome
from clearspan.response import ResponseRef
from clearspan.score import Score
from clearspan.stages import Chunks, Due, Read, Work

LONG = 30.0


def read_request(draft: Draft, call: Call) -> None:
    draft.input(call.kwargs["messages"])


def read_response(draft: Draft, body: Any) -> None:
    draft.response_id = body.get("id")
    draft.text(body["text"])
    draft.finish("stop")
    draft.usage(input=2, output=1)


def read_chunk(draft: Draft, item: Any) -> None:
    draft.text(item)


def tape(draft: Draft, chunks: list[tuple[float, Any]]) -> None:
    """Chunks that came at these times."""
    for at, item in chunks:
        draft.unread.add(at, item)


def endpoint(**more: Any) -> Endpoint:
    given: dict[str, Any] = {
        "request": read_request,
        "response": read_response,
        "chunk": read_chunk,
    }
    return Endpoint("chat", (), **{**given, **more})


class Rig:
    """A pipeline over the real SDK; on a worker that can be held back, or inline."""

    def __init__(
        self,
        *,
        own: bool,
        sampler: Any = ALWAYS_ON,
        policy: ContentPolicy | None = None,
        items: int = 100,
        size: int = 1_000_000,
        consumers: tuple[Callable[[Invocation], None], ...] = (),
        handed_over: bool = True,
        inline: bool = False,
    ) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider(sampler, shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.reader = InMemoryMetricReader()
        self.meter = MeterProvider([self.reader], shutdown_on_exit=False)
        self.ledger = Ledger()
        self.records: list[Invocation] = []
        self.threads: set[str] = set()
        self.go = threading.Event()
        self.go.set()

        def consume(record: Invocation) -> None:
            self.threads.add(threading.current_thread().name)
            self.records.append(record)

        def worker(handle: Any) -> Worker[Work]:
            def held(batch: list[Work]) -> None:
                assert self.go.wait(LONG)
                handle(batch)

            return Worker("pipeline", held, max_items=items, max_bytes=size, linger=0.0)

        self.pipeline = Pipeline(
            Telemetry(
                self.provider.get_tracer("x"),
                self.meter.get_meter("x"),
                LoggerProvider(shutdown_on_exit=False).get_logger("x"),
            ),
            policy or ContentPolicy(),
            self.ledger,
            worker=worker if own else None,
            inline=inline,
            consumers=(*consumers, consume),
            handed_over=handed_over,
        )

    def open(self, **facts: Any) -> Draft:
        draft = Draft("chat")
        for name, value in facts.items():
            setattr(draft, name, value)
        assert self.pipeline.open(draft)
        return draft

    def settle(self) -> None:
        self.go.set()
        if self.pipeline.worker is not None:
            assert self.pipeline.worker.flush(LONG)

    @property
    def record(self) -> Invocation:
        self.settle()
        (record,) = self.records
        return record

    @property
    def waiting(self) -> int:
        """How many points wait to be recorded."""
        return len(self.pipeline.telemetry._tally._waiting)

    @property
    def counted(self) -> float:
        """How many operations metrics tell of."""
        data = self.reader.get_metrics_data()
        scopes = [scope for item in data.resource_metrics for scope in item.scope_metrics] if data else []  # fmt: skip
        points = [
            point
            for scope in scopes
            for metric in scope.metrics
            if metric.name == sc.METRIC_OPERATION_COUNT
            for point in metric.data.data_points
        ]
        return sum(point.value for point in points if isinstance(point, NumberDataPoint))

    @property
    def spans(self) -> list[Any]:
        self.settle()
        return list(self.exporter.get_finished_spans())

    def close(self) -> None:
        self.go.set()
        if self.pipeline.worker is not None:
            assert self.pipeline.worker.close(LONG)
        self.meter.shutdown()


@pytest.fixture
def rigs() -> Iterator[Any]:
    made: list[Rig] = []

    def make(**options: Any) -> Rig:
        made.append(Rig(**options))
        return made[-1]

    yield make
    for rig in made:
        rig.close()


@pytest.fixture(params=[True, False], ids=["worker", "inline"])
def rig(rigs: Any, request: pytest.FixtureRequest) -> Rig:
    made: Rig = rigs(own=request.param)
    return made


def asked() -> Call:
    return Call(None, (), {"messages": "question"})


# -- the usual way -----------------------------------------------------------------------------------------


def test_a_call_is_read_sealed_and_emitted(rig: Rig) -> None:
    draft = rig.open(endpoint=endpoint(), call=asked())
    assert rig.pipeline.open_calls == 1
    assert rig.ledger.read() == Accounts(1, 0, 0)
    draft.result = {"id": "r1", "text": "answer"}
    rig.pipeline.close(draft)
    assert (rig.record.input_text, rig.record.output_text) == ("question", "answer")
    assert rig.record.response_id == "r1"
    assert rig.pipeline.open_calls == 0
    assert rig.ledger.read() == Accounts(1, 1, 0)
    (span,) = rig.spans
    assert span.attributes["gen_ai.usage.input_tokens"] == 2
    own = rig.pipeline.worker is not None
    assert rig.threads == {"pipeline" if own else threading.current_thread().name}


def test_a_draft_without_an_endpoint_is_what_it_was_told(rig: Rig) -> None:
    draft = rig.open()
    draft.input("question")
    draft.text("answer")
    rig.pipeline.close(draft)
    assert rig.record.output_text == "answer"


def test_only_the_first_end_counts(rig: Rig) -> None:
    draft = rig.open()
    rig.pipeline.close(draft)
    rig.pipeline.close(draft)
    rig.settle()
    assert len(rig.records) == len(rig.spans) == 1
    assert rig.ledger.read() == Accounts(1, 1, 0)


def test_silence_is_kept(rig: Rig) -> None:
    token = attach(set_value("suppress_instrumentation", True))
    try:
        assert rig.pipeline.open(Draft("chat")) is False
    finally:
        detach(token)
    assert rig.ledger.read() == Accounts(0, 0, 0)
    assert rig.pipeline.open_calls == 0


def test_content_is_wanted_as_the_policy_says(rigs: Any) -> None:
    assert rigs(own=False).open().content is True
    assert rigs(own=False, policy=ContentPolicy("off")).open().content is False


def test_chunks_are_read_and_timed(rig: Rig) -> None:
    draft = rig.open(endpoint=endpoint())
    draft.started_at = 10.0
    tape(draft, [(10.5, ""), (10.75, "Hel")])
    rig.pipeline.chunks(draft, over=True)
    tape(draft, [(11.0, "lo")])
    rig.pipeline.chunks(draft, over=True)
    rig.pipeline.close(draft)
    assert rig.record.output_text == "Hello"
    timing = rig.record.timing
    assert (timing.first_chunk, timing.first_content, timing.chunks) == (0.5, 0.75, 3)


def test_small_chunks_stay_until_there_are_many_and_large_ones_do_not(rig: Rig) -> None:
    draft = rig.open(endpoint=endpoint())
    tape(draft, [(1.0, "x")] * FEW)
    assert rig.pipeline.chunks(draft) == MANY - FEW
    assert len(draft.unread) == FEW
    tape(draft, [(2.0, "x")] * (MANY - FEW))
    assert rig.pipeline.chunks(draft) == MANY
    assert len(draft.unread) == 0
    tape(draft, [(3.0, "x" * 5_000)] * FEW)
    assert rig.pipeline.chunks(draft) == FEW
    assert len(draft.unread) == 0
    assert rig.pipeline.chunks(draft, over=True) == MANY, "nothing has come"
    rig.pipeline.close(draft)
    assert rig.record.timing.chunks == MANY + FEW
    assert rig.record.output_text.startswith("x" * (MANY + 5_000))


def test_of_many_calls_that_go_on_each_lets_fewer_chunks_wait(rig: Rig) -> None:
    drafts = [rig.open(endpoint=endpoint()) for _ in range(200)]
    tape(drafts[0], [(1.0, "x")] * FEW)
    more = rig.pipeline.chunks(drafts[0])
    assert 0 < more < (MANY - FEW) / 2
    for draft in drafts[1:]:
        rig.pipeline.close(draft)
    assert rig.pipeline.chunks(drafts[0]) == MANY - FEW
    rig.pipeline.close(drafts[0])


def test_a_generators_pace_is_its_consumers(rig: Rig) -> None:
    draft = rig.open(endpoint=endpoint(stepped=True, chunk=None))
    tape(draft, [(1.0, "x"), (2.0, "y")])
    rig.pipeline.chunks(draft, over=True)
    rig.pipeline.close(draft)
    assert rig.record.timing.chunks == 0
    assert rig.record.output == ()


def test_what_finishes_a_draft_comes_last(rig: Rig) -> None:
    def finish(draft: Draft) -> None:
        draft.extra("x.after", draft.response_id)

    draft = rig.open(endpoint=endpoint(), finish_with=finish, result={"id": "r", "text": ""})
    rig.pipeline.close(draft)
    assert rig.record.extras == {"x.after": "r"}


def test_an_inner_draft_is_read_and_taken_over(rig: Rig) -> None:
    inner = Draft("chat")
    inner.endpoint, inner.call, inner.result = endpoint(), asked(), {"id": "r", "text": "answer"}
    draft = rig.open(inner=inner)
    draft.ref = ref = ResponseRef(draft)
    rig.pipeline.close(draft)
    assert (rig.record.input_text, rig.record.output_text) == ("question", "answer")
    assert ref.id() == "r"


def test_nothing_of_the_vendors_is_kept(rig: Rig) -> None:
    class Answer(dict[str, Any]):
        pass

    draft = rig.open(endpoint=endpoint(), call=asked(), result=Answer(id="r", text="x"))
    answer = weakref.ref(draft.result)
    rig.pipeline.close(draft)
    rig.settle()
    gc.collect()
    assert answer() is None


def test_it_speaks_for_its_telemetry(rig: Rig) -> None:
    assert rig.pipeline.here() is None
    draft = rig.open()
    token = rig.pipeline.attach(draft)
    here = rig.pipeline.here()
    rig.pipeline.detach(token)
    assert here is not None
    assert draft.trace is not None
    assert here.span_id == draft.trace.span_id
    undo = rig.pipeline.propagate({"session": "s"})
    assert rig.open().received == {"session": "s"}
    undo()
    assert not rig.open().received
    assert rig.pipeline.telemetry.current() is None


def test_baggage_that_cannot_be_read_costs_no_record(rig: Rig, tolerant: None) -> None:
    token = attach(set_baggage(7, "x"))  # type: ignore[arg-type]  # which the API takes all the same
    try:
        draft = rig.open()
    finally:
        detach(token)
    assert draft.received is None
    assert fence.failures() == {"telemetry.received": 1}


# -- the books ---------------------------------------------------------------------------------------------


def test_what_is_not_sampled_is_booked_so(rigs: Any) -> None:
    rig = rigs(own=True, sampler=ALWAYS_OFF)
    draft = rig.open(endpoint=endpoint(), result={"text": "x"})
    rig.pipeline.close(draft)
    assert rig.record.usage.input == 2
    assert rig.record.output == ()
    assert rig.ledger.read() == Accounts(1, 0, 0, {"unsampled": 1})


def test_what_our_own_queues_take_is_booked_by_them(rigs: Any) -> None:
    rig = rigs(own=True, handed_over=False)
    rig.pipeline.close(rig.open())
    rig.settle()
    assert rig.ledger.read() == Accounts(1, 0, 0)
    assert rig.ledger.read().pending == 1


# -- no room -------------------------------------------------------------------------------------------------


def test_without_room_the_content_goes_first(rigs: Any) -> None:
    rig = rigs(own=True, size=4096)
    rig.go.clear()
    first = rig.open()
    rig.pipeline.close(first)
    big = rig.open(endpoint=endpoint(), call=asked(), weight=100_000)
    big.result = {"id": "r", "text": "answer"}
    rig.pipeline.close(big)
    rig.settle()
    _, record = rig.records
    assert (record.input, record.output) == ((), ())
    assert (record.response_id, record.usage.output) == ("r", 1)
    assert record.extras == {"clearspan.content.lost": 1}
    assert rig.ledger.read() == Accounts(2, 2, 0)


def test_a_large_answer_goes_as_well_when_there_is_no_room(rigs: Any) -> None:
    rig = rigs(own=True, size=4096)
    rig.go.clear()
    rig.pipeline.close(rig.open())
    big = rig.open(endpoint=endpoint(), weight=100_000)
    big.result, big.transport = {"id": "r", "text": "answer"}, {"weight": 100_000}
    rig.pipeline.close(big)
    rig.settle()
    _, record = rig.records
    assert (record.response_id, record.usage.output, record.output) == ("r", 1, ())
    assert record.extras == {"clearspan.content.lost": 1}


def test_then_the_record(rigs: Any) -> None:
    rig = rigs(own=True, items=2)
    rig.go.clear()
    drafts = [rig.open() for _ in range(4)]
    for draft in drafts:
        rig.pipeline.close(draft)
    rig.settle()
    assert len(rig.records) == 2
    assert rig.ledger.read() == Accounts(4, 2, 0, {"queue_full": 2})
    assert rig.pipeline.open_calls == 0


def test_what_came_of_a_stream_that_is_open_at_the_end_is_told(rig: Rig) -> None:
    """Nobody closed it, and nobody collected it: as when a loop over it was left."""
    outer, inner = rig.open(endpoint=endpoint()), Draft("chat")
    inner.endpoint = endpoint()
    inner.started_at = outer.started_at
    outer.inner = inner
    tape(inner, [(outer.started_at + 1, "Hel"), (outer.started_at + 2, "lo")])
    plain = rig.open(endpoint=endpoint())
    plain.unread.add(plain.started_at + 1, "Hi")
    rig.pipeline.end_open()
    rig.settle()
    assert [record.output_text for record in rig.records] == ["Hello", "Hi"]
    assert [record.timing.chunks for record in rig.records] == [2, 1]
    assert {record.outcome for record in rig.records} == {Outcome.ABANDONED}
    assert [record.duration for record in rig.records] == pytest.approx([2.0, 1.0])


def test_chunks_without_room_are_counted(rigs: Any) -> None:
    rig = rigs(own=True, size=8192)
    draft = rig.open(endpoint=endpoint())
    tape(draft, [(1.0, "kept")])
    rig.pipeline.chunks(draft, over=True)
    rig.settle()
    tape(draft, [(1.0, "x")] * 100)
    rig.pipeline.chunks(draft, over=True)
    rig.pipeline.close(draft)
    assert rig.record.output_text == "kept"
    assert rig.record.extras == {"clearspan.content.lost": 100}


def test_the_id_of_a_stream_is_known_while_its_chunks_wait_to_be_read(rigs: Any) -> None:
    rig = rigs(own=True)
    rig.go.clear()
    draft = rig.open(endpoint=endpoint(chunk=lambda *_: None))
    ref = ResponseRef(draft)
    tape(draft, [(1.0, {"id": "first"})])
    assert ref.id() == "first"
    tape(draft, [(1.0, {"id": "later"})] * (MANY - 1))
    assert rig.pipeline.chunks(draft) == MANY
    assert not draft.tape
    assert ref.id() == "first"
    rig.settle()


@pytest.mark.parametrize("own", [True, False], ids=["worker", "inline"])
def test_what_of_a_stream_is_left_goes_with_its_call(rigs: Any, *, own: bool) -> None:
    rig = rigs(own=own)
    rig.go.clear()
    draft = rig.open(endpoint=endpoint(), started_at=10.0)
    for count in (MANY, 3):
        tape(draft, [(11.0, "x")] * count)
        if count == MANY:
            rig.pipeline.chunks(draft)
    draft.result = {"id": "r", "text": " and the rest"}
    rig.pipeline.close(draft)
    if own:
        assert rig.pipeline.worker.pending == 2, "what was handed on before, and the call"
    assert rig.record.output_text == "x" * (MANY + 3) + " and the rest"
    assert rig.record.timing.chunks == MANY + 3


@pytest.mark.parametrize(("size", "lost"), [(20_000, 1), (3_000, 1 + 3)])
def test_of_a_call_without_room_the_last_chunks_find_some_where_they_can(
    rigs: Any, size: int, lost: int
) -> None:
    rig = rigs(own=True, size=size)
    rig.go.clear()
    draft = rig.open(endpoint=endpoint(), weight=15_000)
    tape(draft, [(1.0, "a"), (1.0, "b"), (1.0, "c")])
    rig.pipeline.close(draft)
    assert rig.record.output_text == ""
    assert rig.record.timing.chunks == 3
    assert rig.record.extras == {"clearspan.content.lost": lost}


def test_a_stream_inside_another_call_waits_for_nobody(rig: Rig) -> None:
    outer = rig.open(endpoint=endpoint())
    inner = Draft("chat")
    inner.endpoint, outer.inner = endpoint(), inner
    rig.pipeline.joined(inner)
    tape(inner, [(1.0, "Hel"), (1.5, "lo")])
    rig.pipeline.parted(inner)
    assert not inner.tape
    rig.pipeline.parted(inner)
    rig.pipeline.close(outer)
    assert rig.record.output_text == "Hello"


# -- the end -------------------------------------------------------------------------------------------------


def test_what_is_open_at_the_end_is_ended(rig: Rig) -> None:
    waiting, known = rig.open(), rig.open(outcome=Outcome.CLOSED)
    rig.pipeline.end_open()
    rig.settle()
    assert [record.outcome for record in rig.records] == [Outcome.ABANDONED, Outcome.CLOSED]
    assert all(record.timing.end_ns >= record.timing.start_ns > 0 for record in rig.records)
    rig.pipeline.close(waiting)  # its caller comes back later
    rig.pipeline.close(known)
    rig.settle()
    assert rig.ledger.read() == Accounts(2, 2, 0)


def test_a_forked_child_leaves_the_parents_calls_to_the_parent(rig: Rig) -> None:
    draft = rig.open()
    rig.pipeline.renew()
    assert rig.pipeline.open_calls == 0
    rig.pipeline.close(draft)
    rig.settle()
    assert rig.records == []


# -- failures ------------------------------------------------------------------------------------------------


@pytest.fixture
def tolerant(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("CLEARSPAN_STRICT", "0")
    fence.reset()
    yield
    fence.reset()


def fail(*_: Any) -> Any:
    raise ValueError("ours")


@pytest.mark.usefixtures("tolerant")
@pytest.mark.parametrize(
    ("broken", "site"),
    [
        ({"request": fail}, "reader.request"),
        ({"response": fail}, "reader.response"),
        ({"chunk": fail}, "reader.chunk"),
    ],
)
def test_a_reader_that_fails_costs_what_it_reads(rig: Rig, broken: Any, site: str) -> None:
    draft = rig.open(endpoint=endpoint(**broken), call=asked())
    draft.started_at = 0.0
    tape(draft, [(1.0, "streamed ")])
    rig.pipeline.chunks(draft, over=True)
    draft.result = {"id": "r", "text": "answer"}
    rig.pipeline.close(draft)
    assert rig.record.input_text == ("" if "request" in broken else "question")
    assert ("answer" in rig.record.output_text) is ("response" not in broken)
    assert ("streamed" in rig.record.output_text) is ("chunk" not in broken)
    assert rig.record.timing.chunks == 1
    assert fence.failures() == {site: 1}
    assert rig.ledger.read() == Accounts(1, 1, 0)


@pytest.mark.usefixtures("tolerant")
def test_finishing_may_fail(rig: Rig) -> None:
    rig.pipeline.close(rig.open(endpoint=endpoint(), finish_with=fail))
    assert rig.record.outcome is Outcome.COMPLETED
    assert fence.failures() == {"reader.finish": 1}


@pytest.mark.usefixtures("tolerant")
def test_a_record_that_cannot_be_sealed_is_booked(rigs: Any) -> None:
    class Broken(ContentPolicy):
        __slots__ = ()
        messages = fail

    rig = rigs(own=True, policy=Broken())
    rig.pipeline.close(rig.open())
    rig.settle()
    assert rig.records == []
    assert fence.failures() == {"pipeline.seal": 1}
    assert rig.ledger.read() == Accounts(1, 0, 0, {"internal_error": 1})


@pytest.mark.usefixtures("tolerant")
def test_a_consumer_that_fails_harms_no_other(rigs: Any) -> None:
    rig = rigs(own=True, consumers=(fail,))
    rig.pipeline.close(rig.open())
    assert rig.record.outcome is Outcome.COMPLETED
    assert fence.failures() == {"pipeline.consumer": 1}


@pytest.mark.usefixtures("tolerant")
def test_the_applications_processor_may_fail(rig: Rig) -> None:
    class Broken(SpanProcessor):
        on_end = fail

    rig.provider.add_span_processor(Broken())
    rig.pipeline.close(rig.open())
    assert rig.record.outcome is Outcome.COMPLETED
    assert fence.failures() == {"pipeline.emit": 1}
    assert rig.ledger.read() == Accounts(1, 1, 0)


@pytest.mark.usefixtures("tolerant")
def test_a_span_is_ended_whatever_is_wrong_with_its_attributes(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    from clearspan.emit import projection

    draft = rig.open()
    monkeypatch.setattr(projection, "attributes", fail)
    rig.pipeline.close(draft)
    assert len(rig.spans) == 1
    assert rig.ledger.read() == Accounts(1, 1, 0)


@pytest.mark.usefixtures("tolerant")
def test_one_bad_draft_does_not_cost_the_others_theirs(rigs: Any) -> None:
    rig = rigs(own=True)
    rig.go.clear()
    bad, good = rig.open(), rig.open()
    bad.ref = object()  # type: ignore[assignment]  # what is settled at completion
    rig.pipeline.close(bad)
    rig.pipeline.close(good)
    rig.settle()
    assert len(rig.records) == 2, "what could not be read is absent, and the call is there"
    assert fence.failures() == {"pipeline.read": 1}


@pytest.mark.usefixtures("tolerant")
@pytest.mark.parametrize("error", [SystemExit(1), GeneratorExit(), KeyboardInterrupt()], ids=repr)
def test_what_no_fence_holds_back_costs_that_call_alone(rigs: Any, error: BaseException) -> None:
    def ends(draft: Draft, body: Any) -> None:
        raise error

    rig = rigs(own=True)
    rig.go.clear()
    bad, good = rig.open(endpoint=endpoint(response=ends), result={"text": "x"}), rig.open()
    rig.pipeline.close(bad)
    rig.pipeline.close(good)
    rig.settle()
    assert len(rig.records) == 1
    assert rig.pipeline.unjudged() == []
    assert rig.ledger.read().dropped == {"internal_error": 1}
    assert fence.failures() == {"pipeline.work_on": 1}


@pytest.mark.usefixtures("tolerant")
def test_a_consumer_that_ends_its_thread_takes_back_nothing(rigs: Any) -> None:
    def ends(record: Invocation) -> None:
        raise SystemExit(1)

    rig = rigs(own=True, handed_over=True, consumers=(ends,))
    rig.pipeline.close(rig.open())
    rig.settle()
    assert rig.ledger.read() == Accounts(1, 1, 0)
    assert rig.pipeline.unjudged() == []
    assert fence.failures() == {"pipeline.hand_on": 1}


def test_who_completes_on_the_main_thread_and_is_stopped_leaves_nothing_pending(rigs: Any) -> None:
    """At the end of a program no thread can be had, and its own does that work."""

    def ends(draft: Draft, body: Any) -> None:
        raise KeyboardInterrupt

    rig = rigs(own=True)
    first, second = rig.open(endpoint=endpoint(response=ends), result={"text": "x"}), rig.open()
    with pytest.raises(KeyboardInterrupt):
        rig.pipeline._handle([first, Chunks(second, Strip([], [])), second])
    assert rig.pipeline.unjudged() == []
    assert rig.ledger.read() == Accounts(2, 0, 0, {"internal_error": 2})


# -- points that wait ----------------------------------------------------------------------------------------


def settlers(rig: Rig) -> list[str]:
    """On which threads points are settled, from now on."""
    threads: list[str] = []
    telemetry = rig.pipeline.telemetry
    settle = telemetry.settle

    def noting() -> None:
        threads.append(threading.current_thread().name)
        settle()

    telemetry.settle = noting
    return threads


HERE = threading.current_thread().name


def test_whoever_collects_sees_every_call_that_is_complete(rig: Rig) -> None:
    for calls in (1, 2, 3):
        rig.pipeline.close(rig.open())
        rig.settle()
        assert rig.counted == rig.counted == calls


def test_the_worker_settles_after_each_batch(rigs: Any) -> None:
    rig = rigs(own=True)
    threads = settlers(rig)
    rig.pipeline.close(rig.open())
    rig.settle()
    assert threads == ["pipeline"]
    rig.pipeline.close(rig.open())
    rig.settle()
    assert threads == ["pipeline"] * 2
    assert rig.waiting == 0
    assert rig.counted == 2


def test_a_batch_is_settled_as_a_whole(rigs: Any) -> None:
    rig = rigs(own=True)
    threads, waited = settlers(rig), list[int]()
    consumers = rig.pipeline._consumers
    rig.pipeline._consumers = (*consumers, lambda _: waited.append(rig.waiting))
    rig.pipeline._handle([rig.open() for _ in range(3)])
    assert threads == [HERE]
    assert 0 < waited[0] < waited[1] < waited[2]
    assert rig.waiting == 0


@pytest.mark.parametrize("inline", [False, True], ids=["worker", "inline"])
def test_what_takes_a_lock_is_done_on_threads_of_ours_alone(rigs: Any, inline: bool) -> None:
    rig = rigs(own=True, inline=inline)
    told: list[tuple[str, bool]] = []
    waiting = rig.pipeline.telemetry._tally
    note = waiting.note

    def noting(points: Any, context: Any, *, at_once: bool = False) -> None:
        told.append((threading.current_thread().name, at_once))
        note(points, context)

    waiting.note = noting
    rig.pipeline.close(rig.open())
    rig.settle()
    rig.pipeline.worker.offer(Read(rig.open()))
    rig.settle()
    first = (HERE, False) if inline else ("pipeline", True)
    assert told == [first, ("pipeline", True)]


def test_a_batch_that_is_stopped_is_settled_all_the_same(rigs: Any) -> None:
    def ends(draft: Draft, body: Any) -> None:
        raise KeyboardInterrupt

    rig = rigs(own=True)
    done, stopped = rig.open(), rig.open(endpoint=endpoint(response=ends), result={"text": "x"})
    with pytest.raises(KeyboardInterrupt):
        rig.pipeline._handle([done, stopped])
    assert rig.waiting == 0
    assert rig.counted == 1


def test_what_was_completed_here_is_settled_with_everything(rigs: Any) -> None:
    rig = rigs(own=False)
    threads = settlers(rig)
    rig.pipeline.close(rig.open())
    assert rig.waiting > 0
    assert rig.pipeline.complete_all(LONG) is True
    assert (rig.waiting, threads) == (0, [HERE])


def test_what_is_complete_is_settled_though_not_all_is(rigs: Any) -> None:
    rig = rigs(own=True)
    rig.go.clear()
    rig.pipeline.close(rig.open())
    rig.pipeline.telemetry.judge(Score(0.5))
    assert rig.waiting > 0
    assert rig.pipeline.complete_all(0.0) is False
    assert rig.waiting == 0
    assert rig.pipeline.complete_all(0.0) is False
    rig.go.set()
    assert rig.pipeline.flush(LONG) is True
    assert rig.counted == 1


@pytest.mark.parametrize("own", [True, False], ids=["worker", "inline"])
def test_stopping_settles_what_waits(rigs: Any, own: bool) -> None:
    rig = rigs(own=own)
    threads = settlers(rig)
    rig.pipeline.close(rig.open())
    rig.pipeline.telemetry.judge(Score(0.5))
    assert rig.pipeline.stop(LONG) is True
    assert threads[-1] == HERE
    assert rig.waiting == 0
    assert rig.counted == 1


def test_stopping_in_vain_settles_what_is_complete(rigs: Any) -> None:
    rig = rigs(own=True)
    rig.go.clear()
    rig.pipeline.close(rig.open())
    rig.pipeline.telemetry.judge(Score(0.5))
    assert rig.pipeline.stop(0.0) is False
    assert rig.waiting == 0


@pytest.fixture
def crowd(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few points are a crowd."""
    monkeypatch.setattr(tally, "_CROWD", 5)


@pytest.mark.usefixtures("crowd")
def test_a_crowd_of_points_is_settled_on_the_worker_and_not_here(rigs: Any) -> None:
    rig = rigs(own=True, inline=True)
    threads = settlers(rig)
    waited: list[int] = []
    while rig.pipeline.worker.pending == 0:
        assert len(waited) < 10
        rig.go.clear()
        rig.pipeline.close(rig.open())
        waited.append(rig.waiting)
    assert waited == sorted(waited)
    assert waited[-1] > 5
    assert all(many <= 5 for many in waited[:-1])
    assert threads == []
    assert len(rig.records) == len(waited), "they are complete all the same"
    rig.settle()
    assert threads == ["pipeline"]
    assert rig.waiting == 0
    assert rig.counted == len(waited)


def test_few_points_wait_for_who_collects(rigs: Any) -> None:
    rig = rigs(own=True, inline=True)
    threads = settlers(rig)
    rig.pipeline.close(rig.open())
    rig.settle()
    assert threads == []
    assert rig.waiting > 0
    assert rig.counted == 1
    assert rig.waiting == 0


@pytest.mark.usefixtures("crowd")
def test_a_crowd_without_a_worker_is_settled_on_the_spot(rigs: Any) -> None:
    rig = rigs(own=False)
    for _ in range(10):
        rig.pipeline.close(rig.open())
        assert rig.waiting <= 5
    assert rig.counted == 10


@pytest.mark.usefixtures("crowd")
def test_a_crowd_without_room_on_the_worker_harms_no_call(rigs: Any) -> None:
    rig = rigs(own=True, inline=True, items=1)
    rig.go.clear()
    for _ in range(10):
        rig.pipeline.close(rig.open())
    assert len(rig.records) == 10
    rig.settle()
    assert rig.counted == 10
    assert rig.ledger.read() == Accounts(10, 10, 0)


def test_a_forked_child_does_not_tell_of_the_parents_points(rigs: Any) -> None:
    rig = rigs(own=False)
    rig.pipeline.close(rig.open())
    rig.pipeline.renew()
    assert rig.waiting == 0
    assert rig.counted == 0


@pytest.mark.usefixtures("tolerant")
def test_settling_may_fail(rigs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "_CROWD", -1)  # there is always one
    rig = rigs(own=True)
    rig.pipeline.telemetry.settle = fail
    rig.pipeline._handle([Due(fail)])
    assert fence.failures() == {"pipeline.settle": 2}
    rig.pipeline.close(rig.open())
    assert rig.pipeline.complete_all(LONG) is True
    assert fence.failures() == {"pipeline.settle": 4}
    assert rig.pipeline.stop(LONG) is True
    assert fence.failures() == {"pipeline.settle": 5}
    assert rig.ledger.read() == Accounts(1, 1, 0)
