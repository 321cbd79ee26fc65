"""Who answers, by what address, and with which errors."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import huggingface_hub
import pytest
from huggingface_hub import errors

from clearspan.providers.huggingface_hub.server import error, server as address
from clearspan.testing import Error, captured
from clearspan.testing.server import Hang, Raw, Sse
from tests.providers.huggingface_hub.kit import ASKED, made, only, release

if TYPE_CHECKING:
    from clearspan.testing import ModelServer
    from tests.providers.side import Side


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("http://gpu.example.org:8080/x", ("hugging_face", "gpu.example.org", 8080)),
        ("https://gpu.example.org", ("hugging_face", "gpu.example.org", 443)),
        ("https://[broken", ("hugging_face", None, None)),
        ("meta/x", ("hugging_face", None, None)),
        (None, ("hugging_face", None, None)),
    ],
)
def test_addresses(model: Any, expected: Any) -> None:
    assert address(huggingface_hub.InferenceClient(model=model)) == expected


def test_an_address_in_the_call(server: ModelServer, side: Side) -> None:
    client = made("meta/x", asynchronous=side.asynchronous)
    with captured() as seen:
        side.do(client.text_generation("Rome", model=server.origin))
    side.do(release(client))
    span = only(seen)
    assert span.name == "text_completion"
    assert (span.attributes["server.address"], span.attributes["server.port"]) == (
        "127.0.0.1",
        server.port,
    )
    assert "gen_ai.request.model" not in span.attributes


def test_openais_form_is_spoken_as_well(server: ModelServer, side: Side) -> None:
    client = made(server.url, asynchronous=side.asynchronous)
    with captured() as seen:
        answer = side.do(client.chat.completions.create(ASKED, model="m"))
    side.do(release(client))
    assert answer.choices[0].message.content == "You said: Where is Rome?"
    assert only(seen).name == "chat m"


@pytest.mark.parametrize("method", ["text_generation", "chat_completion"])
@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Error(422, "too long", "validation"), "validation"),
        (Error(429, "busy", "overloaded"), "overloaded"),
        (Error(503, "loading"), "503"),
        (Raw(500, {"content-type": "text/plain"}, b"broken"), "500"),
        (
            Raw(400, {"content-type": "application/json"}, b'{"error": {"code": "no_model"}}'),
            "no_model",
        ),
        (Raw(400, {"content-type": "application/json"}, b'{"no": "error"}'), "400"),
    ],
)
def test_refusals(server: ModelServer, side: Side, method: str, answer: Any, code: str) -> None:
    old = huggingface_hub.__version__.startswith("0.")
    if old and side.asynchronous and method == "text_generation" and isinstance(answer, Raw):
        pytest.skip("this client stumbles over such an answer, and says so instead")
    server.respond(answer)
    client = made(f"{server.origin}/models/meta/x", asynchronous=side.asynchronous)
    given: Any = "Rome" if method == "text_generation" else ASKED
    with captured() as seen, pytest.raises(Exception, match=r"."):
        side.do(getattr(client, method)(given))
    side.do(release(client))
    span = only(seen)
    assert (span.status, span.attributes["error.type"]) == ("ERROR", code)


def test_no_server(side: Side) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        client = made(f"http://127.0.0.1:{port}", asynchronous=side.asynchronous)
        with captured() as seen, pytest.raises(Exception) as caught:
            side.do(client.text_generation("Rome"))
        side.do(release(client))
    kind = type(caught.value)
    assert only(seen).attributes["error.type"] == f"{kind.__module__}.{kind.__qualname__}"
    assert only(seen).attributes["server.port"] == port


def test_no_answer_in_time(server: ModelServer, side: Side) -> None:
    server.respond(Hang(30))
    client = made(server.origin, asynchronous=side.asynchronous, timeout=0.2)
    with captured() as seen, pytest.raises(Exception) as caught:
        side.do(client.text_generation("Rome"))
    side.do(release(client))
    span, kind = only(seen), type(caught.value)
    # Before 2.0 most clients let their HTTP library's own through.
    assert kind.__name__ in ("InferenceTimeoutError", "ReadTimeout")
    assert span.attributes["error.type"] == f"{kind.__module__}.{kind.__qualname__}"
    assert span.attributes["server.port"] == server.port


def test_an_error_in_the_middle_of_a_stream(server: ModelServer, side: Side) -> None:
    token = {"index": 1, "token": {"id": 1, "text": "In", "logprob": -1.0, "special": False}}
    server.respond(Sse([token, {"error": "no room", "error_type": "overloaded"}]))
    client = made(server.origin, asynchronous=side.asynchronous)
    with captured() as seen:
        stream = side.do(client.text_generation("Rome", stream=True))
        with pytest.raises(errors.OverloadedError):
            side.take(stream)
    side.do(release(client))
    assert only(seen).attributes["error.type"] == "overloaded"


@pytest.mark.parametrize(
    ("exception", "code"),
    [
        (errors.InferenceTimeoutError("slow"), None),
        (errors.UnknownError("what?"), None),
        (errors.GenerationError("bad"), "generation"),
        (type("ValidationError", (Exception,), {})("somebody else's"), None),
        (ConnectionError("none"), None),
    ],
)
def test_codes(exception: BaseException, code: str | None) -> None:
    assert error(exception) == code


NETWORK = """
import sys
seen = set()
def watch(name, args):
    if name in ("socket.connect", "socket.getaddrinfo"):
        seen.add(args[1][:2] if name == "socket.connect" else args[:2])
sys.addaudithook(watch)
import clearspan, huggingface_hub
from clearspan.testing import ModelServer, captured
with ModelServer() as server, captured() as found:
    client = huggingface_hub.InferenceClient(model=server.origin, token="none")
    client.text_generation("Rome")
    list(client.chat_completion([{"role": "user", "content": "Rome"}], model="meta/x", stream=True))
    assert len(found.spans) == 2
    strangers = seen - {("127.0.0.1", server.port)}
print(strangers)
"""


def test_nobody_else_is_asked() -> None:
    done = subprocess.run(
        [sys.executable, "-c", NETWORK],
        env=os.environ | {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_OFFLINE": "0"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout.strip(), done.returncode) == ("set()", 0), done.stderr[-2000:]
