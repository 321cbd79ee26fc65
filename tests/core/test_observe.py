"""The four call shapes: what the caller gets is what it would get without a recording."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import inspect
import types
import warnings
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from typing import Any

import pytest

from clearspan.core import observe
from clearspan.record import Outcome

here: ContextVar[str] = ContextVar("here", default="outside")


class Log:
    """A recording that writes down what it is told, in order."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.ends: list[tuple[Outcome, BaseException | None]] = []
        self.answer: Callable[[Any], Any] = lambda value: value

    def attach(self) -> object:
        self.events.append("attach")
        return here.set("inside")

    def detach(self, token: Any) -> None:
        here.reset(token)
        self.events.append("detach")

    def returned(self, value: Any) -> Any:
        self.events.append(("returned", value))
        return self.answer(value)

    def chunk(self, item: Any) -> None:
        self.events.append(("chunk", item))

    def ended(self, outcome: Outcome, error: BaseException | None = None) -> None:
        self.ends.append((outcome, error))

    @property
    def outcomes(self) -> list[Outcome]:
        return [outcome for outcome, _ in self.ends]

    @property
    def chunks(self) -> list[Any]:
        return [event[1] for event in self.events if event[0] == "chunk"]


@pytest.fixture
def log() -> Log:
    return Log()


def begin(log: Log) -> observe.Begin:
    def started(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Log:
        log.events.append(("begin", args, kwargs))
        return log

    return started


def nothing(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    return None


class Boom(Exception):
    pass


# -- plain calls -------------------------------------------------------------------------------


def test_a_call_runs_inside_and_its_value_passes_through(log: Log) -> None:
    value = object()

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        assert (args, kwargs, here.get()) == ((1,), {"self": 2}, "inside")
        return value

    assert observe.call(wrapped, (1,), {"self": 2}, begin(log)) is value
    assert here.get() == "outside"
    assert log.events == [
        ("begin", (1,), {"self": 2}),
        "attach",
        "detach",
        ("returned", value),
    ]
    assert log.ends == []


def test_the_recording_may_drive_what_came_back_and_nothing_else(log: Log) -> None:
    log.answer = lambda value: (item + 1 for item in value)
    assert list(observe.call(lambda: (item for item in (1, 2)), (), {}, begin(log))) == [2, 3]
    log.answer = lambda value: [value]
    assert observe.call(lambda: 1, (), {}, begin(log)) == 1


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Boom(), Outcome.FAILED),
        (KeyboardInterrupt(), Outcome.FAILED),
        (SystemExit(3), Outcome.FAILED),
        (asyncio.CancelledError(), Outcome.CANCELLED),
        (GeneratorExit(), Outcome.CLOSED),
    ],
)
def test_an_exception_passes_as_the_same_object(
    log: Log, error: BaseException, outcome: Outcome
) -> None:
    def wrapped() -> None:
        raise error

    handled = LookupError("being handled")
    with contextlib.suppress(LookupError):
        try:
            raise handled
        except LookupError:
            with pytest.raises(type(error)) as caught:
                observe.call(wrapped, (), {}, begin(log))
            raise
    assert caught.value is error
    assert error.__context__ is handled
    assert error.__cause__ is None
    assert log.events[-1] == "detach"
    assert log.ends == [(outcome, error)]
    assert here.get() == "outside"


def test_without_a_recording_a_call_is_only_a_call() -> None:
    assert observe.call(lambda x: (x, here.get()), (1,), {}, nothing) == (1, "outside")


# -- coroutines --------------------------------------------------------------------------------


async def test_a_coroutine_runs_inside(log: Log) -> None:
    async def wrapped(x: int) -> tuple[int, str]:
        await asyncio.sleep(0)
        return x, here.get()

    assert await observe.call_async(wrapped, (4,), {}, begin(log)) == (4, "inside")
    assert here.get() == "outside"
    assert log.events == [("begin", (4,), {}), "attach", "detach", ("returned", (4, "inside"))]


