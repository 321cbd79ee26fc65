from __future__ import annotations

from clearspan.assess.breaker import Breaker


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_it_opens_after_so_many_failures_in_a_row() -> None:
    breaker = Breaker(limit=2, clock=Clock())
    breaker.failed()
    breaker.succeeded()
    breaker.failed()
    assert breaker.admits()
    breaker.failed()
    assert breaker.open
    assert not breaker.admits()


def test_one_try_is_let_through_after_a_while() -> None:
    clock = Clock()
    breaker = Breaker(limit=1, cooling=10, clock=clock)
    breaker.failed()
    clock.now = 10
    assert breaker.admits()
    assert not breaker.admits()
    breaker.succeeded()
    assert breaker.admits()


def test_it_waits_longer_each_time_up_to_the_longest() -> None:
    clock = Clock()
    breaker = Breaker(limit=1, cooling=10, longest=35, clock=clock)
    pauses: list[float] = []
    for _ in range(4):
        breaker.failed()
        start = clock.now
        while not breaker.admits():
            clock.now += 5
        pauses.append(clock.now - start)
    assert pauses == [10, 20, 35, 35]
