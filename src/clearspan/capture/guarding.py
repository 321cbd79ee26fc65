"""Guards around a library's own function: texts are looked at before it runs and after it answered.

This stands below the recording, so that the record tells what the program saw, and needs none: a
guard works as well where nothing is recorded. What guards are is not known here: only their `Warden`.
"""

from __future__ import annotations

import contextvars
import weakref
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any, NoReturn, TypeVar

from clearspan.capture import recording
from clearspan.capture.guarded_streams import Relay, apieces
from clearspan.capture.rewriting import Given
from clearspan.capture.wardens import Warden, current, give_back, lend, use
from clearspan.core import read
from clearspan.core.fence import caught, fenced
from clearspan.core.unseen import UNSEEN
from clearspan.provider import Call, Endpoint, Provider, Slot, Speech

__all__ = ["Warden", "around", "current", "give_back", "lend", "use", "withholds"]


T = TypeVar("T")


_GENERATORS = (GeneratorType, AsyncGeneratorType)
# The calls around this one that are guarded already: what they call in turn is part of them.
_inside: contextvars.ContextVar[frozenset[tuple[str, str]]] = contextvars.ContextVar(
    "clearspan_guarded", default=frozenset()
)


def withholds(endpoint: Endpoint) -> bool:
    """Whether a part of what a call of `endpoint` answers may be kept from the program."""
    warden = current()
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
    warden, speech = current(), endpoint.speech
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
        ruling = self._settled(case, "input", self._warden.asked(case.case, slots))
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
        slots = self._answered(case, result)
        ruling = self._settled(case, "output", self._warden.answered(case.case, slots))
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
        try:
            case, stop, again = await self._before(args, kwargs)
        except BaseException:  # whatever ends it, it ends before the call has begun
            _drop(inner)
            raise
        if case is None:
            return await inner
        if stop is not None:
            _drop(inner)
            return self._instead(case, stop, None)
        if again:
            _drop(inner)
            inner = self._wrapped(*case.given.args, **case.given.kwargs)
        return await self._arrives(case, inner)

    async def _before(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[_Case | None, Any, bool]:
        """What comes of the request: whether it stops there, and whether it is another one now."""
        case = self._open(args, kwargs)
        if case is None:
            return None, None, False
        case.asynchronous = True
        slots, read = self._asked(case)
        ruling = await self._asettled(case, "input", self._warden.asked(case.case, slots))
        if ruling is not None and ruling.stop is not None:
            return case, ruling.stop, False
        return case, None, self._rewrite(case, slots, ruling) or read

    async def _arrives(self, case: _Case, inner: Any) -> Any:
        token = _inside.set(_inside.get() | {case.key})
        try:
            result = await inner
        finally:
            _inside.reset(token)
        stream = self._stream(case, result)
        if stream is not None:
            return stream
        slots = self._answered(case, result)
        ruling = await self._asettled(case, "output", self._warden.answered(case.case, slots))
        return self._out(case, result, slots, ruling)

    # -- what fails of ours: the text passes, but for a guard that does not fail open ------------

    def _settled(self, case: _Case, phase: str, plan: Generator[Any, Any, Any]) -> Any:
        return self._tried("guard.settle", case, phase, self._warden.settle, plan)

    async def _asettled(self, case: _Case, phase: str, plan: Generator[Any, Any, Any]) -> Any:
        try:
            return await self._warden.asettle(plan)
        except Exception as error:  # noqa: BLE001 -- a failure of ours, as in a fence
            self._lost("guard.settle", case, phase, error)
            return None

    def _tried(self, site: str, case: _Case | None, phase: str, function: Callable[..., T], *given: Any) -> T | None:  # fmt: skip
        try:
            return function(*given)
        except Exception as error:  # noqa: BLE001 -- a failure of ours, as in a fence
            self._lost(site, case, phase, error)
            return None

    def _lost(self, site: str, case: _Case | None, phase: str, error: Exception) -> None:
        """Raises `Blocked` where a guard of the phase wants that."""
        caught(site, error)
        stop = self._failed(case, phase)
        if stop is not None:
            raise stop.error from None

    def _failed(self, case: _Case | None, phase: str) -> Any:
        operation = self._endpoint.operation
        named = operation if isinstance(operation, str) else self._provider.name
        inner = None if case is None else case.case
        return fenced("guard.failed", self._warden.failed, inner, named, phase)

    def _refuse(self, case: _Case, phase: str, site: str, error: Exception) -> NoReturn:
        """What is to be taken out stands where nothing can be changed."""
        caught(site, error)
        raise self._warden.refused(case.case, phase).error from None

    # -- the parts of a call -------------------------------------------------------------------

    def _open(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Case | None:
        """The call as the guards see it; `None` for one that is part of another, or a guard's own."""
        return self._tried("guard.open", None, "input", self._opened, args, kwargs)

    def _opened(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Case | None:
        endpoint = self._endpoint
        given = Given(args, kwargs, endpoint.positional)
        named = given.named()
        call = Call(self._instance, args[len(endpoint.positional) :], named)
        layer = endpoint.layer if isinstance(endpoint.layer, str) else endpoint.layer(call)
        key = (self._provider.name, layer)
        if key in _inside.get():
            return None
        outer = recording.active()
        draft = outer.told if outer is not None and outer.owner is self._provider else None
        operation = endpoint.operation
        said = operation if isinstance(operation, str) else operation(call)
        model = read.text(named, "model") or read.text(named, "json", "model")
        case = self._warden.case(said, draft, self._provider.name, model)
        return None if case is None else _Case(case, key, given, call)

    def _asked(self, case: _Case) -> tuple[list[Slot], bool]:
        """The texts of the request, and whether something had to be read for them that is read once only."""
        read = case.given.read_through(self._speech.once)
        named = case.given.named()
        slots = self._tried("guard.asked", case, "input", _listed, self._speech.asked, named)
        return slots or [], read

    def _rewrite(self, case: _Case, slots: Sequence[Slot], ruling: Any) -> bool:
        """Put in what the guards changed; whether they did."""
        changes = _changes(slots, ruling)
        for path, text in changes:
            try:
                case.given.put(path, text)
            except Exception as error:  # noqa: BLE001 -- a class of anybody's, which may refuse to be changed
                self._refuse(case, "input", "guard.rewrite", error)
        return bool(changes)

    def _answered(self, case: _Case, result: Any) -> list[Slot]:
        reader = self._speech.answered
        return self._tried("guard.answered", case, "output", _listed, reader, result) or []

    def _out(self, case: _Case, result: Any, slots: Sequence[Slot], ruling: Any) -> Any:
        """What the program gets."""
        if ruling is not None and ruling.stop is not None:
            return self._instead(case, ruling.stop, result)
        for path, text in _changes(slots, ruling):
            try:
                result = self._speech.put(result, path, text)
            except Exception as error:  # noqa: BLE001 -- as above
                self._refuse(case, "output", "guard.put", error)
        return result

    def _stream(self, case: _Case, result: Any) -> Any:
        """A stream with the guards in it; `None` for a whole answer."""
        speech, attach, kind = self._speech, self._speech.attach, type(result)
        chunk = speech.chunk
        if chunk is None or (attach is None and kind not in _GENERATORS):
            return None

        def read(item: Any) -> list[Slot]:
            slots = fenced("guard.chunk", _listed, chunk, item)
            return [Slot(UNSEEN, role="assistant")] if slots is None else slots

        def instead(text: str, seen: Sequence[Any]) -> Any:
            pieces = speech.pieces
            return None if pieces is None else fenced("guard.pieces", pieces, case.call, text, seen)

        def failed() -> Any:
            return self._failed(case, "output")

        chain = self._warden.streamed(case.case, read, speech.put)
        relay = Relay(self._warden, chain, instead, failed)
        if kind is GeneratorType:
            return relay.relay(result)
        if kind is AsyncGeneratorType:
            return relay.arelay(result)
        if attach is not None and self._tried("guard.attach", case, "output", attach, result, relay):  # fmt: skip
            return result
        return None

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


def _drop(inner: Any) -> None:
    """Let go what has not begun: nothing of it has run."""
    if type(inner) is CoroutineType:
        inner.close()


def _listed(reader: Callable[[Any], Iterable[Any]], source: Any) -> list[Any]:
    return list(reader(source))


def _changes(slots: Sequence[Slot], ruling: Any) -> list[tuple[tuple[str | int, ...], str]]:
    if ruling is None:
        return []
    pairs = zip(slots, ruling.texts, strict=True)
    return [(slot.path, text) for slot, text in pairs if text is not slot.text]
