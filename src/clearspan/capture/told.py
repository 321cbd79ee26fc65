"""The draft that an application writes itself: whatever it is told, it neither raises nor loses the record.

What can be made into the right kind of value is; the rest is left out, and counted as a failure inside clearspan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar, cast

from clearspan.choice import Choice
from clearspan.core import read
from clearspan.core.fence import caught, fenced
from clearspan.draft import Draft
from clearspan.record import OTHER, Message, TokenScore

__all__ = ["Told", "new_told", "word"]

T = TypeVar("T")


_DEPTH, _BREADTH = 16, 10_000


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


_READERS: dict[str, Callable[[object], Any]] = {
    "finish_reasons": _reasons,
    "operation": lambda value: word(value) or OTHER,
    "server_port": _whole,
    **dict.fromkeys(
        ("model", "name", "provider", "response_id", "response_model", "server_address"), word
    ),
}
"""What of the fields an application assigns to, which clearspan does not, has to be of a kind."""


def new_told(operation: str, kind: str = "client", **fields: Any) -> Told:
    """A draft for an application; `fields` are what it said of it beforehand, of whatever kind."""
    made = Draft(operation, kind=kind)
    # Only now, as a hundred assignments of ours are not the application's.
    made.__class__ = Told
    draft = cast("Told", made)
    for name, value in fields.items():
        if value is not None:
            setattr(draft, name, value)
    return draft


class Told(Draft):
    """A `Draft` in the hands of an application."""

    __slots__ = ()

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _READERS:
            fenced(f"draft.{name}", self._assign, name, value)
            return
        try:
            object.__setattr__(self, name, value)
        except AttributeError as error:  # there is no such field
            caught(f"draft.{name}", error)

    def _assign(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, _READERS[name](value))

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
        return super().choice(_index(index))

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
