"""The tokens of a request and of an answer, by the rules that OpenAI publishes for chats.

A message costs three tokens beside its role and content, a name one beside itself, and three more
lead up to the answer; models that think take one less of those (measured). Tools and the form of
an answer are published as estimates only. Recordings show that the token which ends a message is
reported as one of the answer by gpt-4.1-mini, by all models where tools are offered, and always by
the Responses API.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from clearspan.core import jsonfast, read
from clearspan.figures.tokens import functions, pictures
from clearspan.figures.tokens.models import Model, Tiles
from clearspan.figures.tokens.request import Asked
from clearspan.record import Message, Part

__all__ = ["Count", "Unknown", "answered", "embedded", "prompted", "told"]

_MESSAGE = 3
_NAME = 1
_LEAD = 3
_PREAMBLE = 62  # what servers of gpt-oss put before every conversation, as recordings show
_CALL = 7  # around the name and the arguments of a call, as recordings show
_SCHEMA = 3
_SPOKEN = ("text", "refusal", "suffix")
_ANY_SIZE = (1, 1)


class Unknown(Exception):
    """Nobody but the provider can tell how many tokens that is."""


class Count(NamedTuple):
    """So many tokens; exact as far as the rules go, or only about so many."""

    tokens: int
    exact: bool


class _Tally:
    """Adds up."""

    def __init__(self, encode: Callable[[str], int], model: Model) -> None:
        self.encode, self.model = encode, model
        self.unthought = False
        self.tokens = 0
        self.exact = True

    def text(self, text: str) -> None:
        self.tokens += self.encode(text)

    def about(self, text: str, more: int = 0) -> None:
        self.tokens += self.encode(text) + more
        self.exact = False

    @property
    def count(self) -> Count:
        return Count(self.tokens, self.exact)


def prompted(asked: Asked, encode: Callable[[str], int], model: Model) -> Count:
    """The tokens of a chat's request. Raises `Unknown` for what has no published rule."""
    tally = _Tally(encode, model)
    tally.unthought = model.encoding is not None  # OpenAI's models are not told what they thought
    details = _details(asked)
    for part in asked.system:
        tally.tokens += _MESSAGE + encode("system")
        _part(tally, part, details)
    for message in asked.messages:
        _message(tally, message, details)
    if asked.tools:
        tally.tokens += functions.tokens(asked.tools, encode, model.encoding)
        tally.exact = False
    if asked.structured:
        tally.about(asked.schema, _SCHEMA if asked.schema else 0)
    if model.encoding == "o200k_harmony":
        tally.about("", _PREAMBLE)
    tally.tokens += _LEAD - 1 if model.hides else _LEAD
    return tally.count


def told(asked: Asked, encode: Callable[[str], int], model: Model) -> Count:
    """The tokens of a bare prompt, or of several."""
    tally = _Tally(encode, model)
    parts = [part for message in asked.messages for part in message.get("parts", ())]
    for part in (*asked.system, *parts):
        _part(tally, part, iter(()))
    return tally.count


def embedded(asked: Asked, encode: Callable[[str], int], model: Model) -> Count:
    """The tokens of texts to embed; a list of numbers is a text as its tokens."""
    tally = _Tally(encode, model)
    texts = [asked.value] if read.text(asked.value) else read.items(asked.value)
    for text in texts:
        words = read.text(text)
        if words is None:
            raise Unknown
        tally.text(words)
    return tally.count


def answered(
    answers: list[Message], encode: Callable[[str], int], model: Model, *, ended: bool
) -> Count:
    """The tokens of all answers; `ended` where the one answer came to its own end and that counts."""
    tally = _Tally(encode, model)
    for part in (part for answer in answers for part in answer.get("parts", ())):
        if part.get("type", "") in ("blob", "uri", "file"):
            raise Unknown  # sound and pictures: no rule says what they cost
        _part(tally, part, iter(()))
    tally.tokens += ended
    if model.hides:
        tally.exact = False  # what stands between its thoughts and its answer is reported as well
    return tally.count


def _message(tally: _Tally, message: Message, details: Iterator[str | None]) -> None:
    tally.tokens += _MESSAGE
    tally.text(message.get("role", "user"))
    name = message.get("name")
    if name:
        tally.tokens += _NAME
        tally.text(name)
    for part in message.get("parts", ()):
        _part(tally, part, details)


def _part(tally: _Tally, part: Part, details: Iterator[str | None]) -> None:
    kind = part.get("type", "")
    if kind in _SPOKEN:
        tally.text(_words(part.get("content")))
    elif kind == "reasoning":
        tally.about("" if tally.unthought else _words(part.get("content")))
    elif kind == "tool_call":
        tally.about(part.get("name", ""), _CALL)
        tally.about(_words(part.get("arguments")))
    elif kind == "tool_call_response":
        _response(tally, part.get("response"))
    elif part.get("modality") == "image":
        _picture(tally, part, next(details, None))
    else:
        raise Unknown


def _response(tally: _Tally, response: Any) -> None:
    """What a tool gave: a text or some JSON, or content parts, of which only texts can be counted."""
    parts = [item for item in read.items(response) if read.text(item, "type")]
    if not parts:
        tally.about(_words(response))
    for part in parts:
        text = read.text(part, "text")
        if text is None:
            raise Unknown
        tally.about(text)


def _words(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else jsonfast.dumps(value)


def _picture(tally: _Tally, part: Part, detail: str | None) -> None:
    rule = tally.model.pictures
    if rule is None:
        raise Unknown
    shown = pictures.size(part.get("content", "")) if part.get("type", "") == "blob" else None
    if shown is None and detail == "low" and isinstance(rule, Tiles):
        shown = _ANY_SIZE
    if shown is None:
        raise Unknown  # behind an address: small or large, which may be five times as much
    tally.about("", pictures.tokens(rule, shown, detail))


def _details(asked: Asked) -> Iterator[str | None]:
    """The details of the pictures, where it is certain which belongs to which."""
    parts = [part for message in asked.messages for part in message.get("parts", ())]
    shown = sum(part.get("modality") == "image" for part in parts)
    return iter(asked.details if shown == len(asked.details) else ())
