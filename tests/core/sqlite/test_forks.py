"""Who has an SQLite connection open lets go of it before a fork, and never uses what a parent had open."""

from __future__ import annotations

import os
import sqlite3
import threading

import pytest

from clearspan.core.sqlite import forks
from clearspan.core.sqlite.forks import Holder, unsafe


def test_letting_go_closes_once() -> None:
    holder = Holder("x")
    holder.let_go()
    holder.connection = opened = sqlite3.connect(":memory:")
    holder.let_go()
    assert holder.connection is None
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        opened.execute("SELECT 1")


def test_what_a_parent_had_open_is_left_open_and_its_file_is_not_safe() -> None:
    holder = Holder("inherited")
    before = holder.lock
    holder.settle()
    assert holder.lock is before
    holder.connection = opened = sqlite3.connect(":memory:")
    holder.pid = -1  # as after a fork that nobody told of
    assert not unsafe("inherited")
    holder.settle()
    assert holder.connection is None
    assert holder.lock is not before
    assert unsafe("inherited")
    assert opened.execute("SELECT 1").fetchone() == (1,)
    opened.close()


def test_without_a_connection_a_fork_makes_nothing_unsafe() -> None:
    holder = Holder("never opened")
    holder.disown()
    assert not unsafe("never opened")


def in_child(holders: dict[str, Holder]) -> str:
    """Fork; what the child has of each: open (or not), and whether its file is safe."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            found = [
                f"{name}: {'open' if holder.connection else 'not open'}, {'unsafe' if unsafe(name) else 'safe'}"
                for name, holder in holders.items()
            ]
            os.write(writer, "; ".join(found).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        told = answer.read()
    os.waitpid(child, 0)
    return told


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_closes_what_is_idle_and_does_not_wait_for_ever_for_what_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(forks, "BEATS", 0)
    idle, busy = Holder("idle"), Holder("busy")
    idle.connection = sqlite3.connect(":memory:")
    busy.connection = writing = sqlite3.connect(":memory:")
    with busy.lock:
        told = in_child({"idle": idle, "busy": busy})
        assert told == "idle: not open, safe; busy: not open, unsafe"
        assert busy.lock.locked()  # it was not taken, and so it is not given back
    assert not idle.lock.locked()
    assert [holder.connection for holder in (idle, busy)] == [None, writing]
    assert not unsafe("busy")
    busy.let_go()


def test_a_fork_waits_for_who_is_at_work_and_interrupts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    holder, interrupted = Holder("busy"), threading.Event()
    monkeypatch.setattr(holder, "interrupt", interrupted.set)

    def work() -> None:
        with holder.lock:
            begun.set()
            interrupted.wait(30)

    begun, thread = threading.Event(), threading.Thread(target=work)
    thread.start()
    assert begun.wait(30)
    assert forks._win(holder, 3_000) > 0
    assert interrupted.is_set()
    assert not holder.awaited
    assert forks._win(holder, 1) == -1
    holder.lock.release()
    thread.join(30)


def looks(monkeypatch: pytest.MonkeyPatch, *holders: Holder) -> list[int]:
    """Fork, as far as the hooks go; how often it looked at each."""
    found: list[int] = []
    win = forks._win

    def counting(holder: Holder, beats: int) -> int:
        if holder not in holders:
            return win(holder, beats)
        left = win(holder, beats)
        found.append(beats - max(left, 0))
        return left

    with monkeypatch.context() as patch:
        patch.setattr(forks, "_win", counting)
        patch.setattr(forks, "_BEAT", 0.0001)
        forks._before()
        forks._after_in_parent()
    return found


def test_a_fork_waits_long_for_what_hangs_once_and_all_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(forks, "_holders", holders := [Holder("one"), Holder("other")])
    one, other = holders
    with one.lock, other.lock:
        assert looks(monkeypatch, *holders) == [forks.BEATS, 0]
        assert looks(monkeypatch, *holders) == [forks.FEW, forks.FEW]
    assert looks(monkeypatch, *holders) == [0, 0]
    with other.lock:
        assert looks(monkeypatch, *holders) == [0, forks.BEATS]


def test_closing_before_a_fork_leaves_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    class Connection:
        """As from Python 3.12 on."""

        def __init__(self, *, fails: bool) -> None:
            self.fails, self.asked = fails, 0

        def setconfig(self, option: int) -> None:
            self.asked = option
            if self.fails:
                raise sqlite3.OperationalError

        def close(self) -> None:
            """Nothing is open."""

    monkeypatch.setattr(forks, "_NO_FOLDING", 1006)
    for fails in (False, True):
        holder, connection = Holder("any"), Connection(fails=fails)
        holder.connection = connection  # type: ignore[assignment]
        forks._before()
        assert connection.asked == 1006
        assert holder.connection is None
        forks._after_in_parent()