async def test_a_coroutine_without_a_recording(log: Log) -> None:
    async def wrapped(x: int) -> int:
        return x

    assert await observe.call_async(wrapped, (4,), {}, nothing) == 4


async def test_a_failing_coroutine_raises_the_same_object(log: Log) -> None:
    error = Boom()

    async def wrapped() -> None:
        raise error

    with pytest.raises(Boom) as caught:
        await observe.call_async(wrapped, (), {}, begin(log))
    assert caught.value is error
    assert log.ends == [(Outcome.FAILED, error)]


async def test_a_cancelled_coroutine_is_cancelled(log: Log) -> None:
    running = asyncio.Event()

    async def wrapped() -> None:
        running.set()
        await asyncio.Event().wait()

    task = asyncio.ensure_future(observe.call_async(wrapped, (), {}, begin(log)))
    await running.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert log.outcomes == [Outcome.CANCELLED]
    assert log.events[-1] == "detach"


def test_a_coroutine_that_is_never_awaited_starts_nothing_and_keeps_its_name(log: Log) -> None:
    class Client:
        async def create(self) -> None: ...

    coroutine = observe.call_async(Client().create, (), {}, begin(log))
    assert coroutine.__name__ == "create"
    assert coroutine.__qualname__ == Client.create.__qualname__
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        del coroutine
        gc.collect()
    assert [str(item.message) for item in seen] == [
        f"coroutine '{Client.create.__qualname__}' was never awaited"
    ]
    assert log.events == log.ends == []


def test_a_function_without_a_proper_name_does_not_matter(log: Log) -> None:
    async def wrapped() -> int:
        return 1

    odd: Any = functools.partial(wrapped)
    odd.__qualname__ = 5
    assert asyncio.run(observe.call_async(odd, (), {}, begin(log))) == 1


async def test_resume_drives_a_coroutine_that_is_already_there(log: Log) -> None:
    async def wrapped() -> str:
        return here.get()

    assert await observe.resume(wrapped(), log) == "inside"
    assert log.events == ["attach", "detach", ("returned", "inside")]


async def test_resume_raises_the_same_object(log: Log) -> None:
    error = Boom()

    async def wrapped() -> None:
        raise error

    with pytest.raises(Boom) as caught:
        await observe.resume(wrapped(), log)
    assert caught.value is error
    assert log.ends == [(Outcome.FAILED, error)]
    assert log.events == ["attach", "detach"]


def test_what_is_asynchronous_is_seen_through_decorators() -> None:
    async def inner() -> None: ...

    @functools.wraps(inner)
    def outer(*args: Any) -> Any:
        return inner(*args)

    def plain() -> None: ...

    async def generator() -> AsyncIterator[int]:
        yield 1

    assert observe.is_async(inner)
    assert observe.is_async(outer)
    assert observe.is_async(functools.partial(inner))
    assert not observe.is_async(plain)
    assert not observe.is_async(generator)


# -- outcomes ----------------------------------------------------------------------------------


def test_cancellation_is_known_by_name_and_kind() -> None:
    class CancelledError(Exception):
        """Such as `concurrent.futures` has: an ordinary failure."""

    class Cancelled(BaseException):
        """Such as trio has."""

    class Ours(asyncio.CancelledError):
        pass

    assert observe.outcome_of(CancelledError()) is Outcome.FAILED
    assert observe.outcome_of(Cancelled()) is Outcome.CANCELLED
    assert observe.outcome_of(Ours()) is Outcome.CANCELLED


# -- generators: one program, driven in every way, raw and observed ------------------------------


def talker(seen: list[Any]) -> Any:
    """Notes what it is told; answers `Boom`, returns on `LookupError`, cleans up."""
    try:
        got: Any = "first"
        while True:
            try:
                got = yield ("heard", got)
            except Boom as error:
                got = ("caught", error)
            except LookupError as error:
                return ("done", error)
            seen.append(got)
    finally:
        seen.append("cleaned")


