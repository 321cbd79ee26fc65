"""One operation between its first argument and its last chunk: the `Tap` that providers are given."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator, Generator, Iterator
from dataclasses import replace
from typing import Any

import pytest

import clearspan
from clearspan.capture import inlet, recording
from clearspan.capture.recording import describe_error
from clearspan.core import fence
from clearspan.draft import Draft
from clearspan.provider import Endpoint
from clearspan.record import ErrorInfo, Outcome
from clearspan.testing import Captured


def read_chunk(draft: Draft, item: Any) -> None:
    draft.text(str(item))


ENDPOINT = Endpoint(
    "chat", (), request=lambda draft, call: None, response=lambda draft, body: None, chunk=read_chunk
)  # fmt: skip
OWNER = object()


def begun() -> recording.Recording:
    draft = Draft("chat")
    draft.endpoint = ENDPOINT
    started = recording.start(draft, OWNER)
    assert started is not None
    return started


def only(seen: Captured) -> Any:
    (record,) = seen.invocations
    return record


def test_nothing_begins_while_clearspan_is_off() -> None:
    assert inlet.current() is None
    assert recording.start(Draft("chat")) is None


@pytest.mark.parametrize(
    ("brief", "kept", "failed"),
    [
        (lambda answer: answer[:2], "ab", {}),
        (lambda answer: None, "abcd", {}),
        (lambda answer: answer.nothing, "abcd", {"reader.brief": 1}),
    ],
)
def test_of_an_answer_is_kept_what_is_enough_to_read(
    seen: Captured, lenient: None, brief: Any, kept: str, failed: dict[str, int]
) -> None:
    fence.reset()
    started = begun()
    started.draft.endpoint = replace(ENDPOINT, response=read_chunk, brief=brief)
    assert started.returned("abcd") == "abcd", "the program gets all of it"
    assert only(seen).output_text == kept
    assert fence.failures() == failed
    fence.reset()


def test_with_an_answer_what_it_was_read_of_is_let_go(seen: Captured) -> None:
    started = begun()
    started.draft.weight = 7
    started.draft.transport = {"http_response": object(), "weight": 5_000, "status": 200}
    started.draft.weight += 5_000
    started.returned("abcd")
    assert started.draft.transport == {"status": 200}
    assert started.draft.weight == 7


def test_a_call_that_fails_keeps_what_was_answered(seen: Captured) -> None:
    started, response = begun(), object()
    started.draft.transport = {"http_response": response, "weight": 5_000}
    started.ended(Outcome.FAILED, ValueError("not to be parsed"))
    assert started.draft.transport == {"http_response": response, "weight": 5_000}


def test_a_relayed_iterator_gives_the_same_and_is_recorded(seen: Captured) -> None:
    def letters() -> Iterator[str]:
        yield from "abc"

    relayed: Any = begun().relay(letters())
    assert (relayed.__name__, relayed.__qualname__.rpartition(".")[2]) == ("letters", "letters")
    assert list(relayed) == ["a", "b", "c"]
    record = only(seen)
    assert (record.outcome, record.output_text, record.timing.chunks) == (
        Outcome.COMPLETED, "abc", 3,
    )  # fmt: skip


def test_a_relayed_iterator_need_not_be_a_generator(seen: Captured) -> None:
    relayed: Any = begun().relay(iter("ab"))
    assert list(relayed) == ["a", "b"]
    assert only(seen).output_text == "ab"


class Forwarding(Generator[Any, Any, Any]):
    """A generator by its methods, and none of Python's own."""

    __name__, __qualname__ = "talker", "talker"

    def __init__(self, inner: Generator[Any, Any, Any]) -> None:
        self.inner = inner

    def send(self, value: Any) -> Any:
        return self.inner.send(value)

    def throw(self, *thrown: Any) -> Any:
        return self.inner.throw(*thrown)


