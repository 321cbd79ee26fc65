"""Answers that no model made, as the client's own objects; and streams of such, read by the client itself."""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from clearspan.core import jsonfast, read
from clearspan.formats.openai_common import is_class
from clearspan.provider import Call

__all__ = ["MARK", "fresh", "is_raw", "made", "of", "streamed", "structured"]

_RAW = "X-Stainless-Raw-Response"
MARK = "clearspan"
"""What stands where a model's build has its fingerprint."""


def of(
    kind: Any, call: Call, like: Any, body: dict[str, Any], prefix: str, *, usage: bool = True
) -> Any:
    """An answer of class `kind` with the identity of `like`, the model's own answer, where there is one."""
    head = {
        "id": read.text(like, "id") or fresh(f"{prefix}-"),
        "created": read.count(like, "created") or int(time.time()),
        "model": read.text(like, "model") or read.text(call.kwargs, "model") or "",
        "system_fingerprint": MARK,
    }
    spent = read.get(like, "usage") if usage else None
    body = {**head, **body, "usage": None if spent is None else read.plain(spent)}
    return made(kind, body, like)


def fresh(prefix: str) -> str:
    """An id that no other answer has."""
    return f"{prefix}clearspan{uuid.uuid4().hex}"


def made(kind: Any, body: dict[str, Any], like: Any = None) -> Any:
    """An object of one of the client's classes; of the request that `like` answers, if any."""
    answer = kind.model_validate(body) if hasattr(kind, "model_validate") else kind.parse_obj(body)
    add = getattr(sys.modules.get("openai._models"), "add_request_id", None)
    if add is not None:
        add(answer, getattr(like, "_request_id", None))
    return answer


def structured(call: Call) -> bool:
    """Whether the answer is to be JSON, which a text is none of."""
    for form in ("response_format", "text_format"):
        if is_class(call.kwargs.get(form)):
            return True
    wanted = read.text(call.kwargs, "response_format", "type") or read.text(call.kwargs, "text", "format", "type")  # fmt: skip
    return (wanted or "").startswith("json")


def streamed(
    pieces: Callable[[Call, str, Sequence[Any]], Iterable[Any] | None], kind: Callable[[], Any]
) -> Callable[[Call, str], Any]:
    """Makes a whole stream of such elements, which are all of what `kind` answers."""

    def stream(call: Call, text: str) -> Any:
        if is_raw(call):
            return None  # the program reads the bytes of a response that there is not
        elements = pieces(call, text, ())
        if elements is None:
            return None
        dumped = [jsonfast.dumps(read.plain(element)) for element in elements]
        content = "".join(f"data: {line}\n\n" for line in [*dumped, "[DONE]"]).encode()
        return _opened(vars(call.instance)["_client"], kind(), content)

    return stream


def is_raw(call: Call) -> bool:
    """Whether the program wants the response unparsed."""
    headers = read.fields(call.kwargs.get("extra_headers"))
    return headers is not None and _RAW in headers


def _opened(client: Any, kind: Any, content: bytes) -> Any:
    """A stream over a response that was never sent, of the HTTP library that the client uses."""
    import openai

    homes = (base.__module__.partition(".")[0] for base in type(vars(client)["_client"]).__mro__)
    http: Any = sys.modules[next(home for home in homes if home.startswith("httpx"))]
    response = http.Response(
        200,
        headers={"content-type": "text/event-stream"},
        content=content,
        request=http.Request("POST", str(client.base_url)),
    )
    asynchronous = isinstance(client, openai.AsyncOpenAI)
    stream: Any = openai.AsyncStream if asynchronous else openai.Stream
    return stream(cast_to=kind, response=response, client=client)
