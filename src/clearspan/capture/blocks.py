"""The blocks that are around a piece of code, kept on a context variable: local to task and thread.

Each block puts a frame on and takes exactly its own off again, whatever came in between: the same
object may be entered twice, generators may leave their blocks in any order, and the collector may
leave one from another context than it was entered in.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from functools import reduce
from typing import Generic, TypeVar

__all__ = ["Blocks", "Entered"]

T = TypeVar("T")
Undo = Callable[[], None] | None


class _Frame(Generic[T]):
    __slots__ = ("below", "given", "height", "left", "owner", "token", "undo", "whole")

    def __init__(
        self, owner: Entered[T], given: T, whole: T, height: int, below: _Frame[T] | None
    ) -> None:
        self.owner = owner
        self.given = given
        self.whole = whole
        self.height = height
        self.below = below
        self.left = False
        self.undo: Undo = None
        self.token: contextvars.Token[_Frame[T] | None] | None = None


class Entered(Generic[T]):
    """What one object has entered and not yet left, wherever that was."""

    __slots__ = ("frames",)

    def __init__(self) -> None:
        self.frames: list[_Frame[T]] = []


class Blocks(Generic[T]):
    """What the blocks around say, by `merge(outer, inner)` of what each of them gives."""

    def __init__(self, name: str, merge: Callable[[T, T], T]) -> None:
        self._merge = merge
        self._frame: contextvars.ContextVar[_Frame[T] | None] = contextvars.ContextVar(
            name, default=None
        )

    def push(self, owner: Entered[T], given: T, undo: Undo = None) -> None:
        """A block of `owner` begins; `undo` is called when it is left."""
        below = self._top()
        around = self._given(below)
        whole = self._merge(self._said(below, around), given) if below is not None else given
        frame = _Frame(owner, given, whole, len(around) + 1, below)
        frame.undo = undo
        frame.token = self._frame.set(frame)
        owner.frames.append(frame)

    def pop(self, owner: Entered[T]) -> None:
        """The innermost block of `owner` is left."""
        above: _Frame[T] | None = None
        frame = self._top()
        while frame is not None and (frame.left or frame.owner is not owner):
            above, frame = (above if frame.left else frame), frame.below
        if frame is not None:
            owner.frames.remove(frame)
            self._take_off(frame, above)
        elif len(owner.frames) == 1:
            owner.frames.pop().left = True  # left where it was never entered: it is known which

    def _take_off(self, frame: _Frame[T], above: _Frame[T] | None) -> None:
        now = self._frame.get()
        try:
            self._frame.reset(frame.token)  # type: ignore[arg-type]  # set as it was pushed
        except ValueError:
            # Entered in another context, as the block of a generator that the collector closes: it
            # can only be marked, for all who have it.
            frame.left = True
            return
        if above is None:
            self._frame.set(frame.below)
            if frame.undo is not None:
                frame.undo()
            return
        # Not the innermost, as with generators that take turns: what is inside stays as it is, and
        # what has to be undone waits for it.
        self._frame.set(now)
        frame.left = True
        above.undo = _both(above.undo, frame.undo)

    def whole(self) -> T | None:
        """What the blocks around say together; `None` without any."""
        top = None if self._frame.get() is None else self._top()
        return None if top is None else self._said(top, self._given(top))

    def any(self) -> bool:
        """Whether there is a block around."""
        return self._frame.get() is not None and self._top() is not None

    def _top(self) -> _Frame[T] | None:
        frame = self._frame.get()
        while frame is not None and frame.left:
            frame = frame.below
        return frame

    def _given(self, frame: _Frame[T] | None) -> list[T]:
        """What the blocks from here on outwards give, without those that were left."""
        given: list[T] = []
        while frame is not None:
            if not frame.left:
                given.append(frame.given)
            frame = frame.below
        return given

    def _said(self, top: _Frame[T], given: list[T]) -> T:
        return top.whole if len(given) == top.height else reduce(self._merge, reversed(given))


def _both(first: Undo, second: Undo) -> Undo:
    if first is None or second is None:
        return first or second

    def undo() -> None:
        first()
        second()

    return undo
