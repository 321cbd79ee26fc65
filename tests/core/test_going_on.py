"""What has begun and may never end: at most so many, none for longer than so long, the oldest first to go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from clearspan.core.going_on import GoingOn


class Call(NamedTuple):
    """Something that has begun."""

    name: str
    started_at: float


class Desk:
    """Things that go on, and what was told of those that had to go."""

    def __init__(self, *, most: int = 2, longest: float = 10.0) -> None:
        self.now = 0.0
        self.due = False
        self.lost: list[tuple[str, str]] = []
        self.going = GoingOn[Call](
            lambda call, why: self.lost.append((call.name, why)),
            most=most,
            longest=longest,
            clock=lambda: self.now,
        )

    def begin(self, *numbers: int) -> None:
        for number in numbers:
            self.due = self.going.begin(number, Call(f"call {number}", self.now))


def test_what_ends_in_time_is_nobodys_loss() -> None:
    desk = Desk()
    desk.begin(1, 2)
    assert desk.going.pop(1) == Call("call 1", 0.0)
    desk.going.trim()
    assert (list(desk.going), desk.lost) == ([2], [])


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
    desk = Desk(most=9, longest=10.0)
    desk.begin(1)
    desk.now = 4.0
    desk.begin(2)
    desk.now = 9.9
    desk.going.trim()
    assert desk.lost == []
    desk.now = 9.95
    desk.begin(3)
    assert desk.due is False
    desk.going.pop(3)
    desk.now = 10.0
    desk.begin(4)
    assert desk.due is True
    desk.going.trim()
    assert (list(desk.going), desk.lost) == ([2, 4], [("call 1", "open_too_long")])
    desk.now = 13.9
    desk.begin(5)
    assert desk.due is False


def test_what_is_told_to_go_may_begin_and_end_others() -> None:
    desk = Desk(most=1)
    desk.going = GoingOn[Call](lambda call, why: desk.going.clear(), most=1, clock=lambda: desk.now)
    desk.begin(1, 2, 3)
    desk.going.trim()
    assert list(desk.going) == []
    desk.begin(4)
    desk.going.trim()
    assert list(desk.going) == [4]


class Busy(GoingOn[Call]):
    """Another thread begins or ends something just while the oldest is looked for."""

    begins = ends = False

    def items(self) -> Any:
        found = super().items()
        return self._meanwhile(iter(found)) if self.begins or self.ends else found

    def _meanwhile(self, oldest: Iterator[tuple[int, Call]]) -> Iterator[tuple[int, Call]]:
        if self.begins:
            self.begins = False
            self[100] = Call("call 100", 0.0)
        else:
            found = next(oldest)
            self.ends = False
            del self[found[0]]
            yield found
        yield from oldest


def busy(desk: Desk) -> Busy:
    desk.going = made = Busy(
        lambda call, why: desk.lost.append((call.name, why)), most=1, clock=lambda: desk.now
    )
    desk.begin(1, 2)
    return made


def test_where_something_begins_this_very_moment_it_is_left_to_whoever_began_it() -> None:
    desk = Desk()
    going = busy(desk)
    going.begins = True
    going._give_up(0.0, "too_many_open")
    assert (list(going), desk.lost) == ([1, 2, 100], [])
    going.trim()
    assert desk.lost == [("call 1", "too_many_open"), ("call 2", "too_many_open")]


def test_a_look_that_was_in_vain_is_taken_again() -> None:
    desk = Desk()
    going = busy(desk)
    going.pop(2)
    going.begins, going._most = True, 9
    going._sound = 5.0
    desk.now = 6.0
    going._give_up = lambda *given: False  # type: ignore[method-assign]  # which have looked before
    going.trim()
    assert going._sound == 5.0


def test_one_that_another_thread_ended_meanwhile_is_not_told_of() -> None:
    desk = Desk()
    going = busy(desk)
    going.ends = True
    assert going._give_up(0.0, "too_many_open") is True
    assert (list(going), desk.lost) == ([2], [])
