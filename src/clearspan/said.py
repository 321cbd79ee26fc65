"""What a request said, to know again what a server only repeats."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clearspan.draft import Draft

__all__ = ["texts"]

_MOST = 10_000
# They name what is asked for and by whom, in the words of the API.
_NAMES = ("model", "role", "type", "engine", "deployment")


def texts(draft: Draft) -> Iterator[str] | None:
    """Texts of a call's request; `None` where it was let go before it was read.

    Only Python's own containers are looked into: nothing of the host's runs.
    """
    if draft.call is None and draft.lost and draft.endpoint is not None:
        return None
    given: list[Any] = [draft.input_messages, draft.system_parts, draft.input_value]
    for each in (draft, draft.inner):
        if each is not None and each.call is not None:
            given += each.call.args, each.call.kwargs
    return _texts(given)


def _texts(given: list[Any]) -> Iterator[str]:
    waiting = given[::-1]
    seen: set[int] = set()
    while waiting and len(seen) < _MOST:
        value = waiting.pop()
        cls = type(value)
        if id(value) in seen:
            continue
        seen.add(id(value))
        if cls is str:
            yield value
        elif cls is list or cls is tuple:
            waiting.extend(value[:_MOST])
        elif cls is dict:
            waiting.extend(item for name, item in value.copy().items() if name not in _NAMES)