async def async_talker(seen: list[Any]) -> Any:
    try:
        got: Any = "first"
        while True:
            try:
                got = yield ("heard", got)
            except Boom as error:
                got = ("caught", error)
            except LookupError:
                return
            seen.append(got)
    finally:
        await asyncio.sleep(0)
        seen.append("cleaned")


ERRORS = (Boom("b"), LookupError("l"), ValueError("v"), GeneratorExit("g"), StopIteration("s"))
SCRIPTS: dict[str, list[Any]] = {
    "next": [None, None],
    "send": [None, "a", "b"],
    "throw what is answered": [None, ERRORS[0], "c"],
    "throw what ends it": [None, "a", ERRORS[1]],
    "throw what breaks it": [None, ERRORS[2]],
    "throw the exit": [None, ERRORS[3]],
    "throw a stop": [None, ERRORS[4]],
    "go on after the end": [None, ERRORS[1], None],
    "close": [None, "close"],
    "close twice": [None, "close", "close"],
    "leave": [None, "a"],
}


def transcript(generator: Any, script: list[Any]) -> list[Any]:
    said: list[Any] = []
    for line in script:
        try:
            if line == "close":
                said.append(("closed", generator.close()))
            elif isinstance(line, BaseException):
                said.append(generator.throw(line))
            else:
                said.append(generator.send(line))
        except BaseException as error:  # noqa: BLE001 -- every kind is compared
            said.append((type(error), str(error), getattr(error, "value", None)))
    return said


async def async_transcript(generator: Any, script: list[Any]) -> list[Any]:
    said: list[Any] = []
    for line in script:
        try:
            if line == "close":
                said.append(("closed", await generator.aclose()))
            elif isinstance(line, BaseException):
                said.append(await generator.athrow(line))
            else:
                said.append(await generator.asend(line))
        except BaseException as error:  # noqa: BLE001 -- every kind is compared
            said.append((type(error), str(error)))
    return said


ENDS = {
    "throw what ends it": Outcome.COMPLETED,
    "go on after the end": Outcome.COMPLETED,
    "throw what breaks it": Outcome.FAILED,
    "throw a stop": Outcome.FAILED,
    "throw the exit": Outcome.CLOSED,
    "close": Outcome.CLOSED,
    "close twice": Outcome.CLOSED,
}


@pytest.mark.parametrize("drive", [observe.step, observe.relay])
@pytest.mark.parametrize("name", SCRIPTS)
def test_a_generator_hears_and_answers_as_if_it_were_alone(
    name: str, drive: Callable[..., Any], log: Log
) -> None:
    raw_seen: list[Any] = []
    seen: list[Any] = []
    expected = transcript(talker(raw_seen), SCRIPTS[name])
    assert transcript(drive(talker(seen), log), SCRIPTS[name]) == expected
    gc.collect()
    assert seen == raw_seen
    # Of a stream that is dropped nobody can say that it was closed.
    left = Outcome.ABANDONED if drive is observe.relay else Outcome.CLOSED
    assert log.outcomes == [ENDS.get(name, left)]
    assert log.chunks == [item for item in expected if item and item[0] == "heard"]


@pytest.mark.parametrize("drive", [observe.astep, observe.arelay])
@pytest.mark.parametrize("name", SCRIPTS)
async def test_an_async_generator_hears_and_answers_as_if_it_were_alone(
    name: str, drive: Callable[..., Any], log: Log
) -> None:
    raw_seen: list[Any] = []
    seen: list[Any] = []
    raw, observed = async_talker(raw_seen), drive(async_talker(seen), log)
    expected = await async_transcript(raw, SCRIPTS[name])
    assert await async_transcript(observed, SCRIPTS[name]) == expected
    await raw.aclose()
    await observed.aclose()
    assert seen == raw_seen
    assert log.outcomes == [ENDS.get(name, Outcome.CLOSED)]
    assert log.chunks == [item for item in expected if item and item[0] == "heard"]


