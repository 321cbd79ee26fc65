"""Redacted answers that the client itself reads into a class of the program's: what it could not read is not let on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from clearspan.core import jsonfast, read
from clearspan.formats.openai_common import is_class
from clearspan.provider import Call, Unfit
from clearspan.providers.openai.canned import is_raw

__all__ = ["fitting"]

_Put: TypeAlias = Callable[[Any, "tuple[str | int, ...]", str], Any]
_HELPER = "X-Stainless-Helper-Method"
# What a schema says of a text that another text may not fulfil.
_NARROW = ('"format"', '"pattern"', '"enum"', '"const"', '"maxLength"', '"minLength"')


def fitting(put: _Put) -> Callable[[Call], _Put | None]:
    """Makes the `puts` of a `Speech` whose `put` is this one."""

    def puts(call: Call) -> _Put | None:
        given = call.kwargs
        wanted = next((kind for name in ("response_format", "text_format") if is_class(kind := given.get(name))), None)  # fmt: skip
        if wanted is not None:
            return _readable(put, wanted) if is_raw(call) else None
        if given.get("stream") is not True or not _helped(call):
            return None
        schema = read.get(given, "response_format", "json_schema") or read.get(given, "text", "format")  # fmt: skip
        return None if read.get(schema, "schema") is None else _alike(put, narrow=_narrow(schema))

    return puts


def _helped(call: Call) -> bool:
    """Whether a helper of the client may read the stream. That of responses does not say so."""
    headers = read.fields(call.kwargs.get("extra_headers"))
    return call.kwargs.get("text") is not None or (headers is not None and _HELPER in headers)


def _narrow(schema: Any) -> bool:
    said = jsonfast.dumps(read.plain(read.get(schema, "schema")))
    return any(name in said for name in _NARROW)


def _readable(put: _Put, kind: Any) -> _Put:
    """For a body that is read when the program asks: the new text must be one of its class."""
    reader = getattr(kind, "model_validate_json", None)

    def checked(answer: Any, path: tuple[str | int, ...], text: str) -> Any:
        if reader is not None and path[-1] in ("content", "text"):
            try:
                reader(text)
            except ValueError:  # also pydantic's own, of both of its versions
                raise Unfit from None
        return put(answer, path, text)

    return checked


def _alike(put: _Put, *, narrow: bool) -> _Put:
    """For the pieces of a text: none may be changed in a narrow schema, and no number may become a text."""

    def checked(answer: Any, path: tuple[str | int, ...], text: str) -> Any:
        if narrow or text.count('"') > _old(answer, path).count('"'):
            raise Unfit
        return put(answer, path, text)

    return checked


def _old(answer: Any, path: tuple[str | int, ...]) -> str:
    for step in path:
        answer = read.items(answer)[step] if isinstance(step, int) else read.get(answer, step)
    return read.text(answer) or ""
