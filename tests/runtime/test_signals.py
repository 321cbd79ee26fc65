"""What stands for the default effect of a signal: when it is set, what it does, and that it goes again."""

from __future__ import annotations

import _thread
import io
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FunctionType

import pytest

from clearspan.runtime import signals

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


class Ending:
    def __init__(self) -> None:
        self.done: list[tuple[str, float]] = []
        self.over = threading.Event()

    def flush(self, timeout: float) -> bool:
        self.done.append(("flush", timeout))
        self.over.set()
        return True

    def save(self, timeout: float) -> bool:
        self.done.append(("save", timeout))
        self.over.set()
        return True


@pytest.fixture(autouse=True)
def defaults() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in signals.SIGNALS}
    for number in signals.SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    yield
    signals.forget()
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append((pid, number)))
    return sent


def stands() -> list[int]:
    """The signals that ours handles."""
    return [number for number in signals.SIGNALS if signals._stands_for(number) is signals._handler]


def apart(run: Callable[[], object]) -> None:
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


def test_it_stands_where_nobody_does_and_goes_again() -> None:
    ending = Ending()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    apart(lambda: signals.watch(ending, 1.0))
    assert stands() == []
    signals.watch(ending, 1.0)
    signals.watch(ending, 1.0)
    assert stands() == [signal.SIGTERM]
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    signals.forget(Ending())
    apart(lambda: signals.forget(ending))
    assert stands() == [signal.SIGTERM]
    signals.forget()
    assert stands() == []
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_to_the_program_it_is_the_default_itself() -> None:
    signals.watch(Ending(), 1.0)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert not callable(signal.getsignal(signal.SIGTERM))
    assert signal.signal(signal.SIGTERM, signal.SIG_IGN) is signal.SIG_DFL
    with pytest.raises(TypeError):
        int(signals._handler)


def test_it_stands_again_where_the_default_was_put_back(killed: list[tuple[int, int]]) -> None:
    ending = Ending()
    signals.again()
    assert stands() == []
    signals.watch(ending, 5.0)
    old = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signals.again()
    assert stands() == [signal.SIGHUP]
    signal.signal(signal.SIGTERM, old)
    apart(signals.again)
    assert stands() == [signal.SIGHUP]
    signals.again()
    assert stands() == [signal.SIGTERM, signal.SIGHUP]
    signal.raise_signal(signal.SIGTERM)
    assert (ending.done, killed) == ([("save", 5.0)], [(os.getpid(), signal.SIGTERM)])
    signals.again()
    assert stands() == [signal.SIGHUP], "it has been sent on, and is to end the process"


def test_it_does_not_stand_again_where_somebody_stands_behind_pythons_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    signals.watch(Ending(), 1.0)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    monkeypatch.setattr(signals, "_caught", lambda: 1 << (signal.SIGTERM - 1))
    for _ in range(2):
        signals.again()
        assert stands() == [signal.SIGHUP]
        monkeypatch.setattr(signals, "_caught", lambda: 0)


