"""What was asked and answered, span by span, and what failed: for people to read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group
from rich.text import Text

from clearspan import semconv
from clearspan.cli.screen import Rows, printable
from clearspan.core import jsonfast, read
from clearspan.exporters.store import StoredEvent, StoredSpan

__all__ = ["conversation", "failures"]

_VALUES = (
    (semconv.INPUT, "input"),
    (semconv.RETRIEVAL_QUERY_TEXT, "query"),
    (semconv.TOOL_CALL_ARGUMENTS, "arguments"),
    (semconv.RETRIEVAL_DOCUMENTS, "documents"),
    (semconv.TOOL_CALL_RESULT, "result"),
    (semconv.OUTPUT, "output"),
)
_NO_CONTENT = "no content was recorded for this trace: CLEARSPAN_CONTENT decides (off, metadata, redacted, full)"


def failures(spans: Sequence[StoredSpan]) -> Group:
    """A line for each failed span that says more than its name."""
    lines: list[Text] = []
    for span in spans:
        if span.status == "error" and span.status_message:
            message = " ".join(printable(span.status_message).split())
            said = Text(f"{_line(span.name)}: ", style="red", overflow="fold")
            lines.append(said.append(message, "default"))
    return Group(*([Text("")] if lines else []), *lines)


def conversation(spans: Sequence[StoredSpan], events: Sequence[StoredEvent]) -> Group:
    """The messages and values of every span that has some, in the order of their start."""
    told = {
        event.span_id: event.attributes for event in events if event.name == semconv.EVENT_DETAILS
    }
    drawn: list[Text | Rows] = []
    for span in spans:
        said = list(_said({**told.get(span.span_id, {}), **span.attributes}))
        if said:
            drawn += [Text(f"\n{_line(span.name)}", style="bold"), _rows(said)]
    return Group(*drawn) if drawn else Group(Text(f"\n{_NO_CONTENT}", style="dim"))


def _rows(said: Sequence[tuple[str, str]]) -> Rows:
    return Rows([(Text(who, "cyan"), Text(printable(what))) for who, what in said])


def _line(name: str) -> str:
    return printable(name).replace("\n", " ")


def _said(attributes: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    system = _parts(jsonfast.loads(attributes.get(semconv.SYSTEM_INSTRUCTIONS)))
    if system:
        yield "system", system
    yield from _messages(attributes.get(semconv.INPUT_MESSAGES))
    yield from _messages(attributes.get(semconv.OUTPUT_MESSAGES))
    for name, label in _VALUES:
        if attributes.get(name) is not None:
            yield label, _shown(attributes[name])


def _messages(value: Any) -> Iterator[tuple[str, str]]:
    for message in read.items(jsonfast.loads(value)):
        if isinstance(message, dict):
            yield _line(str(message.get("role", "?"))), _parts(message.get("parts"))


def _parts(value: Any) -> str:
    return "\n".join(_part(part) for part in read.items(value) if isinstance(part, dict))


def _part(part: Mapping[str, Any]) -> str:
    kind = part.get("type")
    content = part.get("content")
    if content == "" and isinstance(part.get("length"), int):  # of content mode `metadata`
        content = f"({part['length']:,} characters, not kept)"
    if kind == "text" and isinstance(content, str):
        return content
    if kind in ("reasoning", "refusal") and isinstance(content, str):
        return f"[{kind}] {content}"
    if kind == "tool_call":
        return f"-> {part.get('name', '?')}({_shown(part.get('arguments', ''))})"
    if kind == "tool_call_response":
        return f"<- {_shown(part.get('response', part.get('result', '')))}"
    where = part.get("uri") or part.get("file_id") or part.get("mime_type") or part.get("modality")
    return f"[{kind}{f' {where}' if where else ''}]"


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else jsonfast.dumps(value)