def test_the_return_value_of_a_closed_generator_is_kept(log: Log) -> None:
    def polite() -> Any:
        try:
            yield 1
        except GeneratorExit:
            return "bye"

    raw, observed = polite(), observe.step(polite(), log)
    next(raw)
    next(observed)
    assert observed.close() == raw.close()
    assert log.outcomes == [Outcome.CLOSED]


async def test_an_async_generator_that_returns_when_closed(log: Log) -> None:
    async def polite() -> Any:
        try:
            yield 1
        except GeneratorExit:
            return

    observed = observe.astep(polite(), log)
    await observed.__anext__()
    await observed.aclose()
    assert log.outcomes == [Outcome.CLOSED]


def stubborn() -> Any:
    with contextlib.suppress(GeneratorExit):
        yield 1
    yield 2


async def async_stubborn() -> Any:
    with contextlib.suppress(GeneratorExit):
        yield 1
    yield 2


def test_a_generator_that_will_not_close_says_so_and_is_ended(log: Log) -> None:
    observed = observe.step(stubborn(), log)
    next(observed)
    with pytest.raises(RuntimeError, match="generator ignored GeneratorExit"):
        observed.close()
    assert log.outcomes == [Outcome.CLOSED]


async def test_an_async_generator_that_will_not_close_says_so_and_is_ended(log: Log) -> None:
    observed = observe.astep(async_stubborn(), log)
    await observed.__anext__()
    with pytest.raises(RuntimeError, match="async generator ignored GeneratorExit"):
        await observed.aclose()
    assert log.outcomes == [Outcome.CLOSED]


def test_an_error_while_closing_is_the_callers(log: Log) -> None:
    error = Boom()

    def messy() -> Any:
        try:
            yield 1
        finally:
            raise error

    observed = observe.step(messy(), log)
    next(observed)
    with pytest.raises(Boom) as caught:
        observed.close()
    assert caught.value is error
    assert isinstance(error.__context__, GeneratorExit)
    assert log.ends == [(Outcome.FAILED, error)]


# -- what is active when -------------------------------------------------------------------------


def test_a_steps_code_runs_inside_and_its_consumers_outside(log: Log) -> None:
    def inner() -> Any:
        while True:
            yield here.get()

    observed = observe.step(inner(), log)
    assert log.events == []
    assert [next(observed), here.get()] == ["inside", "outside"]
    assert observed.send(None) == "inside"
    observed.close()
    assert log.events == [
        "attach",
        "detach",
        ("chunk", "inside"),
        "attach",
        "detach",
        ("chunk", "inside"),
        "attach",
        "detach",
    ]


async def test_an_async_steps_code_runs_inside_and_its_consumers_outside(log: Log) -> None:
    async def inner() -> Any:
        while True:
            await asyncio.sleep(0)
            yield here.get()

    observed = observe.astep(inner(), log)
    assert [await observed.__anext__(), here.get()] == ["inside", "outside"]
    await observed.aclose()
    assert log.events == ["attach", "detach", ("chunk", "inside"), "attach", "detach"]


def test_nothing_is_attached_around_a_relayed_chunk(log: Log) -> None:
    def inner() -> Any:
        yield here.get()

    assert list(observe.relay(inner(), log)) == ["outside"]
    assert log.events == [("chunk", "outside")]
    assert log.ends == [(Outcome.COMPLETED, None)]


def test_a_lazy_streams_first_step_runs_inside(log: Log) -> None:
    places: list[str] = []
    stream = observe.relay(_noting(places), log, lazy=True)
    assert not log.events
    assert next(stream) == 0
    assert here.get() == "outside"
    assert list(stream) == [1, 2]
    assert places == ["inside", "outside", "outside"]
    assert log.events[:3] == ["attach", "detach", ("chunk", 0)]
    assert log.outcomes == [Outcome.COMPLETED]