def test_a_handler_that_python_does_not_know_of_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As of a server in C that runs Python inside."""
    caught = 1 << (signal.SIGTERM - 1)
    said = f"Name:\tx\nSigCgt:\t{caught:016x}\n"
    monkeypatch.setattr(signals, "open", lambda *_, **__: io.StringIO(said), raising=False)
    signals.watch(Ending(), 1.0)
    assert stands() == [signal.SIGHUP]


@pytest.mark.parametrize("told", [None, "Name:\tx\n"])
def test_where_nothing_is_told_of_handlers_python_is_believed(
    told: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*given: object, **named: object) -> io.StringIO:
        if told is None:
            raise FileNotFoundError
        return io.StringIO(told)

    monkeypatch.setattr(signals, "open", read, raising=False)
    signals.watch(Ending(), 1.0)
    assert signal.SIGTERM in stands()


def test_it_saves_and_sends_the_signal_again(killed: list[tuple[int, int]]) -> None:
    ending = Ending()
    signals.watch(ending, 5.0)
    signal.raise_signal(signal.SIGTERM)
    assert ending.done == [("save", pytest.approx(5.0))]
    assert killed == [(os.getpid(), signal.SIGTERM)]
    assert stands() == [signal.SIGHUP]


def test_with_nothing_to_save_it_only_sends_it_again(killed: list[tuple[int, int]]) -> None:
    ending = Ending()
    signals.watch(ending, 5.0)
    apart(lambda: signals.forget(ending))
    signal.raise_signal(signal.SIGTERM)
    assert ending.done == []
    assert killed == [(os.getpid(), signal.SIGTERM)]


def interrupted_in(*modules: str) -> None:
    """Be interrupted in the last of those modules, which the others have called."""

    def start(*deeper: Callable[..., object]) -> None:
        if deeper:
            deeper[0](*deeper[1:])
        else:
            signal.raise_signal(signal.SIGTERM)

    first, *others = (
        FunctionType(start.__code__, globals() | {"__name__": module}) for module in modules
    )
    first(*others)


@pytest.mark.parametrize(
    "modules",
    [
        ("clearspan.core.worker",),
        ("opentelemetry.sdk.metrics", "threading"),
        ("clearspan", "contextlib"),
        ("app", "threading"),
    ],
)
def test_where_a_lock_may_be_held_that_is_needed_it_comes_again(
    modules: tuple[str, ...], killed: list[tuple[int, int]]
) -> None:
    ending = Ending()
    signals.watch(ending, 5.0)
    interrupted_in(*modules)
    assert signal.SIGTERM in stands()  # nothing is given back, nothing saved
    until = time.monotonic() + 30
    while not killed and time.monotonic() < until:
        time.sleep(0.001)
    assert ending.done == []
    assert killed == [(os.getpid(), signal.SIGTERM)]


@pytest.mark.parametrize("modules", [("app",), ("app", "queue"), ("clearspan", "app"), ("weakref",)])  # fmt: skip
def test_elsewhere_it_is_held_up_at_once(
    modules: tuple[str, ...], killed: list[tuple[int, int]]
) -> None:
    ending = Ending()
    signals.watch(ending, 5.0)
    interrupted_in(*modules)
    assert ending.done == [("save", pytest.approx(5.0))]
    assert killed == [(os.getpid(), signal.SIGTERM)]


def test_it_comes_again_for_a_moment_only(
    killed: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    ending = Ending()
    signals.watch(ending, 5.0)
    monkeypatch.setattr(signals._handler, "heard", time.monotonic() - 1)
    interrupted_in("clearspan")
    assert ending.done == [("save", pytest.approx(4.0, abs=0.9))]
    assert killed == [(os.getpid(), signal.SIGTERM)]


def test_one_put_off_long_ago_counts_no_longer(
    killed: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a child that was forked off meanwhile."""
    ending = Ending()
    signals.watch(ending, 5.0)
    monkeypatch.setattr(signals._handler, "heard", time.monotonic() - 60)
    signal.raise_signal(signal.SIGTERM)
    assert ending.done == [("save", pytest.approx(5.0))]


def test_the_first_process_of_a_container_goes_on(
    killed: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    ending = Ending()
    signals.watch(ending, 5.0)
    monkeypatch.setattr(os, "getpid", lambda: 1)
    signal.raise_signal(signal.SIGTERM)
    assert ending.over.wait(30)
    assert (ending.done, killed) == ([("flush", 5.0)], [])
    assert signal.SIGTERM in stands()


@pytest.mark.parametrize("module", ["app", "clearspan"])
def test_without_a_thread_it_ends_at_once(
    module: str, killed: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*given: object) -> int:
        raise RuntimeError("can't start new thread")

    ending = Ending()
    signals.watch(ending, 5.0)
    monkeypatch.setattr(_thread, "start_new_thread", none)
    interrupted_in(module)
    assert ending.done == []
    assert killed == [(os.getpid(), signal.SIGTERM)]


def test_ctrl_c_ends_the_waiting_only(
    killed: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*given: object, **named: object) -> None:
        raise KeyboardInterrupt

    signals.watch(Ending(), 5.0)
    monkeypatch.setattr(signals._handler, "_apart", interrupted)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)
    assert killed == [(os.getpid(), signal.SIGTERM)]
