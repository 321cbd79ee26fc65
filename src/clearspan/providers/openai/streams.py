"""Following what is read later: streams, and answers whose body the caller reads.

The caller keeps the very object that the client made. Of a stream the inner iterator is replaced
in place; of an unread body the methods of that one HTTP response that read it are.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from clearspan.core import jsonfast
from clearspan.provider import Tap

__all__ = ["body", "follow"]


def follow(result: Any, tap: Tap) -> bool:
    """Attach to a stream or an unread response; `False` when the result is already the answer."""
    held = getattr(result, "__dict__", None)
    if not isinstance(held, dict):
        return False
    if "_iterator" in held and "response" in held:
        _stream(result, tap)
        return True
    if "http_response" not in held:
        return False
    if "_is_sse_stream" in held:
        _Unread(result, tap)
        return True
    if held.get("_stream"):
        _stream(result.parse(), tap)  # the client keeps it and gives the same one to the caller
        return True
    return False


def _stream(stream: Any, tap: Tap) -> None:
    held = vars(stream)
    if hasattr(stream, "__aiter__"):
        held["_iterator"] = tap.arelay(held["_iterator"])
        tap.closing(held["response"], "aclose")
    else:
        held["_iterator"] = tap.relay(held["_iterator"])
        tap.closing(held["response"], "close")
    tap.watch(stream)


class _Unread:
    """A response in streaming mode: nothing of it is read that its consumer does not read."""

    def __init__(self, answer: Any, tap: Tap) -> None:
        self._tap = tap
        self._busy = False
        self._streams: list[Any] = []
        response = vars(answer)["http_response"]
        self._response = response
        parse = answer.parse
        if hasattr(answer, "__aenter__") or _is_async(parse):
            self._put(answer, "parse", self._aparse(parse))
            self._put(response, "aread", self._aread(response.aread))
            self._put(response, "aiter_raw", self._aiter(response.aiter_raw))
            tap.closing(response, "aclose")
        else:
            self._put(answer, "parse", self._parse(parse))
            self._put(response, "read", self._read(response.read))
            self._put(response, "iter_raw", self._iter(response.iter_raw))
            tap.closing(response, "close")
        tap.watch(answer)
