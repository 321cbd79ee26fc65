"""Answers that no model made, as the client's own objects; and streams of such, read by the client itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from clearspan.core import jsonfast, read
from clearspan.provider import Call

__all__ = ["is_raw", "made", "of", "streamed"]

_RAW = "X-Stainless-Raw-Response"


def of(
    kind: Any, call: Call, like: Any, body: dict[str, Any], prefix: str, *, usage: bool = True
) -> Any:
    """An answer of class `kind` with the identity of `like`, the model's own answer, where there is one."""
    head = {
        "id": read.text(like, "id") or f"{prefix}-clearspan",
        "created": read.count(like, "created") or int(time.time()),
        "model": read.text(like, "model") or read.text(call.kwargs, "model") or "",
    }
    spent = read.get(like, "usage") if usage else None
    return made(kind, {**head, **body, "usage": None if spent is None else read.plain(spent)})


def made(kind: Any, body: dict[str, Any]) -> Any:
    """An object of one of the client's classes."""
    return kind.model_validate(body) if hasattr(kind, "model_validate") else kind.parse_obj(body)


def streamed(
    pieces: Callable[[Call, str, Sequence[Any]], Iterable[Any]], kind: Callable[[], Any]
) -> Callable[[Call, str], Any]:
    """Makes a whole stream of such elements, which are all of what `kind` answers."""

    def stream(call: Call, text: str) -> Any:
        if is_raw(call):
            return None  # the program reads the bytes of a response that there is not
        dumped = [jsonfast.dumps(read.plain(element)) for element in pieces(call, text, ())]
        content = "".join(f"data: {line}\n\n" for line in [*dumped, "[DONE]"]).encode()
        return _opened(vars(call.instance)["_client"], kind(), content)

    return stream


def is_raw(call: Call) -> bool:
    """Whether the program wants the response unparsed."""
    headers = read.fields(call.kwargs.get("extra_headers"))
    return headers is not None and _RAW in headers


def _opened(client: Any, kind: Any, content: bytes) -> Any:
    """A stream over a response that was never sent, of the HTTP library that the client uses."""
    import sys

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