@pytest.mark.parametrize("made", [lambda inner: inner, Forwarding])
@pytest.mark.parametrize("begin", ["next", "send", "throw"])
def test_what_is_sent_thrown_and_returned_goes_through(
    seen: Captured, made: Any, begin: str
) -> None:
    def talker() -> Iterator[Any]:
        heard: list[Any] = []
        for number in range(4):
            try:
                heard.append((yield number))
            except LookupError as error:
                heard.append(error.args)
        return heard

    def spoken(talk: Any) -> list[Any]:
        said: list[Any] = [next(talk), next(talk)]
        if begin == "send":
            said.append(talk.send("a"))
        elif begin == "throw":
            said.append(talk.throw(LookupError("b")))
        said.append(talk.send("c"))
        said.append(talk.throw(LookupError("d")) if begin == "next" else None)
        with pytest.raises(StopIteration) as stop:
            next(talk)
        return [*said, stop.value.value]

    talk: Any = begun().relay(made(talker()))
    assert spoken(talk) == spoken(talker())
    record = only(seen)
    assert (record.outcome, record.output_text) == (Outcome.COMPLETED, "0123")


@pytest.mark.parametrize("made", [lambda inner: inner, Forwarding])
def test_what_a_generator_returns_that_was_only_read_is_told(seen: Captured, made: Any) -> None:
    def letters() -> Iterator[Any]:
        yield "a"
        return ["b"]

    relayed: Any = begun().relay(made(letters()))
    assert next(relayed) == "a"
    with pytest.raises(StopIteration) as stop:
        next(relayed)
    assert stop.value.value == ["b"]
    assert only(seen).outcome is Outcome.COMPLETED


def test_who_throws_what_the_generator_lets_out_again_hears_of_it(seen: Captured) -> None:
    def letters() -> Iterator[str]:
        yield "a"

    relayed: Any = begun().relay(letters())
    next(relayed)
    with pytest.raises(LookupError, match="thrown"):
        relayed.throw(LookupError("thrown"))
    assert (only(seen).outcome, only(seen).error.type) == (Outcome.FAILED, "LookupError")


def test_long_streams_are_handed_on_in_batches(seen: Captured) -> None:
    alive: list[weakref.ref[Any]] = []

    class Chunk:
        def __str__(self) -> str:
            return "x"

    def chunks() -> Iterator[Chunk]:
        for _ in range(600):
            chunk = Chunk()
            alive.append(weakref.ref(chunk))
            yield chunk

    for number, _ in enumerate(begun().relay(chunks())):
        if number == 599:
            seen.spans  # noqa: B018 -- waits until all that was handed on is read
            assert sum(known() is not None for known in alive) <= 270
    assert only(seen).timing.chunks == 600


def test_F2_a_relayed_iterator_that_is_dropped_unread_or_half_read(seen: Captured) -> None:
    closed: list[str] = []

    def letters() -> Iterator[str]:
        try:
            yield from "abc"
        finally:
            closed.append("inner")

    unread = begun().relay(letters())
    del unread
    half = begun().relay(letters())
    next(half)
    del half
    gc.collect()
    assert closed == ["inner"]
    assert [record.outcome for record in seen.invocations] == [Outcome.ABANDONED] * 2


def test_F2_a_relayed_iterator_that_is_closed_or_fails(seen: Captured) -> None:
    def letters(fail: bool) -> Iterator[str]:
        yield "a"
        if fail:
            raise LookupError("cut")

    closed: Any = begun().relay(letters(fail=False))
    next(closed)
    closed.close()
    failing = begun().relay(letters(fail=True))
    with pytest.raises(LookupError, match="cut"):
        list(failing)
    first, second = seen.invocations
    assert (first.outcome, first.output_text) == (Outcome.CLOSED, "a")
    assert (second.outcome, second.error.type, second.output_text) == (
        Outcome.FAILED, "LookupError", "a",
    )  # fmt: skip


