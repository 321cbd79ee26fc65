"""`transformers serve` in this process: what it generates belongs to the trace of the request."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

import clearspan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

httpx = pytest.importorskip("httpx")
pytest.importorskip("fastapi", reason="fastapi is not installed")
pytest.importorskip("transformers.cli.serving.server", reason="this version has no such server")

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SENT = {"traceparent": f"00-{TRACE}-{PARENT}-01"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, llama: Any) -> str:
    from tests.providers.transformers import tiny

    home: Path = tmp_path_factory.mktemp("served")
    llama.save_pretrained(home)
    tiny.tokenizer().save_pretrained(home)
    return str(home)


@pytest.fixture
def build() -> Iterator[Callable[[], Any]]:
    """Makes the server's application, as its command does."""
    from transformers.cli.serving.model_manager import ModelManager

    models: list[Any] = []

    def made() -> Any:
        models.append(ModelManager(device="cpu"))
        return application(models[-1])

    yield made
    for manager in models:
        manager.shutdown()  # else its timers keep the process from ending


def application(models: Any) -> Any:
    from transformers.cli.serving.chat_completion import ChatCompletionHandler
    from transformers.cli.serving.completion import CompletionHandler
    from transformers.cli.serving.response import ResponseHandler
    from transformers.cli.serving.server import build_server
    from transformers.cli.serving.systemone import SystemOneHandler
    from transformers.cli.serving.transcription import TranscriptionHandler
    from transformers.cli.serving.utils import GenerationState

    state = GenerationState()
    return build_server(
        models,
        *(
            handler(models, state)
            for handler in (
                ChatCompletionHandler, CompletionHandler, ResponseHandler, TranscriptionHandler, SystemOneHandler,
            )
        ),
        generation_state=state,
    )  # fmt: skip


def client(app: Any) -> Any:
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(transport=transport, base_url="http://served")


def chat(model: str, **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": "hello world"}]
    return {"model": model, "messages": messages, "max_tokens": 4, **more}


async def ended(seen: Any) -> list[Any]:
    """The spans, once the model's thread is done: the answer may have been sent before."""
    while seen.open_calls:  # noqa: ASYNC110 -- it ends on a thread that has no event for it
        await asyncio.sleep(0.01)
    found: list[Any] = seen.spans
    return found


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("chat/completions", {}),
        ("chat/completions", {"stream": True}),
        ("completions", {"prompt": "hello world"}),
        ("completions", {"prompt": "hello world", "stream": True}),
        ("responses", {"input": "hello world", "stream": False}),
        ("responses", {"input": "hello world", "stream": True}),
    ],
    ids=lambda value: value if isinstance(value, str) else "streamed" if value.get("stream") else "plain",
)  # fmt: skip
async def test_every_way_of_asking_joins_the_trace(
    capture: Callable[..., Any],
    build: Callable[[], Any],
    folder: str,
    path: str,
    body: dict[str, Any],
) -> None:
    asked = {"model": folder, **body} if body.keys() - {"stream"} else chat(folder, **body)
    asked.pop("max_tokens", None) if path == "responses" else None
    with capture() as seen:
        async with client(build()) as http:
            answer = await http.post(f"/v1/{path}", json=asked, headers=SENT)
        assert answer.status_code == 200, answer.text
        spans = await ended(seen)
    made = spans[-1]
    assert made.name.startswith(("chat ", "text_completion "))
    assert {(span.trace_id, span.parent_id) for span in spans} == {(TRACE, PARENT)}
    assert "hello world" in json.dumps(made.attributes["gen_ai.input.messages"])


async def test_a_span_of_the_program_s_own_instrumentation_comes_between(
    capture: Callable[..., Any], build: Callable[[], Any], folder: str
) -> None:
    """As with OpenTelemetry's instrumentation of the application, which has read the headers."""
    with capture() as seen:
        app = build()

        async def instrumented(scope: Any, receive: Any, send: Any) -> None:
            with clearspan.span("request"):
                await app(scope, receive, send)

        async with client(instrumented) as http:
            await http.post("/v1/chat/completions", json=chat(folder), headers=SENT)
        spans = await ended(seen)
    request = next(span for span in spans if span.name.endswith("request"))
    inside = [span for span in spans if span is not request]
    assert {span.parent_id for span in inside} == {request.span_id}
    assert request.trace_id != TRACE


async def test_a_server_that_was_built_under_clearspan_works_on_without_it(
    capture: Callable[..., Any], build: Callable[[], Any], folder: str
) -> None:
    with capture():
        app = build()
    async with client(app) as http:
        answer = await http.post("/v1/chat/completions", json=chat(folder), headers=SENT)
        health = await http.get("/health")
    assert answer.json()["usage"]["completion_tokens"] > 0
    assert health.json() == {"status": "ok"}