def _noting(places: list[str]) -> Iterator[int]:
    for number in range(3):
        places.append(here.get())
        yield number


async def test_a_lazy_async_streams_first_step_runs_inside(log: Log) -> None:
    places: list[str] = []

    async def source() -> AsyncIterator[int]:
        for number in _noting(places):
            yield number

    assert [item async for item in observe.arelay(source(), log, lazy=True)] == [0, 1, 2]
    assert places == ["inside", "outside", "outside"]


@pytest.mark.parametrize("drive", [observe.arelay, observe.astep])
@pytest.mark.parametrize("held", [True, False], ids=["held", "dropped"])
def test_a_loop_that_shuts_down_closes_what_it_would_close(
    drive: Any, log: Log, *, held: bool
) -> None:
    def life(driven: Callable[[Any], Any]) -> tuple[list[str], list[Any]]:
        ways: list[str] = []

        async def source() -> AsyncIterator[int]:
            try:
                yield 1
                yield 2
            finally:
                ways.append("closing")
                await asyncio.sleep(0)
                ways.append("closed")

        async def main(streams: list[Any]) -> list[Any]:
            reports: list[Any] = []
            loop = asyncio.get_running_loop()
            loop.set_exception_handler(lambda loop, said: reports.append(said["message"]))
            streams += [driven(source()), driven(source())]
            assert await anext(streams[0]) == 1
            if not held:
                streams.clear()
            return reports

        streams: list[Any] = []
        reports = asyncio.run(main(streams))
        streams.clear()
        gc.collect()
        return ways, reports

    assert life(lambda made: drive(made, log)) == life(lambda made: made)
    # One was begun, the other was not.
    begun = Outcome.ABANDONED if drive is observe.arelay else Outcome.CLOSED
    assert sorted(log.outcomes) == sorted([begun, Outcome.ABANDONED])


async def test_an_async_generator_stays_in_its_task(log: Log) -> None:
    tasks: list[Any] = []

    async def inner() -> Any:
        for _ in range(2):
            tasks.append(asyncio.current_task())
            async with asyncio.timeout(5) if hasattr(asyncio, "timeout") else _nothing():
                await asyncio.sleep(0)
            yield 1

    tasks += [asyncio.current_task() async for _ in observe.astep(inner(), log)]
    assert set(tasks) == {asyncio.current_task()}
    assert log.outcomes == [Outcome.COMPLETED]


@contextlib.asynccontextmanager
async def _nothing() -> AsyncIterator[None]:
    yield


async def test_a_cancelled_stream_is_cancelled(log: Log) -> None:
    async def inner() -> Any:
        yield 1
        await asyncio.Event().wait()

    async def read() -> None:
        async for _ in observe.arelay(inner(), log):
            reading.set()

    reading = asyncio.Event()
    task = asyncio.ensure_future(read())
    await reading.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert log.outcomes == [Outcome.CANCELLED]


# -- iterators that are no generators ------------------------------------------------------------


class Numbers:
    """An iterator with a `close` that only its owner may call."""

    def __init__(self, *items: Any) -> None:
        self._items = iter(items)
        self.closed = False

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        item = next(self._items)
        if isinstance(item, BaseException):
            raise item
        return item

    def close(self) -> None:
        self.closed = True


class AsyncNumbers:
    def __init__(self, *items: Any) -> None:
        self._items = Numbers(*items)

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        try:
            return next(self._items)
        except StopIteration:
            raise StopAsyncIteration from None


def test_an_iterator_is_relayed_to_its_end(log: Log) -> None:
    assert list(observe.relay(Numbers(1, 2), log)) == [1, 2]
    assert (log.chunks, log.outcomes) == ([1, 2], [Outcome.COMPLETED])


async def test_an_async_iterator_is_relayed_to_its_end(log: Log) -> None:
    assert [item async for item in observe.arelay(AsyncNumbers(1, 2), log)] == [1, 2]
    assert (log.chunks, log.outcomes) == ([1, 2], [Outcome.COMPLETED])