async def test_F2_relayed_asynchronous_iterators(seen: Captured) -> None:
    closed: list[str] = []

    async def letters(fail: bool = False) -> AsyncIterator[str]:
        try:
            yield "a"
            await asyncio.sleep(0)
            if fail:
                raise LookupError("cut")
            yield "b"
        finally:
            closed.append("inner")

    class Plain:
        """An asynchronous iterator that is no generator."""

        def __init__(self) -> None:
            self.left = ["a", "b"]

        def __aiter__(self) -> Plain:
            return self

        async def __anext__(self) -> str:
            if not self.left:
                raise StopAsyncIteration
            return self.left.pop(0)

    whole: Any = begun().arelay(letters())
    assert whole.__name__ == "letters"
    assert [item async for item in whole] == ["a", "b"]
    assert [item async for item in begun().arelay(Plain())] == ["a", "b"]
    half: Any = begun().arelay(letters())
    await half.__anext__()
    await half.aclose()
    plain: Any = begun().arelay(Plain())
    await plain.__anext__()
    await plain.aclose()
    with pytest.raises(LookupError):
        _ = [item async for item in begun().arelay(letters(fail=True))]
    unread = begun().arelay(letters())
    del unread
    gc.collect()
    assert closed == ["inner"] * 3
    assert [record.outcome for record in seen.invocations] == [
        Outcome.COMPLETED, Outcome.COMPLETED, Outcome.CLOSED, Outcome.CLOSED, Outcome.FAILED, Outcome.ABANDONED,
    ]  # fmt: skip


class Response:
    """Something that a vendor's stream holds, and closes."""

    def __init__(self) -> None:
        self.closed: list[tuple[Any, ...]] = []

    def close(self, *args: Any) -> str:
        self.closed.append(args)
        return "closed"


def test_a_close_from_outside_ends_the_record_and_does_what_it_did(seen: Captured) -> None:
    response, started = Response(), begun()
    started.closing(response, "close")
    assert response.close(1, 2) == "closed"
    assert response.closed == [(1, 2)]
    assert only(seen).outcome is Outcome.CLOSED
    assert vars(response).keys() == {"closed"}, "nothing of ours stays on the object"
    assert response.close() == "closed"


def test_a_close_from_inside_the_stream_is_its_own_affair(seen: Captured) -> None:
    response, started = Response(), begun()
    started.closing(response, "close")

    def letters() -> Iterator[str]:
        yield "a"
        response.close()

    assert list(started.relay(letters())) == ["a"]
    assert response.closed == [()]
    assert only(seen).outcome is Outcome.COMPLETED


def test_a_close_by_a_stream_that_was_dropped_is_nobodys(seen: Captured) -> None:
    response, started = Response(), begun()
    started.closing(response, "close")

    def letters() -> Iterator[str]:
        try:
            yield "a"
        finally:
            response.close()

    relayed = started.relay(letters())
    assert next(relayed) == "a"
    del relayed
    assert response.closed == [()]
    assert only(seen).outcome is Outcome.ABANDONED


def test_a_method_that_was_set_on_the_object_is_set_again(seen: Captured) -> None:
    response, started = Response(), begun()

    def own() -> str:
        return "own"

    response.close = own  # type: ignore[assignment, method-assign]
    started.closing(response, "close")
    assert response.close() == "own"
    assert response.close is own  # type: ignore[comparison-overlap]
    assert only(seen).outcome is Outcome.CLOSED


def test_somebody_elses_later_change_of_a_method_stays(seen: Captured) -> None:
    response, started = Response(), begun()
    started.closing(response, "close")
    ours = response.close

    def theirs() -> str:
        return f"theirs, then {ours()}"

    response.close = theirs  # type: ignore[assignment, method-assign]
    assert response.close() == "theirs, then closed"
    assert response.close is theirs  # type: ignore[comparison-overlap]
    assert only(seen).outcome is Outcome.CLOSED


def test_F3_what_was_listened_to_is_freed_at_once_when_dropped(seen: Captured) -> None:
    gc.disable()
    try:
        response, started = Response(), begun()
        started.closing(response, "close")

        class Stream:
            """Holds the response, as the vendors' do."""

        stream: Any = Stream()
        stream.response = response
        started.watch(stream)
        known = weakref.ref(response)
        del stream, response
        assert known() is None
    finally:
        gc.enable()
    assert only(seen).outcome is Outcome.ABANDONED


def test_an_object_that_died_needs_nothing_taken_back(seen: Captured) -> None:
    response, started = Response(), begun()
    started.closing(response, "close")
    del response
    gc.collect()
    started.ended(Outcome.COMPLETED)
    assert only(seen).outcome is Outcome.COMPLETED


