"""What a program does: the calls that are measured, each made the same for every variant."""

from __future__ import annotations

import asyncio
import base64
import itertools
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from benchmarks.overhead import answers

__all__ = ["WORKLOADS", "Made", "Workload"]

MODEL = "gpt-4o"
CANARY = "canary-of-the-prompt"
"""Stands in every prompt: where content is recorded it must be found."""
AT_ONCE = 200


@dataclass(frozen=True)
class Made:
    """A workload that is ready. One `call` makes `each` calls of a model; a coroutine is awaited.

    What `after` does is not counted. `asked` is the object whose method is called, by its name.
    """

    call: Callable[[], Any]
    each: int = 1
    after: Callable[[], object] = tuple
    asked: tuple[Any, str] | None = None

    def pinned(self) -> Made:
        """The same as it is now, whatever is done to the client's class afterwards."""
        if self.asked is not None:
            owner, name = self.asked
            setattr(owner, name, getattr(owner, name))
            # Some are put around what all methods of a client end in.
            client = getattr(owner, "_client", None)
            if client is not None:
                client.request = client.request
        return self


@dataclass(frozen=True)
class Workload:
    """What is measured: `make` is given what decorates a function of the program's own."""

    title: str
    make: Callable[[Callable[[Any], Any]], Made]
    calls: int
    library: str = "openai"
    decorates: bool = False


def _asked(size: int) -> list[dict[str, Any]]:
    text = f"{CANARY} " + "hello " * (size // 6)
    return [{"role": "user", "content": text[: max(size, len(CANARY))]}]


def _openai(answer: Callable[[], Any], *resources: str, asynchronous: bool = False) -> Any:
    import openai

    kind = openai.AsyncOpenAI if asynchronous else openai.OpenAI
    answers.alone(kind)
    found: Any = kind(api_key="unused")
    found.answer = answer
    for name in resources:
        found = getattr(found, name)
    return found


def chat(size: int) -> Callable[[Any], Made]:
    def make(decorate: Any) -> Made:
        whole = answers.completion()
        completions = _openai(lambda: whole, "chat", "completions")
        messages = _asked(size)
        return Made(
            lambda: completions.create(model=MODEL, messages=messages),
            asked=(completions, "create"),
        )

    return make


def stream(decorate: Any) -> Made:
    items = answers.chunks()
    completions = _openai(lambda: answers.stream(items), "chat", "completions")
    messages = _asked(60)

    def call() -> None:
        for _ in completions.create(model=MODEL, messages=messages, stream=True):
            pass

    return Made(call, asked=(completions, "create"))


def first_chunk(decorate: Any) -> Made:
    items = answers.chunks()
    completions = _openai(lambda: answers.stream(items), "chat", "completions")
    messages = _asked(60)
    begun: list[Any] = []

    def call() -> None:
        made = completions.create(model=MODEL, messages=messages, stream=True)
        begun.append(made)
        next(made)

    def after() -> None:
        for _ in begun.pop():
            pass

    return Made(call, after=after, asked=(completions, "create"))


def distinct(decorate: Any) -> Made:
    whole = answers.completion()
    completions = _openai(lambda: whole, "chat", "completions")
    numbers = itertools.count()

    def call() -> None:
        text = f"{CANARY} {next(numbers)} " + "x" * 50_000
        completions.create(model=MODEL, messages=[{"role": "user", "content": text}])

    return Made(call, asked=(completions, "create"))


def stream_async(decorate: Any) -> Made:
    items = answers.chunks()
    completions = _openai(lambda: answers.astream(items), "chat", "completions", asynchronous=True)
    messages = _asked(60)

    async def call() -> None:
        async for _ in await completions.create(model=MODEL, messages=messages, stream=True):
            pass

    return Made(call, asked=(completions, "create"))


def responses_stream(decorate: Any) -> Made:
    items = answers.events()
    responses = _openai(lambda: answers.stream(items), "responses")
    text = _asked(60)[0]["content"]

    def call() -> None:
        for _ in responses.create(model=MODEL, input=text, stream=True):
            pass

    return Made(call, asked=(responses, "create"))


def embeddings(decorate: Any) -> Made:
    whole = answers.embeddings(64, 1_536)
    resource = _openai(lambda: whole, "embeddings")
    texts = [f"{CANARY} {number} " + "word " * 20 for number in range(64)]
    # Floats are asked for: what the client unpacks by itself is none of what is measured.
    return Made(
        lambda: resource.create(
            model="text-embedding-3-small", input=texts, encoding_format="float"
        ),
        asked=(resource, "create"),
    )


def concurrent(decorate: Any) -> Made:
    whole = answers.completion()
    completions = _openai(lambda: whole, "chat", "completions", asynchronous=True)
    messages = _asked(60)

    async def one() -> Coroutine[Any, Any, Any]:
        await asyncio.sleep(0)
        return await completions.create(model=MODEL, messages=messages)

    async def call() -> None:
        await asyncio.gather(*(one() for _ in range(AT_ONCE)))

    return Made(call, each=AT_ONCE, asked=(completions, "create"))


def tools(decorate: Any) -> Made:
    whole = answers.completion(tool=True)
    completions = _openai(lambda: whole, "chat", "completions")
    picture = base64.b64encode(bytes(range(256)) * 4_096).decode()
    parts = [
        {"type": "text", "text": f"{CANARY} what is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture}"}},
    ]
    schema = {
        "type": "object",
        "properties": {"place": {"type": "string"}, "units": {"enum": ["metric", "imperial"]}},
        "required": ["place"],
    }
    offered = [
        {
            "type": "function",
            "function": {"name": f"look{n}", "description": "Look.", "parameters": schema},
        }
        for n in range(4)
    ]
    messages: Any = [{"role": "user", "content": parts}]
    return Made(
        lambda: completions.create(model=MODEL, messages=messages, tools=offered),
        asked=(completions, "create"),
    )


