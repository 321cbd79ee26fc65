"""Spans arrive in Arize Phoenix and are understood there."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Generator
from pathlib import Path
from typing import Any

import openai
import pytest

import clearspan
from clearspan.testing import ModelServer, Reply, ToolCall
from tests.live.component import free_port, program, running

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def phoenix(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[str, int]]:
    command = program("CLEARSPAN_LIVE_PHOENIX", "phoenix")
    work: Path = tmp_path_factory.mktemp("phoenix")
    http, grpc = free_port(), free_port()
    env = {
        "PHOENIX_WORKING_DIR": str(work),
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": str(http),
        "PHOENIX_GRPC_PORT": str(grpc),
        "PHOENIX_TELEMETRY_ENABLED": "false",
    }
    base = f"http://127.0.0.1:{http}"
    with running([command, "serve"], f"{base}/readyz", work / "log", env):
        yield base, grpc


def spans_of(base: str, trace_id: str, count: int) -> list[dict[str, Any]]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with urllib.request.urlopen(f"{base}/v1/projects/default/spans?limit=200") as answer:
            found = [
                span
                for span in json.load(answer)["data"]
                if span["context"]["trace_id"] == trace_id
            ]
        if len(found) >= count:
            return found
        time.sleep(0.5)
    raise AssertionError(f"{len(found)} of {count} spans of {trace_id} arrived")


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_a_trace_is_understood(phoenix: tuple[str, int], protocol: str) -> None:
    base, grpc = phoenix
    endpoint = base if protocol == "http/protobuf" else f"http://127.0.0.1:{grpc}"
    with (
        ModelServer() as server,
        clearspan.init(endpoint=endpoint, protocol=protocol, service_name="live"),
    ):
        client = openai.OpenAI(base_url=server.url, api_key="unused")
        server.script(
            Reply(tool_calls=[ToolCall("weather", {"city": "Oslo"})], finish_reason="tool_calls"),
            Reply(text="Take an umbrella.", chunks=3, usage={"prompt_tokens": 21, "completion_tokens": 5, "total_tokens": 26}),
        )  # fmt: skip
        messages: list[Any] = [{"role": "user", "content": "Umbrella in Oslo?"}]
        with clearspan.context(session="live-1"), clearspan.span("answer", kind="agent"):
            trace_id = clearspan.current().trace_id
            first = client.chat.completions.create(model="gpt-4o", messages=messages)
            messages.append(first.choices[0].message)
            call = (first.choices[0].message.tool_calls or [])[0]
            messages.append({"role": "tool", "tool_call_id": call.id, "content": "rain"})
            for _ in client.chat.completions.create(
                model="gpt-4o",
                messages=messages,
                stream=True,
                stream_options={"include_usage": True},
            ):
                pass
        assert clearspan.flush(20)
        accounts = clearspan.status().accounts
    assert accounts.exported == accounts.created == 3
    assert trace_id is not None
    spans = spans_of(base, trace_id, 3)
    models = [span for span in spans if span["name"] == "chat gpt-4o"]
    assert len(models) == 2
    for span in models:
        assert span["span_kind"] == "LLM"
        assert span["attributes"]["llm.model_name"] == "gpt-4o"
        assert span["attributes"]["llm.token_count.prompt"] > 0
    streamed = next(
        span for span in models if span["attributes"].get("llm.token_count.prompt") == 21
    )
    told = json.dumps(streamed["attributes"])
    assert streamed["attributes"]["llm.token_count.completion"] == 5
    assert "Umbrella in Oslo?" in told
    assert "Take an umbrella." in told
    assert "weather" in told
