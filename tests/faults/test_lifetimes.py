"""Lifetimes (rows F2, F25, F33, F37, F38, F62): what the program lets go of is gone, and what it keeps stays as it is."""

from __future__ import annotations

import asyncio
import enum
import functools
import gc
import sys
import types
import warnings
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import clearspan
from clearspan.testing import ModelServer, captured
from clearspan.testing.server import Reply
from tests.faults.kit import ran

Decorate = Callable[[Any], Any]


def plain(function: Any) -> Any:
    """As without us."""
    return function


# -- F62 --------------------------------------------------------------------------------------


def jobs(decorate: Decorate, finals: list[str]) -> dict[str, Callable[[], Any]]:
    """Ways to make an object that holds what is not finished of its own, by name."""

    class Job:
        unfinished: Any

        @decorate
        def rows(self, *given: object) -> Iterator[object]:
            try:
                yield self
                yield given
            finally:
                finals.append("rows")

        @decorate
        async def run(self, *given: object) -> None:
            try:
                await asyncio.sleep(1)
            finally:
                finals.append(f"run {len(given)}")

        @decorate
        async def later(self) -> AsyncIterator[object]:
            try:
                yield self
                yield 2
            finally:
                finals.append("later")

        @decorate
        def handed_on(self) -> Any:
            return Job.run.__wrapped__(self) if decorate is not plain else self.run()

    def started(job: Job) -> None:
        job.unfinished = job.rows()
        next(job.unfinished)

    def unstarted(job: Job) -> None:
        job.unfinished = job.rows()

    def given(job: Job) -> None:
        job.unfinished = job.rows(job, [job], {"of": job})
        next(job.unfinished)

    def never_awaited(job: Job) -> None:
        job.unfinished = job.run()

    def suspended(job: Job) -> None:
        async def main() -> None:
            job.unfinished = job.run(job)
            job.unfinished.send(None)

        asyncio.run(main())

    def returned(job: Job) -> None:
        job.unfinished = job.handed_on()

    def asynchronous(job: Job) -> None:
        job.unfinished = job.later()

    def asynchronous_started(job: Job) -> None:
        job.unfinished = job.later()
        with pytest.raises(StopIteration):
            job.unfinished.__anext__().send(None)

    def closure(job: Job) -> None:
        @decorate
        def parts() -> Iterator[object]:
            yield 1
            yield job

        job.unfinished = parts()
        next(job.unfinished)

    ways = (
        started, unstarted, given, never_awaited, suspended, returned, asynchronous, asynchronous_started, closure,
    )  # fmt: skip

    def made(way: Callable[[Job], None]) -> Callable[[], Any]:
        def make() -> Any:
            job = Job()
            way(job)
            return weakref.ref(job)

        return make

    return {way.__name__: made(way) for way in ways}


def lived(way: str, decorate: Decorate) -> tuple[bool, list[str]]:
    """Whether it was collected, and which `finally` ran."""
    finals: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = jobs(decorate, finals)[way]()
        gc.collect()
        gc.collect()
    return found() is None, finals


RECORDS = {
    "unstarted": "abandoned", "asynchronous": "abandoned", "returned": "abandoned", "never_awaited": None,
}  # fmt: skip


@pytest.mark.parametrize("way", jobs(plain, []))
def test_F62_what_holds_its_own_unfinished_work_is_collected_as_without_us(way: str) -> None:
    expected = lived(way, plain)
    assert expected[0]
    with captured(providers=()) as seen:
        assert lived(way, clearspan.task) == expected
        assert seen.open_calls == 0
        outcomes = [record.outcome for record in seen.invocations]
    wanted = RECORDS.get(way, "closed")
    assert outcomes == ([] if wanted is None else [wanted])


class _Message(dict[str, str]):
    stream: Any


def test_F62_a_message_that_holds_its_stream_is_collected() -> None:
    openai = pytest.importorskip("openai")
    with ModelServer() as server:
        server.respond(Reply("a b c d e f g h", chunks=8))
        client = openai.OpenAI(base_url=server.url, api_key="sk-unused", max_retries=0)
        with captured() as seen:
            message = _Message(role="user", content="q")
            message.stream = client.chat.completions.create(
                model="m", messages=[message], stream=True
            )
            next(message.stream)
            known = weakref.ref(message)
            del message
            gc.collect()
            assert known() is None
            assert seen.open_calls == 0
            (record,) = seen.invocations
        client.close()
    assert record.outcome == "abandoned"
    assert record.input[0]["parts"][0]["content"] == "q"


def test_F62_an_agent_that_holds_its_stream_is_collected() -> None:
    openai = pytest.importorskip("openai")

    class Agent:
        stream: Any

        @clearspan.agent
        def ask(self, text: str) -> Any:
            messages = [{"role": "user", "content": text}]
            self.stream = client.chat.completions.create(model="m", messages=messages, stream=True)
            return self.stream

        @clearspan.model
        def answer(self, text: str) -> Any:
            return self.ask(text)

    with ModelServer() as server:
        server.respond(Reply("a b c d e f g h", chunks=8))
        client = openai.OpenAI(base_url=server.url, api_key="sk-unused", max_retries=0)
        with captured() as seen:
            for way in ("ask", "answer"):
                agent = Agent()
                next(getattr(agent, way)("q"))
                known = weakref.ref(agent)
                del agent
                gc.collect()
                assert known() is None, way
            assert seen.open_calls == 0
        client.close()


