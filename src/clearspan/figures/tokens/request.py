"""What was asked, read once more from the arguments of a call, for counting only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from clearspan.core import jsonfast, read
from clearspan.draft import Draft
from clearspan.record import Message, Part
from clearspan.semconv import PROMPT_NAME

__all__ = ["Asked", "asked"]

_FUNCTIONS = ("function", "custom")
_PICTURES = ("image_url", "input_image")


class Asked(NamedTuple):
    """A request as far as its tokens go. `schema` is the JSON text of the form wanted for the answer."""

    messages: list[Message]
    system: list[Part]
    tools: list[Mapping[str, Any]]
    value: Any
    structured: bool
    schema: str
    details: list[str | None]
    """How closely each picture is looked at, in their order; `None` where that is not said."""


class _Scratch(Draft):
    """A draft that is thrown away; of tools, too, it takes in all."""

    __slots__ = ("definitions",)

    def __init__(self, like: Draft) -> None:
        super().__init__(like.operation)
        self.provider = like.provider
        self.definitions: list[Mapping[str, Any]] = []

    def tools(self, definitions: Iterable[Mapping[str, Any]]) -> None:
        self.definitions.extend(definitions)


def asked(draft: Draft) -> Asked | None:
    """What the call of `draft` asked; `None` where nobody can tell.

    That is so where the arguments were not kept (no content, no stream), and where the provider
    knows more than was sent: an earlier response, a stored prompt, tools of its own.
    """
    if draft.call is None or not (draft.content or "stream" in draft.params):
        return None
    scratch = _Scratch(draft)
    draft.endpoint.request(scratch, draft.call)
    params = scratch.params
    if (
        "previous_response_id" in params
        or "conversation_id" in params
        or PROMPT_NAME in scratch.extras
    ):
        return None
    if any(each.get("type") not in _FUNCTIONS for each in scratch.definitions):
        return None
    given = draft.call.kwargs
    schema = read.get(given, "response_format", "json_schema") or read.get(given, "text", "format")
    fields = read.fields(read.get(schema, "schema"))
    return Asked(
        scratch.input_messages,
        scratch.system_parts,
        scratch.definitions,
        scratch.input_value,
        params.get("output_type") == "json",
        jsonfast.dumps(fields) if fields else "",
        list(_details(given)),
    )


def _details(given: Mapping[str, Any]) -> Iterator[str | None]:
    for message in read.items(given.get("messages") or given.get("input")):
        for part in read.items(message, "content"):
            if read.text(part, "type") in _PICTURES:
                yield read.text(part, "image_url", "detail") or read.text(part, "detail")
