"""Recording: one operation while it is going on, from its first argument to its last chunk."""

from __future__ import annotations

import contextvars
import time
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any

from clearspan.capture.context import above, current_context, last_response, silent
from clearspan.capture.errors import describe_error
from clearspan.capture.inlet import Inlet, place
from clearspan.capture.wrapper import Wrapper
from clearspan.core import observe
from clearspan.core.dropped import apart
from clearspan.core.fence import fenced
from clearspan.core.tape import FEW, Taping
from clearspan.draft import Draft
from clearspan.provider import Endpoint
from clearspan.record import ErrorInfo, Operation, Outcome
from clearspan.response import ResponseRef
from clearspan.semconv import AGENT_NAME

__all__ = ["Recording", "active", "begin", "below", "describe_error", "is_inference", "start"]

_INFERENCE = (Operation.CHAT, Operation.TEXT_COMPLETION, Operation.GENERATE_CONTENT)
_FAMILIES: dict[str, str] = {
    **dict.fromkeys(_INFERENCE, "inference"),
    Operation.EMBEDDINGS: "embeddings",
}

_active: contextvars.ContextVar[Recording | None] = contextvars.ContextVar(
    "clearspan_active", default=None
)


def active() -> Recording | None:
    """The innermost operation whose code is running here.

    One that has ended does not count: a task that it started, and that outlives it, is on its own.
    """
    found = _active.get()
    return None if found is None or found.done else found


def is_inference(operation: str) -> bool:
    """Whether a model is asked for an answer, as against vectors, a tool or a step."""
    return operation in _INFERENCE


def start(draft: Draft, owner: object = None) -> Recording | None:
    """Begin recording `draft`; `None` when nobody listens or the context asks for silence."""
    return below(active(), draft, owner)


def below(outer: Recording | None, draft: Draft, owner: object = None) -> Recording | None:
    """The same below `outer`, the operation that is active here."""
    inlet = place.current
    if inlet is None or silent():
        return None
    if outer is not None and owner is not None and outer.absorbs(draft):
        return _Inner(draft, inlet, owner, outer)
    return Recording(draft, inlet, owner) if _opened(draft, inlet, outer) else None


def begin(draft: Draft) -> Inlet | None:
    """Open `draft` below the operation that is active; answers where it will have to be closed."""
    inlet = place.current
    if inlet is None or silent() or not _opened(draft, inlet, active()):
        return None
    return inlet


def _opened(draft: Draft, inlet: Inlet, outer: Recording | None) -> bool:
    draft.context = current_context()
    if not inlet.open(draft):
        return False
    if draft.received:
        merged = fenced("context.above", above, draft.received, draft.context)
        draft.context = merged or draft.context
    if outer is not None:
        _count(draft, outer.draft)
    return True


def _count(draft: Draft, outer: Draft) -> None:
    """Tell the agent around, if any, what it does itself; a sub-agent's doings are its own."""
    draft.agent = outer if outer.operation == Operation.INVOKE_AGENT else outer.agent
    if draft.agent is not None:
        if draft.operation in _INFERENCE:
            draft.agent.inference_calls += 1
        elif draft.operation == Operation.EXECUTE_TOOL:
            draft.agent.tool_calls += 1
            draft.extra(AGENT_NAME, draft.agent.name)


