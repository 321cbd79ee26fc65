"""The mixed load of the soak: every way in which a call of a model can begin, end, fail and be forgotten."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import random
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import openai

import clearspan
from clearspan.testing import Cut, Error, ModelServer, Reply, Request

__all__ = ["Load", "answer"]

LONG = "The river rises in the hills and runs down to the sea, past towns and fields. " * 6
_TOLD = (openai.APIError, clearspan.Blocked, httpx.HTTPError)


def answer(request: Request) -> Any:
    """What the model server says: by the name of the model that is asked for."""
    if b'"broken"' in request.body:
        return Error(500, "out of order", headers={"x-should-retry": "false"})
    if b'"limited"' in request.body:
        return Error(429, "slow down", headers={"x-should-retry": "false"})
    if b'"cut"' in request.body:
        return Cut(Reply(LONG), after=300)
    if b'"long"' in request.body:
        return Reply(LONG)
    return None


def _ask(model: str = "m", **more: Any) -> dict[str, Any]:
    number = random.randrange(1_000)
    return {
        "model": model,
        "messages": [{"role": "user", "content": f"{number}: where does the river end?"}],
        **more,
    }


class Load:
    """Threads that call, one of them with an event loop, until they are told to stop."""

    def __init__(self, url: str, threads: int = 2) -> None:
        self._url = url
        self._over = threading.Event()
        self.done: Counter[str] = Counter()
        self.failed: list[BaseException] = []
        self._threads = [
            *(threading.Thread(target=self._guarded, args=(self._synchronous,)) for _ in range(threads)),
            threading.Thread(target=self._guarded, args=(lambda: asyncio.run(self._asynchronous()),)),
        ]  # fmt: skip

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End, each with the call that it is at."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _guarded(self, work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 -- told at the end, by `failed`
            self.failed.append(error)

    def _synchronous(self) -> None:
        with openai.OpenAI(base_url=self._url, api_key="unused", max_retries=0) as client:
            kinds = [value for name, value in vars(Load).items() if name.startswith("do_")]
            while not self._over.is_set():
                kind = random.choice(kinds)
                with clearspan.context(session=f"s-{random.randrange(50)}"):
                    with contextlib.suppress(*_TOLD):
                        kind(client)
                self.done[kind.__name__] += 1

    @staticmethod
    def do_call(client: openai.OpenAI) -> None:
        """A call that is answered."""
        client.chat.completions.create(**_ask())

    @staticmethod
    def do_embeddings(client: openai.OpenAI) -> None:
        """Another operation."""
        client.embeddings.create(model="e", input=["a river", "a hill"])

    @staticmethod
    def do_stream(client: openai.OpenAI) -> None:
        """A stream that is read to its end."""
        for _ in client.chat.completions.create(**_ask("long", stream=True)):
            pass

    @staticmethod
    def do_break(client: openai.OpenAI) -> None:
        """A stream that is left early, and closed."""
        with client.chat.completions.create(**_ask("long", stream=True)) as stream:
            next(iter(stream))

    @staticmethod
    def do_abandon(client: openai.OpenAI) -> None:
        """A stream that nobody reads on or closes."""
        stream = client.chat.completions.create(**_ask("long", stream=True))
        next(iter(stream))
        del stream
        if random.randrange(20) == 0:
            gc.collect()

    @staticmethod
    def do_fail(client: openai.OpenAI) -> None:
        """A call that fails at the server."""
        client.chat.completions.create(**_ask(random.choice(["broken", "limited"])))

    @staticmethod
    def do_cut(client: openai.OpenAI) -> None:
        """A connection that breaks in the middle of a stream."""
        for _ in client.chat.completions.create(**_ask("cut", stream=True)):
            pass

    @staticmethod
    def do_raw(client: openai.OpenAI) -> None:
        """The raw answer."""
        client.chat.completions.with_raw_response.create(**_ask()).parse()

    @staticmethod
    def do_decorated(client: openai.OpenAI) -> None:
        """A tree of steps around a call."""
        with clearspan.span("walk", kind="agent"):
            clearspan.tool(lambda: "found")()
            client.chat.completions.create(**_ask())

    async def _asynchronous(self) -> None:
        async with openai.AsyncOpenAI(
            base_url=self._url, api_key="unused", max_retries=0
        ) as client:
            kinds: list[Callable[[Any], Awaitable[None]]] = [_call, _stream, _cancel, _cancel_stream, _leave]  # fmt: skip
            while not self._over.is_set():
                some = [random.choice(kinds) for _ in range(4)]
                found = await asyncio.gather(*(kind(client) for kind in some), return_exceptions=True)  # fmt: skip
                for kind, outcome in zip(some, found, strict=True):
                    if isinstance(outcome, BaseException) and not isinstance(outcome, _TOLD):
                        raise outcome
                    self.done[kind.__name__.removeprefix("_") + " (async)"] += 1


async def _call(client: openai.AsyncOpenAI) -> None:
    await client.chat.completions.create(**_ask())


async def _stream(client: openai.AsyncOpenAI) -> None:
    async for _ in await client.chat.completions.create(**_ask("long", stream=True)):
        pass


async def _cancel(client: openai.AsyncOpenAI) -> None:
    task = asyncio.ensure_future(client.chat.completions.create(**_ask("long")))
    await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        task.exception()


async def _cancel_stream(client: openai.AsyncOpenAI) -> None:
    task = asyncio.ensure_future(_stream(client))
    await asyncio.sleep(0.005)
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        task.exception()


async def _leave(client: openai.AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(**_ask("long", stream=True))
    async for _ in stream:
        break
    await stream.close()


def server() -> ModelServer:
    """A model server that answers so."""
    made = ModelServer()
    made.respond(answer)
    return made
