"""When the pieces of a stream of the hub's client came, and what is left of one that ends early."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from clearspan.record import Outcome
from clearspan.testing import captured
from clearspan.testing.server import Cut, Reply
from tests.providers.huggingface_hub.kit import ASKED, made, release

if TYPE_CHECKING:
    from clearspan.testing import ModelServer
    from tests.providers.side import Side

PIECES = ["In ", "Italy", "."]
FOREVER = 600.0


def first(stream: Any, side: Side) -> None:
    """Take chunks until the first piece came: what comes before it names the role only."""
    while "In " not in str(side.take(stream, 1)):
        pass


def partial(seen: Any, outcome: Outcome) -> None:
    """The one record: of a stream of which the first piece came."""
    assert seen.open_calls == 0
    (found,) = seen.invocations
    assert found.outcome is outcome
    assert found.output_text == PIECES[0]
    timing = found.timing
    assert timing.chunks >= 1
    assert timing.output_rate is None
    assert 0 < timing.first_chunk <= timing.first_content <= timing.duration
    assert found.usage.source == "estimated"
    assert found.usage.output


@pytest.mark.parametrize("how", ["close", "drop"])
def test_a_stream_that_is_left(server: ModelServer, side: Side, how: str) -> None:
    server.respond(Reply(chunks=PIECES))
    client = made(server.url, asynchronous=side.asynchronous)
    with captured() as seen:
        stream = side.do(client.chat_completion(ASKED, model="m", stream=True))
        first(stream, side)
        if how == "close":
            side.do(stream.aclose() if side.asynchronous else stream.close())
        del stream
        side.collect(lambda: seen.open_calls == 0)
    side.do(release(client))
    partial(seen, Outcome.CLOSED if how == "close" else Outcome.ABANDONED)


# aiohttp, through which older clients speak, leaves such an error in a future of its own as well.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_stream_that_breaks_off(server: ModelServer, side: Side) -> None:
    # aiohttp forgets what nobody has read yet when the connection breaks: it has a while to be read.
    server.respond(Cut(Reply(chunks=PIECES, chunk_delay=1.0), after=2))
    client = made(server.url, asynchronous=side.asynchronous)
    with captured() as seen:
        stream = side.do(client.chat_completion(ASKED, model="m", stream=True))
        first(stream, side)
        with pytest.raises(Exception):  # noqa: B017 -- of what class is the HTTP library's matter
            side.take(stream)
    side.do(release(client))
    partial(seen, Outcome.FAILED)


def test_a_task_that_is_cancelled(server: ModelServer) -> None:
    server.respond(Reply(chunks=PIECES, chunk_delay=FOREVER))

    async def main() -> None:
        client = made(server.url, asynchronous=True)
        begun = asyncio.Event()

        async def read() -> None:
            async for chunk in await client.chat_completion(ASKED, model="m", stream=True):
                if "In " in str(chunk):
                    begun.set()

        task = asyncio.ensure_future(read())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await release(client)

    with captured() as seen:
        asyncio.run(main())
    partial(seen, Outcome.CANCELLED)
