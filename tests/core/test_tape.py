"""Elements of a stream and the times they came at, until somebody reads them."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterable
from typing import Any

import pytest

from clearspan.core import tape as place
from clearspan.core.fence import overflows, reset
from clearspan.core.tape import FEW, Strip, Tape, Taping


def test_what_came_is_taken_once_and_in_its_order() -> None:
    tape = Tape()
    tape.add(1.0, "a")
    tape.add(2.0, "b")
    assert len(tape) == 2
    assert tape.take() == Strip([1.0, 2.0], ["a", "b"])
    assert len(tape) == 0
    assert not tape
    assert tape.take() == Strip([], [])


def test_what_comes_later_is_no_part_of_what_was_taken() -> None:
    tape = Tape()
    tape.add(1.0, "a")
    taken = tape.take()
    tape.add(2.0, "b")
    assert taken == Strip([1.0], ["a"])
    assert tape.take() == Strip([2.0], ["b"])


def test_an_element_stays_until_its_time_is_there() -> None:
    tape = Tape()
    tape.add(1.0, "a")
    tape.items.append("b")
    assert len(tape) == 1
    assert tape.take() == Strip([1.0], ["a"])
    tape.times.append(2.0)
    assert tape.take() == Strip([2.0], ["b"])


def test_nothing_is_lost_that_comes_while_others_are_taken() -> None:
    tape, many, found = Tape(), 50_000, list[tuple[float, float]]()

    def play() -> None:
        for number in range(many):
            tape.add(float(number), float(number))

    thread = threading.Thread(target=play)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    thread.start()
    try:
        while thread.is_alive():
            found += zip(*tape.take(), strict=True)
    finally:
        thread.join()
        sys.setswitchinterval(interval)
    found += zip(*tape.take(), strict=True)
    assert found == [(number, number) for number in map(float, range(many))]


def put(taping: Taping, items: Iterable[Any]) -> None:
    for item in items:
        taping.keep(item)
        next(taping.ticks)


def test_elements_that_go_by_are_put_down_with_the_times_they_came() -> None:
    tape = Tape()
    before = time.perf_counter()
    put(tape.taping(lambda: None), range(3 * FEW))
    assert tape.items == list(range(3 * FEW))
    assert before <= tape.times[0] < tape.times[-1] <= time.perf_counter()
    assert tape.times == sorted(tape.times)


def test_who_takes_them_is_told_when_more_come_than_it_wanted() -> None:
    tape, told = Tape(), list[tuple[int, int]]()
    wants = iter([100, None, 7])

    def full() -> int | None:
        told.append((len(tape.items), len(tape)))
        return next(wants)

    taping = tape.taping(full)
    put(taping, range(FEW))
    assert told == [], "no more than it wanted"
    put(taping, range(100 + FEW + 1))
    border = [FEW, FEW + 100, FEW + 100 + FEW]
    assert told == [(at + 1, at) for at in border], "its time is not taken before it is asked for"


@pytest.mark.parametrize("fence", ["fenced", "full"])
def test_who_fails_to_take_them_is_told_again_after_a_few(
    monkeypatch: pytest.MonkeyPatch, fence: str
) -> None:
    told: list[int] = []

    def fail(*given: object) -> int:
        told.append(len(made.times))
        raise RecursionError

    made = Tape()
    if fence == "fenced":
        monkeypatch.setattr(place, "fenced", fail)
    before = overflows[0]
    put(made.taping(fail), range(2 * FEW + 1))
    assert told == [FEW, 2 * FEW]
    assert overflows[0] == before + 2
    assert len(made) == 2 * FEW + 1
    reset()
