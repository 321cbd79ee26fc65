"""One reading for all who ask, of samplers that fail, hang and go away."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from clearspan.core import fence
from clearspan.figures.hardware.source import Source
from clearspan.samplers import ACCELERATOR, DeviceState, Instrument, Reading


@dataclass
class Scripted:
    """A sampler that does what a test says, and keeps account of it."""

    name: str = "scripted"
    instruments: Sequence[Instrument] = ACCELERATOR
    opens: Any = True
    fails: Exception | None = None
    devices: tuple[str, ...] = ("GPU-0", "GPU-1")
    done: list[str] = field(default_factory=list)
    entered: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event | None = None

    def present(self) -> bool:
        return True

    def open(self) -> bool:
        self.done.append("open")
        if isinstance(self.opens, Exception):
            raise self.opens
        return bool(self.opens)

    def close(self) -> None:
        self.done.append("close")

    def read(self) -> Sequence[Reading]:
        self._work("read")
        return [Reading("hw.power", 5.0, {"hw.id": name}) for name in self.devices]

    def states(self) -> Sequence[DeviceState]:
        self._work("states")
        return [DeviceState(name) for name in self.devices]

    def ids(self, indices: Sequence[int]) -> tuple[str, ...]:
        if any(index >= len(self.devices) for index in indices):
            return ()
        return tuple(self.devices[index] for index in indices)

    def _work(self, what: str) -> None:
        self.done.append(what)
        self.entered.set()
        if self.go_on is not None:
            self.go_on.wait(30)
        if self.fails is not None:
            raise self.fails


class Plain:
    """A sampler without devices."""

    name = "plain"
    instruments: Sequence[Instrument] = ()

    def present(self) -> bool:
        return True

    def open(self) -> bool:
        return True

    def close(self) -> None:
        return None

    def read(self) -> Sequence[Reading]:
        return [Reading("process.memory.usage", 1.0, {})]


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def source(*samplers: Any, interval: float = 0.5) -> tuple[Source, Clock]:
    clock = Clock()
    return Source(samplers, interval, clock=clock), clock


def busy(found: Source) -> bool:
    return found.busy


def test_nothing_is_opened_before_it_is_read() -> None:
    scripted = Scripted()
    found, _ = source(scripted)
    assert found.status() == {"scripted": "not opened"}
    assert found.ids((0,)) == ()
    assert scripted.done == []
    assert [state.device for state in found.states()] == ["GPU-0", "GPU-1"]
    assert scripted.done == ["open", "states"]
    assert found.status() == {"scripted": "open"}


def test_it_reads_again_after_the_interval_only() -> None:
    scripted = Scripted()
    found, clock = source(scripted)
    first = found.states()
    clock.now += 0.25
    assert found.states() == first
    assert len(found.readings()) == 2  # another question, so it is asked
    assert scripted.done == ["open", "states", "read"]
    clock.now += 0.25
    found.states()
    assert scripted.done == ["open", "states", "read", "states"]


def test_ids_are_those_of_the_last_reading_and_ask_nobody() -> None:
    scripted = Scripted()
    found, clock = source(Plain(), scripted)
    found.states()
    asked = list(scripted.done)
    assert found.ids((1, 0)) == ("GPU-1", "GPU-0")
    assert found.ids((2,)) == ()
    assert found.ids((-1,)) == ()
    assert found.ids(()) == ()
    assert scripted.done == asked
    scripted.devices = ()
    clock.now += 1
    assert found.states() == []
    assert found.ids((0,)) == ("GPU-0",)  # gone just now: they keep their numbers


def test_ids_do_not_wait_for_a_reading() -> None:
    scripted = Scripted()
    found, clock = source(scripted)
    found.states()
    scripted.go_on = threading.Event()
    scripted.entered.clear()
    clock.now += 1
    reading = threading.Thread(target=found.states, daemon=True)
    reading.start()
    assert scripted.entered.wait(30)
    assert found.ids((0,)) == ("GPU-0",)
    assert reading.is_alive()
    scripted.go_on.set()
    reading.join(30)


def test_who_asks_while_a_reading_hangs_does_not_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clearspan.figures.hardware.source._PATIENCE", 0.01)
    scripted = Scripted(go_on=threading.Event())
    found, _ = source(scripted, Plain())
    reading = threading.Thread(target=found.states, daemon=True)
    reading.start()
    assert scripted.entered.wait(30)
    assert not busy(found)
    assert found.states() == []
    assert busy(found)
    assert [reading.name for reading in found.readings()] == ["process.memory.usage"]
    assert scripted.go_on is not None
    scripted.go_on.set()
    reading.join(30)
    assert len(found.readings()) == 3
    assert busy(found)
    assert len(found.states()) == 2
    assert not busy(found)


def test_one_that_fails_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLEARSPAN_STRICT", raising=False)
    scripted = Scripted(fails=RuntimeError("driver"))
    found, clock = source(scripted, Plain())
    assert [reading.name for reading in found.readings()] == ["process.memory.usage"]
    assert found.status() == {"scripted": "failed", "plain": "open"}
    assert fence.failures()["samplers.scripted"] == 1
    assert scripted.done == ["open", "read", "close"]
    clock.now += 0.5  # left alone for a second
    found.readings()
    assert scripted.done == ["open", "read", "close"]
    clock.now += 0.5
    scripted.fails = None
    assert len(found.readings()) == 3
    assert found.status()["scripted"] == "open"


def test_a_device_that_is_gone_is_no_failure_of_ours() -> None:
    scripted = Scripted(fails=ConnectionError("gone"))
    found, _ = source(scripted)
    assert found.states() == []
    assert found.status() == {"scripted": "failed"}
    assert scripted.done == ["open", "states", "close"]


@pytest.mark.parametrize("opens", [False, RuntimeError("broken")])
def test_one_that_does_not_open_is_tried_ever_more_rarely(
    opens: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLEARSPAN_STRICT", raising=False)
    scripted = Scripted(opens=opens)
    found, clock = source(scripted)
    tried: list[float] = []
    for _ in range(2_000):
        before = len(scripted.done)
        assert found.states() == []
        if len(scripted.done) > before:
            tried.append(clock.now)
        clock.now += 0.25
    waits = [after - before for before, after in itertools.pairwise(tried)]
    assert waits[:8] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert found.status() == {"scripted": "not available"}
    assert set(scripted.done) == {"open"}


def test_what_is_closed_is_read_no_more() -> None:
    scripted = Scripted()
    found, clock = source(scripted)
    found.states()
    found.close()
    assert scripted.done == ["open", "states", "close"]
    clock.now += 1
    assert found.states() == []
    assert found.readings() == []
    assert found.ids((0,)) == ()
    found.close()
    assert scripted.done == ["open", "states", "close"]
    assert found.status() == {"scripted": "closed"}


def test_closing_comes_back_while_a_reading_hangs(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clearspan.figures.hardware.source._PATIENCE", 0.01)
    scripted = Scripted(go_on=threading.Event())
    found, _ = source(scripted)
    answers: list[Any] = []
    reading = threading.Thread(target=lambda: answers.append(found.states()), daemon=True)
    reading.start()
    assert scripted.entered.wait(30)
    assert found.states() == []
    assert busy(found)
    with caplog.at_level(logging.DEBUG, logger="clearspan"):
        found.close(0.01)
    assert not busy(found)
    assert "did not end its reading" in caplog.text
    assert scripted.done == ["open", "states"]
    assert scripted.go_on is not None
    scripted.go_on.set()
    reading.join(30)
    assert scripted.done == ["open", "states", "close"]  # by the reading itself, at its end
    assert answers == [[]]


def test_who_waited_for_a_reading_finds_it_closed() -> None:
    scripted = Scripted(go_on=threading.Event())
    found, _ = source(scripted)
    answers: list[Any] = []
    threads = [
        threading.Thread(target=lambda: answers.append(found.states()), daemon=True)
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    assert scripted.entered.wait(30)
    found.close(0.01)
    assert scripted.go_on is not None
    scripted.go_on.set()
    for thread in threads:
        thread.join(30)
    assert answers == [[], []]
    assert scripted.done == ["open", "states", "close"]


def test_a_forked_child_begins_anew_though_a_reading_goes_on() -> None:
    scripted = Scripted(go_on=threading.Event())
    found, _ = source(scripted)
    reading = threading.Thread(target=found.states, daemon=True)
    reading.start()
    assert scripted.entered.wait(30)
    assert scripted.go_on is not None
    scripted.go_on.set()
    found.renew()
    assert found.ids((0,)) == ()
    assert len(found.states()) == 2
    assert scripted.done.count("open") == 2
    reading.join(30)