_LEFT = """
import asyncio, os, sys
if sys.argv[1] == "ours":
    import clearspan
    clearspan.init(store=sys.argv[2], hardware="off")
    task = clearspan.task
else:
    task = lambda function: function

class Says:
    def __del__(self):
        os.write(1, b"gone\\n")

@task
def rows():
    try:
        yield 1
    finally:
        os.write(1, b"rows\\n")

@task
async def waits():
    try:
        await asyncio.sleep(3)
    finally:
        os.write(1, b"waits\\n")

async def main():
    global left
    left = waits()
    left.send(None)

said, open_rows = Says(), rows()
next(open_rows)
asyncio.run(main())
"""


def test_F62_at_the_end_of_the_program_all_is_finalised(tmp_path: Path) -> None:
    expected, found = ran(_LEFT, "raw"), ran(_LEFT, "ours", str(tmp_path / "runs.db"))
    assert sorted(expected.stdout.split()) == ["gone", "rows", "waits"]
    assert sorted(found.stdout.split()) == sorted(expected.stdout.split())
    assert (found.returncode, found.stderr) == (expected.returncode, expected.stderr)


_CIRCLE = """
import clearspan

class Circle:
    pass

@clearspan.task
def rows():
    yield 1
    yield 2
"""

# A collection that stops the program at each of many places of one call, among them what sets a context variable.
_AT_ANY_PLACE = (
    _CIRCLE
    + """
import faulthandler, gc
faulthandler.enable()
clearspan.init(store="runs.db", providers=(), hardware="off")

def abandon():
    circle = Circle()
    circle.rows, circle.itself = rows(), circle
    next(circle.rows)

def call(place):
    with clearspan.invocation("chat", provider="p", model="m") as draft:
        draft.usage(input=1, output=1)
        if place is not None:
            gc.set_threshold(gc.get_count()[0] + place, 1_000, 1_000)
            gc.enable()
    gc.disable()

for number in range(20):
    call(None)
gc.disable()
gc.freeze()
for place in range(300):
    gc.collect()
    abandon()
    call(place)
for _ in range(1_000):
    clearspan.flush(60)
    gc.collect()  # which does nothing while another thread is at it
    if not clearspan.status().open_calls:
        break
clearspan.flush(60)
told = clearspan.status().accounts
print(told.created, told.stored)
"""
)


def test_F49_a_collection_in_the_middle_of_anything_does_no_harm(tmp_path: Path) -> None:
    found = ran(_AT_ANY_PLACE, folder=tmp_path)
    assert (found.returncode, found.stdout, found.stderr) == (0, "620 620\n", "")


_HOLDING_A_LOCK = (
    _CIRCLE
    + """
import faulthandler, gc, threading
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
faulthandler.dump_traceback_later(60, exit=True)

class Counting(SpanProcessor):
    def __init__(self):
        self.lock, self.names = threading.Lock(), []

    def on_end(self, span):
        with self.lock:
            if span.name == "theirs":
                gc.collect()  # as may happen at any line
            self.names.append(span.name)

counting, provider = Counting(), TracerProvider()
provider.add_span_processor(counting)
clearspan.init(tracer_provider=provider, meter_provider=MeterProvider(), providers=(), hardware="off")

circle = Circle()
circle.rows, circle.itself = rows(), circle
next(circle.rows)
gc.disable()
del circle
provider.get_tracer("theirs").start_span("theirs").end()
clearspan.flush(60)
print(*counting.names)
"""
)


def test_F49_what_a_collection_ends_waits_for_no_lock_of_the_program(tmp_path: Path) -> None:
    found = ran(_HOLDING_A_LOCK, folder=tmp_path)
    assert (found.returncode, found.stdout, found.stderr) == (0, "theirs rows\n", "")


# -- F37 --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "decorate",
    [clearspan.task, clearspan.model, clearspan.context(session="s"), clearspan.suppressed()],
    ids=["task", "model", "context", "suppressed"],
)
def test_F37_a_generator_that_others_hold_too_is_not_closed(decorate: Decorate) -> None:
    def life(decorate: Decorate) -> list[Any]:
        rows = (number for number in range(6))
        source = decorate(lambda: rows)
        told: list[Any] = [next(source()), next(source())]
        for number in source():
            told.append(number)
            break
        told.append(list(rows))
        source().close()
        return told

    with captured(providers=()) as seen:
        assert life(decorate) == life(plain) == [0, 1, 2, [3, 4, 5]]
        gc.collect()
        assert seen.open_calls == 0


