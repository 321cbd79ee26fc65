"""What the application says about its calls, and whether it wants them recorded.

All of it is local to the task or thread: each block puts a frame on a context variable and takes
exactly its own frame off again, so nothing is left behind and the same object may be entered from
several tasks at once.
"""

from __future__ import annotations

import contextvars
import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, ParamSpec, TypeVar

from clearspan.capture import inlet
from clearspan.capture.scope import Scope
from clearspan.core import read
from clearspan.record import CallContext, TraceRef

__all__ = [
    "Current",
    "carry",
    "context",
    "current",
    "current_context",
    "last_response",
    "silent",
    "suppressed",
]

P = ParamSpec("P")
T = TypeVar("T")

_said: contextvars.ContextVar[_Frame | None] = contextvars.ContextVar(
    "clearspan_context", default=None
)
_silent: contextvars.ContextVar[_Frame | None] = contextvars.ContextVar(
    "clearspan_suppressed", default=None
)
last_response: contextvars.ContextVar[Callable[[], str | None] | None] = contextvars.ContextVar(
    "clearspan_last_response", default=None
)


class _Frame(NamedTuple):
    value: Any
    owner: object
    below: Any
    undo: Callable[[], None] | None = None


def _push(variable: contextvars.ContextVar[_Frame | None], frame: _Frame) -> None:
    variable.set(frame)


def _pop(variable: contextvars.ContextVar[_Frame | None], owner: object) -> None:
    frame = variable.get()
    # Left from another task than it was entered in: there, nothing of ours is on top.
    if frame is not None and frame.owner is owner:
        variable.set(frame.below)
        if frame.undo is not None:
            frame.undo()


class context(Scope):  # noqa: N801 -- used as a statement: `with clearspan.context(...)`
    """Say something about every call made inside: as a block or a decorator, sync or async.

    `session` and `user` are ids of the application's own; `tags` are labels; `metadata` maps names
    to texts; `prompt` is a template's name, or name and version; `variant` maps experiment to arm;
    `variables` are what the template was filled with. Inner blocks add to outer ones and win.
    With `propagate=True`, `session` and `user` go to other processes as baggage
    (`clearspan.session`, `clearspan.user`); by default nothing leaves the process.

    Raises `TypeError` at once for a value of the wrong kind.
    """

    def __init__(
        self,
        *,
        session: str | None = None,
        user: str | None = None,
        tags: Iterable[str] = (),
        metadata: Mapping[str, Any] | None = None,
        prompt: str | tuple[str, str] | None = None,
        variant: Mapping[str, Any] | None = None,
        variables: Mapping[str, Any] | None = None,
        propagate: bool = False,
    ) -> None:
        if isinstance(tags, str):
            raise TypeError("clearspan.context: tags must be a list of texts, not one text")
        self._given = CallContext(
            session=_id("session", session),
            user=_id("user", user),
            tags=tuple(str(tag) for tag in tags),
            metadata=_texts(metadata),
            prompt=(prompt, None) if isinstance(prompt, str) else prompt,
            variant=_texts(variant),
            variables=_texts(variables),
        )
        self._propagate = propagate

    def enter(self) -> None:
        """Begin the block here."""
        below = _said.get()
        value = self._given if below is None else _merged(below.value, self._given)
        listener = inlet.current()
        undo = None
        if self._propagate and listener is not None:
            sent = {"session": self._given.session, "user": self._given.user}
            undo = listener.propagate(
                {name: item for name, item in sent.items() if item is not None}
            )
        _push(_said, _Frame(value, self, below, undo))

    def leave(self) -> None:
        """End the block."""
        _pop(_said, self)


class suppressed(Scope):  # noqa: N801 -- used as a statement: `with clearspan.suppressed()`
    """Record nothing inside: as a block or a decorator, sync or async."""

    def enter(self) -> None:
        """Begin the block here."""
        _push(_silent, _Frame(True, self, _silent.get()))

    def leave(self) -> None:
        """End the block."""
        _pop(_silent, self)


def silent() -> bool:
    """Whether a `suppressed` block is around."""
    return _silent.get() is not None


def current_context() -> CallContext | None:
    """What the blocks around said, with what came from upstream underneath."""
    frame = _said.get()
    listener = inlet.current()
    received = listener.received() if listener is not None else None
    if not received:
        return None if frame is None else frame.value
    upstream = CallContext(session=received.get("session"), user=received.get("user"))
    return upstream if frame is None else _merged(upstream, frame.value)


class Current(NamedTuple):
    """Where the program is: ids in lower-case hex, and the last model call's response id."""

    trace_id: str | None
    span_id: str | None
    traceparent: str | None
    response_id: str | None


def current() -> Current:
    """The active span's ids, its W3C traceparent, and the id of the last response in this context.

    Each is `None` when there is none. The response id is what a front end hands back as feedback.
    """
    listener = inlet.current()
    here: TraceRef | None = listener.here() if listener is not None else None
    known = last_response.get()
    response_id = known() if known is not None else None
    if here is None:
        return Current(None, None, None, response_id)
    traceparent = f"00-{here.trace_id}-{here.span_id}-{'01' if here.sampled else '00'}"
    return Current(here.trace_id, here.span_id, traceparent, response_id)


def carry(function: Callable[P, T]) -> Callable[P, T]:
    """Bind the current context to `function`, for a thread pool or another loop.

    Threads start with an empty context; what is carried keeps its parent span, session and tags.
    """
    held = contextvars.copy_context()

    def carried(*args: P.args, **kwargs: P.kwargs) -> T:
        # A context cannot be entered twice at once, so each call runs in a copy of its own.
        return held.copy().run(function, *args, **kwargs)

    return carried


def _merged(outer: CallContext, inner: CallContext) -> CallContext:
    return dataclasses.replace(
        inner,
        session=inner.session or outer.session,
        user=inner.user or outer.user,
        tags=tuple(dict.fromkeys((*outer.tags, *inner.tags))),
        metadata={**outer.metadata, **inner.metadata},
        prompt=inner.prompt or outer.prompt,
        variant={**outer.variant, **inner.variant},
        variables={**outer.variables, **inner.variables},
    )


def _id(name: str, value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise TypeError(f"clearspan.context: {name} must be a text, not {type(value).__name__}")


def _texts(given: Mapping[str, Any] | None) -> dict[str, str]:
    return {
        str(key): value if isinstance(value, str) else str(read.plain(value))
        for key, value in (given or {}).items()
    }
