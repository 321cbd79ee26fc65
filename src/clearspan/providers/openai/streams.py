"""Following what is read later: streams, and answers whose body the caller reads.

The caller keeps the very object that the client made: only its inner iterator is another.
"""

from __future__ import annotations

from typing import Any

from clearspan.provider import Tap
from clearspan.providers.openai.passing import awaited, relay
from clearspan.providers.openai.raw import alone
from clearspan.providers.openai.unread import Unread

__all__ = ["follow"]

# Where the handler of the events of a run keeps the stream that it was given.
_MANAGED = ("_AssistantEventHandler__stream", "_AsyncAssistantEventHandler__stream")


def follow(result: Any, tap: Tap) -> bool:
    """Attach to a stream or to a raw answer; `False` when the result is already the answer."""
    held = getattr(result, "__dict__", None)
    if not isinstance(held, dict):
        return False
    if "_iterator" in held and "response" in held:
        _stream(result, tap)
        return True
    for name in _MANAGED:
        if held.get(name) is not None:
            _stream(held[name], tap)
            return True
    if "http_response" not in held:
        return False
    if "_is_sse_stream" in held:
        Unread(result, tap).attach()
        return True
    if held.get("_stream"):
        _stream(result.parse(), tap)  # the client keeps it and gives the same one to the caller
    else:
        tap.result(alone(held["http_response"]))
    return True


def _stream(stream: Any, tap: Tap) -> None:
    relay(stream, tap)
    tap.closing(vars(stream)["response"], "aclose" if awaited(stream) else "close")
    tap.watch(stream)
