"""The id of a response while and after its draft is completed, for whoever asks by then; and where its call stands."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, Protocol

from clearspan.core import read
from clearspan.core.fence import fenced
from clearspan.core.tape import Tape
from clearspan.record import TraceRef

__all__ = ["ResponseRef", "hint", "nowhere"]


def nowhere() -> TraceRef | None:
    """Where a call stands that is in no trace, or in none yet."""
    return None


def hint(waiting: Tape) -> str | None:
    """The response's id as the first chunk of its stream tells it, before that is read."""
    first = next(iter(waiting.items), None)  # another thread may have taken it by now
    return read.text(first, "id") or read.text(first, "response", "id")


class _Told(Protocol):
    """What of a draft may hold the id: what was read, the answer itself, the first of its chunks or what that told."""

    response_id: str | None
    result: Any
    hint: str | None
    tape: Tape | None


class ResponseRef:
    """The id of a response, known at completion at the latest; outlives the draft, not its content.

    `place` answers where the call stands in its trace, which is known from its beginning on.
    """

    __slots__ = ("_draft", "_id", "_place")

    def __init__(self, draft: _Told, place: Callable[[], TraceRef | None] = nowhere) -> None:
        self._draft = weakref.ref(draft)
        self._place = place
        self._id: str | None = None

    @property
    def trace(self) -> TraceRef | None:
        """Where the call stands in its trace."""
        return fenced("response.place", self._place)

    def settle(self, response_id: str | None) -> None:
        """The draft is complete."""
        self._id = response_id

    def id(self) -> str | None:
        """The id: from what has been read, else from the answer itself while it waits to be read."""
        draft = self._draft()
        if self._id is not None or draft is None:
            return self._id
        known = draft.response_id or read.text(draft.result, "id") or draft.hint
        return known or (hint(draft.tape) if draft.tape is not None else None)
