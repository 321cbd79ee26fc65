"""The texts of a call that a detector looks through, and what it says of its findings: places, never the text."""

from __future__ import annotations

import bisect
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from clearspan.assess.escapes import readings
from clearspan.assess.finding import Finding
from clearspan.record import Invocation, Message
from clearspan.score import Score

__all__ = ["FIELDS", "PLACES", "Text", "known", "sighted", "texts"]

FIELDS = ("input", "output", "tool_calls", "tool_results")
"""What was asked, what was answered, the arguments of the tools that are to be called, and what earlier calls of tools
were given and answered."""

PLACES = (*FIELDS, "system")
"""The fields, and what the program itself told the model: its instructions."""

_INSTRUCTIONS = ("system", "developer")
_MOST = 200


class Piece(NamedTuple):
    """A message within a text: where it begins there, and in the text of all messages; and which one it is."""

    start: int
    whole: int
    message: int


class Text(NamedTuple):
    """What is looked through of one field. Without `pieces` it is one text, and no messages."""

    text: str
    pieces: tuple[Piece, ...] = ()

    def place(self, found: Finding) -> dict[str, Any]:
        """Where a finding stands: in the text of all messages, and within its own."""
        if not self.pieces:
            return {"start": found.start, "end": found.end}
        at = bisect.bisect([piece.start for piece in self.pieces], found.start) - 1
        start, whole, message = self.pieces[at]
        local = found.start - start
        return {
            "start": whole + local,
            "end": whole + found.end - start,
            "message": message,
            "offset": local,
        }


def texts(call: Invocation, where: Iterable[str] = FIELDS) -> dict[str, Text]:
    """The text of each field of `where` that has one: JSON where it is none, and the arguments of each tool call below one another.

    Of arguments and results the escapes of JSON are read: what stands behind a line break stands alone, as for who gets it.

    Instructions (messages of `system` and `developer`, and the call's own) are the field `system`, not `input`.
    """
    wanted = set(where)
    found = {field: made for field, made in _texts(call) if field in wanted and made.text}
    return {field: found[field] for field in PLACES if field in found}


def known(call: Invocation) -> str | None:
    """All that the model was given to read, its instructions too; `None` where that is not known."""
    given = call.input_text or _said(call.input_value)
    if not given:
        return None
    return "\n".join((given, *_parts(call), *_tools(call.input, "arguments", "response"), *call.documents))  # fmt: skip


def _texts(call: Invocation) -> Iterator[tuple[str, Text]]:
    asked = [
        (place, message) for place, message in enumerate(call.input) if not _instructs(message)
    ]
    yield "input", _joined(call.input, asked) if call.input_text else Text(_said(call.input_value))
    answered = list(enumerate(call.output))
    yield (
        "output",
        _joined(call.output, answered) if call.output_text else Text(_said(call.output_value)),
    )
    yield "tool_calls", Text("\n".join(_tools(call.output, "arguments")))
    yield "tool_results", Text("\n".join(_tools(call.input, "arguments", "response")))
    own = (_text(message) for message in call.input if _instructs(message))
    yield "system", Text("\n".join((*_parts(call), *own)))


def _tools(messages: Sequence[Message], *said: str) -> Iterator[str]:
    """What stands in the parts of messages that are of tools."""
    for message in messages:
        for part in message.get("parts", ()):
            told: Mapping[str, Any] = part
            if str(told.get("type", "")).startswith("tool_call"):
                yield from (_read(_said(told[name])) for name in said if told.get(name))


def _instructs(message: Message) -> bool:
    return message.get("role") in _INSTRUCTIONS


def _parts(call: Invocation) -> Iterator[str]:
    return (str(part.get("content", "")) for part in call.system if part.get("type") == "text")


def _joined(messages: Sequence[Message], chosen: Sequence[tuple[int, Message]]) -> Text:
    """The texts of the chosen messages, one a line, and where each stands among all."""
    starts: list[int] = []
    end = 0
    for message in messages:
        starts.append(end)
        end += len(_text(message)) + 1
    pieces: list[Piece] = []
    said: list[str] = []
    here = 0
    for place, message in chosen:
        pieces.append(Piece(here, starts[place], place))
        said.append(_text(message))
        here += len(said[-1]) + 1
    return Text("\n".join(said), tuple(pieces))


def _text(message: Message) -> str:
    """A message's text, as `call.input_text` and `call.output_text` have it."""
    parts = message.get("parts", ())
    return "".join(str(part.get("content", "")) for part in parts if part.get("type") == "text")


def sighted(
    given: Mapping[str, Text],
    found: Mapping[str, Sequence[Finding]],
    label: str,
    metadata: Mapping[str, Any] | None = None,
) -> Score:
    """The score of a detector: 1.0 and `label` where it found something in some field, else 0.0 and `clean`.

    The metadata hold `entities`, the first 200, and `counts` by type. An entity has a `type`, `start`, `end` and
    `field`; `start` and `end` are characters of the text of all messages of the field. One of a message has
    besides `message`, which of the call's that is (from 0), and `offset`, where it begins within that one's text.
    """
    counts = Counter(one.type for many in found.values() for one in many)
    entities = [
        {"type": one.type, **given[field].place(one), "field": field}
        for field, many in found.items()
        for one in many[:_MOST]
    ]
    return Score(
        value=1.0 if counts else 0.0,
        label=label if counts else "clean",
        explanation=", ".join(f"{many} {type_}" for type_, many in sorted(counts.items())) or None,
        metadata={"entities": entities[:_MOST], "counts": dict(counts), **(metadata or {})},
    )


def _read(source: str) -> str:
    read = readings(source)
    return read[-1].text if read else source


def _said(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False, default=str)
