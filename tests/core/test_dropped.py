"""Drivers that nobody holds any more."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncGenerator, Generator
from contextvars import ContextVar
from typing import Any

from clearspan.core import observe
from clearspan.core.dropped import Watched, apart, unheld
from clearspan.record import Outcome

touched: ContextVar[bool] = ContextVar("touched", default=False)


class Log:
    """A recording of which only the end is of interest here."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self.unheld: bool | None = None

    def attach(self) -> object:
        """Nothing to do."""

    def detach(self, token: object) -> None:
        """Nothing to do."""

    def returned(self, value: Any) -> Any:
        return value

    def chunk(self, item: Any) -> bool | None:
        """Nothing to do."""

    def ended(self, outcome: Outcome, error: BaseException | None = None) -> None:
        self.outcomes.append(outcome)
        self.unheld = unheld()
        touched.set(True)


def driver(held: Watched) -> Generator[bool]:
    held.begun()
    try:
        while True:
            yield held.dropped
    except GeneratorExit:
        seen.append(held.dropped)
        raise


seen: list[bool] = []


async def answer() -> int:
    return 42


def test_what_goes_without_having_begun_is_abandoned() -> None:
    log = Log()
    held = Watched(log)
    made = held.watching(driver(held))
    assert not held.dropped
    del held
    assert log.outcomes == []
    del made
    assert log.outcomes == [Outcome.ABANDONED]


def test_what_has_begun_sees_its_own_end_and_whether_it_was_dropped_or_closed() -> None:
    seen.clear()
    log = Log()
    for leave in ("close", "drop"):
        held = Watched(log)
        made = held.watching(driver(held))
        del held
        assert next(made) is False
        if leave == "close":
            made.close()
        del made
    assert seen == [False, True]
    assert log.outcomes == []


def test_a_coroutine_of_ours_alone_is_closed_with_its_driver() -> None:
    held = Watched(inner=answer())
    made: list[Any] = [held.inner]
    del held  # somebody else holds it
    assert asyncio.run(made.pop()) == 42
    held = Watched(inner=answer())
    del held  # else it would warn that nobody awaited it


def test_the_end_does_not_wait_for_a_frame_that_lives_on() -> None:
    log = Log()
    held = Watched(log, answer())
    made = held.telling(driver(held))
    del made
    assert log.outcomes == [Outcome.ABANDONED]
    assert (held.inner, held.recording, held.dropped) == (None, None, True)


def test_what_awaits_is_told_nothing_any_more() -> None:
    log = Log()
    held = Watched(log, answer())
    made = held.telling(driver(held))
    assert asyncio.run(held.awaiting()) == 42
    del made, held
    assert log.outcomes == []


def test_at_the_end_of_the_process_nobody_listens() -> None:
    log = Log()
    held = Watched(log)
    held.end(finalizing=lambda: True)
    assert log.outcomes == []


class Numbers:
    """An asynchronous iterator that is no generator."""

    def __aiter__(self) -> Numbers:
        return self

    async def __anext__(self) -> int:
        return 1


def test_an_asynchronous_stream_that_nobody_reads_on_is_abandoned() -> None:
    log = Log()

    async def main() -> None:
        stream = observe.arelay(Numbers(), log)
        assert await anext(stream) == 1
        del stream
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    asyncio.run(main())
    assert log.outcomes == [Outcome.ABANDONED]


def test_an_asynchronous_generator_dropped_in_mid_step_is_abandoned() -> None:
    log = Log()

    async def slow() -> AsyncGenerator[int, None]:
        await asyncio.sleep(5)
        yield 1

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, said: None)
        made = observe.astep(slow(), log)
        step: Any = made.__anext__()
        step.send(None)
        del step, made
        await asyncio.sleep(0)

    asyncio.run(main())
    assert Outcome.ABANDONED in log.outcomes


def test_what_was_dropped_ends_in_a_context_of_its_own() -> None:
    log = Log()
    apart(log, Outcome.ABANDONED)
    assert (log.outcomes, log.unheld) == ([Outcome.ABANDONED], True)
    assert not touched.get()
    assert not unheld()
    held = Watched(log)
    del held
    assert log.outcomes == [Outcome.ABANDONED, Outcome.ABANDONED]
    assert not touched.get()


def test_the_collector_is_told_from_others_who_let_go() -> None:
    found: list[tuple[bool, bool]] = []

    def driving(held: Watched) -> Generator[None]:
        held.begun()
        try:
            yield
        finally:
            found.append((held.dropped, held.collected))

    def begun() -> Generator[None]:
        held = Watched(Log())
        made = held.watching(driving(held))
        next(made)
        return made

    begun()
    begun().close()

    class Circle:
        made: object
        itself: object

    circle = Circle()
    circle.made, circle.itself = begun(), circle
    del circle
    gc.collect()
    assert found == [(True, False), (False, False), (True, True)]


def test_one_that_was_never_made_ends_nothing() -> None:
    unmade = Watched.__new__(Watched)
    unmade.end()
    assert not hasattr(unmade, "inner")