def ollama_stream(decorate: Any) -> Made:
    import ollama

    lines = answers.ollama_lines()
    client: Any = ollama.Client(host="http://127.0.0.1:9")
    client._client.stream = lambda *args, **kwargs: answers.Lines(lines)
    messages = _asked(60)

    def call() -> None:
        for _ in client.chat(model="m", messages=messages, stream=True):
            pass

    return Made(call, asked=(client, "chat"))


def decorated(decorate: Any) -> Made:
    numbers = itertools.count()

    @decorate
    def step(question: str) -> str:
        return f"{question} {next(numbers)}"

    return Made(lambda: step(CANARY))


def decorated_async(decorate: Any) -> Made:
    numbers = itertools.count()

    @decorate
    async def step(question: str) -> str:
        return f"{question} {next(numbers)}"

    async def call() -> str:
        return await step(CANARY)

    return Made(call)


WORKLOADS = {
    "short": Workload("short prompt", chat(60), 400),
    "60kB": Workload("60 kB prompt", chat(60_000), 400),
    "10MB": Workload("10 MB prompt", chat(10_000_000), 60),
    "stream": Workload("stream of 501 chunks", stream, 60),
    "first": Workload("until its first chunk", first_chunk, 100),
    "astream": Workload("the same, async", stream_async, 60),
    "responses": Workload("responses stream of 501 events", responses_stream, 60),
    "embeddings": Workload("embeddings, 64 x 1536", embeddings, 100),
    "concurrent": Workload("200 async calls at once", concurrent, 8),
    "tools": Workload("tools and a 1 MB picture", tools, 100),
    "ollama": Workload("ollama stream of 501 parts", ollama_stream, 60, library="ollama"),
    "distinct": Workload("50 kB prompts, all different", distinct, 2_000),
    "decorator": Workload("decorated function", decorated, 1_000, decorates=True),
    "adecorator": Workload("decorated coroutine", decorated_async, 1_000, decorates=True),
}
