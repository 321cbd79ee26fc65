"""What may be kept of content: capture mode, redaction, truncation. Applied once, in `Draft.seal`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from clearspan.core import jsonfast, read
from clearspan.emit import redact
from clearspan.emit.fit import fit
from clearspan.record import CallContext, ErrorInfo, Message

__all__ = ["ContentPolicy", "Kept"]

# Redaction runs before the final cut, on a little more than will be kept, so that the cut cannot
# leave half of a secret that no pattern knows any more.
_MARGIN = 4096
_DEPTH = 16
_OURS = ("gen_ai.", "openai.", "code.", "clearspan.")
_MAX_MESSAGE = 2_048


class Kept(NamedTuple):
    """Clean content, its JSON text, and whether something was cut."""

    value: Any
    encoded: str | None = None


_NOTHING = Kept(())
_NO_VALUE = Kept(None)


@dataclasses.dataclass(frozen=True, slots=True)
class ContentPolicy:
    """One content mode (`off`, `metadata`, `redacted`, `full`) with its redactors and size cap.

    `limit` bounds the JSON of each content attribute, in bytes of UTF-8. Tool definitions keep
    their names only, unless `tool_schemas` asks for descriptions and parameters.
    """

    mode: str = "full"
    limit: int = 131_072
    redactors: Sequence[redact.Redactor] = ()
    tool_schemas: bool = False

    @property
    def wanted(self) -> bool:
        """Whether any content is to be collected at all."""
        return self.mode != "off"

    def messages(self, messages: list[Message]) -> Kept:
        """Clean messages (or system parts); in mode `metadata` only their structure stays."""
        if not messages or self.mode == "off":
            return _NOTHING
        if self.mode == "metadata":
            return self._fitted([_outline(message) for message in messages])
        return self._fitted(*self._clean(messages, _messages))

    def tools(self, tools: list[Mapping[str, Any]]) -> Kept:
        """Clean tool definitions. They are the developer's, so mode `metadata` keeps the names."""
        if not tools or self.mode == "off":
            return _NOTHING
        if self.tool_schemas and self.mode != "metadata":
            return self._fitted(*self._clean(tools, _texts))
        return self._fitted(
            [{key: tool[key] for key in ("type", "name") if key in tool} for tool in tools]
        )

    def value(self, value: Any) -> Kept:
        """Clean any value; nothing of it stays in mode `metadata`."""
        if value is None or self.mode in ("off", "metadata"):
            return _NO_VALUE
        return self._fitted(*self._clean(read.plain(value), _texts))

    def context(self, context: CallContext) -> CallContext:
        """Clean what the application said; the variables of a prompt are content like the prompt."""
        wanted = self.mode in ("redacted", "full")
        return dataclasses.replace(
            context,
            metadata={name: self._text(text) for name, text in context.metadata.items()},
            variables={
                name: self._text(text) for name, text in context.variables.items() if wanted
            },
        )

    def labels(self, labels: dict[str, Any]) -> dict[str, Any]:
        """Clean attributes that the application named itself; ours hold no free text."""
        return {
            name: self._text(value)
            if isinstance(value, str) and not name.startswith(_OURS)
            else value
            for name, value in labels.items()
        }

    def _text(self, text: str) -> str:
        return redact.apply(redact.scrub(text[: self.limit]), self.redactors)

    def error(self, error: ErrorInfo) -> ErrorInfo:
        """Messages of exceptions quote prompts: they stay only where content does."""
        if self.mode in ("off", "metadata"):
            return dataclasses.replace(error, message=None)
        if error.message is None:
            return error
        message = redact.apply(
            redact.scrub(error.message[: _MAX_MESSAGE + _MARGIN]), self.redactors
        )
        return dataclasses.replace(error, message=message[:_MAX_MESSAGE])

    def _clean(self, value: Any, walk: _Walk) -> tuple[Any, str | None]:
        """`value` clean but uncut, and its JSON text where that had to be made anyway."""
        longest = self.limit + _MARGIN
        if self.redactors:
            clean = partial(redact.apply, redactors=(redact.scrub, *self.redactors))
            return walk(value, _Texts(clean, longest)), None
        trimmed = walk(value, _Texts(None, longest))
        # Looking once through the JSON is much cheaper than through every string of it.
        encoded = jsonfast.dumps(trimmed)
        if redact.holds_secret(encoded):
            return walk(trimmed, _Texts(redact.scrub, longest)), None
        return trimmed, encoded

    def _fitted(self, value: Any, encoded: str | None = None) -> Kept:
        return Kept(*fit(value, self.limit, encoded))


class _Texts(NamedTuple):
    """What happens to each text: a change, after a first cut to `longest` characters."""

    change: Callable[[str], str] | None
    longest: int

    def of(self, text: str) -> str:
        cut = text if len(text) <= self.longest else text[: self.longest]
        return cut if self.change is None else self.change(cut)


_Walk = Callable[[Any, _Texts], Any]


def _texts(value: Any, texts: _Texts, depth: int = _DEPTH) -> Any:
    """`value` with every text in it changed."""
    if isinstance(value, str):
        return texts.of(value)
    if depth <= 0:
        return read.plain(value, 0)
    if isinstance(value, (list, tuple)):
        return [_texts(item, texts, depth - 1) for item in value]
    if isinstance(value, dict):
        return {key: _texts(item, texts, depth - 1) for key, item in value.items()}
    return value


# What makes a message a message: no text of anybody's, and meaningless when changed.
_STRUCTURE = frozenset({"role", "type", "finish_reason", "modality", "mime_type", "id"})


def _messages(messages: list[Any], texts: _Texts) -> list[Any]:
    """Messages, or system parts, with every text changed but not what holds them together."""
    return [
        _blob(message, texts.longest)
        if message.get("type") == "blob"
        else {key: _member(message, key, texts) for key in message}
        for message in messages
    ]


def _member(message: Mapping[str, Any], key: str, texts: _Texts) -> Any:
    item = message[key]
    if key == "parts":
        return _messages(item, texts)
    return item if key in _STRUCTURE else _texts(item, texts)


def _blob(part: Mapping[str, Any], longest: int) -> dict[str, Any]:
    """A blob is kept whole or not at all; its size says what was there. Base64 is no text to redact."""
    content = part.get("content")
    if isinstance(content, str) and len(content) > longest:
        return {**part, "content": "", "omitted": len(content)}
    return dict(part)


_OUTLINE = ("type", "id", "name", "modality", "mime_type")


def _outline(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message's shape without a word of it; lengths are in characters."""
    if "parts" not in message:
        return _part_outline(message)
    kept: dict[str, Any] = {
        key: message[key] for key in ("role", "finish_reason") if key in message
    }
    kept["parts"] = [_part_outline(part) for part in message["parts"]]
    return kept


def _part_outline(part: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {key: part[key] for key in _OUTLINE if key in part}
    content = part.get("content")
    if isinstance(content, str):
        kept.update(content="", length=len(content))
    return kept
