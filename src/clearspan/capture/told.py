"""The draft that an application writes itself: whatever it is told, it neither raises nor loses the record.

What can be made into the right kind of value is; the rest is left out, and counted as a failure inside clearspan.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar, TypeVar, cast

from clearspan.capture.context import context
from clearspan.capture.errors import describe_error
from clearspan.choice import Choice, messages_of
from clearspan.core import read
from clearspan.core.fence import caught, fenced
from clearspan.draft import Draft
from clearspan.record import OTHER, CallContext, ErrorInfo, Message, Outcome, Part, TokenScore

__all__ = ["Told", "new_told", "word"]

T = TypeVar("T")


_DEPTH, _BREADTH = 16, 10_000
_PACKAGE = __name__.partition(".")[0]


def word(value: object) -> str | None:
    """A name, given as a text or a number. Raises `TypeError` for anything else."""
    if value is None or issubclass(type(value), str):
        return read.text(value)
    plain = read.plain(value)
    if type(plain) is int or type(plain) is float or (type(plain) is str and read.text(value)):
        return str(plain)
    raise TypeError("no name")


def _whole(value: object) -> int | None:
    return _known(value, read.whole)


def _count(value: object) -> int:
    return _known(value, read.count) or 0


def _number(value: object) -> float | None:
    return _known(value, read.number)


def _known(value: object, reader: Callable[[Any], T | None]) -> T | None:
    """What `reader` makes of a value that was given; a `TypeError`, which is counted, where it is nothing."""
    found = None if value is None else reader(value)
    if found is None and value is not None:
        raise TypeError("no number")
    return found


def _index(choice: object) -> int:
    return read.whole(choice) or 0


def _key(key: object) -> object:
    """What tells parts apart: a scalar, or what is told of something else."""
    if key is None or type(key) is str or type(key) is int:
        return key
    return str(read.plain(key))


def _mapping(value: object) -> dict[str, Any]:
    given: Any = value
    if read.fields(value) is None and issubclass(type(value), Mapping):
        given = dict(given)
    plain = read.plain(given, _DEPTH, _BREADTH)
    if type(plain) is not dict:
        raise TypeError("no mapping")
    return plain


def _several(given: Any) -> Iterator[Any]:
    """The elements of what should be a list of something; one thing counts as one, what is no list as nothing."""
    if issubclass(type(given), (str, Mapping)) or read.fields(given) is not None:
        yield given
    elif issubclass(type(given), Iterable):
        yield from given


def _messages(given: Any) -> Iterator[Any]:
    for one in _several(given):
        if issubclass(type(one), str):
            yield str.__str__(one)
        elif issubclass(type(one), Mapping) or read.fields(one) is not None:
            yield _mapping(one)


def _reasons(value: object) -> list[str] | None:
    return None if value is None else [found for one in _several(value) if (found := word(one))]


def _flag(value: object) -> bool:
    if type(value) is not bool:
        raise TypeError("neither true nor false")
    return value


def _outcome(value: object) -> Outcome | None:
    return None if value is None else Outcome(word(value))


def _error(value: object) -> ErrorInfo | None:
    """What an exception says; a text may be a type or a message, and is kept where it can be either."""
    if value is None:
        return None
    if issubclass(type(value), BaseException):
        return describe_error(cast("BaseException", value))
    if type(value) is ErrorInfo:
        told = value.message, value.stacktrace, value.exception, value.cause
        return ErrorInfo(word(value.type) or OTHER, *map(read.text, told))
    said = word(value)
    return ErrorInfo(said or OTHER, said)


def _params(value: object) -> dict[str, Any]:
    return {name: each for name, each in _mapping(value).items() if each is not None}


def _extras(value: object) -> dict[str, Any]:
    told = Draft(OTHER)
    for name, each in _mapping(value).items():
        told.extra(name or OTHER, each)
    return told.extras


def _parts(value: object) -> list[Part]:
    return [
        {"type": "text", "content": one} if type(one) is str else cast("Part", one)
        for one in _messages(value)
    ]


def _context(value: object) -> CallContext | None:
    """By the rules of the block that says the same."""
    if value is None:
        return None
    given = read.fields(value)
    if given is None:
        raise TypeError("no context")
    return context(**given)._given  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # its checks are those meant


_READERS: dict[str, Callable[[object], Any]] = {
    "content": _flag,
    "context": _context,
    "error": _error,
    "extras": _extras,
    "finish_reasons": _reasons,
    "input_messages": lambda value: list(messages_of(_messages(value))),
    "operation": lambda value: word(value) or OTHER,
    "outcome": _outcome,
    "params": _params,
    "server_port": _whole,
    "system_parts": _parts,
    **dict.fromkeys(("inference_calls", "tool_calls"), _count),
    **dict.fromkeys(("input_value", "output_value"), read.plain),
    **dict.fromkeys(
        ("model", "name", "provider", "response_id", "response_model", "server_address"), word
    ),
}
"""The fields that an application may assign to, and what makes of its values those of the right kind."""

_CHOICE_READERS: dict[str, Callable[[object], Any]] = {
    "finish": word,
    "role": lambda value: word(value) or "assistant",
}
"""The same of one answer."""


def _assign(told: Any, name: str, reader: Callable[[object], Any], value: object) -> None:
    """An error is also how it ended, as it is where `Draft.fail` tells of one."""
    made = reader(value)
    object.__setattr__(told, name, made)
    if type(made) is ErrorInfo:
        told.outcome = Outcome.FAILED


class _Told:
    """What an application assigns is read, where it may assign; what clearspan does, a hundred times a call, is not."""

    __slots__ = ()
    _what: ClassVar[str]
    _readers: ClassVar[Mapping[str, Callable[[object], Any]]]

    def __setattr__(self, name: str, value: Any) -> None:
        if _is_ours():
            object.__setattr__(self, name, value)
            return
        site = f"{self._what}.{name}"
        try:
            reader = _reader(self._readers, name)
        except AttributeError as error:  # there is no such field
            caught(site, error)
        else:
            fenced(site, _assign, self, name, reader, value)

    def __delattr__(self, name: str) -> None:
        caught(f"{self._what}.{name}", AttributeError(name))


def _is_ours() -> bool:
    """Whether clearspan's own code stands two calls up: it knows what it assigns."""
    name = sys._getframe(2).f_globals.get("__name__")  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # Python's way
    return type(name) is str and name.partition(".")[0] == _PACKAGE


