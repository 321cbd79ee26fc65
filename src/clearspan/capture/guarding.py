"""Guards around a library's own function: texts are looked at before it runs and after it answered.

This stands below the recording, so that the record tells what the program saw, and needs none: a
guard works as well where nothing is recorded. What guards are is not known here: only their `Warden`.
"""

from __future__ import annotations

import contextvars
import threading
import weakref
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any, Protocol

from clearspan.capture import recording
from clearspan.capture.guarded_streams import Relay, apieces
from clearspan.capture.rewriting import Given
from clearspan.core.fence import caught, fenced
from clearspan.provider import Call, Endpoint, Provider, Slot, Speech

__all__ = ["Warden", "around", "current", "give_back", "lend", "use", "withholds"]


class Warden(Protocol):
    """What is needed of whoever keeps the guards; plans are gone through by `settle` or `asettle`."""

    def withholds(self) -> bool:
        """Whether something may be kept from the program of an answer."""
        ...

    def case(self, operation: str, draft: Any) -> Any:
        """One call, or `None` where it is not to be guarded."""

    def asked(self, case: Any, slots: Sequence[Slot]) -> Generator[Any, Any, Any]:
        """A plan for the texts of a request; its ruling has the new `texts`, or a `stop`."""
        ...

    def answered(self, case: Any, slots: Sequence[Slot]) -> Generator[Any, Any, Any]:
        """A plan for the texts of an answer."""
        ...

    def streamed(
        self, case: Any, read: Callable[[Any], Sequence[Any]], put: Callable[[Any, Any, str], Any]
    ) -> Any:
        """What takes the elements of a stream: `feed(item)` and `end()` are plans for what goes on."""

    def settle(self, plan: Generator[Any, Any, Any]) -> Any:
        """The plan's result, waited for on this thread."""

    async def asettle(self, plan: Generator[Any, Any, Any]) -> Any:
        """The plan's result, waited for on the event loop."""


class _Place:
    """Who guards: the last of `lent`, else the program's own."""

    warden: Warden | None = None
    own: Warden | None = None
    lent: tuple[Warden | None, ...] = ()

    def settle(self) -> None:
        self.warden = self.lent[-1] if self.lent else self.own


_GENERATORS = (GeneratorType, AsyncGeneratorType)
_place = _Place()
_changing = threading.Lock()

# The calls around this one that are guarded already: what they call in turn is part of them.
_inside: contextvars.ContextVar[frozenset[tuple[str, str]]] = contextvars.ContextVar(
    "clearspan_guarded", default=frozenset()
)


def current() -> Warden | None:
    """Who guards; `None` where nobody does."""
    return _place.warden


def use(warden: Warden | None) -> None:
    """Let `warden` guard from now on, unless another is lent; `None` for nobody."""
    with _changing:
        _place.own = warden
        _place.settle()


def lend(warden: Warden | None) -> None:
    """Let `warden` (or nobody) guard until it is given back."""
    with _changing:
        _place.lent = (*_place.lent, warden)
        _place.settle()


def give_back(warden: Warden | None) -> None:
    """End what `lend` began."""
    with _changing:
        lent = list(_place.lent)
        for at in reversed(range(len(lent))):
            if lent[at] is warden:
                del lent[at]
                break
        _place.lent = tuple(lent)
        _place.settle()


def withholds(endpoint: Endpoint) -> bool:
    """Whether a part of what a call of `endpoint` answers may be kept from the program."""
    warden = _place.warden
    return warden is not None and endpoint.speech is not None and warden.withholds()


def around(
    wrapped: Callable[..., Any],
    provider: Provider,
    endpoint: Endpoint,
    instance: Any,
    *,
    waits: bool,
) -> Callable[..., Any]:
    """`wrapped` between the guards; itself where none are. `waits` says that it is no coroutine function."""
    warden, speech = _place.warden, endpoint.speech
    if warden is None or speech is None:
        return wrapped
    made = _Guarding(warden, speech, wrapped, provider, endpoint, instance)
    call = made.call if waits else made.acall

    def guarded(*args: Any, **kwargs: Any) -> Any:
        return call(args, kwargs)

    for name in ("__name__", "__qualname__"):
        known = getattr(wrapped, name, None)
        if isinstance(known, str):
            setattr(guarded, name, known)
    return guarded


