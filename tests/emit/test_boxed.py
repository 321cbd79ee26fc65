"""Functions of the program's own: on a thread of theirs, and for so long only."""

from __future__ import annotations

import contextvars
import gc
import sys
import threading
from collections.abc import Iterator

import pytest

from clearspan.emit.boxed import Boxed
from tests.faults.kit import eventually


@pytest.fixture(autouse=True)
def no_thread_stays() -> Iterator[None]:
    """Tracebacks hold what failed, until they are collected."""
    yield
    gc.collect()
    assert eventually(lambda: threads() == 0)


def threads() -> int:
    return sum(thread.name == "clearspan-redact" for thread in threading.enumerate())


def test_it_answers_what_the_function_answers_on_a_thread_of_its_own() -> None:
    seen: list[int] = []
    said = contextvars.ContextVar("said", default="")

    def upper(text: str) -> str:
        seen.append(threading.get_ident())
        return text.upper() + said.get()

    kept = Boxed(upper)
    said.set("!")
    assert (kept("a"), kept("b")) == ("A!", "B!")
    assert len(set(seen)) == 1
    assert threading.get_ident() not in seen


@pytest.mark.parametrize("kind", [ValueError, RecursionError])
def test_what_it_raises_is_raised(kind: type[Exception]) -> None:
    raised: list[int] = []

    def fail(text: str) -> str:
        error = kind(text)
        raised.append(id(error))
        raise error

    kept = Boxed(fail)
    for _ in range(2):
        with pytest.raises(kind, match="why") as caught:
            kept("why")
        assert id(caught.value) == raised[-1]


def test_it_cannot_end_the_program() -> None:
    kept = Boxed(sys.exit)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="end the program"):
            kept("a")


def test_one_that_takes_too_long_is_asked_for_nothing_until_it_is_done() -> None:
    go, asked = threading.Event(), list[str]()

    def slow(text: str) -> str:
        asked.append(text)
        if text == "slow":
            go.wait(60)
        return text

    kept = Boxed(slow, 0.05)
    with pytest.raises(TimeoutError, match=r"not done after 0.05 s"):
        kept("slow")
    with pytest.raises(TimeoutError, match="earlier text"):
        kept("other")
    assert asked == ["slow"]
    go.set()
    assert eventually(lambda: kept._last is not None and kept._last.over.is_set())
    assert kept("last") == "last"


def test_nobody_waits_for_another_for_long() -> None:
    inside, go = threading.Event(), threading.Event()

    def hold(text: str) -> str:
        inside.set()
        go.wait(60)
        return text

    kept = Boxed(hold, 60)
    other = threading.Thread(target=kept, args=("a",))
    other.start()
    assert inside.wait(60)
    kept._patience = 0.02
    with pytest.raises(TimeoutError, match="another text"):
        kept("b")
    go.set()
    other.join()


def test_what_ends_inside_its_own_call_is_refused() -> None:
    kept = Boxed(str.upper)
    kept._holder = threading.get_ident()
    with pytest.raises(TimeoutError, match="another text"):
        kept("a")


def test_a_forked_child_starts_anew() -> None:
    kept = Boxed(str.upper)
    assert kept("a") == "A"
    kept._pid -= 1
    kept._lock.acquire()
    assert kept("b") == "B"


def test_its_thread_ends_with_it() -> None:
    gc.collect()
    before = threads()
    kept = Boxed(str.upper)
    assert threads() == before
    kept("a")
    assert threads() == before + 1
    del kept
    gc.collect()
    assert eventually(lambda: threads() <= before)


def test_without_a_thread_to_be_had_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    kept = Boxed(str.upper)
    with monkeypatch.context() as changed:
        changed.setattr(threading.Thread, "start", none)
        with pytest.raises(RuntimeError, match="start"):
            kept("a")
    assert kept("a") == "A"


def test_it_can_be_closed_and_goes_on_with_a_thread_anew() -> None:
    kept = Boxed(str.upper)
    kept.close()
    for _ in range(2):
        assert kept("a") == "A"
        thread = kept._thread
        assert thread is not None
        kept.close()
        assert not thread.is_alive()


def test_closing_waits_for_nobody() -> None:
    go = threading.Event()
    kept = Boxed(lambda text: str(go.wait(60)), 0.02)
    with pytest.raises(TimeoutError):
        kept("a")
    kept._patience = 60
    kept.close()
    go.set()
