"""What the application says about its calls, and whether it wants them recorded.

All of it is local to the task or thread, nothing is left behind, and the same object may be entered
from several tasks at once.
"""

from __future__ import annotations

import contextvars
import dataclasses
import functools
import inspect
from collections.abc import Callable, Coroutine, Generator, Iterable, Mapping
from typing import Any, NamedTuple, ParamSpec, TypeVar

from clearspan.capture import inlet
from clearspan.capture.blocks import Blocks, Entered
from clearspan.capture.scope import Scope
from clearspan.core import jsonfast, read
from clearspan.core.fence import fenced
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

last_response: contextvars.ContextVar[Callable[[], str | None] | None] = contextvars.ContextVar(
    "clearspan_last_response", default=None
)


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
        self._given = CallContext(
            session=_id("session", session),
            user=_id("user", user),
            tags=_tags(tags),
            metadata=_texts("metadata", metadata),
            prompt=_prompt(prompt),
            variant=_texts("variant", variant),
            variables=_texts("variables", variables),
        )
        self._propagate = propagate
        self._entered: Entered[CallContext] = Entered()

    def enter(self) -> None:
        """Begin the block here."""
        listener = inlet.current()
        undo = None
        if self._propagate and listener is not None:
            sent = {"session": self._given.session, "user": self._given.user}
            kept = {name: item for name, item in sent.items() if item is not None}
            undo = fenced("inlet.propagate", listener.propagate, kept)
        _said.push(self._entered, self._given, undo)

    def leave(self) -> None:
        """End the block."""
        _said.pop(self._entered)


class suppressed(Scope):  # noqa: N801 -- used as a statement: `with clearspan.suppressed()`
    """Record nothing inside: as a block or a decorator, sync or async."""

    def __init__(self) -> None:
        self._entered: Entered[bool] = Entered()

    def enter(self) -> None:
        """Begin the block here."""
        _silent.push(self._entered, True)

    def leave(self) -> None:
        """End the block."""
        _silent.pop(self._entered)


def silent() -> bool:
    """Whether a `suppressed` block is around."""
    return _silent.any()


def current_context() -> CallContext | None:
    """What the blocks around said, with what came from upstream underneath."""
    said = _said.whole()
    listener = inlet.current()
    received = listener.received() if listener is not None else None
    if not received:
        return said
    upstream = CallContext(session=received.get("session"), user=received.get("user"))
    return upstream if said is None else _merged(upstream, said)


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
    here: TraceRef | None = None
    if listener is not None:
        here = fenced("inlet.here", listener.here)
    known = last_response.get()
    response_id = fenced("reader.response_id", known) if known is not None else None
    if here is None:
        return Current(None, None, None, response_id)
    traceparent = f"00-{here.trace_id}-{here.span_id}-{'01' if here.sampled else '00'}"
    return Current(here.trace_id, here.span_id, traceparent, response_id)


def carry(function: Callable[P, T]) -> Callable[P, T]:
    """Bind the current context to `function`, for a thread pool or another loop.

    Threads start with an empty context; what is carried keeps its parent span, session and tags.
    The body of a coroutine function runs in the carried context too, in whichever task awaits it.
    """
    held = contextvars.copy_context()

    # A context cannot be entered twice at once, so each call runs in a copy of its own.
    @functools.wraps(function)
    def carried(*args: P.args, **kwargs: P.kwargs) -> T:
        return held.copy().run(function, *args, **kwargs)

    @functools.wraps(function)
    async def carried_async(*args: P.args, **kwargs: P.kwargs) -> Any:
        context = held.copy()
        coroutine: Any = context.run(function, *args, **kwargs)
        return await _Inside(coroutine, context)

    if inspect.iscoroutinefunction(function):
        return carried_async  # type: ignore[return-value]  # T is its coroutine
    return carried


class _Inside:
    """Awaits a coroutine whose every step runs in a context that is not the task's own."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], context: contextvars.Context) -> None:
        self._coroutine = coroutine
        self._context = context

    def __await__(self) -> Generator[Any, Any, Any]:
        run, coroutine = self._context.run, self._coroutine
        step: Callable[[], Any] = functools.partial(coroutine.send, None)
        while True:
            try:
                waited_for = run(step)
            except StopIteration as stop:
                return stop.value
            try:
                sent = yield waited_for
            except BaseException as error:  # noqa: BLE001 -- not held back: it is thrown into the coroutine
                step = functools.partial(coroutine.throw, error)
            else:
                step = functools.partial(coroutine.send, sent)


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


def _tags(given: object) -> tuple[str, ...]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise TypeError("clearspan.context: tags must be a list of texts")
    return tuple(str(tag) for tag in given)


def _prompt(given: object) -> tuple[str, str | None] | None:
    """A template's name, or its name and version; a version may be a number."""
    if given is None:
        return None
    if isinstance(given, str):
        return given, None
    if isinstance(given, tuple) and len(given) == 2 and isinstance(given[0], str):
        return given[0], _id("prompt", given[1])
    raise TypeError("clearspan.context: prompt must be a name, or a name and a version")


def _texts(name: str, given: object) -> dict[str, str]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise TypeError(f"clearspan.context: {name} must be a mapping, not {type(given).__name__}")
    return {
        str(key): value if isinstance(value, str) else jsonfast.dumps(read.plain(value))
        for key, value in given.items()
        if value is not None
    }


_said: Blocks[CallContext] = Blocks("clearspan_context", _merged)
_silent: Blocks[bool] = Blocks("clearspan_suppressed", lambda outer, inner: inner)
