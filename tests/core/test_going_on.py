"""What has begun and may never end: at most so many, none for longer than so long, the oldest first to go."""

from __future__ import annotations

from typing import Any

import pytest

from clearspan.core.going_on import GoingOn


class Desk:
    """Things that go on, and what was told of those that had to go."""

    def __init__(self, *, most: int = 2, longest: float = 10.0) -> None:
        self.now = 0.0
        self.due = False
        self.lost: list[tuple[str, str]] = []
        self.going = GoingOn[str](
            lambda item, why: self.lost.append((item, why)),
            most=most,
            longest=longest,
            clock=lambda: self.now,
        )

    def begin(self, *numbers: int) -> None:
        for number in numbers:
            self.due = self.going.begin(number, f"call {number}", self.now)


def test_what_ends_in_time_is_nobodys_loss() -> None:
    desk = Desk()
    desk.begin(1, 2)
    assert desk.going.pop(1) == "call 1"
    assert desk.going.pop(1) is None
    assert desk.going.pop(1, "unknown") == "unknown"
    desk.going.trim()
    assert (dict(desk.going), desk.lost) == ({2: "call 2"}, [])


def test_of_too_many_the_oldest_go_and_are_told_of() -> None:
    desk = Desk(most=2)
    desk.going.trim()
    desk.begin(7, 3)
    assert desk.due is False
    desk.begin(5, 1)
    assert desk.due is True
    desk.going.trim()
    assert list(desk.going) == [5, 1]
    assert desk.lost == [("call 7", "too_many_open"), ("call 3", "too_many_open")]


def test_what_is_too_old_goes_however_few_there_are() -> None:
    desk = Desk(longest=10.0)
    desk.begin(1)
    desk.now = 4.0
    desk.begin(2)
    desk.now = 9.9
    desk.going.trim()
    assert desk.lost == []
    desk.now = 10.0
    desk.going.trim()
    assert (list(desk.going), desk.lost) == ([2], [("call 1", "open_too_long")])


def test_what_is_told_to_go_may_begin_and_end_others() -> None:
    desk = Desk(most=1)
    desk.going = GoingOn[str](lambda item, why: desk.going.clear(), most=1)
    desk.begin(1, 2, 3)
    desk.going.trim()
    assert list(desk.going) == []
    desk.begin(4)
    desk.going.trim()
    assert list(desk.going) == [4]


def test_one_that_another_thread_ended_meanwhile_is_not_told_of() -> None:
    desk = Desk(most=1)
    desk.begin(1, 2)
    dict.pop(desk.going, 1)  # its end is half done: it is out, and its beginning still stands
    desk.begin(3)
    desk.going.trim()
    assert (list(desk.going), desk.lost) == ([3], [("call 2", "too_many_open")])


class Busy(dict[int, float]):
    """Another thread begins something just while the oldest is looked for."""

    def items(self) -> Any:
        oldest = iter(super().items())
        self[100 + len(self)] = 0.0
        return oldest


def test_where_something_begins_this_very_moment_it_is_left_to_whoever_began_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk(most=1)
    desk.begin(1, 2)
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(desk.going, "_began", Busy({1: 0.0, 2: 0.0}))
        desk.going.trim()
        assert (list(desk.going), desk.lost) == ([1, 2], [])
    desk.going.trim()
    assert desk.lost == [("call 1", "too_many_open")]
