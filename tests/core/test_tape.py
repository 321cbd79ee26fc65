"""Elements of a stream and the times they came at, until somebody reads them."""

from __future__ import annotations

import sys
import threading

from clearspan.core.tape import Strip, Tape


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