def test_an_iterators_error_is_the_callers(log: Log) -> None:
    error = Boom()
    observed = observe.relay(Numbers(1, error), log)
    assert next(observed) == 1
    with pytest.raises(Boom) as caught:
        next(observed)
    assert caught.value is error
    assert log.ends == [(Outcome.FAILED, error)]


async def test_an_async_iterators_error_is_the_callers(log: Log) -> None:
    error = Boom()
    observed = observe.arelay(AsyncNumbers(1, error), log)
    assert await observed.__anext__() == 1
    with pytest.raises(Boom) as caught:
        await observed.__anext__()
    assert caught.value is error
    assert log.ends == [(Outcome.FAILED, error)]


def test_leaving_a_relayed_iterator_does_not_close_it(log: Log) -> None:
    numbers = Numbers(1, 2)
    observed = observe.relay(numbers, log)
    next(observed)
    observed.close()
    assert not numbers.closed
    assert log.outcomes == [Outcome.CLOSED]


async def test_leaving_a_relayed_async_iterator_ends_the_recording(log: Log) -> None:
    observed = observe.arelay(AsyncNumbers(1, 2), log)
    assert await observed.__anext__() == 1
    await observed.aclose()
    assert log.outcomes == [Outcome.CLOSED]


def test_leaving_a_relayed_generator_closes_it(log: Log) -> None:
    seen: list[Any] = []
    observed = observe.relay(talker(seen), log)
    next(observed)
    observed.close()
    assert seen == ["cleaned"]


# -- what a decorated function gives ---------------------------------------------------------------


def test_follow_a_generator(log: Log) -> None:
    def host() -> Any:
        yield here.get()

    followed = observe.follow(host(), log)
    assert followed.__name__ == "host"
    assert followed.__qualname__ == "test_follow_a_generator.<locals>.host"
    assert list(followed) == ["inside"]


async def test_follow_a_coroutine_that_is_made_of_a_generator(log: Log) -> None:
    @types.coroutine
    def host() -> Any:
        yield from asyncio.sleep(0).__await__()
        return here.get()

    followed = observe.follow(host(), log)
    assert inspect.isawaitable(followed)
    assert followed.__name__ == "host"
    assert await followed == "inside"
    assert log.outcomes == [Outcome.COMPLETED]


def test_only_who_lets_go_of_a_generator_attaches_it(log: Log) -> None:
    def host() -> Any:
        try:
            yield 1
        finally:
            log.events.append(here.get())

    followed = observe.follow(host(), log)
    next(followed)
    del followed
    assert log.events[-3:] == ["attach", "inside", "detach"]

    class Circle:
        rows: Any
        itself: Any

    circle = Circle()
    circle.rows, circle.itself = observe.follow(host(), log), circle
    next(circle.rows)
    del circle
    gc.collect()
    assert log.events[-1] == "outside"
    assert log.outcomes == [Outcome.CLOSED, Outcome.CLOSED]


async def test_follow_an_async_generator(log: Log) -> None:
    async def host() -> Any:
        yield here.get()

    followed = observe.follow(host(), log)
    assert followed.__name__ == "host"
    assert [item async for item in followed] == ["inside"]


async def test_follow_a_coroutine(log: Log) -> None:
    async def host() -> str:
        return here.get()

    followed = observe.follow(host(), log)
    assert followed.__name__ == "host"
    assert await followed == "inside"


def test_follow_anything_else(log: Log) -> None:
    value = iter([1])
    assert observe.follow(value, log) is value
    assert log.outcomes == [Outcome.COMPLETED]


# -- what is kept alive ----------------------------------------------------------------------------


