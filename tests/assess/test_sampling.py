from __future__ import annotations

import pytest

from clearspan.assess.sampling import drawn
from tests.assess.calls import call


def traces(many: int) -> list[str]:
    return [f"{number:032x}" for number in range(many)]


def test_about_the_share_asked_for_is_drawn() -> None:
    share = sum(drawn(0.3, call(trace=name)) for name in traces(2_000)) / 2_000
    assert 0.26 < share < 0.34


def test_all_and_none() -> None:
    assert all(drawn(1, call(trace=name)) for name in traces(50))
    assert not any(drawn(0, call(trace=name)) for name in traces(50))


def test_who_is_drawn_at_a_low_rate_is_drawn_at_a_higher_one() -> None:
    low = {name for name in traces(500) if drawn(0.2, call(trace=name))}
    high = {name for name in traces(500) if drawn(0.5, call(trace=name))}
    assert low < high


def test_a_session_is_kept_together() -> None:
    for session in ("one", "two", "three", "four"):
        chosen = {drawn(0.5, call(trace=name, session=session)) for name in traces(20)}
        assert len(chosen) == 1


def test_a_rate_may_depend_on_the_call() -> None:
    assert drawn(lambda given: 1.0 if given.response_id else 0.0, call(response_id="r"))
    assert not drawn(lambda given: 1.0 if given.response_id else 0.0, call())


def test_a_call_without_a_trace_is_drawn_like_any_other() -> None:
    assert drawn(0.5, call(trace=None)) == drawn(0.5, call(trace=None))


def test_a_rate_that_is_none_is_said() -> None:
    with pytest.raises(ValueError, match="must be 0 to 1, not 7"):
        drawn(lambda given: 7, call())
