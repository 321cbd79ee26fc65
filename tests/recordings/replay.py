"""Replaying a recorded exchange through the real ``openai`` client, and keeping what its caller sees.

The client is the one installed, whatever its major version: the HTTP library under it (``httpx``, later ``httpx2``) is
taken from the client itself. A replayed response arrives in odd pieces, cut inside lines and inside UTF-8 characters.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import itertools
import json
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import openai

from .exchange import Call, Exchange
from .raw import as_map


def _bound(client: object, method: str) -> Callable[..., Any] | None:
    target: Any = client
    for name in method.split("."):
        target = getattr(target, name, None)
        if target is None:
            return None
    return target  # type: ignore[no-any-return]


@functools.cache
def supported(method: str) -> bool:
    """Whether the installed client has the method at all (early ones have no Responses API)."""
    with openai.OpenAI(api_key="unused", http_client=http_library().Client()) as client:
        return _bound(client, method) is not None


def _keywords(method: Callable[..., Any], arguments: dict[str, Any]) -> dict[str, Any]:
    """Arguments by name where the method knows them, and everything else in ``extra_body``."""
    known = inspect.signature(method).parameters
    direct = {name: value for name, value in arguments.items() if name in known}
    extra = {name: value for name, value in arguments.items() if name not in known}
    return {**direct, "extra_body": extra} if extra else direct


# ---- the wire -------------------------------------------------------------------------------------------------------


@functools.cache
def http_library() -> Any:
    """The HTTP library that the installed client is built on."""
    base = next(
        cls for cls in openai.DefaultHttpxClient.__mro__ if cls.__module__.startswith("httpx")
    )
    return importlib.import_module(base.__module__.split(".")[0])


def pieces(content: bytes) -> Iterator[bytes]:
    """The same bytes in odd pieces: prime lengths, and the first characters of several bytes torn apart."""
    cuts = {index for index, byte in enumerate(content) if byte & 0xC0 == 0x80}
    cuts = set(sorted(cuts)[:200])
    position = 0
    for turn in range(len(content)):
        position += (1, 37, 5, 211, 2, 499, 13)[turn % 7]
        if position >= len(content):
            break
        cuts.add(position)
    edges = [0, *sorted(cuts), len(content)]
    return (content[start:stop] for start, stop in itertools.pairwise(edges))


@dataclass(frozen=True)
class Wire:
    """What reached the transport."""

    verb: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)

    def matches(self, exchange: Exchange) -> bool:
        """Whether this is the recorded request; some clients ask for packed embeddings by themselves."""
        sent, recorded = as_map(json.loads(self.body or b"{}")), exchange.payload
        if "encoding_format" not in recorded:
            sent.pop("encoding_format", None)
        return sent == recorded and _once(self.url) == _once(exchange.url)


def _once(url: str) -> str:
    """Early Azure clients kept the slash that an endpoint ended with."""
    return url.replace("//openai/", "/openai/")


class Replay:
    """A transport for both kinds of client, which gives the recorded answer and keeps what was asked."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._http = http_library()
        self.wires: list[Wire] = []

    def _response(self, request: Any, content: object) -> Any:
        wire = Wire(
            request.method,
            str(request.url),
            tuple(sorted(request.headers.items())),
            request.content,
        )
        self.wires.append(wire)
        return self._http.Response(
            self._exchange.status, headers=self._exchange.headers, content=content
        )

    def sync_client(self) -> Any:
        """A client that never leaves the process."""

        def answer(request: Any) -> Any:
            return self._response(request, pieces(self._exchange.content))

        return self._http.Client(transport=self._http.MockTransport(answer))

    def async_client(self) -> Any:
        """The same for coroutines."""

        async def torn() -> AsyncIterator[bytes]:
            for piece in pieces(self._exchange.content):
                yield piece

        async def answer(request: Any) -> Any:
            return self._response(request, torn())

        return self._http.AsyncClient(transport=self._http.MockTransport(answer))


# ---- what the caller gets -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """What the caller of the client sees: objects with their types, an exception, and the request that went out."""

    returned: str
    objects: tuple[tuple[str, object], ...] = field(repr=False)
    error: tuple[object, ...] | None
    wires: tuple[Wire, ...]


def _seen(value: Any) -> tuple[str, object]:
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    return kind, value.model_dump(warnings=False) if hasattr(value, "model_dump") else value


def _failure(error: BaseException) -> tuple[object, ...]:
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    known = [
        getattr(error, name, None)
        for name in ("status_code", "code", "type", "param", "body", "request_id")
    ]
    return (kind, str(error), *known)


@contextmanager
def _collecting(
    objects: list[tuple[str, object]], failures: list[tuple[object, ...]]
) -> Iterator[Callable[[Any], None]]:
    """Gives what to hand each object to, and keeps the exception; deprecated methods are called in silence."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            yield lambda value: objects.append(_seen(value))
        except Exception as error:  # noqa: BLE001 - whatever the client raises is the result
            failures.append(_failure(error))


def _outcome(returned: str, objects: list[Any], failures: list[Any], replay: Replay) -> Outcome:
    return Outcome(returned, tuple(objects), failures[0] if failures else None, tuple(replay.wires))


def run_sync(call: Call, exchange: Exchange) -> Outcome:
    """Make the call with the synchronous client and read everything it gives."""
    replay, returned = Replay(exchange), ""
    objects: list[tuple[str, object]] = []
    failures: list[tuple[object, ...]] = []
    kind = openai.AzureOpenAI if call.azure else openai.OpenAI
    options = {**call.options, "api_key": "unused", "max_retries": 0}
    with (
        kind(http_client=replay.sync_client(), **options) as client,
        _collecting(objects, failures) as keep,
    ):
        method = _bound(client, call.method)
        assert method is not None
        result = method(**_keywords(method, call.arguments))
        returned = type(result).__qualname__
        if isinstance(result, openai.Stream):
            for item in result:
                keep(item)
        else:
            keep(result)
    return _outcome(returned, objects, failures, replay)


async def run_async(call: Call, exchange: Exchange) -> Outcome:
    """Make the call with the asynchronous client and read everything it gives."""
    replay, returned = Replay(exchange), ""
    objects: list[tuple[str, object]] = []
    failures: list[tuple[object, ...]] = []
    kind = openai.AsyncAzureOpenAI if call.azure else openai.AsyncOpenAI
    options = {**call.options, "api_key": "unused", "max_retries": 0}
    async with kind(http_client=replay.async_client(), **options) as client:
        with _collecting(objects, failures) as keep:
            method = _bound(client, call.method)
            assert method is not None
            result = await method(**_keywords(method, call.arguments))
            returned = type(result).__qualname__
            if isinstance(result, openai.AsyncStream):
                async for item in result:
                    keep(item)
            else:
                keep(result)
    return _outcome(returned, objects, failures, replay)
