"""Following what is read later: streams, and answers whose body the caller reads.

The caller keeps the very object that the client made. Of a stream the inner iterator is replaced
in place; of an unread answer, the methods of that one HTTP response that read it are.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

from clearspan.core import jsonfast
from clearspan.provider import Tap

__all__ = ["body", "follow"]

_NOTHING: tuple[None, ...] = ()


def body(result: Any) -> Any:
    """The answer to read: what a raw response holds, if it was read, else the result itself."""
    held = getattr(result, "__dict__", None)
    if not isinstance(held, dict) or "http_response" not in held:
        return result
    response = held["http_response"]
    content = vars(response).get("_content")
    if not isinstance(content, bytes):
        return None
    if "json" in (response.headers.get("content-type") or ""):
        return jsonfast.loads(content)
    return content.decode("utf-8", "replace")


def follow(result: Any, tap: Tap) -> bool:
    """Attach to a stream or an unread answer; `False` when the result is already the answer."""
    held = getattr(result, "__dict__", None)
    if not isinstance(held, dict):
        return False
    if "_iterator" in held and "response" in held:
        _stream(result, tap)
        return True
    if "http_response" not in held:
        return False
    if "_is_sse_stream" in held:
        _Unread(result, tap).attach()
        return True
    if held.get("_stream"):
        _stream(result.parse(), tap)  # the client keeps it and gives the same one to the caller
        return True
    return False


def _stream(stream: Any, tap: Tap) -> None:
    _relay(stream, tap)
    tap.closing(vars(stream)["response"], "aclose" if hasattr(stream, "__aiter__") else "close")
    tap.watch(stream)


def _relay(stream: Any, tap: Tap) -> None:
    inner = vars(stream)["_iterator"]
    vars(stream)["_iterator"] = (
        tap.arelay(inner) if hasattr(stream, "__aiter__") else tap.relay(inner)
    )


class _Unread:
    """An answer in streaming mode. Nothing of its body is read that its consumer does not read.

    The consumer may read the body whole, take it piece by piece, parse it as a stream of events, or
    leave it. Pieces are counted and not kept.
    """

    __slots__ = ("_answer", "_idle", "_response", "_streams", "_tap")

    def __init__(self, answer: Any, tap: Tap) -> None:
        # It is held so that whoever keeps only the stream keeps the answer: it is watched.
        self._answer = answer
        self._tap = tap
        self._idle = True
        self._response = vars(answer)["http_response"]
        self._streams: list[Any] = []

    def attach(self) -> None:
        answer, response = self._answer, self._response
        if inspect.iscoroutinefunction(type(answer).parse):
            response.aread = self._aread(response.aread)
            response.aiter_raw = self._aiter(response.aiter_raw)
            answer.parse = self._aparse(answer.parse)
            self._tap.closing(response, "aclose")
        else:
            response.read = self._read(response.read)
            response.iter_raw = self._iter(response.iter_raw)
            answer.parse = self._parse(answer.parse)
            self._tap.closing(response, "close")
        self._tap.watch(answer)

    def _parsed(self, found: Any) -> Any:
        if "_iterator" in getattr(found, "__dict__", ()) and not any(
            found is known for known in self._streams
        ):
            self._streams.append(found)
            self._idle = False
            _relay(found, self._tap)
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
            self._tap.result(self._answer)
            yield from _NOTHING

        def read() -> bytes:
            if not self._idle:
                return inner()
            self._idle, content = False, list[bytes]()
            for _ in self._tap.relay(whole(content)):
                pass
            return content[0]

        return read

    def _aread(self, inner: Callable[[], Awaitable[bytes]]) -> Callable[[], Awaitable[bytes]]:
        async def whole(read: list[bytes]) -> AsyncIterator[None]:
            read.append(await inner())
            self._tap.result(self._answer)
            for nothing in _NOTHING:
                yield nothing

        async def aread() -> bytes:
            if not self._idle:
                return await inner()
            self._idle, content = False, list[bytes]()
            async for _ in self._tap.arelay(whole(content)):
                pass
            return content[0]

        return aread

    def _iter(self, inner: Callable[..., Iterator[bytes]]) -> Callable[..., Iterator[bytes]]:
        def iter_raw(*args: Any, **kwargs: Any) -> Iterator[bytes]:
            pieces = inner(*args, **kwargs)
            return self._pieces(pieces) if self._idle else pieces

        return iter_raw

    def _pieces(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        latest: list[bytes] = []

        def marks() -> Iterator[None]:
            for piece in pieces:
                latest.append(piece)
                yield None

        for _ in self._tap.relay(marks()):
            yield latest.pop()

    def _aiter(
        self, inner: Callable[..., AsyncGenerator[bytes, None]]
    ) -> Callable[..., AsyncIterator[bytes]]:
        def aiter_raw(*args: Any, **kwargs: Any) -> AsyncIterator[bytes]:
            pieces = inner(*args, **kwargs)
            return self._apieces(pieces) if self._idle else pieces

        return aiter_raw

    async def _apieces(self, pieces: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
        latest: list[bytes] = []

        async def marks() -> AsyncGenerator[None, None]:
            try:
                async for piece in pieces:
                    latest.append(piece)
                    yield None
            finally:
                await pieces.aclose()

        relayed: Any = self._tap.arelay(marks())
        try:
            async for _ in relayed:
                yield latest.pop()
        finally:
            await relayed.aclose()
