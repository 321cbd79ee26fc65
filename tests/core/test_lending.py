from __future__ import annotations

from clearspan.core.lending import Place


def test_what_is_lent_last_holds_the_place_and_its_own_comes_back() -> None:
    place: Place[str] = Place()
    assert place.current is None
    place.use("own")
    place.lend("first")
    place.lend("second")
    assert place.current == "second"
    place.give_back("first")
    assert place.current == "second"
    place.give_back("second")
    assert place.current == "own"


def test_nobody_may_be_lent_too() -> None:
    place: Place[str] = Place()
    place.use("own")
    place.lend(None)
    assert place.current is None
    place.give_back("never lent")
    assert place.current is None
    place.give_back(None)
    assert place.current == "own"


def test_only_the_one_that_holds_it_can_stop() -> None:
    place: Place[str] = Place()
    place.use("own")
    place.stop("another")
    assert place.current == "own"
    place.renew()
    place.stop("own")
    assert place.current is None
