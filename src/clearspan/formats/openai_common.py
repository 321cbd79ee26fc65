"""What the APIs of OpenAI's style have in common: arguments, identity, tools, errors in the body."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from clearspan import semconv as sc
from clearspan.core import jsonfast, read
from clearspan.draft import Draft
from clearspan.provider import Call
from clearspan.record import OTHER

__all__ = [
    "arguments",
    "call_arguments",
    "failure",
    "identity",
    "is_class",
    "is_openai",
    "output_type",
    "sampling",
    "tools",
]

_NUMBERS = ("temperature", "top_p", "frequency_penalty", "presence_penalty")
_FORMATS = {"json_object": "json", "json_schema": "json", "text": "text"}


def arguments(call: Call) -> Mapping[str, Any]:
    """What is sent: the named arguments, with those of `extra_body` on top as the clients do."""
    extra = read.fields(call.kwargs.get("extra_body"))
    return {**call.kwargs, **dict(dict.items(extra))} if extra is not None else call.kwargs


def is_openai(draft: Draft) -> bool:
    """Whether the attributes of OpenAI's own namespace apply."""
    return draft.provider == "openai"


def sampling(draft: Draft, given: Mapping[str, Any]) -> None:
    """The request parameters that every API of this style names alike."""
    if _NAMES.isdisjoint(given):
        return  # as for most calls
    draft.set(**{name: read.number(given, name) for name in _NUMBERS})
    n = read.whole(given, "n")
    stop = given.get("stop")
    stops = [stop] if read.text(stop) else read.items(stop)
    draft.set(
        top_k=read.whole(given, "top_k"),
        seed=_first(read.whole(given, "seed"), read.whole(given, "random_seed")),
        max_tokens=_first(*(read.whole(given, name) for name in _LIMITS)),
        choice_count=n if n != 1 else None,
        stop_sequences=[text for text in map(read.text, stops) if text] or None,
        reasoning_level=read.text(given, "reasoning_effort")
        or read.text(given, "reasoning", "effort"),
    )
    tier = read.text(given, "service_tier")
    if is_openai(draft) and tier != "auto":
        draft.extra(sc.OPENAI_REQUEST_SERVICE_TIER, tier)


_LIMITS = ("max_completion_tokens", "max_tokens", "max_output_tokens")
_NAMES = frozenset(
    (*_NUMBERS, *_LIMITS, "n", "stop", "top_k", "seed", "random_seed", "reasoning", "reasoning_effort", "service_tier")
)  # fmt: skip


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)


def output_type(wanted: Any) -> str | None:
    """`json` or `text` for what `response_format` asks for; a class stands for its JSON schema."""
    if is_class(wanted):
        return "json"
    return _FORMATS.get(read.text(wanted, "type") or "")


def is_class(wanted: Any) -> bool:
    """Whether a class was given, without asking it or its proxy."""
    return issubclass(type(wanted), type)


def tools(given: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Tool definitions in the conventions' form, of `tools` and of the older `functions`."""
    for source in read.items(given, "tools"):
        kind = read.text(source, "type") or "function"
        yield _tool(kind, source, read.get(source, kind))
    for source in read.items(given, "functions"):
        yield _tool("function", source, None)


def _tool(kind: str, source: Any, inner: Any) -> Mapping[str, Any]:
    held = inner if read.fields(inner) is not None else source
    name = read.text(held, "name") or read.text(source, "name") or read.text(source, "server_label")
    definition: dict[str, Any] = {"type": kind, "name": name or kind}
    description = read.text(held, "description") or read.text(source, "description")
    if description:
        definition["description"] = description
    parameters = read.get(held, "parameters")
    if read.fields(parameters) is not None:
        definition["parameters"] = read.plain(parameters)
    return definition


def call_arguments(source: Any) -> Any:
    """Arguments of a tool call: an object where the text is one, else the text itself."""
    text = read.text(source)
    if text is None:
        return None if source is None else read.plain(source)
    parsed = jsonfast.loads(text)
    return parsed if type(parsed) is dict else text


def identity(draft: Draft, body: Any) -> None:
    """Id, served model, tier and fingerprint; chunks repeat them and the last known value stays."""
    given = read.fields(body)
    if given is None:
        return
    told = dict.get
    draft.response_id = read.text(told(given, "id")) or draft.response_id
    draft.response_model = read.text(told(given, "model")) or draft.response_model
    if is_openai(draft):
        for attribute, name in _OWN:
            value = told(given, name)
            if value is not None:
                draft.extra(attribute, read.text(value))


_OWN = (
    (sc.OPENAI_RESPONSE_SERVICE_TIER, "service_tier"),
    (sc.OPENAI_RESPONSE_SYSTEM_FINGERPRINT, "system_fingerprint"),
)


def failure(draft: Draft, error: Any) -> None:
    """An error that came in the body of an answer which is, by its status, none."""
    if error is None:
        return
    said = read.text(error)
    if said is not None:
        draft.fail(OTHER, said)
    elif _filled(error):
        code = read.whole(error, "code")
        kind = (
            read.text(error, "code")
            or (str(code) if code is not None else None)
            or read.text(error, "type")
        )
        draft.fail(kind or OTHER, read.text(error, "message"))


def _filled(error: Any) -> bool:
    fields = read.fields(error)
    return fields is not None and dict.__len__(fields) > 0
