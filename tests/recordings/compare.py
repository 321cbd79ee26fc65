"""The differences between a span and an independent reading of the same exchange."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from . import facts, requests, usage
from .facts import Difference, Said
from .raw import JsonMap, maps, parsed
from .reading import Reading
from .values import ABSENT, accepts

NAMES = (
    "error.type",
    "gen_ai.conversation.compacted",
    "gen_ai.embeddings.dimension.count",
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.request.model",
    "gen_ai.response.finish_reasons",
    "gen_ai.response.id",
    "gen_ai.response.model",
    "gen_ai.response.time_to_first_chunk",
    "openai.response.service_tier",
    "openai.response.system_fingerprint",
    "server.address",
    "server.port",
    *requests.NAMES,
    *usage.NAMES,
)


class Span(Protocol):
    """What is read of a captured span."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> object: ...
    @property
    def status(self) -> object: ...
    @property
    def attributes(self) -> Mapping[str, object]: ...


def _messages(span: Span, name: str) -> list[JsonMap]:
    value = span.attributes.get(name)
    return maps(parsed(value)[1]) if isinstance(value, str) else []


def _said(span: Span, name: str, *, joined: bool) -> list[Said]:
    found = [facts.from_span(message) for message in _messages(span, name)]
    return facts.join(found) if joined else found


def _attributes(reading: Reading, span: Span) -> list[Difference]:
    found: list[Difference] = []
    for name in NAMES:
        expected, seen = reading.attributes.get(name, ABSENT), span.attributes.get(name, ABSENT)
        if not accepts(expected, seen):
            found.append((name, expected, seen))
    return found


def _failed(reading: Reading, span: Span) -> list[Difference]:
    failed = "ERROR" in str(span.status).upper()
    return [] if reading.failed in (None, failed) else [("status is error", reading.failed, failed)]


def _tools(reading: Reading, span: Span) -> list[Difference]:
    found = _messages(span, "gen_ai.tool.definitions")
    seen = [(tool.get("type"), tool.get("name")) for tool in found]
    return (
        [] if accepts(reading.tools, seen) else [("gen_ai.tool.definitions", reading.tools, seen)]
    )


def _instructions(reading: Reading, span: Span) -> list[Difference]:
    parts = [part.get("content") for part in _messages(span, "gen_ai.system_instructions")]
    expected = [] if reading.instructions is None else [reading.instructions]
    return [] if parts == expected else [("gen_ai.system_instructions", expected, parts)]


def _conversation(reading: Reading, span: Span) -> list[Difference]:
    found: list[Difference] = []
    for where, expected, joined in (
        ("input.messages", reading.inputs, reading.join_inputs),
        ("output.messages", reading.outputs, reading.join_outputs),
    ):
        if expected is not None:
            found += facts.differences(
                where, expected, _said(span, f"gen_ai.{where}", joined=joined)
            )
    everything = [
        *_messages(span, "gen_ai.input.messages"),
        *_messages(span, "gen_ai.output.messages"),
    ]
    missing = reading.provider_runs - facts.identities(everything)
    return [
        *found,
        *([("runs of the provider's tools", missing, "no part with the id")] if missing else []),
    ]


def differences(reading: Reading, span: Span) -> list[Difference]:
    """Every fact on which the span and the reading do not agree: (fact, expected, seen)."""
    found: list[Difference] = []
    if span.name != reading.name:
        found.append(("name", reading.name, span.name))
    if not str(span.kind).upper().endswith("CLIENT"):
        found.append(("kind", "CLIENT", span.kind))
    found += _attributes(reading, span)
    found += _failed(reading, span)
    found += _tools(reading, span)
    found += _instructions(reading, span)
    return found + _conversation(reading, span)


def report(found: list[Difference]) -> str:
    """The differences as lines for a failing test."""

    def short(value: object) -> str:
        text = repr(value)
        return text if len(text) <= 400 else f"{text[:400]}... ({len(text)} characters)"

    return "\n".join(
        f"{fact}\n    expected {short(expected)}\n    seen     {short(seen)}"
        for fact, expected, seen in found
    )