@dataclass(slots=True)
class _Case:
    """One call: as the warden knows it, which others are part of it, and its arguments."""

    case: Any
    key: tuple[str, str]
    given: Given
    call: Call
    asynchronous: bool = False


class _Guarding:
    """One function of a library, on one object, between the guards."""

    def __init__(
        self,
        warden: Warden,
        speech: Speech,
        wrapped: Callable[..., Any],
        provider: Provider,
        endpoint: Endpoint,
        instance: Any,
    ) -> None:
        self._warden = warden
        self._speech = speech
        self._wrapped = wrapped
        self._provider = provider
        self._endpoint = endpoint
        self._instance = instance

    # -- the two kinds of functions ------------------------------------------------------------

    def call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A plain function."""
        case = self._open(args, kwargs)
        if case is None:
            return self._wrapped(*args, **kwargs)
        slots, _ = self._asked(case)
        ruling = self._settled(self._warden.asked(case.case, slots))
        if ruling is not None and ruling.stop is not None:
            return self._instead(case, ruling.stop, None)
        self._rewrite(case, slots, ruling)
        token = _inside.set(_inside.get() | {case.key})
        try:
            result = self._wrapped(*case.given.args, **case.given.kwargs)
        finally:
            _inside.reset(token)
        if type(result) is CoroutineType:
            case.asynchronous = True
            return self._arrives(case, result)
        stream = self._stream(case, result)
        if stream is not None:
            return stream
        slots = self._answered(result)
        ruling = self._settled(self._warden.answered(case.case, slots))
        return self._out(case, result, slots, ruling)

    def acall(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A coroutine function: it is called at once, so that wrong arguments are refused as without us."""
        inner = self._wrapped(*args, **kwargs)
        made = self._awaited(inner, args, kwargs)
        if type(inner) is CoroutineType:
            # One that is never awaited is one coroutine to the host, and warns once.
            weakref.finalize(made, inner.close).atexit = False
        return made

    async def _awaited(self, inner: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        case = self._open(args, kwargs)
        if case is None:
            return await inner
        case.asynchronous = True
        slots, read = self._asked(case)
        ruling = await self._asettled(self._warden.asked(case.case, slots))
        if ruling is not None and ruling.stop is not None:
            inner.close()  # it has not begun: nothing of it has run
            return self._instead(case, ruling.stop, None)
        if self._rewrite(case, slots, ruling) or read:
            inner.close()
            inner = self._wrapped(*case.given.args, **case.given.kwargs)
        return await self._arrives(case, inner)

    async def _arrives(self, case: _Case, inner: Any) -> Any:
        token = _inside.set(_inside.get() | {case.key})
        try:
            result = await inner
        finally:
            _inside.reset(token)
        stream = self._stream(case, result)
        if stream is not None:
            return stream
        slots = self._answered(result)
        ruling = await self._asettled(self._warden.answered(case.case, slots))
        return self._out(case, result, slots, ruling)

    # -- plans: where one fails, which is ours, the text passes ---------------------------------

    def _settled(self, plan: Generator[Any, Any, Any]) -> Any:
        return fenced("guard.settle", self._warden.settle, plan)

    async def _asettled(self, plan: Generator[Any, Any, Any]) -> Any:
        try:
            return await self._warden.asettle(plan)
        except Exception as error:  # noqa: BLE001 -- a failure of ours, as in a fence
            caught("guard.settle", error)
            return None

    # -- the parts of a call -------------------------------------------------------------------

    def _open(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Case | None:
        """The call as the guards see it; `None` for one that is part of another, or a guard's own."""
        return fenced("guard.open", self._opened, args, kwargs)

    def _opened(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Case | None:
        endpoint = self._endpoint
        given = Given(args, kwargs, endpoint.positional)
        call = Call(self._instance, args[len(endpoint.positional) :], given.named())
        layer = endpoint.layer if isinstance(endpoint.layer, str) else endpoint.layer(call)
        key = (self._provider.name, layer)
        if key in _inside.get():
            return None
        outer = recording.active()
        draft = outer.told if outer is not None and outer.owner is self._provider else None
        operation = endpoint.operation
        case = self._warden.case(
            operation if isinstance(operation, str) else operation(call), draft
        )
        return None if case is None else _Case(case, key, given, call)

    def _asked(self, case: _Case) -> tuple[list[Slot], bool]:
        """The texts of the request, and whether something had to be read for them that is read once only."""
        read = case.given.read_through(self._speech.once)
        slots = fenced("guard.asked", _listed, self._speech.asked, case.given.named())
        return slots or [], read

    def _rewrite(self, case: _Case, slots: Sequence[Slot], ruling: Any) -> bool:
        """Put in what the guards changed; whether they did."""
        changes = _changes(slots, ruling)
        for path, text in changes:
            case.given.put(path, text)
        return bool(changes)

    def _answered(self, result: Any) -> list[Slot]:
        return fenced("guard.answered", _listed, self._speech.answered, result) or []

    def _out(self, case: _Case, result: Any, slots: Sequence[Slot], ruling: Any) -> Any:
        """What the program gets."""
        if ruling is not None and ruling.stop is not None:
            return self._instead(case, ruling.stop, result)
        for path, text in _changes(slots, ruling):
            result = self._speech.put(result, path, text)
        return result

    def _stream(self, case: _Case, result: Any) -> Any:
        """A stream with the guards in it; `None` for a whole answer."""
        speech, attach, kind = self._speech, self._speech.attach, type(result)
        chunk = speech.chunk
        if chunk is None or (attach is None and kind not in _GENERATORS):
            return None

        def read(item: Any) -> list[Slot]:
            return fenced("guard.chunk", _listed, chunk, item) or []

        def instead(text: str, seen: Sequence[Any]) -> Any:
            pieces = speech.pieces
            return None if pieces is None else fenced("guard.pieces", pieces, case.call, text, seen)

        relay = Relay(self._warden, self._warden.streamed(case.case, read, speech.put), instead)
        if kind is GeneratorType:
            return relay.relay(result)
        if kind is AsyncGeneratorType:
            return relay.arelay(result)
        return (
            result if attach is not None and fenced("guard.attach", attach, result, relay) else None
        )

    def _instead(self, case: _Case, stop: Any, answer: Any) -> Any:
        """The canned reply of the client's own type, where one is wanted and can be; else `Blocked`."""
        made = (
            None
            if stop.reply is None
            else fenced("guard.reply", self._canned, case, stop.reply, answer)
        )
        if made is None:
            raise stop.error
        return made

    def _canned(self, case: _Case, text: str, answer: Any) -> Any:
        speech = self._speech
        if not self._endpoint.streaming(case.call):
            return None if speech.reply is None else speech.reply(case.call, text, answer)
        if speech.streamed is not None:
            return speech.streamed(case.call, text)
        if speech.pieces is None:
            return None
        pieces = list(speech.pieces(case.call, text, ()))
        return apieces(pieces) if case.asynchronous else (piece for piece in pieces)


def _listed(reader: Callable[[Any], Iterable[Any]], source: Any) -> list[Any]:
    return list(reader(source))


def _changes(slots: Sequence[Slot], ruling: Any) -> list[tuple[tuple[str | int, ...], str]]:
    if ruling is None:
        return []
    pairs = zip(slots, ruling.texts, strict=True)
    return [(slot.path, text) for slot, text in pairs if text is not slot.text]
