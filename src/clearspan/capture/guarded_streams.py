"""Streams between guards: elements go on when they may, and the library's own stream is closed when none may."""

from __future__ import annotations

import sys
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Generator,
    Iterable,
    Iterator,
    Sequence,
)
from typing import Any

from clearspan.core import read
from clearspan.core.fence import caught, fenced

__all__ = ["Relay", "apieces"]


class Relay:
    """Fulfils `provider.Tap` for one stream. `instead(text, seen)` makes the elements of a canned reply.

    `failed()` is told of a failure of ours, and answers with a stop where that may let nothing pass.
    `refused()` answers with a stop where something that was to be changed cannot be. `whole(item)` is what the program gets of an answer that stands for itself.
    """

    def __init__(
        self,
        warden: Any,
        chain: Any,
        instead: Callable[[str, Sequence[Any]], Iterable[Any] | None],
        failed: Callable[[], Any],
        refused: Callable[[], Any],
        whole: Callable[[Any], Any],
    ) -> None:
        self._warden = warden
        self._chain = chain
        self._instead = instead
        self._failed = failed
        self._refused = refused
        self.whole = whole
        self._first: Any = None
        self._item: Any = None
        self._last: Any = None
        self._owner: tuple[object, str] | None = None

    def relay(self, iterator: Iterator[Any]) -> Generator[Any, Any, Any]:
        """`iterator` with what the guards let go on."""
        return _like(self._pass(iterator), iterator)  # type: ignore[no-any-return]  # the generator itself

    def arelay(self, iterator: AsyncIterator[Any]) -> AsyncGenerator[Any, Any]:
        """The same for an asynchronous iterator."""
        return _like(self._apass(iterator), iterator)  # type: ignore[no-any-return]  # the generator itself

    def closing(self, owner: object, method: str) -> None:
        """How the stream is closed from outside."""
        self._owner = owner, method

    def watch(self, owner: object) -> None:
        """Whoever drops it drops us."""

    def result(self, value: Any) -> None:
        """An answer after all: whoever reads it has it from elsewhere."""

    def _pass(self, iterator: Iterator[Any]) -> Generator[Any, Any, None]:
        chain: Any = self._chain
        try:
            while chain.stop is None:
                try:
                    item = next(iterator)
                except StopIteration:
                    break
                except Exception:  # the host's: it goes on once what came before it is out
                    yield from self._settled(chain.end())
                    self._blocked()
                    raise
                yield from self._settled(chain.feed(item), item)
            if chain.stop is None:
                yield from self._settled(chain.end())
            if chain.stop is not None:
                if self._owner is not None:
                    getattr(*self._owner)()
                _close(iterator)
                yield from self._said()
        finally:
            chain.leave()
            _close(iterator)

    async def _apass(self, iterator: AsyncIterator[Any]) -> AsyncGenerator[Any, None]:
        chain: Any = self._chain
        try:
            while chain.stop is None:
                try:
                    item = await _step(iterator)
                except StopAsyncIteration:
                    break
                except Exception:  # as above, the host's
                    for held in await self._asettled(chain.end()):
                        yield held
                    self._blocked()
                    raise
                for held in await self._asettled(chain.feed(item), item):
                    yield held
            if chain.stop is None:
                for held in await self._asettled(chain.end()):
                    yield held
            if chain.stop is not None:
                if self._owner is not None:
                    await getattr(*self._owner)()
                await _aclose(iterator)
                for held in self._said():
                    yield held
        finally:
            chain.leave()
            await _aclose(iterator)

    def _blocked(self) -> None:
        stop = self._chain.stop
        if stop is not None:
            raise stop.error from None

    def _said(self) -> Iterable[Any]:
        """What is said in place of the rest; raises `Blocked` where nothing is."""
        stop = self._chain.stop
        seen = [each for each in (self._first, self._item, self._last) if each is not None]
        made = None if stop.reply is None else self._instead(stop.reply, seen)
        if made is None:
            raise stop.error
        return made

    def _settled(self, plan: Generator[Any, Any, Any], *given: Any) -> list[Any]:
        gone = fenced("guard.stream", self._warden.settle, plan)
        return self._noted(self._unheld(given) if gone is None else gone)

    async def _asettled(self, plan: Generator[Any, Any, Any], *given: Any) -> list[Any]:
        try:
            gone = await self._warden.asettle(plan)
        except Exception as error:  # noqa: BLE001 -- a failure of ours, as in a fence
            caught("guard.stream", error)
            gone = self._unheld(given)
        return self._noted(gone)

    def _unheld(self, given: tuple[Any, ...]) -> list[Any]:
        """All that is held, and what was just to be: a failure of ours keeps nothing back, where it need not."""
        stop = self._failed()
        if stop is not None:
            self._chain.stop = stop
            return []
        rest: list[Any] = self._chain.rest()
        return [*rest, *(item for item in given if not any(item is held for held in rest))]

    def _noted(self, gone: list[Any]) -> list[Any]:
        """What goes on; the first of it is kept, the last that has an `item`, and the last."""
        stop = self._refused()
        if stop is not None:
            self._chain.stop = stop
            return []
        for each in gone:
            self._first = each if self._first is None else self._first
            self._item = each if read.get(each, "item") is not None else self._item
            self._last = each
        return gone


def apieces(pieces: Iterable[Any]) -> AsyncGenerator[Any, None]:
    """Elements of a canned reply as an asynchronous stream."""
    return _aiter(pieces)


async def _aiter(pieces: Iterable[Any]) -> AsyncGenerator[Any, None]:
    for piece in pieces:
        yield piece


def _like(made: Any, iterator: Any) -> Any:
    for name in ("__name__", "__qualname__"):
        setattr(made, name, getattr(iterator, name, getattr(made, name)))
    return made


def _step(iterator: AsyncIterator[Any]) -> Any:
    """Its next step. Of a generator that is ours to close the event loop is not told: two closing one fail."""
    if not isinstance(iterator, AsyncGenerator):
        return iterator.__anext__()
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, None)
    try:
        return iterator.__anext__()
    finally:
        sys.set_asyncgen_hooks(*hooks)


def _close(iterator: Any) -> None:
    if isinstance(iterator, Generator):
        iterator.close()


async def _aclose(iterator: Any) -> None:
    if isinstance(iterator, AsyncGenerator):
        await iterator.aclose()
