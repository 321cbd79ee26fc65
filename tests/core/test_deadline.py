"""What a thread has left, as far as somebody said so."""

from __future__ import annotations

import threading

import pytest

from clearspan.core import deadline


def test_without_a_deadline_there_is_none() -> None:
    assert (deadline.left(), deadline.at_most(7.0), deadline.passed()) == (None, 7.0, False)


def test_the_nearest_counts_and_ends_with_its_block() -> None:
    with deadline.within(3600.0):
        spare = deadline.left()
        assert spare is not None
        assert 0 < spare <= 3600.0
        assert deadline.at_most(7.0) == 7.0
        with deadline.within(0.0):
            assert (deadline.left(), deadline.at_most(7.0), deadline.passed()) == (0.0, 0.001, True)
            with deadline.within(3600.0):
                assert deadline.passed()
        assert not deadline.passed()
    assert deadline.left() is None


def test_it_ends_with_its_block_when_that_fails_and_is_of_one_thread() -> None:
    found: list[float | None] = []

    def fail() -> None:
        with deadline.within(0.0):
            thread = threading.Thread(target=lambda: found.append(deadline.left()))
            thread.start()
            thread.join()
            raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        fail()
    assert (found, deadline.left()) == ([None], None)