def _reader(readers: Mapping[str, Callable[[object], Any]], name: str) -> Callable[[object], Any]:
    """Raises `AttributeError` for what an application has no say in: any other value there might cost the record."""
    found = readers.get(name)
    if found is None:
        raise AttributeError(name)
    return found


def new_told(operation: str, kind: str = "client", **fields: Any) -> Told:
    """A draft for an application; `fields` are what it said of it beforehand, of whatever kind."""
    made = Draft(operation, kind=kind)
    # Only now, as a hundred assignments of ours are not the application's.
    made.__class__ = Told
    draft = cast("Told", made)
    for name, value in fields.items():
        if value is not None:
            fenced(f"draft.{name}", _assign, draft, name, _READERS[name], value)
    return draft


class Told(_Told, Draft):
    """A `Draft` in the hands of an application."""

    __slots__ = ()
    _what = "draft"
    _readers = _READERS

    def set(self, **params: Any) -> None:
        """See `Draft.set`."""
        fenced("draft.set", lambda: Draft.set(self, **_mapping(params)))

    def extra(self, name: str, value: Any) -> None:
        """See `Draft.extra`."""
        fenced("draft.extra", lambda: Draft.extra(self, word(name) or OTHER, value))

    def input(self, messages: str | Message | Iterable[str | Message]) -> None:
        """See `Draft.input`."""
        fenced("draft.input", lambda: Draft.input(self, _messages(messages)))

    def system(self, text: str) -> None:
        """See `Draft.system`."""
        fenced("draft.system", lambda: Draft.system(self, read.text(text) or ""))

    def tools(self, definitions: Iterable[Mapping[str, Any]]) -> None:
        """See `Draft.tools`."""
        fenced("draft.tools", lambda: Draft.tools(self, map(_mapping, _several(definitions))))

    def value(self, given: Any = None, made: Any = None) -> None:
        """See `Draft.value`."""
        fenced("draft.value", lambda: Draft.value(self, read.plain(given), read.plain(made)))

    def text(self, piece: str | None, choice: int = 0, key: object = None) -> None:
        """See `Draft.text`."""
        fenced("draft.text", lambda: Draft.text(self, read.text(piece), _index(choice), _key(key)))

    def reasoning(self, piece: str | None, choice: int = 0, key: object = None) -> None:
        """See `Draft.reasoning`."""
        fenced(
            "draft.reasoning",
            lambda: Draft.reasoning(self, read.text(piece), _index(choice), _key(key)),
        )

    def refusal(self, piece: str | None, choice: int = 0, key: object = None) -> None:
        """See `Draft.refusal`."""
        fenced(
            "draft.refusal",
            lambda: Draft.refusal(self, read.text(piece), _index(choice), _key(key)),
        )

    def tool_call(
        self,
        choice: int = 0,
        key: object = 0,
        *,
        id: str | None = None,  # noqa: A002 -- the conventions' name
        name: str | None = None,
        arguments: Any = None,
    ) -> None:
        """See `Draft.tool_call`."""

        def told() -> None:
            given = read.plain(arguments, _DEPTH, _BREADTH)
            Draft.tool_call(
                self, _index(choice), _key(key), id=word(id), name=word(name), arguments=given
            )

        fenced("draft.tool_call", told)

    def audio(
        self, data: str | None = None, transcript: str | None = None, choice: int = 0
    ) -> None:
        """See `Draft.audio`."""
        fenced(
            "draft.audio",
            lambda: Draft.audio(self, read.text(data), read.text(transcript), _index(choice)),
        )

    def logprobs(self, tokens: Iterable[TokenScore], choice: int = 0) -> None:
        """See `Draft.logprobs`."""

        def told() -> None:
            known = [one for one in _several(tokens) if type(one) is TokenScore]
            Draft.logprobs(self, known, _index(choice))

        fenced("draft.logprobs", told)

    def part(self, part: Mapping[str, Any], choice: int = 0, key: object = None) -> None:
        """See `Draft.part`."""
        fenced("draft.part", lambda: Draft.part(self, _mapping(part), _index(choice), _key(key)))

    def finish(self, reason: str | None, choice: int = 0) -> None:
        """See `Draft.finish`."""
        fenced("draft.finish", lambda: Draft.finish(self, word(reason), _index(choice)))

    def choice(self, index: int) -> Choice:
        """See `Draft.choice`."""
        answer = super().choice(_index(index))
        if not _is_ours():  # else what it is told has been read
            answer.__class__ = _ToldChoice
        return answer

    def usage(self, **counts: int | str | None) -> None:
        """See `Draft.usage`."""

        def told() -> None:
            known = {
                name: value if type(value) is int else read.text(value)
                for name, value in counts.items()
            }
            Draft.usage(self, **known)

        fenced("draft.usage", told)

    def fail(self, error_type: str, message: str | None = None) -> None:
        """See `Draft.fail`."""
        kind = fenced("draft.fail", word, error_type)
        fenced("draft.fail", lambda: Draft.fail(self, kind or OTHER, read.text(message)))

    def stamp(self, at: float, *, content: bool) -> None:
        """See `Draft.stamp`."""
        known = fenced("draft.stamp", _number, at)
        if known is not None:
            fenced("draft.stamp", lambda: Draft.stamp(self, known, content=content is True))

    def phase(self, name: str, seconds: float | None) -> None:
        """See `Draft.phase`."""
        fenced("draft.phase", lambda: Draft.phase(self, word(name) or OTHER, _number(seconds)))