@pytest.mark.parametrize("drive", [observe.step, observe.relay])
def test_what_was_thrown_is_freed_without_a_collection(drive: Callable[..., Any]) -> None:
    def inner() -> Any:
        yield 1

    thrown: list[weakref.ref[Boom]] = []

    def boom() -> Boom:
        error = Boom()
        thrown.append(weakref.ref(error))
        return error

    class Forgetful(Log):
        def ended(self, outcome: Outcome, error: BaseException | None = None) -> None: ...

    def run() -> None:
        observed = drive(inner(), Forgetful())
        next(observed)
        with contextlib.suppress(Boom):
            observed.throw(boom())

    gc.disable()
    try:
        run()
        assert thrown[0]() is None
    finally:
        gc.enable()


def test_a_coroutine_function_in_disguise_may_give_another_awaitable() -> None:
    async def work() -> int:
        return 5

    class Later:
        def __await__(self) -> Any:
            return work().__await__()

    @functools.wraps(work)
    def disguised() -> Later:
        return Later()

    log = Log()
    assert asyncio.run(observe.call_async(disguised, (), {}, begin(log))) == 5
    assert log.events[:2] == [("begin", (), {}), "attach"]


# -- elements that only the recording has asked for ------------------------------------------------


class Keeping(Log):
    """Keeps the elements that are `None` from the caller."""

    def chunk(self, item: Any) -> bool:  # type: ignore[override]  # says more than the log
        super().chunk(item)
        return item is None


def some(*, deaf: bool = False) -> Any:
    for item in (None, 1, None, None, 2, None):
        try:
            yield item
        except GeneratorExit:
            if not deaf:
                raise
            return


async def some_async() -> Any:
    for item in (None, 1, None, None, 2, None):
        yield item


class Bare:
    """An asynchronous iterator that is no generator."""

    def __init__(self) -> None:
        self._items = iter((None, 1, None))

    def __aiter__(self) -> Bare:
        return self

    async def __anext__(self) -> Any:
        try:
            return next(self._items)
        except StopIteration:
            raise StopAsyncIteration from None


def test_what_is_kept_from_the_caller_is_noted_all_the_same() -> None:
    log = Keeping()
    assert list(observe.relay(some(), log)) == [1, 2]
    assert log.chunks == [None, 1, None, None, 2, None]
    assert log.outcomes == [Outcome.COMPLETED]


@pytest.mark.parametrize("made", [some_async, Bare])
def test_the_same_for_asynchronous_streams(made: Callable[[], Any]) -> None:
    log = Keeping()

    async def main() -> list[Any]:
        return [item async for item in observe.arelay(made(), log)]

    found = asyncio.run(main())
    assert found == [item for item in log.chunks if item is not None]
    assert None in log.chunks
    assert log.outcomes == [Outcome.COMPLETED]


def test_a_stream_that_is_closed_before_what_is_kept() -> None:
    log = Keeping()
    stream = observe.relay(some(), log)
    assert next(stream) == 1
    stream.close()
    assert log.outcomes == [Outcome.CLOSED]


def test_arguments_that_were_replaced_reach_a_coroutine_function() -> None:
    log, seen = Log(), list[Any]()

    async def wrapped(**given: Any) -> Any:
        seen.append(given)
        return given

    def begin(args: Any, kwargs: dict[str, Any]) -> Any:
        kwargs["more"] = 1
        return log

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = asyncio.run(observe.call_async(wrapped, (), {"some": 2}, begin))
        gc.collect()
    assert found == {"some": 2, "more": 1}
    assert seen == [found]


def test_arguments_that_are_the_same_make_no_second_call() -> None:
    log, calls = Log(), list[Any]()

    class Odd:
        __hash__ = None  # type: ignore[assignment]

        def __eq__(self, other: object) -> bool:
            pytest.fail("was compared")

    async def made(**given: Any) -> Any:
        return given

    def wrapped(**given: Any) -> Any:
        calls.append(given)
        return made(**given)

    asyncio.run(observe.call_async(wrapped, (), {"some": Odd()}, lambda *_: log))
    assert len(calls) == 1
