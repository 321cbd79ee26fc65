"""Guards around a library's own function: texts are looked at before it runs and after it answered.

This stands below the recording, so that the record tells what the program saw, and needs none: a
guard works as well where nothing is recorded. What guards are is not known here: only their `Warden`.
"""

from __future__ import annotations

import contextvars
import weakref
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any, NoReturn, TypeVar

from clearspan.capture import recording
from clearspan.capture.guarded_records import unsent, withheld
from clearspan.capture.guarded_streams import Relay, apieces
from clearspan.capture.rewriting import Given
from clearspan.capture.wardens import Warden, current, give_back, lend, use
from clearspan.core import read
from clearspan.core.fence import caught, fenced
from clearspan.core.unseen import UNSEEN
from clearspan.draft import Draft
from clearspan.provider import Call, Endpoint, Provider, Slot, Speech, Unfit

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
    """One call: as the warden knows it, which others are part of it, its arguments, and its record if it has one."""

    case: Any
    key: tuple[str, str]
    given: Given
    call: Call
    draft: Draft | None
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
        stop = self._elsewhere(case)
        if stop is not None:
            return self._instead(case, stop, None)
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
        apart = None if self._speech.apart is None else fenced("guard.apart", self._speech.apart, case.call, result)  # fmt: skip
        if apart is None:
            return self._whole(case, result)
        result[:] = [self._whole(replace(case, call=each), part) for each, part in zip(apart, result, strict=True)]  # fmt: skip
        return result

    def _whole(self, case: _Case, result: Any) -> Any:
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
        if not isinstance(error, Unfit):
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
        mine = outer if outer is not None and outer.owner is self._provider else None
        told = None if mine is None else mine.told
        operation = endpoint.operation
        said = operation if isinstance(operation, str) else operation(call)
        model = read.text(named, "model") or read.text(named, "json", "model")
        case = self._warden.case(said, told, self._provider.name, model)
        own = None if mine is None else mine.draft
        return None if case is None else _Case(case, key, given, call, own)

    def _elsewhere(self, case: _Case) -> Any:
        """The stop of a call whose answer goes where no guard can look at it, where one does not allow that."""
        ask = self._speech.elsewhere
        if ask is None or not fenced("guard.elsewhere", ask, case.call):
            return None
        unseen = [Slot(UNSEEN, role="assistant")]
        ruling = self._settled(case, "output", self._warden.answered(case.case, unseen))
        return None if ruling is None else ruling.stop

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
                result = self._put(case)(result, path, text)
            except Exception as error:  # noqa: BLE001 -- as above
                self._refuse(case, "output", "guard.put", error)
        return result

    def _put(self, case: _Case) -> Callable[[Any, Any, str], Any]:
        """How a text of the answer is changed."""
        puts = self._speech.puts
        found = None if puts is None else fenced("guard.puts", puts, case.call)
        return self._speech.put if found is None else found

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
            return (
                None
                if pieces is None
                else fenced("guard.pieces", _made, pieces, case.call, text, seen)
            )

        def failed() -> Any:
            return self._failed(case, "output")

        own, unfit = self._put(case), list[Unfit]()

        def put(item: Any, path: Any, text: str) -> Any:
            try:
                return own(item, path, text)
            except Unfit as error:
                unfit.append(error)
                return item  # which goes no further

        def refused() -> Any:
            return self._warden.refused(case.case, "output") if unfit else None

        chain = self._warden.streamed(case.case, read, put)
        whole = partial(self._whole, case)
        relay = Relay(self._warden, chain, instead, failed, refused, whole)
        if kind is GeneratorType:
            return relay.relay(result)
        if kind is AsyncGeneratorType:
            return relay.arelay(result)
        if attach is not None and self._tried("guard.attach", case, "output", attach, result, relay):  # fmt: skip
            return result
        return None

    def _instead(self, case: _Case, stop: Any, answer: Any) -> Any:
        """The canned reply of the client's own type, where one is wanted and can be; else `Blocked`."""
        if answer is None:
            fenced("guard.unsent", unsent, case.draft)
        made = (
            None
            if stop.reply is None
            else fenced("guard.reply", self._canned, case, stop.reply, answer)
        )
        if made is None:
            fenced("guard.withheld", withheld, case.draft, answer)
            raise stop.error
        return made

    def _canned(self, case: _Case, text: str, answer: Any) -> Any:
        speech = self._speech
        if not self._endpoint.streaming(case.call):
            return None if speech.reply is None else speech.reply(case.call, text, answer)
        if speech.streamed is not None:
            return speech.streamed(case.call, text)
        pieces = None if speech.pieces is None else _made(speech.pieces, case.call, text, ())
        if pieces is None:
            return None
        return apieces(pieces) if case.asynchronous else (piece for piece in pieces)


def _drop(inner: Any) -> None:
    """Let go what has not begun: nothing of it has run."""
    if type(inner) is CoroutineType:
        inner.close()


def _made(pieces: Callable[..., Iterable[Any] | None], *given: Any) -> list[Any] | None:
    """The elements of a canned reply: whatever fails does so here."""
    made = pieces(*given)
    return None if made is None else list(made)


def _listed(reader: Callable[[Any], Iterable[Any]], source: Any) -> list[Any]:
    return list(reader(source))


def _changes(slots: Sequence[Slot], ruling: Any) -> list[tuple[tuple[str | int, ...], str]]:
    if ruling is None:
        return []
    pairs = zip(slots, ruling.texts, strict=True)
    return [(slot.path, text) for slot, text in pairs if text is not slot.text]
