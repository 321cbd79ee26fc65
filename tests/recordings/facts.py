"""What a conversation says, in a form that a raw exchange and a span can both be brought to.

Parts are grouped by kind, for the conventions leave open how text is cut into parts; what was said, by whom, which tools
were called with what, and which pictures, sounds and files were shown is not open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from .raw import JsonMap, as_list, as_map, as_text, maps, parsed

Difference = tuple[str, object, object]


@dataclass(frozen=True)
class ToolCall:
    """A tool the model asked for. Arguments are an object where they parse as one, else the raw string."""

    identity: str
    name: str
    arguments: object


@dataclass(frozen=True)
class ToolResult:
    """What a tool answered, as sent."""

    identity: str
    response: object


@dataclass(frozen=True)
class Media:
    """A picture, sound or file: inline (``blob``), by address (``uri``) or by provider's id (``file``).

    ``modality`` is empty where the wire form leaves it open (a document may hold anything).
    """

    part: str
    modality: str
    value: str


@dataclass(frozen=True)
class Said:
    """One message. ``reasoning`` and ``finish`` list every acceptable value."""

    role: str
    text: str = ""
    reasoning: tuple[str, ...] = ("",)
    refusal: str = ""
    calls: tuple[ToolCall, ...] = ()
    results: tuple[ToolResult, ...] = ()
    media: tuple[Media, ...] = ()
    finish: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        return replace(self, role="", finish=()) == Said("")


def role_of(message: JsonMap) -> str:
    """Who speaks. The ``function`` of early requests is what is called ``tool`` since."""
    role = as_text(message.get("role"))
    return "tool" if role == "function" else role


def arguments_of(source: object) -> object:
    """Tool arguments: the object a string holds, else the string itself."""
    if isinstance(source, str):
        valid, value = parsed(source)
        return value if valid and isinstance(value, dict) else source
    return source


def join(messages: Iterable[Said]) -> list[Said]:
    """Neighbours of one role as one message, empty ones left out.

    The Responses API sends a flat list of items, and the conventions do not say where a message begins.
    """
    joined: list[Said] = []
    for said in messages:
        if said.empty:
            continue
        if joined and joined[-1].role == said.role:
            last = joined[-1]
            joined[-1] = Said(
                said.role,
                last.text + said.text,
                tuple(a + b for a in last.reasoning for b in said.reasoning),
                last.refusal + said.refusal,
                last.calls + said.calls,
                last.results + said.results,
                last.media + said.media,
                said.finish,
            )
        else:
            joined.append(said)
    return joined


# ---- a span's message attributes ------------------------------------------------------------------------------------


def _content(parts: Sequence[JsonMap], kind: str, *names: str) -> str:
    texts = [
        next((as_text(part[name]) for name in names if part.get(name)), "")
        for part in parts
        if part.get("type") == kind
    ]
    return "".join(texts)


def _on_span(part: JsonMap) -> Media | None:
    kind = as_text(part.get("type"))
    source = {"blob": "content", "uri": "uri", "file": "file_id"}.get(kind)
    return Media(kind, as_text(part.get("modality")), as_text(part.get(source))) if source else None


def from_span(message: JsonMap) -> Said:
    """The facts of one message of a span attribute."""
    parts = maps(message.get("parts"))
    calls = [part for part in parts if part.get("type") == "tool_call"]
    results = [part for part in parts if part.get("type") == "tool_call_response"]
    finish = message.get("finish_reason")
    return Said(
        role=role_of(message),
        text=_content(parts, "text", "content"),
        reasoning=(_content(parts, "reasoning", "content"),),
        refusal=_content(parts, "refusal", "content", "refusal"),
        calls=tuple(
            ToolCall(as_text(c.get("id")), as_text(c.get("name")), c.get("arguments"))
            for c in calls
        ),
        results=tuple(ToolResult(as_text(r.get("id")), r.get("response")) for r in results),
        media=tuple(found for found in map(_on_span, parts) if found),
        finish=(finish,) if isinstance(finish, str) else (),
    )


# ---- comparison -----------------------------------------------------------------------------------------------------


def same_arguments(expected: object, seen: object) -> bool:
    """Equal, or the same JSON that is no object and so may be kept either way; nothing equals no arguments."""
    if expected == seen:
        return True
    if isinstance(expected, str):
        valid, value = parsed(expected)
        return (valid and value == seen) or (not expected.strip() and seen in (None, {}))
    return False


def _plain(value: object) -> str:
    if isinstance(value, str):
        return value
    parts = [part if isinstance(part, dict) else {"text": part} for part in as_list(value)]
    return "".join(
        as_text(as_map(part).get("text")) or as_text(as_map(part).get("content")) for part in parts
    )


def same_response(expected: object, seen: object) -> bool:
    """Equal as sent, as the JSON it holds, or (for lists of parts) in the text of the parts."""
    if expected == seen or (not expected and not seen):
        return True
    if isinstance(expected, str):
        valid, value = parsed(expected)
        return valid and value == seen
    return isinstance(expected, list) and _plain(expected) in _plain(seen)


def same_media(expected: Media, seen: Media) -> bool:
    """Same kind and value, and the same modality where the wire form tells it."""
    known = not expected.modality or expected.modality == seen.modality
    return known and (expected.part, expected.value) == (seen.part, seen.value)


def _pairs(expected: Sequence[object], seen: Sequence[object], same: Callable[[int], bool]) -> bool:
    return len(expected) == len(seen) and all(same(index) for index in range(len(expected)))


def _said(expected: Said, seen: Said) -> bool:
    apart = expected.text == seen.text and expected.refusal == seen.refusal
    return apart or (not seen.refusal and expected.text + expected.refusal == seen.text)


def _calls(expected: Said, seen: Said) -> bool:
    def same(index: int) -> bool:
        one, other = expected.calls[index], seen.calls[index]
        named = (one.identity, one.name) == (other.identity, other.name)
        return named and same_arguments(one.arguments, other.arguments)

    return _pairs(expected.calls, seen.calls, same)


def _results(expected: Said, seen: Said) -> bool:
    def same(index: int) -> bool:
        one, other = expected.results[index], seen.results[index]
        return one.identity == other.identity and same_response(one.response, other.response)

    return _pairs(expected.results, seen.results, same)


def difference(where: str, expected: Said, seen: Said) -> list[Difference]:
    """Every fact of one message on which the two readings differ."""
    media = _pairs(
        expected.media, seen.media, lambda i: same_media(expected.media[i], seen.media[i])
    )
    checks: dict[str, tuple[bool, object, object]] = {
        "role": (expected.role == seen.role, expected.role, seen.role),
        "text": (_said(expected, seen), expected.text + expected.refusal, seen.text + seen.refusal),
        "reasoning": (
            seen.reasoning[0] in expected.reasoning,
            expected.reasoning,
            seen.reasoning[0],
        ),
        "calls": (_calls(expected, seen), expected.calls, seen.calls),
        "results": (_results(expected, seen), expected.results, seen.results),
        "media": (media, expected.media, seen.media),
    }
    if expected.finish:
        checks["finish"] = (
            seen.finish[:1] != () and seen.finish[0] in expected.finish,
            expected.finish,
            seen.finish,
        )
    return [
        (f"{where}.{fact}", want, got) for fact, (same, want, got) in checks.items() if not same
    ]


def differences(where: str, expected: Sequence[Said], seen: Sequence[Said]) -> list[Difference]:
    """Every fact of a list of messages on which the two readings differ."""
    if len(expected) != len(seen):
        return [(f"{where} (how many)", list(expected), list(seen))]
    found = [
        difference(f"{where}[{i}]", one, other)
        for i, (one, other) in enumerate(zip(expected, seen, strict=True))
    ]
    return [item for group in found for item in group]


def identities(messages: Iterable[JsonMap]) -> frozenset[str]:
    """The ids of all parts of a span's messages: where the runs of a provider's own tools are looked for."""
    return frozenset(
        as_text(part["id"])
        for message in messages
        for part in maps(message.get("parts"))
        if part.get("id")
    )
