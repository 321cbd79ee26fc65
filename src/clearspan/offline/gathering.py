"""Conversations of what comes by: the calls of one trace, or of one session, bounded."""

from __future__ import annotations

from collections import deque
from typing import Literal

from clearspan.conversation import Conversation
from clearspan.offline.items import Item
from clearspan.record import Invocation
from clearspan.score import Level

__all__ = ["Gathering"]

_CALLS = 1_000


class Gathering:
    """Puts the calls of one group together. The source gives groups one after another.

    Of more than a thousand calls the latest are kept.
    """

    def __init__(self, level: Literal["trace", "session"]) -> None:
        self.level: Level = level
        self._key: str | None = None
        self._calls: deque[Invocation] = deque(maxlen=_CALLS)
        self._dropped = 0

    def add(self, item: Item) -> Conversation | None:
        """Take a call in; answers the group before, when the call begins another."""
        key = self._key_of(item)
        if key is None:
            return None
        done = self.close() if self.begins(item) else None
        self._key = key
        self._dropped += len(self._calls) == _CALLS
        self._calls.append(item.call)
        return done

    def close(self) -> Conversation | None:
        """The group that is open, if one is."""
        key, calls, dropped = self._key, tuple(self._calls), self._dropped
        self._key, self._dropped = None, 0
        self._calls.clear()
        return None if key is None else Conversation(key, self.level, calls, dropped)

    def begins(self, item: Item) -> bool:
        """Whether a call begins another group than the one that is open."""
        key = self._key_of(item)
        # A row of a data set is a trace of its own, whatever the one before it was called.
        alone = item.whole and self.level == "trace"
        return key is not None and (key != self._key or alone)

    def goes_on(self, item: Item) -> bool:
        """Whether a call belongs to the group that is open."""
        return self._key_of(item) is not None and not self.begins(item)

    def _key_of(self, item: Item) -> str | None:
        return item.trace if self.level == "trace" else item.session