class _ToldChoice(_Told, Choice):
    """A `Choice` in the hands of an application."""

    __slots__ = ()
    _what = "choice"
    _readers = _CHOICE_READERS

    def piece(self, kind: str, text: str, key: object) -> None:
        """See `Choice.piece`."""

        def told() -> None:
            if said := word(text):
                Choice.piece(self, word(kind) or OTHER, said, _key(key))

        fenced("choice.piece", told)

    def tool(self, key: object, call_id: str | None, name: str | None, arguments: Any) -> None:
        """See `Choice.tool`."""

        def told() -> None:
            given = read.plain(arguments, _DEPTH, _BREADTH)
            Choice.tool(self, _key(key), word(call_id), word(name), given)

        fenced("choice.tool", told)

    def sound(self, data: str | None, transcript: str | None) -> None:
        """See `Choice.sound`."""
        fenced("choice.sound", lambda: Choice.sound(self, read.text(data), read.text(transcript)))

    def whole(self, part: Mapping[str, Any], key: object) -> None:
        """See `Choice.whole`."""
        fenced("choice.whole", lambda: Choice.whole(self, _mapping(part), _key(key)))

    def drop(self, key: tuple[object, object]) -> None:
        """See `Choice.drop`."""
        fenced("choice.drop", Choice.drop, self, key)
