"""When the pieces of an Ollama stream came, and what is left of one that ends early."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import ollama
import pytest

from clearspan.record import Outcome
from clearspan.testing import captured
from clearspan.testing.server import Cut, Reply
from tests.providers.ollama.kit import CHAT

if TYPE_CHECKING:
    from clearspan.testing import ModelServer
    from tests.providers.side import Side

PIECES = ["In ", "Italy", "."]
GENERATE: dict[str, Any] = {"model": "llama3.2", "prompt": "Where is Rome?"}
FOREVER = 600.0


def opened(client: Any, side: Side, given: dict[str, Any]) -> Any:
    return side.do((client.chat if given is CHAT else client.generate)(**given, stream=True))


def partial(seen: Any, outcome: Outcome, usage: str | None) -> None:
    """The one record: of a stream of which the first piece came."""
    (found,) = seen.invocations
    assert seen.open_calls == 0
    assert found.outcome is outcome
    assert found.output_text == PIECES[0]
    timing = found.timing
    assert (timing.chunks, timing.gaps.count, timing.output_rate) == (1, 0, None)
    assert 0 < timing.first_chunk == timing.first_content <= timing.duration
    told = None if found.usage.output is None else found.usage.source
    assert told == usage


@pytest.mark.parametrize("given", [CHAT, GENERATE], ids=["chat", "generate"])
@pytest.mark.parametrize("how", ["close", "drop"])
@pytest.mark.parametrize(("counting", "usage"), [("spans", "estimated"), ("off", None)])
def test_a_stream_that_is_left(
    server: ModelServer, client: Any, side: Side, given: dict[str, Any], how: str,
    counting: str, usage: str | None,
) -> None:  # fmt: skip
    server.respond(Reply(chunks=PIECES))
    with captured(count_tokens=counting) as seen:
        stream = opened(client, side, given)
        side.take(stream, 1)
        if how == "close":
            side.do(stream.aclose() if side.asynchronous else stream.close())
        del stream
        side.collect(lambda: seen.open_calls == 0)
    partial(seen, Outcome.CLOSED, usage)


@pytest.mark.parametrize("given", [CHAT, GENERATE], ids=["chat", "generate"])
def test_a_task_that_is_cancelled(server: ModelServer, given: dict[str, Any]) -> None:
    server.respond(Reply(chunks=PIECES, chunk_delay=FOREVER))

    async def main() -> None:
        client: Any = ollama.AsyncClient(server.origin)
        first = asyncio.Event()

        async def read() -> None:
            method = client.chat if given is CHAT else client.generate
            async for _ in await method(**given, stream=True):
                first.set()

        task = asyncio.ensure_future(read())
        await first.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await client._client.aclose()

    with captured() as seen:
        asyncio.run(main())
    partial(seen, Outcome.CANCELLED, "estimated")


@pytest.mark.parametrize("given", [CHAT, GENERATE], ids=["chat", "generate"])
@pytest.mark.parametrize("how", ["timeout", "cut"])
def test_a_stream_that_breaks_off(
    server: ModelServer, side: Side, given: dict[str, Any], how: str
) -> None:
    late = Reply(chunks=PIECES, chunk_delay=FOREVER)
    server.respond(Cut(Reply(chunks=PIECES), after=1) if how == "cut" else late)
    kind = ollama.AsyncClient if side.asynchronous else ollama.Client
    client: Any = kind(host=server.origin, timeout=httpx.Timeout(10, read=2))
    with captured() as seen:
        stream = opened(client, side, given)
        assert len(side.take(stream, 1)) == 1
        with pytest.raises(httpx.TransportError):
            side.take(stream)
    side.do(client._client.aclose() if side.asynchronous else client._client.close())
    partial(seen, Outcome.FAILED, "estimated")
