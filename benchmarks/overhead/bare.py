"""By hand: what a careful person would write around a client's method, with plain OpenTelemetry.

One span of the SDK, both messages as JSON, three histogram records. Of a stream the pieces are joined as they pass.
"""

from __future__ import annotations

import functools
import inspect
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from opentelemetry.trace import Span, SpanKind, Tracer, use_span

__all__ = ["Bare"]


class Bare:
    """Wraps what is to be recorded; `tracer` and `meter` are the program's own."""

    def __init__(self, tracer: Tracer, meter: Any) -> None:
        self.tracer = tracer
        self.duration = meter.create_histogram("gen_ai.client.operation.duration", "s")
        self.tokens = meter.create_histogram("gen_ai.client.token.usage", "{token}")

    def install(self) -> None:
        """Around the methods of all clients that are there."""
        from openai.resources.chat.completions import AsyncCompletions, Completions
        from openai.resources.embeddings import Embeddings
        from openai.resources.responses import Responses

        for cls, operation, read in (
            (Completions, "chat", (_of_chat, _of_chunk)), (AsyncCompletions, "chat", (_of_chat, _of_chunk)),
            (Responses, "chat", (_of_nothing, _of_event)), (Embeddings, "embeddings", (_of_nothing, _of_nothing)),
        ):  # fmt: skip
            cls.create = self.around(cls.create, operation, "openai", *read)
        try:
            from ollama import Client
        except ImportError:
            return
        Client.chat = self.around(Client.chat, "chat", "ollama", _of_ollama, _of_ollama)

    def decorate(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function of the program's own: a span around it, and nothing else."""
        tracer, name = self.tracer, function.__name__
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def later(*args: Any, **kwargs: Any) -> Any:
                with tracer.start_as_current_span(name) as span:
                    span.set_attribute("input", json.dumps([args, kwargs]))
                    made = await function(*args, **kwargs)
                    span.set_attribute("output", json.dumps(made))
                    return made

            return later

        @functools.wraps(function)
        def now(*args: Any, **kwargs: Any) -> Any:
            with tracer.start_as_current_span(name) as span:
                span.set_attribute("input", json.dumps([args, kwargs]))
                made = function(*args, **kwargs)
                span.set_attribute("output", json.dumps(made))
                return made

        return now

    def around(self, method: Any, operation: str, provider: str, read: Any, read_piece: Any) -> Any:
        """The wrapper of one method."""

        def begin(kwargs: dict[str, Any]) -> tuple[Span, dict[str, Any], float]:
            facts = {
                "gen_ai.operation.name": operation,
                "gen_ai.provider.name": provider,
                "gen_ai.request.model": kwargs["model"],
            }
            started = time.perf_counter()
            span = self.tracer.start_span(
                f"{operation} {kwargs['model']}", kind=SpanKind.CLIENT, attributes=facts
            )
            return span, facts, started

        def end(
            span: Span, facts: dict[str, Any], started: float, kwargs: dict[str, Any], text: Any
        ) -> None:
            asked = kwargs.get("messages") or kwargs.get("input")
            if text is not None:
                span.set_attribute("gen_ai.input.messages", json.dumps(asked))
                said = [{"role": "assistant", "content": text}]
                span.set_attribute("gen_ai.output.messages", json.dumps(said))
            span.end()
            self.duration.record(time.perf_counter() - started, facts)
            self.tokens.record(10, {**facts, "gen_ai.token.type": "input"})
            self.tokens.record(7, {**facts, "gen_ai.token.type": "output"})

        if inspect.iscoroutinefunction(inspect.unwrap(method)):

            @functools.wraps(method)
            async def later(self_: Any, **kwargs: Any) -> Any:
                span, facts, started = begin(kwargs)
                with use_span(span):
                    made = await method(self_, **kwargs)
                if not kwargs.get("stream"):
                    end(span, facts, started, kwargs, read(made))
                    return made

                async def passing(inner: AsyncIterator[Any]) -> AsyncIterator[Any]:
                    pieces = []
                    async for item in inner:
                        pieces.append(read_piece(item))
                        yield item
                    end(span, facts, started, kwargs, "".join(pieces))

                made._iterator = passing(made._iterator)
                return made

            return later

        @functools.wraps(method)
        def now(self_: Any, **kwargs: Any) -> Any:
            span, facts, started = begin(kwargs)
            with use_span(span):
                made = method(self_, **kwargs)
            if not kwargs.get("stream"):
                end(span, facts, started, kwargs, read(made))
                return made

            def passing(inner: Iterator[Any]) -> Iterator[Any]:
                pieces = []
                for item in inner:
                    pieces.append(read_piece(item))
                    yield item
                end(span, facts, started, kwargs, "".join(pieces))

            if inspect.isgenerator(made):
                return passing(made)
            made._iterator = passing(made._iterator)
            return made

        return now


def _of_chat(item: Any) -> str:
    return item.choices[0].message.content or ""


def _of_chunk(item: Any) -> str:
    # The last one of a stream may have usage and no choice.
    return (item.choices[0].delta.content or "") if item.choices else ""


def _of_event(item: Any) -> str:
    return item.delta if item.type == "response.output_text.delta" else ""


def _of_ollama(item: Any) -> str:
    return item.message.content or ""


def _of_nothing(item: Any) -> None:
    return None
