"""A row of a data set as an Invocation: questions, answers, documents, right answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from clearspan.assess.grounding import Grounding, texts
from clearspan.core import jsonfast
from clearspan.formats import openai_messages
from clearspan.offline.columns import renamed
from clearspan.offline.errors import SourceError
from clearspan.record import CallContext, Invocation, Message, Operation, Part, Timing

__all__ = ["COLUMNS", "identity", "invocation", "parts_form"]

COLUMNS = ("id", "input", "output", "context", "reference", "messages", "tools", "system", "session")  # fmt: skip
"""The columns that have a meaning; what else a row has is kept as metadata of the call."""


def identity(row: Mapping[str, Any], number: int, place: str) -> str | int:
    """The row's name: its `id`, else its number."""
    given = row.get("id")
    if given is None:
        return number
    if isinstance(given, bool) or not isinstance(given, (str, int)):
        raise _wrong(place, "id", "a text or a whole number", given)
    return given


def invocation(row: Mapping[str, Any], place: str) -> Invocation:
    """The call that `row` tells of. `place` is where it stands, for messages.

    Raises `SourceError` for a column of a wrong type, and for a row with nothing to judge.
    """
    said = _messages(row.get("messages"), place, "messages")
    answer = _answer(row.get("output"), place)
    if not answer and said and said[-1].get("role") == "assistant":
        answer = [said.pop()]
    asked = _question(row.get("input"), place)
    if not said or not asked or asked[-1] not in said:
        said += asked
    if all(row.get(column) is None for column in ("input", "output", "messages")):
        raise SourceError(
            place,
            f"a row needs an input, an output or messages{renamed(name for name in row if row[name] is not None)}",
        )
    call = Invocation(
        operation=Operation.CHAT.value,
        timing=Timing(0, 0),
        input=tuple(said),
        output=tuple(answer),
        system=tuple(_system(row.get("system"), place)),
        tools=tuple(_tools(row.get("tools"), place)),
        context=_context(row, place),
        documents=tuple(_documents(row.get("context"), place)),
        references=tuple(_references(row.get("reference"), place)),
    )
    return Grounding().grounded(call)


def _question(given: Any, place: str) -> list[Message]:
    if isinstance(given, list):
        return _messages(given, place, "input")
    return [_said("user", given)] if _is_text(given, place, "input", "a text or a list of messages") else []  # fmt: skip


def _answer(given: Any, place: str) -> list[Message]:
    message: object = given
    if isinstance(message, Mapping) and "role" in message:
        return _messages([message], place, "output")
    if isinstance(given, list):
        return _messages(given, place, "output")
    wanted = "a text or a message"
    return [_said("assistant", given)] if _is_text(given, place, "output", wanted) else []


def _is_text(given: Any, place: str, column: str, wanted: str) -> bool:
    """Whether there is a text; nothing and an empty text are none."""
    if given is not None and not isinstance(given, str):
        raise _wrong(place, column, wanted, given)
    return bool(given)


def _said(role: str, text: str) -> Message:
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def _messages(given: Any, place: str, column: str) -> list[Message]:
    return [parts_form(item) for item in _objects(given, place, column, "a list of messages")]


def parts_form(message: Mapping[str, Any]) -> Message:
    """A message in the form of the GenAI conventions, from that or from the form of Chat Completions."""
    parts: object = message.get("parts")
    if isinstance(parts, list):
        return cast("Message", {"role": "user", **message, "parts": _parts(cast("list[object]", parts))})  # fmt: skip
    made = openai_messages.message(message)
    finish = message.get("finish_reason")
    if isinstance(finish, str):
        made["finish_reason"] = finish
    return made


def _parts(given: list[object]) -> list[Part]:
    """Parts in the form of the conventions; some programs write the text under `text`, as the APIs do."""
    found: list[Part] = []
    for part in given:
        if isinstance(part, str):
            found.append({"type": "text", "content": part})
        elif isinstance(part, dict):
            held = cast("dict[str, Any]", part)
            text = {"content": held.get("text")} if held.get("type") == "text" else {}
            found.append(cast("Part", {**text, **held}))
    return found


def _system(given: Any, place: str) -> list[Part]:
    if isinstance(given, list):
        return _parts(cast("list[object]", given))
    wanted = "a text or a list of parts"
    return [{"type": "text", "content": given}] if _is_text(given, place, "system", wanted) else []


def _tools(given: Any, place: str) -> Iterator[Mapping[str, Any]]:
    for tool in _objects(given, place, "tools", "a list of tool definitions"):
        # The conventions write the function's fields beside the type.
        inner = tool.get("function")
        flat = cast("dict[str, Any]", inner) if isinstance(inner, dict) else None
        yield tool if flat is None else {"type": "function", **flat}


def _objects(given: Any, place: str, column: str, wanted: str) -> list[dict[str, Any]]:
    """A list of JSON objects; none where there is nothing."""
    items = _several(given)
    if (given is not None and not isinstance(given, list)) or not all(isinstance(item, dict) for item in items):  # fmt: skip
        raise _wrong(place, column, wanted, given)
    return cast("list[dict[str, Any]]", items)


def _several(given: object) -> list[object]:
    """A list as it is, one thing as a list of it, nothing as an empty list."""
    if isinstance(given, list):
        return cast("list[object]", given)
    return [] if given is None else [given]


def _documents(given: Any, place: str) -> Iterator[str]:
    for item in _several(given):
        if not isinstance(item, str) and (item is given or not isinstance(item, dict)):
            raise _wrong(place, "context", "a text or a list of texts", item)
        document: object = item
        yield from texts(document)


def _references(given: Any, place: str) -> Iterator[str]:
    for item in _several(given):
        if not isinstance(item, str):
            raise _wrong(place, "reference", "a text or a list of texts", item)
        yield item


def _context(row: Mapping[str, Any], place: str) -> CallContext:
    session = row.get("session")
    if session is not None and (isinstance(session, bool) or not isinstance(session, (str, int))):
        raise _wrong(place, "session", "a text", session)
    metadata = {
        str(name): value if isinstance(value, str) else jsonfast.dumps(value)
        for name, value in row.items()
        if name not in COLUMNS and value is not None
    }
    return CallContext(session=None if session is None else str(session), metadata=metadata)


def _wrong(place: str, column: str, wanted: str, given: Any) -> SourceError:
    names: Mapping[type, str] = {
        int: "a number", float: "a number", bool: "true or false", list: "a list", dict: "an object",
        str: "a text", type(None): "null",
    }  # fmt: skip
    found = names.get(type(given), type(given).__name__)
    return SourceError(place, f"{column} must be {wanted}, not {found}")
