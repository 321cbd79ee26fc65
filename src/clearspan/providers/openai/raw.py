"""Raw answers: the HTTP response that a program asked for, unparsed, or parsed by itself when it likes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from clearspan.core import jsonfast

__all__ = ["alone", "body", "bulk"]


def alone(response: Any) -> SimpleNamespace:
    """A raw answer as it waits to be read: the HTTP response, without what the program has it parsed into."""
    return SimpleNamespace(http_response=response)


def body(result: Any) -> Any:
    """The answer to read: what a raw response holds, if it was read, else the result itself."""
    held = getattr(result, "__dict__", None)
    if not isinstance(held, dict) or "http_response" not in held:
        return result
    response = held["http_response"]
    content = vars(response).get("_content")
    if not isinstance(content, bytes):
        return None
    if "json" in (response.headers.get("content-type") or ""):
        return jsonfast.loads(content)
    return content.decode("utf-8", "replace")


def bulk(result: Any) -> int | None:
    """How many bytes were read of the HTTP response that a result holds; `None` of a result that holds none."""
    try:
        fields = object.__getattribute__(result, "__dict__")
    except AttributeError:
        return None
    response = fields.get("http_response") or fields.get("response")
    content = (getattr(response, "__dict__", None) or {}).get("_content")
    return len(content) if isinstance(content, bytes) else None
