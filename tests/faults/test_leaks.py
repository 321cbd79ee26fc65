"""What a call leaves in memory: nothing, and that without the help of the collector."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider

import clearspan
from clearspan.testing import captured
from tests.capture.vendor import Vendor
from tests.runtime.support import Kept


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@clearspan.tool
def use(value: object) -> object:
    return value


@clearspan.task
def pieces() -> Any:
    yield 1
    yield 2


@clearspan.task
async def later() -> int:
    return 1


def block() -> None:
    with clearspan.context(session="s"), clearspan.span("x") as step:
        step.set(output=1)


def programs(client: Any, loop: asyncio.AbstractEventLoop) -> dict[str, Callable[[], Any]]:
    def failing() -> None:
        with pytest.raises(LookupError):
            client.create(model="m", prompt="fail")

    def plain() -> Any:
        return client.create(model="m", prompt="a")

    def streamed() -> Any:
        return list(client.create(model="m", prompt="ab", stream=True))

    def half_read() -> Any:
        return next(client.create(model="m", prompt="ab", stream=True))

    def awaited() -> Any:
        return loop.run_until_complete(later())

    return {
        "a function": lambda: use(1), "a generator": lambda: list(pieces()), "half a generator": lambda: next(pieces()),
        "a generator that is not begun": pieces, "a coroutine": awaited, "a block": block, "a call": plain,
        "a stream": streamed, "half a stream": half_read, "an error": failing,
    }  # fmt: skip


@pytest.mark.parametrize("inline", [False, True], ids=["worker", "inline"])
def test_F31_calls_leave_no_circles_for_the_collector(
    inline: bool, vendor: Vendor, no_collector: None
) -> None:
    where: dict[str, Any] = (
        {"tracer_provider": TracerProvider()} if inline else {"exporters": [Kept()]}
    )
    loop = asyncio.new_event_loop()
    found: dict[str, int] = {}
    with clearspan.init(providers=[vendor.provider], **where):
        for name, run in programs(vendor.load().Client(), loop).items():
            run()
            clearspan.flush()
            gc.collect()
            for _ in range(20):
                run()
            clearspan.flush()
            found[name] = gc.collect()
    loop.close()
    # `pytest.raises` makes circles of its own; one for each of the twenty would be ours.
    assert {
        name: circles for name, circles in found.items() if circles and name != "an error"
    } == {}


class Payload(dict[str, Any]):
    """A dictionary that can be referred to weakly."""


def test_F62_what_the_host_drops_is_free_when_its_record_is_complete(
    vendor: Vendor, no_collector: None
) -> None:
    known: list[weakref.ref[Any]] = []

    @clearspan.tool
    def work(given: Payload) -> Payload:
        made = Payload(text="made")
        known.append(weakref.ref(made))
        return made

    def run(client: Any) -> None:
        prompt = Payload(text="given")
        known.append(weakref.ref(prompt))
        work(prompt)
        more = Payload(text="more")
        known.append(weakref.ref(more))
        answer = client.create(model="m", prompt="a", own=more)
        kept = Payload(answer)
        known.append(weakref.ref(kept))

    with captured(providers=[vendor.provider]) as seen:
        run(vendor.load().Client())
        assert len(seen.spans) == 2
        assert len(known) == 4
        assert [one() for one in known] == [None] * 4


def test_F62_the_answer_of_a_model_is_not_kept_for_its_id(no_collector: None) -> None:
    known: list[weakref.ref[Any]] = []

    @clearspan.model
    def ask() -> Payload:
        answer = Payload(id="r-1", text="long")
        known.append(weakref.ref(answer))
        return answer

    with captured(providers=()) as seen:
        ask()
        assert len(seen.spans) == 1
        assert known[0]() is None
        assert clearspan.current().response_id == "r-1"
