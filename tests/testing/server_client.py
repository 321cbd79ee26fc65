"""The real OpenAI clients, sync and async, behind one way of calling them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import openai
from openai import BaseModel
from openai.types import Completion

if TYPE_CHECKING:
    from collections.abc import Callable

    from clearspan.testing.server import ModelServer


def valid(item: Any) -> Any:
    """The item, after its own class accepted it with nothing missing and nothing ill-typed."""
    # The class of a text completion does not know that chunks before the last have no reason.
    if isinstance(item, BaseModel) and not (
        isinstance(item, Completion) and item.choices and item.choices[0].finish_reason is None
    ):
        type(item).model_validate(item.to_dict(mode="python", exclude_unset=True))
    return item


@dataclass
class Caller:
    """Calls a method of a client by its dotted name; a new client for each call."""

    server: ModelServer
    asynchronous: bool
    azure: bool = False
    options: dict[str, Any] = field(default_factory=dict)

    def __call__(self, name: str, /, *args: Any, **arguments: Any) -> Any:
        """The parsed result of a plain call."""

        async def ask() -> Any:
            async with self.client() as client:
                return await attrgetter(name)(client)(*args, **arguments)

        if self.asynchronous:
            return valid(asyncio.run(ask()))
        with self.client() as client:
            return valid(attrgetter(name)(client)(*args, **arguments))

    def stream(self, name: str, /, *args: Any, **arguments: Any) -> list[Any]:
        """All events of a streamed call."""
        seen: list[Any] = []
        self.feed(seen.append, name, *args, **arguments)
        return seen

    def feed(self, take: Callable[[Any], None], name: str, /, *args: Any, **arguments: Any) -> None:
        """Hand over each event as it comes, so that those before an error are seen."""
        arguments = {"stream": True, **arguments}

        async def follow() -> None:
            async with self.client() as client:
                async for event in await attrgetter(name)(client)(*args, **arguments):
                    take(valid(event))

        if self.asynchronous:
            asyncio.run(follow())
            return
        with self.client() as client:
            for event in attrgetter(name)(client)(*args, **arguments):
                take(valid(event))

    def client(self) -> Any:
        """A client of the right kind."""
        options = {"api_key": "unused", "max_retries": 0, **self.options}
        if self.azure:
            kind = openai.AsyncAzureOpenAI if self.asynchronous else openai.AzureOpenAI
            return kind(azure_endpoint=self.server.origin, api_version="2025-01-01", **options)
        kind = openai.AsyncOpenAI if self.asynchronous else openai.OpenAI
        return kind(base_url=self.server.url, **options)
