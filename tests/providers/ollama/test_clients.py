"""Streams stay generators, instrumenting can be undone, and loops end quietly."""

from __future__ import annotations

import asyncio
import gc
import types
from contextlib import suppress
from typing import Any

import ollama
import pytest

import clearspan
from clearspan.testing import ModelServer, Reply, captured
from tests.providers.ollama.kit import CHAT, only, parts
from tests.providers.side import Side
from tests.runtime.support import Kept


class Derived(ollama.Client):
    """A client of the application's own, with a `_request` that does more."""

    def _request(self, *args: Any, **kwargs: Any) -> Any:
        self.asked = (*getattr(self, "asked", ()), args[2])
        return super()._request(*args, **kwargs)


def test_a_stream_is_a_generator(client: Any, side: Side) -> None:
    with captured() as seen:
        stream = side.do(client.chat(**CHAT, stream=True))
        name = "AsyncGeneratorType" if side.asynchronous else "GeneratorType"
        assert type(stream) is getattr(types, name)
        assert stream.__name__ == "inner"
        thrown = ValueError("the host's own")
        side.take(stream, 1)
        with pytest.raises(ValueError, match="the host's own") as caught:
            side.do(stream.athrow(thrown) if side.asynchronous else stream.throw(thrown))
        assert caught.value is thrown
    span = only(seen)
    assert (span.status, span.attributes["error.type"]) == ("ERROR", "ValueError")


def test_a_client_of_the_applications_own(server: ModelServer) -> None:
    client: Any = Derived(server.origin)
    with captured() as seen:
        client.chat(**CHAT)
        client.embed(model="nomic", input="a")
        with suppress(ollama.ResponseError):
            client.list()
    client._client.close()
    assert [span.name for span in seen.spans] == ["chat llama3.2", "embeddings nomic"]
    assert client.asked == ("/api/chat", "/api/embed", "/api/tags")


def test_instrumenting_and_its_end(server: ModelServer, client: Any, side: Side) -> None:
    kept = Kept()
    with clearspan.init(exporters=[kept], providers=[]):
        side.do(client.chat(**CHAT))
        with clearspan.instrument(client):
            side.do(client.chat(**CHAT))
        side.do(client.chat(**CHAT))
        clearspan.instrument("ollama")
        side.do(client.chat(**CHAT))
        clearspan.uninstrument()
        side.do(client.chat(**CHAT))
        clearspan.flush()
        assert [span.name for span in kept.spans] == ["chat llama3.2"] * 2
    assert len(server.requests) == 5


def test_the_http_call_nests_below(server: ModelServer, client: Any, side: Side) -> None:
    """The request of a stream is sent at its first step: the context is active there and not after."""
    within: list[str | None] = []
    inner = client._client
    send = inner.send

    def sending(*args: Any, **kwargs: Any) -> Any:
        within.append(clearspan.current().traceparent)
        return send(*args, **kwargs)

    inner.send = sending
    with captured() as seen:
        stream = side.do(client.chat(**CHAT, stream=True))
        assert not within
        side.take(stream, 1)
        assert clearspan.current().traceparent is None
        side.take(stream)
    assert [found and found.split("-")[2] for found in within] == [only(seen).span_id]


@pytest.mark.parametrize("way", ["read", "break", "kept", "cancelled"])
def test_a_loop_that_ends(server: ModelServer, way: str) -> None:
    """However much of a stream was read when `asyncio.run` ends, there is one record, and it is ended."""
    server.respond(Reply("a b c d", chunk_delay=0.01))
    held: list[Any] = []

    async def read(stream: Any) -> None:
        async for _ in stream:
            if way != "read":
                break
        if way == "cancelled":
            await asyncio.sleep(30)

    async def main() -> None:
        client: Any = ollama.AsyncClient(server.origin)
        stream = await client.chat(**CHAT, stream=True)
        if way == "kept":
            held.append(stream)
        task = asyncio.ensure_future(read(stream))
        if way == "cancelled":
            await asyncio.wait([task], timeout=0.2)
            task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await asyncio.wait_for(stream.aclose(), 5)
        await client._client.aclose()

    with captured() as seen:
        asyncio.run(main())
        held.clear()
        gc.collect()
        span = only(seen)
    assert span.status == "UNSET"
    assert span.attributes.get("clearspan.outcome") == (None if way == "read" else "closed")
    assert parts(span)
