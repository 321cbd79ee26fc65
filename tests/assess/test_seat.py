from __future__ import annotations

from typing import Any

from clearspan.assess.evaluator import Evaluator
from clearspan.assess.seat import Seat
from clearspan.score import Score, Target


class Getting(Evaluator):
    def evaluate(self, call: Any) -> bool:
        return True


def test_scores_are_counted_by_how_they_came_out() -> None:
    seat = Seat(Getting())
    for score in (
        Score(1.0, passed=True),
        Score(0.0, passed=False),
        Score(label="seen"),
        Score(error="timeout"),
    ):
        seat.note(score)
    seat.drop("queue_full", 3)
    target = Target(response_id="r")
    assert seat.skip("missing:context", target).target is target
    status = seat.status()
    assert (status.judged, status.passed, status.failed) == (3, 1, 1)
    assert (status.errors, status.skipped, status.dropped) == (
        {"timeout": 1}, {"missing:context": 1}, {"queue_full": 3},
    )  # fmt: skip


def test_nothing_is_judged_while_it_gets_ready() -> None:
    seat = Seat(Getting())
    assert (seat.state, seat.free) == ("waiting", False)
    seat.begin()
    assert (seat.state, seat.free) == ("starting", False)
    seat.ready()
    assert (seat.state, seat.free, seat.prepared) == ("ready", True, True)


def test_one_that_cannot_get_ready_is_broken_and_says_why() -> None:
    seat = Seat(Getting())
    seat.begin()
    seat.ready("setup failed: ImportError")
    assert (seat.state, seat.hindrance, seat.free) == ("broken", "broken", True)
    assert seat.status().note == "setup failed: ImportError"


def test_one_that_fails_again_and_again_rests() -> None:
    seat = Seat(Getting())
    assert seat.hindrance is None
    for _ in range(5):
        seat.breaker.failed()
    assert (seat.state, seat.hindrance) == ("resting", "circuit_open")


def test_one_whose_threads_do_not_come_back_gets_no_more() -> None:
    seat = Seat(Getting())
    seat.given_up = 4
    assert (seat.state, seat.hindrance) == ("resting", "hung")


def test_a_child_begins_with_nothing_counted_and_knows_what_is_broken() -> None:
    seat = Seat(Getting())
    seat.begin()
    seat.ready("setup failed: ImportError")
    seat.note(Score(1.0))
    seat.renew()
    assert (seat.status().judged, seat.state) == (0, "broken")
