"""What the models answer, made once: objects of the clients' own classes, handed out from memory."""

from __future__ import annotations

import inspect
import json
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from typing_extensions import Self

CHUNKS = 501
WORD = "word "


def completion(*, tool: bool = False) -> Any:
    from openai.types.chat import ChatCompletion

    message: dict[str, Any] = {"role": "assistant", "content": "Hello, how can I help?"}
    if tool:
        call = {"name": "look", "arguments": '{"place": "Paris", "units": "metric"}'}
        message = {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "call_1", "type": "function", "function": call}],
        }
    return ChatCompletion.model_validate(
        {
            "id": "c", "object": "chat.completion", "created": 1, "model": "gpt-4o",
            "choices": [{"index": 0, "finish_reason": "stop", "logprobs": None, "message": message}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 7, "total_tokens": 17},
        }
    )  # fmt: skip


def chunks() -> list[Any]:
    from openai.types.chat import ChatCompletionChunk

    def chunk(delta: dict[str, str], finish: str | None = None) -> Any:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return ChatCompletionChunk.model_validate(
            {
                "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o",
                "choices": [choice],
            }
        )  # fmt: skip

    return [*(chunk({"content": WORD}) for _ in range(CHUNKS - 1)), chunk({}, "stop")]


def response() -> Any:
    from openai.types.responses import Response

    text = {"type": "output_text", "text": WORD * (CHUNKS - 3), "annotations": []}
    return Response.model_validate(
        {
            "id": "r", "object": "response", "created_at": 1, "model": "gpt-4o", "status": "completed",
            "output": [{"id": "m", "type": "message", "role": "assistant", "status": "completed", "content": [text]}],
            "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
            "usage": {
                "input_tokens": 10, "output_tokens": 7, "total_tokens": 17,
                "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
                "output_tokens_details": {"reasoning_tokens": 0},
            },
        }
    )  # fmt: skip


def events() -> list[Any]:
    from openai.types.responses import (
        ResponseCompletedEvent,
        ResponseCreatedEvent,
        ResponseTextDeltaEvent,
    )

    whole = response()
    first = ResponseCreatedEvent.model_construct(
        type="response.created", sequence_number=0, response=whole
    )
    deltas = [
        ResponseTextDeltaEvent.model_construct(
            type="response.output_text.delta", sequence_number=number, item_id="m", output_index=0,
            content_index=0, delta=WORD, logprobs=[],
        )
        for number in range(1, CHUNKS - 1)
    ]  # fmt: skip
    last = ResponseCompletedEvent.model_construct(
        type="response.completed", sequence_number=CHUNKS - 1, response=whole
    )
    return [first, *deltas, last]


def embeddings(rows: int, width: int) -> Any:
    from openai.types import CreateEmbeddingResponse

    row = [number / width for number in range(width)]
    return CreateEmbeddingResponse.model_validate(
        {
            "object": "list", "model": "text-embedding-3-small",
            "data": [{"object": "embedding", "index": number, "embedding": row} for number in range(rows)],
            "usage": {"prompt_tokens": rows, "total_tokens": rows},
        }
    )  # fmt: skip


def ollama_lines() -> list[str]:
    said = {"model": "m", "done": False, "message": {"role": "assistant", "content": WORD}}
    last = {
        "model": "m", "done": True, "done_reason": "stop", "message": {"role": "assistant", "content": ""},
        "prompt_eval_count": 10, "eval_count": CHUNKS - 1,
    }  # fmt: skip
    return [*([json.dumps(said)] * (CHUNKS - 1)), json.dumps(last)]


class Lines:
    """An HTTP response whose lines have come already; a context manager, as a streamed one is."""

    headers: ClassVar[dict[str, str]] = {}
    status_code = 200

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing is open."""

    def raise_for_status(self) -> None:
        """It is one."""

    def iter_lines(self) -> Iterator[str]:
        yield from self._lines


class _Closable:
    """What a stream closes at its end."""

    def close(self) -> None:
        """Nothing is open."""

    async def aclose(self) -> None:
        """Nothing is open."""


def stream(items: list[Any]) -> Any:
    """A stream of openai's own class over what has come already."""
    from openai import Stream

    made: Any = object.__new__(Stream)
    made.response = _Closable()
    made._iterator = (item for item in items)
    return made


def astream(items: list[Any]) -> Any:
    """The same, asynchronous."""
    from openai import AsyncStream

    async def passing() -> AsyncIterator[Any]:
        for item in items:
            yield item

    made: Any = object.__new__(AsyncStream)
    made.response = _Closable()
    made._iterator = passing()
    return made


def alone(kind: Any) -> None:
    """Let clients of this class answer by themselves, below whatever anybody puts around a method of theirs."""
    # The last: above it somebody may have been already.
    base = [cls for cls in kind.__mro__ if "request" in vars(cls)][-1]
    base.request = later if inspect.iscoroutinefunction(base.request) else now


def now(self: Any, *args: Any, **kwargs: Any) -> Any:
    """What stands for sending a request."""
    return self.answer()


async def later(self: Any, *args: Any, **kwargs: Any) -> Any:
    """The same, to be awaited."""
    return self.answer()
