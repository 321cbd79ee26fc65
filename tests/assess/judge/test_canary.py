from __future__ import annotations

import pytest

from clearspan.assess.judge.canary import Canaries

CASES = ({"answer": "a"}, {"answer": "b"})


def due_at(canaries: Canaries, calls: int) -> list[int]:
    return [number for number in range(1, calls + 1) if canaries.due()]


def test_one_call_in_so_many_is_preceded_by_a_case_in_turn() -> None:
    canaries = Canaries("x", CASES, 0.01)
    assert due_at(canaries, 250) == [100, 200]
    often = Canaries("x", CASES, 1.0)
    found = []
    for _ in range(3):
        found.append(often.due())
        often.judged(found_bad=True)
    assert found == [CASES[0], CASES[1], CASES[0]]
    assert (often.tested, often.missed, often.trusted) == (3, 0, True)


@pytest.mark.parametrize(("cases", "rate"), [((), 1.0), (CASES, 0.0)])
def test_without_cases_or_rate_nothing_is_tested(cases: tuple[dict[str, str], ...], rate: float) -> None:  # fmt: skip
    assert due_at(Canaries("x", cases, rate), 50) == []


def test_a_judge_that_misses_two_in_a_row_is_not_trusted_until_it_sees_through_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    canaries = Canaries("tone", CASES, 0.05)
    assert due_at(canaries, 20) == [20]
    canaries.judged(found_bad=False)
    assert canaries.trusted
    assert canaries.due() is not None  # at once
    canaries.judged(found_bad=False)
    assert not canaries.trusted
    assert "the judge of tone" in caplog.text
    assert due_at(canaries, 10) == [10]
    canaries.judged(found_bad=False)
    assert caplog.text.count("known bad") == 1
    canaries.judged(found_bad=True)
    assert canaries.trusted
    assert (canaries.tested, canaries.missed) == (4, 3)


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_a_wrong_rate_is_named(rate: float) -> None:
    with pytest.raises(ValueError, match="'x': canary_rate must be 0 to 1"):
        Canaries("x", CASES, rate)
