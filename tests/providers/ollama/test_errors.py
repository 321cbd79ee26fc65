"""Calls that fail: refused, unanswered, broken off; and what the program gets then."""

from __future__ import annotations

import socket
from typing import Any

import ollama
import pytest

from clearspan.providers.ollama.server import error
from clearspan.testing import Error, ModelServer, captured
from tests.providers.ollama.kit import CHAT, HEAD, answering, only, parts, sent
from tests.providers.side import Side


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("status", [400, 404, 500])
def test_a_refusal(server: ModelServer, client: Any, side: Side, stream: bool, status: int) -> None:
    server.respond(Error(status, "model 'llama3.2' not found"))
    with captured() as seen, pytest.raises(ollama.ResponseError, match="not found") as caught:
        sent(side, client, "chat", **CHAT, stream=stream)
    span = only(seen)
    assert caught.value.status_code == status
    assert (span.status, span.attributes["error.type"]) == ("ERROR", str(status))


def test_a_stream_asks_at_its_first_step(server: ModelServer, client: Any, side: Side) -> None:
    server.respond(Error(404, "no such model"))
    with captured() as seen:
        stream = side.do(client.chat(**CHAT, stream=True))
        assert not server.requests
        assert seen.open_calls == 1
        with pytest.raises(ollama.ResponseError):
            side.take(stream, 1)
        assert only(seen).attributes["error.type"] == "404"
        assert side.take(stream) == []


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_no_server(side: Side, stream: bool) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        client = (ollama.AsyncClient if side.asynchronous else ollama.Client)(f"127.0.0.1:{port}")
        with captured() as seen, pytest.raises(Exception) as caught:
            sent(side, client, "chat", **CHAT, stream=stream)
    span, kind = only(seen), type(caught.value)
    name = (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )
    assert span.attributes["error.type"] == name
    assert "Connect" in name
    assert span.attributes["server.port"] == port


def test_an_error_in_the_middle_of_a_stream(side: Side) -> None:
    said = {**HEAD, "message": {"role": "assistant", "content": "In "}, "done": False}
    client = answering(said, {"error": "out of memory"}, asynchronous=side.asynchronous)
    with captured() as seen, pytest.raises(ollama.ResponseError, match="out of memory"):
        sent(side, client, "chat", **CHAT, stream=True)
    span = only(seen)
    assert span.attributes["error.type"] == "ollama._types.ResponseError"
    assert parts(span) == [{"type": "text", "content": "In "}]


def test_an_answer_that_is_none(side: Side) -> None:
    client = answering({"unheard": "of"}, asynchronous=side.asynchronous)
    with captured() as seen, pytest.raises(ValueError, match="message"):
        sent(side, client, "chat", **CHAT)
    assert only(seen).attributes["error.type"] == "pydantic_core._pydantic_core.ValidationError"


def test_arguments_that_the_client_refuses(side: Side) -> None:
    client = answering(asynchronous=side.asynchronous)
    with captured() as seen:
        with pytest.raises(ValueError, match="role"):
            side.do(client.chat(model="llama3.2", messages=[{"content": "no role"}]))
        with pytest.raises(TypeError, match="unheard"):
            side.do(client.chat(unheard="of"))
    assert not seen.spans  # nothing was sent, no model was asked


@pytest.mark.parametrize(
    ("exception", "code"),
    [
        (ollama.ResponseError("gone", 404), "404"),
        (ollama.ResponseError("gone"), None),
        (ollama.RequestError("wrong"), None),
        (ConnectionError("none"), None),
        (type("Odd", (Exception,), {"status_code": 404})(), None),
    ],
)
def test_codes(exception: Exception, code: str | None) -> None:
    assert error(exception) == code
