"""A real OpenAI-compatible server, `transformers serve` with a tiny model, is traced."""

from __future__ import annotations

import subprocess
from collections.abc import Generator
from pathlib import Path

import openai
import pytest

from clearspan.testing import captured
from tests.live.component import free_port, program, running

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[openai.OpenAI, str]]:
    command = program("CLEARSPAN_LIVE_TRANSFORMERS", "transformers")
    work: Path = tmp_path_factory.mktemp("serve")
    model = str(work / "tiny")
    python = str(Path(command).with_name("python"))
    subprocess.run([python, str(Path(__file__).with_name("tiny_model.py")), model], check=True)
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    serve = [command, "serve", "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(work / "hub")}
    with running(serve, f"{base}/health", work / "log", offline):
        yield openai.OpenAI(base_url=f"{base}/v1", api_key="unused", timeout=120), model


def test_plain(served: tuple[openai.OpenAI, str]) -> None:
    client, model = served
    with captured() as seen:
        answer = client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": "one two"}], max_tokens=8
        )
    (span,) = seen.spans
    assert answer.usage is not None
    assert span.attributes["gen_ai.usage.input_tokens"] == answer.usage.prompt_tokens > 0
    assert span.attributes["gen_ai.usage.output_tokens"] == answer.usage.completion_tokens > 0
    assert span.attributes["gen_ai.response.model"] == answer.model
    assert span.attributes["gen_ai.response.finish_reasons"] == (answer.choices[0].finish_reason,)
    assert span.attributes["gen_ai.provider.name"] == "openai"
    assert span.attributes["server.address"] == "127.0.0.1"
    assert seen.invocations[0].output_text == answer.choices[0].message.content


def test_streamed(served: tuple[openai.OpenAI, str]) -> None:
    client, model = served
    with captured() as seen:
        chunks = list(
            client.chat.completions.create(
                model=model,
                messages=[{"role": "user", "content": "one two"}],
                max_tokens=8,
                stream=True,
            )
        )
    (call,) = seen.invocations
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    usage = [chunk.usage for chunk in chunks if chunk.usage is not None][-1]
    assert call.output_text == text
    assert (call.usage.input, call.usage.output) == (usage.prompt_tokens, usage.completion_tokens)
    assert call.timing.chunks == len(chunks)
    assert call.timing.first_chunk is not None
    assert call.timing.first_content is not None
    assert call.timing.first_chunk <= call.timing.first_content <= call.duration


def test_a_model_that_is_not_there(served: tuple[openai.OpenAI, str]) -> None:
    client, _ = served
    with captured() as seen, pytest.raises(openai.APIStatusError) as failure:
        client.with_options(max_retries=0).chat.completions.create(
            model="no-such-model", messages=[{"role": "user", "content": "one"}]
        )
    (span,) = seen.spans
    assert span.status == "ERROR"
    assert span.attributes["clearspan.response.http_status"] == failure.value.status_code


def test_responses_streamed(served: tuple[openai.OpenAI, str]) -> None:
    client, model = served
    with captured() as seen:
        events = list(
            client.responses.create(model=model, input="one two", max_output_tokens=8, stream=True)
        )
    (call,) = seen.invocations
    assert events[-1].type == "response.completed"
    assert call.output_text == events[-1].response.output_text
