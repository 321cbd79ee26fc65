"""Asking a stream of OpenAI's form for its usage, where the application wants that (`request_usage`).

The request gets one field more, `stream_options.include_usage`, unless the program speaks of it
itself. The server answers with one chunk more, which has the usage and no choice; it is read for the
record and goes no further. A server that refuses the field is remembered and not asked again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from clearspan.core import read
from clearspan.core.ports import PORTS
from clearspan.draft import Draft
from clearspan.provider import Call

__all__ = ["ask", "refused"]

_FIELD = "stream_options"
_WANTED = "include_usage"
_ABSENT = ("NotGiven", "Omit")  # what the client's own words for "not said" are called
_REFUSALS = (400, 422)
_MOST = 256

# Who refused, oldest first: (host, port).
_refusing: dict[tuple[str | None, int | None], None] = {}


def ask(draft: Draft, call: Call, kwargs: dict[str, Any]) -> Callable[[Any], bool] | None:
    """Put the field into a call's arguments; answers what tells the extra chunk, if it did."""
    del call
    if "usage" not in draft.wants or kwargs.get("stream") is not True:
        return None
    if (draft.server_address, draft.server_port) in _refusing or not _put(kwargs):
        return None
    return _extra


def _put(kwargs: dict[str, Any]) -> bool:
    body = kwargs.get("extra_body")
    if body is not None and type(body) is not dict:
        return False  # what else it says cannot be seen
    if body is not None and _FIELD in body:
        options = _asking(body[_FIELD])
        if options is not None:
            kwargs["extra_body"] = {**body, _FIELD: options}
        return options is not None
    options = _asking(kwargs.get(_FIELD))
    if options is None or (body or {}).get("stream", True) is not True:
        return False
    kwargs[_FIELD] = options
    return True


def _asking(options: Any) -> dict[str, Any] | None:
    """The options with the field; `None` where the program has spoken of it, or in a form of its own."""
    if options is None or type(options).__name__ in _ABSENT:
        return {_WANTED: True}
    if type(options) is not dict or _WANTED in options:
        return None
    return {**options, _WANTED: True}


def _extra(item: Any) -> bool:
    choices = read.get(item, "choices")
    return type(choices) is list and not choices and read.get(item, "usage") is not None


def refused(exception: BaseException) -> None:
    """Remember the server of a failed call, where it refused the field."""
    held = read.held(exception)
    response: Any = held.get("response")
    said: tuple[object, ...]
    if read.of_http(response):
        status, request = getattr(response, "status_code", None), response.request
        body = getattr(response, "_content", None)  # as far as it was read: reading is the caller's
        told = read.plain((read.raised_with(exception), held.get("body")))
        said = (told, body if isinstance(body, bytes) else b"")
        sent, asked = (
            str(request.url),
            getattr(request, "_content", None) or getattr(request, "body", None),
        )
    else:  # an error of aiohttp's, beside which the hub's client keeps what was answered
        status, said = held.get("status"), (read.plain(held.get("response_error_payload")),)
        sent, asked = str(getattr(held.get("request_info"), "real_url", "")), None
    if status not in _REFUSALS or _FIELD not in str(said):
        return
    if isinstance(asked, bytes) and _WANTED.encode() not in asked:
        return  # it is not the field that was refused here
    parts = urlsplit(sent)
    while len(_refusing) >= _MOST:
        _refusing.pop(next(iter(_refusing)), None)
    _refusing[parts.hostname, parts.port or PORTS.get(parts.scheme)] = None
