from __future__ import annotations

import pytest

from clearspan.assess.judge.budget import Budget
from clearspan.assess.judge.failure import Unjudged
from tests.assess.judge.kit import Clock


def refused(budget: Budget) -> object:
    with pytest.raises(Unjudged) as refusal, budget.turn(0.0):
        pytest.fail("a turn was given")
    assert refusal.value.reason == "budget"
    return refusal.value.details["limit"]


def take(budget: Budget) -> None:
    with budget.turn(0.0):
        return


def test_calls_a_minute_are_bounded_and_come_back_with_time() -> None:
    clock = Clock()
    budget = Budget(calls_per_minute=12, clock=clock, sleep=clock.sleep)
    take(budget)
    take(budget)  # the calls of ten seconds
    assert refused(budget) == "calls_per_minute"
    clock.now += 5
    take(budget)
    assert refused(budget) == "calls_per_minute"
    clock.now += 3_600
    take(budget)
    take(budget)
    assert refused(budget) == "calls_per_minute"


def test_a_patient_budget_waits_for_its_turn() -> None:
    clock = Clock()
    budget = Budget(calls_per_minute=6, patience=10.0, clock=clock, sleep=clock.sleep)
    take(budget)
    take(budget)
    assert sum(clock.slept) == pytest.approx(10)


def test_a_clock_that_is_set_back_fills_nothing() -> None:
    clock = Clock(1_000)
    budget = Budget(calls_per_minute=6, clock=clock)
    take(budget)
    clock.now = 500
    assert refused(budget) == "calls_per_minute"
    clock.now = 510
    take(budget)


@pytest.mark.parametrize("limit", ["usd_per_day", "tokens_per_day"])
def test_what_a_day_may_take_is_bounded_until_the_next(limit: str) -> None:
    clock = Clock(86_400 * 100 + 50)
    caps = {"usd_per_day": 1.0} if limit == "usd_per_day" else {"tokens_per_day": 100}
    budget = Budget(**caps, clock=clock)  # type: ignore[arg-type]
    take(budget)
    budget.spend(0.5, 50)
    take(budget)
    budget.spend(0.5, 50)
    assert refused(budget) == limit
    clock.now += 86_400
    take(budget)
    budget.spend(None, 10)
    assert (budget.spent_usd, budget.spent_tokens) == (0.0, 10)


def test_no_more_calls_at_once_than_allowed() -> None:
    budget = Budget(concurrency=1)
    with budget.turn(0.0):
        assert refused(budget) == "concurrency"
        budget.renew()  # in a child nobody holds a turn
        take(budget)


def test_who_waited_for_a_turn_is_refused_where_the_day_is_spent_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    budget = Budget(tokens_per_day=100, concurrency=1)
    first = budget.turn(0.0)
    first.__enter__()
    held = budget._turns

    class Turns:
        def acquire(self, timeout: float) -> bool:
            """While this one waits, the first call ends and takes all there is."""
            budget.spend(None, 100)
            first.__exit__(None, None, None)
            return held.acquire(timeout=timeout)

        def release(self) -> None:
            held.release()

    monkeypatch.setattr(budget, "_turns", Turns())
    assert refused(budget) == "tokens_per_day"
    assert held.acquire(timeout=0.0)  # and the turn is free again


def test_a_call_that_is_not_made_takes_nothing_of_the_minute() -> None:
    budget = Budget(calls_per_minute=6, concurrency=1, clock=Clock())
    with pytest.raises(Unjudged, match="judge_unavailable"), budget.turn(0.0):
        raise Unjudged("judge_unavailable")
    with budget.turn(0.0):
        assert refused(budget) == "calls_per_minute"
    roomy = Budget(calls_per_minute=12, concurrency=1, clock=Clock())
    with roomy.turn(0.0):
        assert refused(roomy) == "concurrency"
    take(roomy)
    assert refused(roomy) == "calls_per_minute"


@pytest.mark.parametrize(
    "wrong",
    [{"calls_per_minute": 0}, {"usd_per_day": -1}, {"tokens_per_day": 0}, {"concurrency": 0}, {"patience": -1}],
    ids=lambda wrong: next(iter(wrong)),
)  # fmt: skip
def test_a_wrong_cap_is_named(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Budget(**wrong)  # type: ignore[arg-type]
