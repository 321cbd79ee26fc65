"""The documented example of a provider, run against a vendor's client that exists only here."""

from __future__ import annotations

import ast
import asyncio
import importlib
import json
import sys
import urllib.request
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

from clearspan.testing import ModelServer, captured
from clearspan.testing.server import Error, Reply, ToolCall

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLE = Path(__file__).parents[2] / "examples" / "new_provider.py"
MESSAGES = [{"role": "user", "content": "Where is Rome?"}]

CLIENT = """
    import json
    import urllib.request


    class Client:
        def __init__(self, host, port):
            self.host, self.port = host, port

        def chat(self, *, model, messages, stream=False, **options):
            body = {"model": model, "messages": messages, "stream": stream, **options}
            request = urllib.request.Request(
                f"http://{self.host}:{self.port}/v1/chat/completions",
                json.dumps(body).encode(),
                {"content-type": "application/json"},
            )
            answer = urllib.request.urlopen(request)
            return self._chunks(answer) if stream else json.load(answer)

        def _chunks(self, answer):
            for line in answer:
                if line.startswith(b"data: {"):
                    yield json.loads(line[6:])


    class AsyncClient(Client):
        async def chat(self, **options):
            answer = super().chat(**options)
            return self._later(answer) if options.get("stream") else answer

        async def _later(self, chunks):
            for chunk in chunks:
                yield chunk
"""


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    package = tmp_path / "acme_ai"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "client.py").write_text(dedent(CLIENT))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.syspath_prepend(str(EXAMPLE.parent))
    yield importlib.import_module("new_provider")
    for name in ("new_provider", "acme_ai.client", "acme_ai"):
        sys.modules.pop(name, None)


def client(server: ModelServer, kind: str = "Client") -> Any:
    return getattr(importlib.import_module("acme_ai.client"), kind)("127.0.0.1", server.port)


def messages(span: Any, name: str) -> Any:
    return json.loads(span.attributes[f"gen_ai.{name}.messages"])


def test_a_plain_call_is_recorded(example: Any) -> None:
    with ModelServer() as server, captured(providers=[example.provider]) as seen:
        server.script(Reply("In Italy.", tool_calls=[ToolCall("look", {"at": "Rome"}, id="c1")]))
        answer = client(server).chat(model="acme-1", messages=MESSAGES, temperature=0.5)
    assert answer["choices"][0]["message"]["content"] == "In Italy."
    span = seen.span("chat acme-1")
    assert span.attributes["gen_ai.provider.name"] == "acme_ai"
    assert span.attributes["server.port"] == server.port
    assert span.attributes["gen_ai.request.temperature"] == 0.5
    assert span.attributes["gen_ai.usage.output_tokens"] > 0
    parts = [{"type": "text", "content": "Where is Rome?"}]
    assert messages(span, "input") == [{"role": "user", "parts": parts}]
    (said,) = messages(span, "output")
    assert said["parts"][0] == {"type": "text", "content": "In Italy."}
    assert (said["parts"][1]["name"], said["parts"][1]["arguments"]) == ("look", {"at": "Rome"})
    # The attributes of OpenAI's own namespace are not for other vendors.
    assert not [name for name in span.attributes if name.startswith("openai.")]


def test_a_stream_is_recorded_to_its_end(example: Any) -> None:
    with ModelServer() as server, captured(providers=[example.provider]) as seen:
        server.script(Reply("In Italy.", chunks=["In ", "Italy."]))
        chunks = list(client(server).chat(model="acme-1", messages=MESSAGES, stream=True))
    assert len(chunks) > 2
    span = seen.span("chat acme-1")
    assert messages(span, "output")[0]["parts"] == [{"type": "text", "content": "In Italy."}]
    assert span.attributes["gen_ai.request.stream"] is True


def test_coroutines_and_their_streams_are_recorded(example: Any) -> None:
    async def ask(server: ModelServer) -> int:
        acme = client(server, "AsyncClient")
        await acme.chat(model="acme-1", messages=MESSAGES)
        return len(
            [
                chunk
                async for chunk in await acme.chat(model="acme-2", messages=MESSAGES, stream=True)
            ]
        )

    with ModelServer() as server, captured(providers=[example.provider]) as seen:
        assert asyncio.run(ask(server)) > 2
    assert [span.name for span in seen.spans] == ["chat acme-1", "chat acme-2"]


def test_a_failing_call_raises_what_it_raised_and_is_recorded(example: Any) -> None:
    with ModelServer() as server, captured(providers=[example.provider]) as seen:
        server.script(Error(500))
        with pytest.raises(urllib.request.HTTPError):
            client(server).chat(model="acme-1", messages=MESSAGES)
    assert seen.span("chat acme-1").attributes["error.type"] == "urllib.error.HTTPError"


def test_the_example_is_as_short_as_is_promised() -> None:
    tree = ast.parse(EXAMPLE.read_text())
    assert ast.get_docstring(tree)
    code = sum((node.end_lineno or 0) - node.lineno + 1 for node in tree.body[1:])
    assert code <= 25
