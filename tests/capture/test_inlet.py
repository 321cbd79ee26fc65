"""Who listens: the program's own, or whoever it was lent to."""

from __future__ import annotations

from typing import Any

import pytest

from clearspan.capture import inlet


@pytest.fixture(autouse=True)
def nobody() -> Any:
    assert inlet.current() is None
    yield
    inlet.use(None)
    assert inlet.current() is None


def test_the_programs_own_listens_until_it_stops() -> None:
    first: Any = object()
    second: Any = object()
    inlet.use(first)
    assert inlet.current() is first
    inlet.use(second)
    inlet.stop(first)
    assert inlet.current() is second
    inlet.stop(second)
    assert inlet.current() is None


def test_what_is_lent_listens_whatever_becomes_of_the_programs_own() -> None:
    own: Any = object()
    lent: Any = object()
    inlet.lend(lent)
    inlet.use(own)
    assert inlet.current() is lent
    inlet.stop(own)
    assert inlet.current() is lent
    inlet.use(own)
    inlet.give_back(lent)
    assert inlet.current() is own


def test_lending_nests_and_may_end_in_any_order() -> None:
    first: Any = object()
    second: Any = object()
    inlet.lend(first)
    inlet.lend(second)
    inlet.give_back(first)
    assert inlet.current() is second
    inlet.give_back(second)
    inlet.give_back(second)
    assert inlet.current() is None


def test_a_forked_child_gets_a_lock_that_nobody_holds() -> None:
    held = inlet.place._lock
    with held:
        inlet.renew()
        inlet.use(None)
    assert inlet.place._lock is not held
