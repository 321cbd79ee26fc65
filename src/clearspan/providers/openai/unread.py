"""Answers in streaming mode: their body is still to be read, and it is the caller's to read."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

from clearspan.provider import Tap
from clearspan.providers.openai import passing
from clearspan.providers.openai.raw import alone

__all__ = ["Unread"]


class Unread:
    """One such answer, with the methods replaced through which its body can be read.

    The caller may read the body whole, take it piece by piece, parse it as a stream of events, or
    leave it. Nothing is read for him, and pieces are counted and not kept.
    """

    __slots__ = ("_answer", "_idle", "_put", "_response", "_streams", "_tap")

    def __init__(self, answer: Any, tap: Tap) -> None:
        # It is held so that whoever keeps only the stream keeps the answer: it is watched.
        self._answer = answer
        self._tap = tap
        self._idle = True
        self._response = vars(answer)["http_response"]
        self._streams: list[Any] = []
        self._put: list[tuple[Any, str, Any]] = []

    def attach(self) -> None:
        """Begin to listen: for what its owner reads, closes or drops."""
        answer, response = self._answer, self._response
        if inspect.iscoroutinefunction(type(answer).parse):
            self._replace(response, "aread", self._aread)
            self._replace(response, "aiter_raw", self._aiter)
            self._replace(answer, "parse", self._aparse)
            self._tap.closing(response, "aclose")
        else:
            self._replace(response, "read", self._read)
            self._replace(response, "iter_raw", self._iter)
            self._replace(answer, "parse", self._parse)
            self._tap.closing(response, "close")
        self._tap.watch(answer)

    def _replace(self, owner: Any, name: str, around: Callable[[Any], Any]) -> None:
        mine = around(getattr(owner, name))
        setattr(owner, name, mine)
        self._put.append((owner, name, mine))

    def _over(self) -> None:
        """The body was read: hand the answer over, and take back what stands in its way."""
        self._tap.result(alone(self._response))
        for owner, name, mine in self._put:
            if vars(owner).get(name) is mine:
                delattr(owner, name)
        self._put.clear()

    def _parsed(self, found: Any) -> Any:
        if "_iterator" in getattr(found, "__dict__", ()) and not any(
            found is known for known in self._streams
        ):
            self._streams.append(found)
            self._idle = False
            passing.relay(found, self._tap)
        return found

    def _parse(self, inner: Callable[..., Any]) -> Callable[..., Any]:
        def parse(*args: Any, **kwargs: Any) -> Any:
            return self._parsed(inner(*args, **kwargs))

        return parse

    def _aparse(self, inner: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def parse(*args: Any, **kwargs: Any) -> Any:
            return self._parsed(await inner(*args, **kwargs))

        return parse

    # Reading whole is a stream without elements: it ends well, fails or is cancelled like one.

    def _read(self, inner: Callable[[], bytes]) -> Callable[[], bytes]:
        def whole(read: list[bytes]) -> Iterator[None]:
            read.append(inner())
            self._over()
            yield from ()

        def read() -> bytes:
            if not self._idle:
                return inner()
            self._idle, content = False, list[bytes]()
            list(self._tap.relay(whole(content)))
            return content[0]

        return read

    def _aread(self, inner: Callable[[], Awaitable[bytes]]) -> Callable[[], Awaitable[bytes]]:
        async def aread() -> bytes:
            if not self._idle:
                return await inner()
            self._idle, whole = False, _Whole(inner, self._over)
            [None async for _ in self._tap.arelay(whole)]
            return whole.content

        return aread

    def _iter(self, inner: Callable[..., Iterator[bytes]]) -> Callable[..., Iterator[bytes]]:
        def iter_raw(*args: Any, **kwargs: Any) -> Iterator[bytes]:
            pieces = inner(*args, **kwargs)
            return passing.pieces(pieces, self._tap) if self._idle else pieces

        return iter_raw

    def _aiter(
        self, inner: Callable[..., AsyncGenerator[bytes, None]]
    ) -> Callable[..., AsyncIterator[bytes]]:
        def aiter_raw(*args: Any, **kwargs: Any) -> AsyncIterator[bytes]:
            pieces = inner(*args, **kwargs)
            return passing.AsyncPieces(pieces, self._tap) if self._idle else pieces

        return aiter_raw


class _Whole:
    """One asynchronous reading as an iterator that has nothing to give."""

    __slots__ = ("_inner", "_over", "content")

    def __init__(self, inner: Callable[[], Awaitable[bytes]], over: Callable[[], None]) -> None:
        self._inner = inner
        self._over = over
        self.content = b""

    def __aiter__(self) -> _Whole:
        return self

    async def __anext__(self) -> None:
        self.content = await self._inner()
        self._over()
        raise StopAsyncIteration