@pytest.mark.parametrize("decorate", [clearspan.task, clearspan.context(session="s")])
def test_F37_a_coroutine_that_others_hold_too_can_still_be_awaited(decorate: Decorate) -> None:
    async def answer() -> int:
        return 42

    async def main() -> int:
        held = answer()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            decorate(lambda: held)()
        return await held

    with captured(providers=()) as seen:
        assert asyncio.run(main()) == 42
        assert seen.open_calls == 0


# -- F2 ---------------------------------------------------------------------------------------


def test_F2_an_asynchronous_generator_dropped_in_mid_step_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unraisable: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda given: unraisable.append(given.exc_value))

    @clearspan.task
    async def slow() -> AsyncIterator[int]:
        await asyncio.sleep(5)
        yield 1

    async def main() -> None:
        # What the loop says of the inner one it says without us, too.
        asyncio.get_running_loop().set_exception_handler(lambda loop, said: None)
        made = slow()
        step = made.__anext__()
        step.send(None)
        del step, made
        gc.collect()
        await asyncio.sleep(0)

    with captured(providers=()) as seen:
        asyncio.run(main())
        gc.collect()
        assert seen.open_calls == 0
        assert [record.outcome for record in seen.invocations] == ["abandoned"]
    assert unraisable == []


# -- F25 --------------------------------------------------------------------------------------


class _Compares(type):
    def __eq__(cls, other: object) -> bool:
        raise RuntimeError("only comparable with models")

    def __hash__(cls) -> int:
        raise RuntimeError("not to be looked up")


class _Model(metaclass=_Compares):
    """A value whose class compares in its own way."""


@pytest.mark.parametrize(
    "decorate",
    [clearspan.task, clearspan.agent, clearspan.context(session="s"), clearspan.suppressed()],
    ids=["task", "agent", "context", "suppressed"],
)
def test_F25_classes_that_compare_in_their_own_way(decorate: Decorate) -> None:
    async def later(value: object) -> object:
        return value

    model = _Model()
    with captured(providers=()) as seen:
        assert decorate(lambda value: value)(model) is model
        assert asyncio.run(decorate(later)(model)) is model
        (found,) = decorate(lambda value: (item for item in [value]))(model)
        assert found is model
        assert seen.open_calls == 0


# -- F33 --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["task", "tool", "retrieval", "model"])
def test_F33_a_wrong_call_is_none_of_ours(kind: str) -> None:
    decorate = getattr(clearspan, kind)

    @decorate
    def work(query: str, b: int = 1) -> str:
        return query

    with captured(providers=()) as seen:
        for args, kwargs in [(("x", 2, 3), {}), (("x",), {"query": "y"}), (("x",), {"other": 1})]:
            with pytest.raises(TypeError):
                work(*args, **kwargs)
        records = seen.invocations
    assert [record.outcome for record in records] == ["failed"] * 3
    assert [record.error.type for record in records] == ["TypeError"] * 3
    if kind == "task":
        assert records[0].input_value == {"args": ["x", 2, 3]}


# -- F38 --------------------------------------------------------------------------------------


def test_F38_methods_that_python_makes_class_methods_of() -> None:
    def life(decorate: Decorate) -> list[Any]:
        class Base:
            size = 0

            @decorate
            def __class_getitem__(cls, key: object) -> object:
                return cls.__name__, key

            @decorate
            def __init_subclass__(cls, size: int = 1, **rest: Any) -> None:
                super().__init_subclass__(**rest)
                cls.size = size

        class Sub(Base, size=3):
            """Made as Python makes it."""

        kinds = [type(vars(Base)[name]) for name in ("__class_getitem__", "__init_subclass__")]
        return [Base[1], Sub["a"], Sub.size, Base.size, kinds]

    with captured(providers=()) as seen:
        assert life(clearspan.task) == life(plain)
        assert len(seen.invocations) == 3


class _Cached(property):
    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        return vars(instance).setdefault("_kept", super().__get__(instance, owner))


KINDS: list[Any] = [property, _Cached, functools.cached_property, types.DynamicClassAttribute]
if sys.version_info >= (3, 11):
    KINDS.append(enum.property)


@pytest.mark.parametrize("kind", KINDS)
def test_F38_properties_of_every_kind_stay_of_their_kind(kind: Any) -> None:
    def life(decorate: Decorate) -> list[Any]:
        asked: list[int] = []

        def size(self: object) -> int:
            """How large it is."""
            asked.append(1)
            return len(asked)

        holder = type("Holder", (), {"size": decorate(kind(size))})
        first = holder()
        return [first.size, first.size, type(vars(holder)["size"]), vars(holder)["size"].__doc__]

    if kind is getattr(enum, "property", None):
        members = type("Holder", (), {"size": clearspan.task(kind(len))})
        assert type(vars(members)["size"]) is kind
        return
    with captured(providers=()) as seen:
        assert life(clearspan.task) == life(plain)
        runs = {property: 2, functools.cached_property: 1}.get(kind, 0)
        assert len(seen.invocations) == runs
