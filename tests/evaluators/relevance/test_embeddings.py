from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from clearspan.evaluators.relevance import EmbeddingEndpoint, Relevance
from clearspan.score import Score
from tests.assess.calls import call


class Endpoint:
    """A server that answers with what it is given, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answer: Any = {}
        self.status = 200
        self.asked: list[tuple[str, dict[str, Any], str | None]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.asked.append((self.path, body, self.headers.get("Authorization")))
                self.send_response(outer.status)
                self.end_headers()
                self.wfile.write(json.dumps(outer.answer).encode())

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    made = Endpoint()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def test_openais_form(endpoint: Endpoint) -> None:
    endpoint.answer = {
        "data": [{"index": 1, "embedding": [0, 1]}, {"index": 0, "embedding": [1, 0]}]
    }
    embed = EmbeddingEndpoint(f"{endpoint.url}/v1/", "small", key="k-1")
    assert embed(["a", "b"]) == [[1.0, 0.0], [0.0, 1.0]]
    assert endpoint.asked == [
        ("/v1/embeddings", {"model": "small", "input": ["a", "b"]}, "Bearer k-1")
    ]
    assert "k-1" not in repr(embed)


def test_ollamas_form(endpoint: Endpoint) -> None:
    endpoint.answer = {"embeddings": [[1, 2], [1, 2]]}
    judge = Relevance(embed=EmbeddingEndpoint(endpoint.url, "minilm", api="ollama"))
    score = judge.evaluate(call("a", "b"))
    assert isinstance(score, Score)
    assert score.value == pytest.approx(1.0)
    assert endpoint.asked == [("/api/embed", {"model": "minilm", "input": ["a", "b"]}, None)]


@pytest.mark.parametrize(
    "answer", [{"error": "no"}, {"data": [3]}, {"data": None}, [], {"data": [{}]}]
)
def test_an_answer_without_embeddings(endpoint: Endpoint, answer: Any) -> None:
    endpoint.answer = answer
    with pytest.raises(ValueError, match="holds no embeddings"):
        EmbeddingEndpoint(endpoint.url, "small")(["a"])


def test_too_few_embeddings(endpoint: Endpoint) -> None:
    endpoint.answer = {"data": [{"embedding": [1]}]}
    with pytest.raises(ValueError, match="answered 2 texts with 1"):
        EmbeddingEndpoint(endpoint.url, "small")(["a", "b"])


def test_a_refusal_is_an_error(endpoint: Endpoint) -> None:
    endpoint.status = 503
    with pytest.raises(requests.HTTPError):
        EmbeddingEndpoint(endpoint.url, "small")(["a"])


def test_an_api_that_does_not_exist() -> None:
    with pytest.raises(ValueError, match="api must be one of openai, ollama"):
        EmbeddingEndpoint("http://localhost", "small", api="grpc")