def test_what_was_watched_and_runs_sees_its_own_end(seen: Captured) -> None:
    watched, started = Response(), begun()
    started.watch(watched)
    token = started.attach()
    del watched
    gc.collect()
    assert seen.open_calls == 1
    started.detach(token)
    started.ended(Outcome.COMPLETED)
    assert only(seen).outcome is Outcome.COMPLETED


def test_a_watched_object_is_watched_once(seen: Captured) -> None:
    first, second, started = Response(), Response(), begun()
    started.watch(first)
    started.watch(second)
    del second
    assert seen.open_calls == 1
    del first
    assert only(seen).outcome is Outcome.ABANDONED


def test_a_late_result_completes_the_record(seen: Captured) -> None:
    started = begun()
    started.result({"id": "r-9"})
    started.result({"id": "too late"})
    started.ended(Outcome.FAILED, ValueError())
    assert only(seen).outcome is Outcome.COMPLETED


def test_an_outcome_that_is_known_already_stays(seen: Captured) -> None:
    started = begun()
    started.draft.outcome = Outcome.FAILED
    started.ended(Outcome.COMPLETED)
    assert only(seen).outcome is Outcome.FAILED


def test_the_active_operation_is_the_innermost_that_is_going_on(seen: Captured) -> None:
    assert recording.active() is None
    outer, inner = begun(), begun()
    first = outer.attach()
    assert recording.active() is outer
    second = inner.attach()
    assert recording.active() is inner
    inner.detach(second)
    assert recording.active() is outer
    outer.ended(Outcome.COMPLETED)
    assert recording.active() is None
    outer.detach(first)
    inner.ended(Outcome.COMPLETED)


def test_an_operation_that_has_ended_hides_nothing_from_what_it_started(seen: Captured) -> None:
    """A task begun inside a call, and that outlives it, makes calls of its own."""

    async def main() -> None:
        outer = begun()
        token = outer.attach()
        go = asyncio.Event()

        async def background() -> recording.Recording | None:
            await go.wait()
            return recording.active()

        task = asyncio.create_task(background())
        outer.detach(token)
        outer.ended(Outcome.COMPLETED)
        go.set()
        assert await task is None

    asyncio.run(main())


def test_detaching_in_another_context_is_no_error(
    seen: Captured, caplog: pytest.LogCaptureFixture
) -> None:
    import contextvars

    started = begun()
    token = contextvars.copy_context().run(started.attach)
    started.detach(token)
    started.ended(Outcome.COMPLETED)
    assert caplog.records == []


# -- errors ---------------------------------------------------------------------------------------


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:  # noqa: BLE001 -- to be described, not handled
        return caught


def test_an_error_is_described_as_text() -> None:
    found = describe_error(raised(LookupError("gone")))
    assert (found.type, found.message, found.exception) == ("LookupError", "gone", "LookupError")
    assert found.stacktrace is not None
    lines = found.stacktrace.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-2].startswith(f'  File "{__file__}", line ')
    assert lines[-2].endswith(", in raised")
    assert lines[-1] == "LookupError"


def test_an_error_that_was_never_raised_has_no_stack() -> None:
    assert describe_error(ValueError()) == ErrorInfo("ValueError", None, None, "ValueError")


def test_classes_outside_the_builtins_have_their_modules_name() -> None:
    class Odd(Exception):
        pass

    named = f"{__name__}.test_classes_outside_the_builtins_have_their_modules_name.<locals>.Odd"
    assert describe_error(Odd("x")).type == named


def test_a_provider_may_know_a_better_type() -> None:
    found = describe_error(ValueError("x"), lambda error: "rate_limit_exceeded")
    assert (found.type, found.exception) == ("rate_limit_exceeded", "ValueError")
    assert describe_error(ValueError("x"), lambda error: None).type == "ValueError"


def test_F33_an_error_that_cannot_be_told_still_has_a_type(lenient: None) -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    def fail(error: BaseException) -> str:
        raise RuntimeError

    fence.reset()
    found = describe_error(Mute(), fail)
    assert found.type.endswith("Mute")
    assert found.message is None
    assert fence.failures() == {"reader.error": 1}
    fence.reset()


