"""Elements that go by: noted one by one, and otherwise exactly as they were."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

from clearspan.provider import Tap

__all__ = ["AsyncPieces", "awaited", "pieces", "relay"]


def awaited(stream: Any) -> bool:
    """Whether a stream is asynchronous. What others put around one may have the methods of both kinds."""
    return hasattr(vars(stream)["_iterator"], "__anext__")


def relay(stream: Any, tap: Tap) -> None:
    """Let every element of a stream be noted, in place."""
    held = vars(stream)
    if awaited(stream):
        steps: Any = _Steps(held["_iterator"])
        held["_iterator"] = tap.arelay(steps)
    else:
        held["_iterator"] = tap.relay(held["_iterator"])


class _Steps:
    """The steps of an asynchronous generator, and nothing else of it.

    It stays with the loop, which closes it by itself when it is dropped. Two who close the same
    generator at the end of a loop get in each other's way.
    """

    # A step is the generator's own, found in its slot: no function of ours is called for each.
    __slots__ = ("__anext__", "__name__", "__qualname__", "_generator")

    def __init__(self, generator: Any) -> None:
        self._generator = generator
        self.__anext__: Callable[[], Awaitable[Any]] = generator.__anext__
        self.__name__: str = getattr(generator, "__name__", "__stream__")
        self.__qualname__: str = getattr(generator, "__qualname__", "AsyncStream.__stream__")

    def __aiter__(self) -> Any:
        """The generator, for a loop, which takes nothing of it but its steps."""
        return self._generator


def pieces(body: Iterator[bytes], tap: Tap) -> Iterator[bytes]:
    """The pieces of a body; they are counted and not kept."""
    latest: list[bytes] = []

    def marks() -> Iterator[None]:
        for piece in body:
            latest.append(piece)
            yield None

    for _ in tap.relay(marks()):
        yield latest.pop()


class _Marks:
    """A mark for each piece, which itself goes by on the side."""

    __slots__ = ("_pieces", "latest")

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._pieces = pieces
        self.latest = b""

    def __aiter__(self) -> _Marks:
        return self

    async def __anext__(self) -> None:
        self.latest = await self._pieces.__anext__()


class AsyncPieces:
    """The same for an asynchronous body. The loop closes it by itself when it is dropped."""

    __slots__ = ("_marks", "_pieces", "_relayed")

    def __init__(self, pieces: AsyncGenerator[bytes, None], tap: Tap) -> None:
        self._pieces = pieces
        self._marks = _Marks(pieces)
        self._relayed: Any = tap.arelay(self._marks)

    def __aiter__(self) -> AsyncPieces:
        return self

    async def __anext__(self) -> bytes:
        await self._relayed.__anext__()
        return self._marks.latest

    async def aclose(self) -> None:
        """Leave it early."""
        await self._relayed.aclose()
        await self._pieces.aclose()