class Recording:
    """Fulfils `observe.Recording` and `provider.Tap` over one Draft."""

    __slots__ = (
        "_inner", "_late", "_more", "left", "_done", "_finalizer", "inlet", "_stream",
        "_undo", "draft", "error_code", "hides", "owner", "__weakref__",
    )  # fmt: skip

    def __init__(self, draft: Draft, inlet: Inlet, owner: object = None) -> None:
        self.draft = draft
        self.owner = owner
        self.error_code: Callable[[BaseException], str | None] | None = None
        self.hides: Callable[[Any], bool] | None = None
        self.inlet = inlet
        self._done = False
        self._more = FEW
        self._inner: Recording | None = None
        self._late = False
        self.left: Any = None
        self._undo: list[Callable[[], object]] = []
        self._stream: weakref.ref[Any] | None = None
        self._finalizer: weakref.finalize[Any, Any] | None = None

    # -- observe.Recording ---------------------------------------------------------------------

    def attach(self) -> Any:
        """Make this operation the active one."""
        if self._finalizer is not None:
            # What was watched has begun to run, so that it will see its own end.
            self._finalizer.detach()
            self._finalizer = None
        self.left = None
        return self.inlet.attach(self.draft), _active.set(self)

    def detach(self, token: Any) -> None:
        """Undo `attach`; where others that began later are still inside, as soon as they are not."""
        self.left = token
        innermost = _active.get()
        while innermost is not None and innermost.left is not None:
            token, innermost.left = innermost.left, None
            try:
                _active.reset(token[1])
            except ValueError:
                return  # another context than it began in (a coroutine closed by the collector)
            innermost.inlet.detach(token[0])
            innermost = _active.get()

    def returned(self, value: Any) -> Any:
        """Follow a stream, or take the value as the answer."""
        kind = type(value)
        endpoint: Endpoint = self.draft.endpoint
        generator = kind is GeneratorType or kind is AsyncGeneratorType
        if kind is CoroutineType or (endpoint.stepped and generator):
            return self.driven(value)
        if endpoint.follow is not None and fenced("recording.follow", endpoint.follow, value, self):
            if not self._done:
                self._remember()
            return value
        if kind is GeneratorType:
            self._remember()
            return self.relay(value)
        if kind is AsyncGeneratorType:
            self._remember()
            return self.arelay(value)
        self.result(value)
        return value

    def driven(self, value: Any) -> Any:
        """Drive a coroutine or generator; one that is dropped before its first step is abandoned."""
        return observe.follow(value, self)

    def chunk(self, item: Any) -> bool | None:
        """Note a chunk and when it came; batches are handed on so that none lives for long.

        True for one that the program has not asked for.
        """
        self.draft.unread.add(time.perf_counter(), item)
        self._more -= 1
        if self._more <= 0:
            self._more = self._hand_on() or FEW
        return self.hides is not None and fenced("reader.hides", self.hides, item)

    def _hand_on(self) -> int | None:
        return fenced("inlet.chunks", self.inlet.chunks, self.draft)

    def ended(self, outcome: Outcome, error: BaseException | None = None) -> None:
        """Close the record; only the first end counts."""
        if self._done:
            return
        if self._inner is not None and not self._inner.done and outcome is Outcome.COMPLETED:
            self._late = True  # a decorated function handed on a stream that is still being read
            return
        self._done = True
        fenced("recording.ended", self._conclude, outcome, error)
        if self.draft.end_ns < self.draft.start_ns:  # that failed: now, by the clock, will do
            self.draft.end_ns = max(time.time_ns(), self.draft.start_ns)
        self._close()

    def _conclude(self, outcome: Outcome, error: BaseException | None) -> None:
        """Take down how and when it ended, and let go of what was watched."""
        draft = self.draft
        draft.outcome = draft.outcome or outcome
        draft.end_ns = draft.start_ns + int((time.perf_counter() - draft.started_at) * 1e9)
        if self._finalizer is not None:
            self._finalizer.detach()
        while self._undo:
            fenced("recording.undo", self._undo.pop())
        if error is not None and outcome is Outcome.FAILED:
            described = fenced("recording.error", describe_error, error, self.error_code)
            draft.error = described or ErrorInfo(type(error).__name__)

    def _close(self) -> None:
        fenced("inlet.close", self.inlet.close, self.draft)

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self._done

    @property
    def told(self) -> Draft:
        """The draft of the record that tells of this call."""
        return self.draft

    def absorbs(self, draft: Draft) -> bool:
        """Whether `draft` is this same inference, one layer further down.

        That is so for the first call of a client inside a decorated model call: further ones are
        calls of their own, so that each call's usage is told once.
        """
        family = _FAMILIES.get(draft.operation)
        same = family is not None and family == _FAMILIES.get(self.draft.operation)
        return same and self.owner is None and self._inner is None and not self._done

    def take_in(self, inner: _Inner) -> None:
        """Let `inner` tell what it knows to this record."""
        self._inner = inner
        self.draft.inner = inner.draft

    def inner_ended(self, inner: Draft) -> None:
        """What this record waited for has happened."""
        if self._late:
            self.draft.error = self.draft.error or inner.error
            self.ended(inner.outcome or Outcome.COMPLETED)

    # -- provider.Tap --------------------------------------------------------------------------

    def relay(self, iterator: Iterator[Any]) -> Iterator[Any]:
        """`iterator` with every element noted as it goes by."""
        endpoint: Endpoint = self.draft.endpoint
        if endpoint.stepped:
            made = observe.step((item for item in iterator), self)
        else:
            made = observe.relay(iterator, self, lazy=endpoint.lazy, taping=self._taping())
        relayed: Iterator[Any] = self._listening(made, iterator)
        return relayed

    def arelay(self, iterator: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """The same for an asynchronous iterator."""
        made = observe.arelay(iterator, self, lazy=self.draft.endpoint.lazy, taping=self._taping())
        relayed: AsyncIterator[Any] = self._listening(made, iterator)
        return relayed

    def _taping(self) -> Taping | None:
        """Where elements are noted without us; what hides some of them is asked about each."""
        return self.draft.unread.taping(self._hand_on) if self.hides is None else None

    def _listening(self, stream: Any, iterator: Any) -> Any:
        stream.__name__ = getattr(iterator, "__name__", stream.__name__)
        stream.__qualname__ = getattr(iterator, "__qualname__", stream.__qualname__)
        # Weakly: the generator's frame holds this recording, and a circle would delay its end.
        # With a callback, which has nothing to do: such references are cleared before what is garbage is closed.
        self._stream = weakref.ref(stream, _gone)
        return stream

    def closing(self, owner: object, method: str) -> None:
        """End the record when `owner.method()` is called from outside the stream itself."""
        before = vars(owner).get(method)
        inner = before if before is not None else getattr(type(owner), method)

        def close(
            wrapped: Callable[..., Any],
            instance: Any,
            args: tuple[Any, ...],
            kwargs: dict[str, Any],
        ) -> Any:
            del instance
            fenced("recording.closed", self._closed)
            return wrapped(*args, **kwargs)

        # It pickles and copies as the method does, so that its owner still can be.
        closed: Any = Wrapper(inner, close)
        closed = closed if before is not None else closed.__get__(owner, type(owner))

        def undo() -> None:
            found = known()
            # By its way of closing: what is bound to the owner would keep that alive from here.
            mine = (
                None if found is None else getattr(vars(found).get(method), "_self_wrapper", None)
            )
            if mine is not close:
                return  # gone, or somebody else's in the meantime
            if before is None:
                delattr(found, method)
            else:
                setattr(found, method, before)

        known = weakref.ref(owner)
        setattr(owner, method, closed)
        # What holds itself would be collected late only, and needs no ear any more.
        self._undo.append(undo)

    def _closed(self) -> None:
        if self._reading():
            return
        if self._stream is not None and self._stream() is None:
            apart(self, Outcome.ABANDONED)
        else:
            self.ended(Outcome.CLOSED)

    def _reading(self) -> bool:
        """Whether the stream is just being read: then it knows better than we why it is closed."""
        stream = self._stream() if self._stream is not None else None
        return bool(getattr(stream, "gi_running", False) or getattr(stream, "ag_running", False))

    def watch(self, owner: object) -> None:
        """End the record when `owner` is collected without having been read or closed."""
        if self._finalizer is None and self._stream is None:  # a stream of ours tells by itself
            self._finalizer = weakref.finalize(owner, apart, self, Outcome.ABANDONED)
            self._finalizer.atexit = (
                False  # at exit the runtime ends what is open, within its deadline
            )

    def result(self, value: Any) -> None:
        """The answer; the operation is complete."""
        endpoint: Endpoint = self.draft.endpoint
        brief = None if endpoint.brief is None else fenced("reader.brief", endpoint.brief, value)
        self.draft.result = value if brief is None else brief
        transport = self.draft.transport
        if transport is not None and transport.pop("http_response", None) is not None:
            # It was there should the client find fault with it; an answer that holds it weighs it.
            self.draft.weight -= transport.pop("weight", 0)
        self._remember()
        self.ended(Outcome.COMPLETED)

    def _remember(self) -> None:
        """Let `clearspan.current()` find this response, whose id is read when somebody asks."""
        if _FAMILIES.get(self.draft.operation) == "inference":
            told = self._inner.draft.ref if self._inner is not None else None
            self.draft.ref = told or ResponseRef(self.draft, self.told.place)
            last_response.set(self.draft.ref)


class _Inner(Recording):
    """A call that is part of the inference recorded around it: no span and no points of its own."""

    __slots__ = ("_outer",)

    def __init__(self, draft: Draft, inlet: Inlet, owner: object, outer: Recording) -> None:
        super().__init__(draft, inlet, owner)
        self._outer = outer
        around = outer.draft
        draft.content, draft.keeps, draft.recording = around.content, around.keeps, around.recording
        draft.wants = around.wants
        draft.start_ns, draft.started_at = time.time_ns(), time.perf_counter()
        outer.take_in(self)
        fenced("inlet.joined", inlet.joined, draft)

    @property
    def told(self) -> Draft:
        return self._outer.told

    def _close(self) -> None:
        fenced("inlet.parted", self.inlet.parted, self.draft)
        self._outer.inner_ended(self.draft)


def _gone(stream: object) -> None:
    """Nobody holds `stream`: it is asked about where that matters."""