def test_F33_an_end_that_cannot_be_taken_down_is_an_end_all_the_same(
    seen: Captured, lenient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*given: object) -> Any:
        raise RuntimeError("broken")

    started = begun()
    with monkeypatch.context() as broken:
        broken.setattr(recording.Recording, "_conclude", fail)
        started.ended(Outcome.COMPLETED)
        started.ended(Outcome.FAILED, ValueError("too late"))
    assert fence.failures() == {"recording.ended": 1}
    record = only(seen)
    assert record.timing.end_ns >= record.timing.start_ns > 0
    assert record.error is None


def test_F40_deep_stacks_and_circles_are_bounded() -> None:
    def down(number: int) -> None:
        if number == 0:
            raise ValueError("deep")
        down(number - 1)

    try:
        down(500)
    except ValueError as caught:
        error = caught
    error.__context__ = circle = KeyError("k")
    circle.__context__ = error
    found = describe_error(error)
    assert found.stacktrace is not None
    assert len(found.stacktrace.splitlines()) == 34


def test_F40_code_without_a_file() -> None:
    namespace: dict[str, Any] = {}
    exec(compile("def work():\n    raise ValueError('x')", "<made up>", "exec"), namespace)
    try:
        namespace["work"]()
    except ValueError as error:
        found = describe_error(error)
    assert found.stacktrace is not None
    assert '  File "<made up>", line 2, in work' in found.stacktrace


def test_F62_an_error_keeps_nothing_of_the_call_alive(seen: Captured) -> None:
    class Prompt:
        pass

    @clearspan.task
    def work(prompt: Prompt) -> None:
        raise ValueError("x")

    prompt = Prompt()
    known = weakref.ref(prompt)
    with pytest.raises(ValueError, match="x"):
        work(prompt)
    seen.spans  # noqa: B018 -- waits until the record is complete
    del prompt
    gc.collect()
    assert known() is None


# -- one inference, several layers ---------------------------------------------------------------


def test_a_decorated_model_call_and_the_clients_call_inside_are_one(seen: Captured) -> None:
    def client() -> dict[str, str]:
        started = begun()
        token = started.attach()
        started.detach(token)
        started.draft.usage(input=3)
        started.draft.response_id = "r-1"
        started.result({"id": "r-1"})
        return {"id": "r-1"}

    @clearspan.model
    def ask() -> str:
        client()
        return "answer"

    @clearspan.model
    def ask_twice() -> str:
        client()
        client()
        return "answer"

    ask()
    assert clearspan.current().response_id == "r-1"
    (record,) = seen.invocations
    assert (record.usage.input, record.response_id) == (3, "r-1")
    assert clearspan.current().response_id == "r-1"
    ask_twice()
    assert [item.usage.input for item in seen.invocations] == [3, 3, 3]


def test_a_decorated_function_that_hands_on_a_stream_ends_with_it(seen: Captured) -> None:
    @clearspan.model
    def ask() -> Any:
        return iter(started_stream())

    def started_stream() -> Any:
        started = begun()
        token = started.attach()
        started.detach(token)
        return started.relay(iter("ab"))

    stream = ask()
    assert seen.open_calls == 1
    assert list(stream) == ["a", "b"]
    record = only(seen)
    assert (record.outcome, record.output_text) == (Outcome.COMPLETED, "ab")


def test_a_decorated_function_whose_stream_fails_later_fails(seen: Captured) -> None:
    def cut() -> Iterator[str]:
        yield "a"
        raise LookupError("cut")

    @clearspan.model
    def ask() -> Any:
        return [begun().relay(cut())]

    (stream,) = ask()
    with pytest.raises(LookupError):
        list(stream)
    record = only(seen)
    assert record.outcome is Outcome.FAILED
    assert record.error.type == "LookupError"


def test_suppression_reaches_the_inner_layer_too(seen: Captured) -> None:
    @clearspan.model
    def ask() -> str:
        with clearspan.suppressed():
            draft = Draft("chat")
            draft.endpoint = ENDPOINT
            assert recording.start(draft, OWNER) is None
        return "answer"

    ask()
    assert len(seen.spans) == 1
