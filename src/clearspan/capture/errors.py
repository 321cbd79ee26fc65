"""What an exception of the host says, as text: nothing of it is kept alive, and none of its code is run."""

from __future__ import annotations

import builtins
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from types import MemberDescriptorType
from typing import Any

from clearspan.core import jsonfast, read
from clearspan.core.fence import fenced
from clearspan.core.marks import noted
from clearspan.record import ErrorInfo

__all__ = ["describe_error"]

_FRAMES = 32
_ARGUMENTS = 32  # of all exceptions that one was raised with together
_LONGEST = 16_384  # far more than is told of it
_LONGEST_NAME = 256
_CHAIN = 4

# Whose text a library makes of these fields of theirs, and of nothing else.
_FIELDS = {
    ("http.client", "IncompleteRead"): ("partial", "expected"),
    ("ollama._types", "ResponseError"): ("error", "status_code"),
    ("subprocess", "CalledProcessError"): ("returncode", "cmd"),
    ("subprocess", "TimeoutExpired"): ("cmd", "timeout"),
    ("urllib.error", "HTTPError"): ("code", "msg"),
}
_VALIDATION = ("pydantic_core._pydantic_core", "ValidationError")
_SIMPLE = frozenset(map(id, (str, bytes, int, float, bool, type(None))))

# As Python itself keeps them: a class may have properties of those names.
_kept: Any = vars(BaseException)
_cause: Callable[[BaseException], BaseException | None] = _kept["__cause__"].__get__
_traceback: Callable[[BaseException], Any] = _kept["__traceback__"].__get__


def _slots(cls: type) -> tuple[Callable[[Any], Any], ...]:
    """What a built-in class keeps beside its arguments; a group's exceptions are only counted."""
    members = {name: slot for base in cls.__mro__ for name, slot in vars(base).items()}
    return tuple(
        slot.__get__
        for name, slot in members.items()
        if type(slot) is MemberDescriptorType and name != "exceptions"
    )


# Those that have a way of their own of saying what they are, which is Python's.
_BUILT_IN = {
    id(cls): _slots(cls)
    for cls in vars(builtins).values()
    if isinstance(cls, type) and issubclass(cls, BaseException) and "__str__" in vars(cls)
}
_APART_FROM_ARGS = (id(SyntaxError), id(vars(builtins).get("BaseExceptionGroup")))


def describe_error(
    error: BaseException, code: Callable[[BaseException], str | None] | None = None
) -> ErrorInfo:
    """What an exception says, as text: nothing of it is kept alive.

    Frames are listed without their source, which would mean reading files on the caller's thread.
    None is asked for its text whose making might run code of the program's: what it was raised with is told.
    """
    name = qualified(type(error))
    known = fenced("reader.error", code, error) if code is not None else None
    spare = iter(range(_ARGUMENTS))
    message = fenced("recording.error", _message, error, _CHAIN, spare)
    cause = _cause(error)
    return ErrorInfo(
        known or name,
        message or None,
        _frames(error),
        name,
        qualified(type(cause)) if cause is not None else None,
    )


def _message(error: BaseException, chain: int, spare: Iterator[int]) -> str:
    """What it says, or else what it was raised with."""
    if not _may_be_asked(error):
        return _told(error, chain, spare)
    try:
        return _cut(str(error))
    except ValueError:  # a number of more digits than Python prints
        return _told(error, chain, spare)


def _may_be_asked(error: BaseException) -> bool:
    """Whether its text is made of nothing that has code of its own, by Python or a library that is known."""
    kept = _kept_by(error)
    return kept is not None and _SIMPLE.issuperset(map(id, map(type, kept)))


def _kept_by(error: BaseException) -> Iterable[Any] | None:
    """What its text would be made of; `None` where that is not known."""
    maker = read.definer(type(error), "__str__")
    slots = _BUILT_IN.get(id(maker))
    if slots is None and _named(maker) == ("ssl", "SSLError"):
        slots = _BUILT_IN[id(OSError)]
    if slots is not None:
        args = () if id(maker) in _APART_FROM_ARGS else read.raised_with(error)
        return *args, *(slot(error) for slot in slots)
    # A class that inherits from one of those may answer for its fields.
    names = _FIELDS.get(_named(type(error)))
    if names is None:
        return None
    held = read.held(error)
    return [held.get(name, error) for name in names]


def _named(cls: type) -> tuple[str, str]:
    return read.module(cls), read.qualname(cls)


def _told(error: BaseException, chain: int, spare: Iterator[int]) -> str:
    if _named(type(error)) == _VALIDATION:
        return _invalid(error)
    told = [
        _argument(each, chain, spare)
        for each, _ in zip(read.raised_with(error), spare, strict=False)
    ]
    if not told:
        return ""
    one = told[0] if len(told) == 1 else told
    return _cut(one if type(one) is str else jsonfast.dumps(one))


def _invalid(error: Any) -> str:
    """How many of pydantic's checks a value has failed: its own text goes on to print the value."""
    count = error.error_count()
    return _cut(
        f"{count} validation error{'s' if count != 1 else ''} for {read.plain(error.title)}"
    )


def _argument(value: Any, chain: int, spare: Iterator[int]) -> Any:
    """As JSON can hold it; what another exception said, where that was handed on."""
    if issubclass(type(value), BaseException) and chain > 0:
        return _message(value, chain - 1, spare)
    return read.plain(value)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else noted(text[:_LONGEST], len(text) - _LONGEST)


def qualified(cls: type) -> str:
    """The full name of a class; built-in ones go without their module."""
    home, name = read.module(cls), read.qualname(cls)
    return (name if home == "builtins" else f"{home}.{name}")[:_LONGEST_NAME]


def _frames(error: BaseException) -> str | None:
    innermost = deque(traceback.walk_tb(_traceback(error)), _FRAMES)
    lines = [
        f'  File "{frame.f_code.co_filename}", line {line}, in {frame.f_code.co_name}'
        for frame, line in innermost
    ]
    return (
        "\n".join(["Traceback (most recent call last):", *lines, qualified(type(error))])
        if lines
        else None
    )
