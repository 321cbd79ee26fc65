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
from clearspan.response import ResponseRef

__all__ = [
    "Current",
    "above",
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

last_response: contextvars.ContextVar[ResponseRef | None] = contextvars.ContextVar(
    "clearspan_last_response", default=None
)


class context(Scope):  # noqa: N801 -- used as a statement: `with clearspan.context(...)`
    """Say something about every call made inside: as a block or a decorator, sync or async.

    `session` and `user` are ids of the application's own; `tags` are labels; `metadata` maps names
    to texts; `prompt` is a template's name, or name and version; `variant` maps experiment to arm;
    `variables` are what the template was filled with. For evaluators: `documents` are the texts that answers are to
    rest on, `references` the answers that would be right. Inner blocks add to outer ones and win.
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
        documents: str | Iterable[str] = (),
        references: str | Iterable[str] = (),
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
            documents=_several("documents", documents),
            references=_several("references", references),
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


def above(received: Mapping[str, str], said: CallContext | None) -> CallContext:
    """What was said, with what came from upstream underneath."""
    upstream = CallContext(session=received.get("session"), user=received.get("user"))
    return upstream if said is None else _merged(upstream, said)


class _Here(NamedTuple):
    trace_id: str | None
    span_id: str | None
    traceparent: str | None
    response_id: str | None


class Current(_Here):
    """Where the program is: a tuple of `trace_id`, `span_id`, `traceparent` and `response_id`, ids in lower-case hex.

    The first three are the active span's, the response's id is of the last model call. Beside the tuple stand that
    call's own `last_trace_id`, `last_span_id` and `last_traceparent`, which there are for every provider.
    """

    last_trace_id: str | None = None
    last_span_id: str | None = None
    last_traceparent: str | None = None


def current() -> Current:
    """The active span's ids and W3C traceparent, and of the last model call in this context the same and its response's id.

    Each is `None` when there is none. The response id, or `last_traceparent` where the provider gives none, is
    what a front end hands back as feedback.
    """
    listener = inlet.current()
    here: TraceRef | None = None
    if listener is not None:
        here = fenced("inlet.here", listener.here)
    known = last_response.get()
    if known is None:
        return Current(*_ids(here), None)
    found = Current(*_ids(here), fenced("reader.response_id", known.id))
    found.last_trace_id, found.last_span_id, found.last_traceparent = _ids(known.trace)
    return found


def _ids(trace: TraceRef | None) -> tuple[str | None, str | None, str | None]:
    """The trace's id, the span's, and both as W3C Trace Context writes them."""
    if trace is None:
        return None, None, None
    flags = "01" if trace.sampled else "00"
    return trace.trace_id, trace.span_id, f"00-{trace.trace_id}-{trace.span_id}-{flags}"


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
        documents=inner.documents or outer.documents,
        references=inner.references or outer.references,
    )


def _id(name: str, value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise TypeError(f"clearspan.context: {name} must be a text, not {type(value).__name__}")


def _several(name: str, given: object) -> tuple[str, ...]:
    texts: Any = (given,) if isinstance(given, str) else given
    if not isinstance(texts, Iterable):
        raise TypeError(f"clearspan.context: {name} must be a text or texts, not {type(given).__name__}")  # fmt: skip
    found: tuple[Any, ...] = tuple(texts)
    if not all(isinstance(text, str) for text in found):
        raise TypeError(f"clearspan.context: {name} must be texts")
    return found


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

silent: Callable[[], bool] = _silent.any
"""Whether a `suppressed` block is around."""
current_context: Callable[[], CallContext | None] = _said.whole
"""What the blocks around said."""
