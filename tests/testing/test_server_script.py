"""Which answer goes to which request, what is remembered, and what scripts must not say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import openai
import pytest

from clearspan.testing import server as kit
from clearspan.testing.server import (
    Delay,
    Error,
    Hang,
    Json,
    ModelServer,
    Raw,
    Reply,
    Request,
    Sse,
    ToolCall,
)
from tests.testing.server_client import Caller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHAT = "chat.completions.create"
ASKED: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "a b c"}]}


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as running:
        yield running


@pytest.fixture
def client(server: ModelServer) -> Iterator[Any]:
    with Caller(server, asynchronous=False).client() as made:
        yield made


@pytest.fixture
def call(server: ModelServer) -> Caller:
    return Caller(server, asynchronous=False)


def said(call: Caller) -> str:
    return str(call(CHAT, **ASKED).choices[0].message.content)


def test_addresses(server: ModelServer) -> None:
    assert server.origin == f"http://127.0.0.1:{server.port}"
    assert server.url == f"{server.origin}/v1"


def test_queued_answers_come_once_and_in_order(server: ModelServer, call: Caller) -> None:
    server.script(Reply("one"), Reply("two"))
    server.script(Reply("three"))
    assert [said(call) for _ in range(4)] == ["one", "two", "three", "You said: a b c"]


def test_answers_for_a_path_wait_for_it(server: ModelServer, call: Caller, client: Any) -> None:
    server.script(Json({"object": "list", "data": []}), path="/embeddings")
    server.script(Reply("chat"), path="/completions")
    server.script(Reply("any"))
    assert said(call) == "chat"
    assert said(call) == "any"
    assert client.embeddings.with_raw_response.create(model="m", input="a").text == (
        '{"object":"list","data":[]}'
    )


def test_look_ups_leave_the_queue_alone_unless_named(server: ModelServer, call: Caller) -> None:
    server.script(Reply("chat"))
    server.script(Error(404), path="/models/m")
    with pytest.raises(openai.NotFoundError):
        call("models.retrieve", "m")
    assert call("models.retrieve", "n").id == "n"
    assert said(call) == "chat"


def test_standing_answers(server: ModelServer, call: Caller) -> None:
    server.respond(Reply("always"))
    server.respond(Reply("else"), path="/responses")
    server.script(Reply("first"))
    assert [said(call) for _ in range(3)] == ["first", "always", "always"]
    server.respond(Reply("newer"))
    assert said(call) == "newer"


def test_handlers_decide_by_the_request(server: ModelServer, call: Caller, client: Any) -> None:
    def decide(request: Request) -> Reply | None:
        body = request.json
        assert isinstance(body, dict)
        return Reply("tools!") if "tools" in body else None

    server.respond(decide)
    tool = {"type": "function", "function": {"name": "f", "parameters": {}}}
    assert said(call) == "You said: a b c"
    answer = call(CHAT, **ASKED, tools=[tool])
    assert answer.choices[0].message.content == "tools!"
    server.script(lambda request: Json({"path": request.path}))
    assert client.post("/anything", cast_to=object, body={}) == {"path": "/v1/anything"}


def test_a_failing_handler_is_told_to_the_client(server: ModelServer, call: Caller) -> None:
    def fail(request: Request) -> Reply:
        raise LookupError(f"nothing for {request.path}")

    server.respond(fail)
    call.options["max_retries"] = 2
    with pytest.raises(openai.InternalServerError) as caught:
        said(call)
    assert "LookupError: nothing for /v1/chat/completions" in str(caught.value.body)
    assert len(server.requests) == 1


def test_requests_are_kept_as_they_came(server: ModelServer, call: Caller) -> None:
    call(CHAT, **ASKED, extra_headers={"X-Thing": "Yes"}, extra_query={"a": "1", "b": "2"})
    [request] = server.requests
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.query == {"a": "1", "b": "2"}
    assert request.headers["authorization"] == "Bearer unused"
    assert request.headers["x-thing"] == "Yes"
    assert request.json == ASKED == json.loads(request.body)
    assert request.form == {}


def test_form_fields_can_be_read(server: ModelServer, call: Caller) -> None:
    asked = {"model": "whisper-1", "file": ("a.wav", b"\r\n--x", "audio/wav")}
    call("audio.transcriptions.create", **asked, timestamp_granularities=["word", "segment"])
    form = server.requests[0].form
    assert server.requests[0].json is None
    assert form["model"] == ["whisper-1"]
    assert form["timestamp_granularities"] == ["word", "segment"]


def test_form_parts_without_a_name_are_skipped(server: ModelServer) -> None:
    kind = {"content-type": 'multipart/form-data; boundary="x"'}
    data = b'--x\r\na: b\r\n\r\nlost\r\n--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n--x--'
    httpx.post(f"{server.url}/files", content=data, headers=kind)
    assert server.requests[0].form == {"a": ["1"]}


def test_reset_forgets_everything(server: ModelServer, call: Caller) -> None:
    first = call(CHAT, **ASKED)
    server.script(Reply("queued"))
    server.respond(Reply("standing"))
    server.reset()
    assert server.requests == []
    assert call(CHAT, **ASKED).to_dict() == first.to_dict()


def test_two_servers_answer_with_the_same_bytes(server: ModelServer) -> None:
    def transcript(origin: ModelServer) -> list[tuple[dict[str, str], bytes]]:
        seen = []
        for path, body in (
            ("chat/completions", {**ASKED, "stream": True}),
            ("chat/completions", ASKED),
            ("responses", {"model": "m", "input": "a b c", "stream": True}),
            ("images/generations", {"model": "gpt-image-1", "prompt": "a"}),
        ):
            answer = httpx.post(f"{origin.url}/{path}", json=body)
            headers = {k: v for k, v in answer.headers.items() if k != "date"}
            seen.append((headers, answer.content))
        return seen

    with ModelServer() as other:
        assert transcript(server) == transcript(other)


def test_raw_answers_are_sent_as_they_are(server: ModelServer) -> None:
    server.script(
        Raw(203, {"content-type": "text/x"}, b"\x00\xff"),
        Raw(body=[b"one\n", b"", b"two\n"], delay=0.001),
        Raw(299, {"server": "mine"}),
    )
    whole, pieces, empty = (httpx.post(f"{server.url}/x") for _ in range(3))
    assert (whole.status_code, whole.content) == (203, b"\x00\xff")
    assert sorted(whole.headers) == ["content-length", "content-type", "date", "server"]
    assert (pieces.content, pieces.headers["transfer-encoding"]) == (b"one\ntwo\n", "chunked")
    assert (empty.status_code, empty.headers["server"], empty.content) == (299, "mine", b"")


def test_sse_lines_are_sent_as_they_are(server: ModelServer) -> None:
    lines = [": hello", "", "event: x", "data: {}", "", "data: [DONE]"]
    server.script(Sse(lines), Sse([{"a": 1}, "data: [DONE]"], headers={"x-a": "b"}), Sse([]))
    text = [httpx.post(f"{server.url}/x") for _ in range(3)]
    assert text[0].text == "\n".join(lines) + "\n\n"
    assert text[0].headers["content-type"].startswith("text/event-stream")
    assert text[1].text == 'data: {"a":1}\n\ndata: [DONE]\n\n'
    assert text[1].headers["x-a"] == "b"
    assert text[2].text == ""


def test_json_answers_carry_status_and_headers(server: ModelServer) -> None:
    server.script(Json({"a": "é"}, status=202, headers={"Content-Type": "application/x+json"}))
    answer = httpx.post(f"{server.url}/x")
    assert (answer.status_code, answer.json()) == (202, {"a": "é"})
    assert answer.headers.get_list("content-type") == ["application/x+json"]
    assert answer.headers["x-request-id"] == "req_00000001"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/nothing"),
        ("GET", "/v1/chat/completions"),
        ("DELETE", "/"),
        ("PUT", "/v1/files"),
    ],
)
def test_unknown_addresses_are_not_found(server: ModelServer, method: str, path: str) -> None:
    answer = httpx.request(method, server.origin + path)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "unknown_url"


def test_what_is_not_json_is_no_body(server: ModelServer) -> None:
    answer = httpx.post(f"{server.url}/chat/completions", content=b"\xff{")
    assert answer.status_code == 400
    assert server.requests[0].json is None


@pytest.mark.parametrize(
    "make",
    [
        lambda: Reply(chunk_delay=-1),
        lambda: Reply(first_delay=-0.1),
        lambda: Reply("a", chunks=0),
        lambda: Reply("ab", chunks=["a", "c"]),
        lambda: Reply("a", split=0),
        lambda: Sse([], split=0),
        lambda: Sse([], delay=-1),
        lambda: Raw(delay=-1),
        lambda: Hang(-1),
        lambda: Delay(-1),
    ],
)
def test_impossible_scripts_are_refused(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"must"):
        make()


def test_one_string_is_no_list_of_chunks() -> None:
    with pytest.raises(TypeError, match="sequence of pieces"):
        Reply(chunks="abc")


def test_answers_are_values() -> None:
    assert Reply("a", tool_calls=[ToolCall("f")]) == Reply("a", tool_calls=[ToolCall("f")])
    with pytest.raises(AttributeError):
        Reply("a").text = "b"  # type: ignore[misc]


def test_everything_scripted_is_exported() -> None:
    assert all(hasattr(kit, name) for name in kit.__all__)
