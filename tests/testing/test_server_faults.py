"""Delays, errors, cuts and leavings; and that nothing stays behind."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import openai
import pytest

from clearspan.testing.server import (
    Answer,
    Cut,
    Delay,
    Error,
    Hang,
    Json,
    ModelServer,
    Raw,
    Reply,
    Sse,
    StreamError,
)
from tests.testing.server_client import Caller

if TYPE_CHECKING:
    from collections.abc import Iterator

CHAT = "chat.completions.create"
ASKED: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "a b c"}]}
# What clients say when a transport fails in the middle of a stream: up to 2.x the HTTP library's
# own error, from 3.x on theirs. The newest library has errors that httpx does not know.
try:
    import httpx2

    BROKEN = (openai.APIConnectionError, httpx.TransportError, httpx2.TransportError)
except ImportError:
    BROKEN = (openai.APIConnectionError, httpx.TransportError)
LONG = 600.0
CHUNK = {"id": "é", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": []}


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as running:
        yield running


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def call(server: ModelServer, request: pytest.FixtureRequest) -> Caller:
    return Caller(server, asynchronous=request.param)


def content(chunks: list[Any]) -> str:
    return "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)


def request_bytes(body: dict[str, Any]) -> bytes:
    data = json.dumps(body).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {len(data)}\r\n\r\n"
    return head.encode() + data


def test_the_client_retries_after_a_scripted_429(server: ModelServer, call: Caller) -> None:
    call.options["max_retries"] = 2
    soon = {"retry-after-ms": "1"}
    server.script(Error(429, headers=soon), Error(500, headers=soon))
    assert call(CHAT, **ASKED).choices[0].message.content == "You said: a b c"
    assert len(server.requests) == 3
    counts = [request.headers["x-stainless-retry-count"] for request in server.requests]
    assert counts == ["0", "1", "2"]


def test_error_defaults_follow_the_status(server: ModelServer) -> None:
    server.script(Error(429), Error(502), Error(418))
    bodies = [httpx.post(f"{server.url}/chat/completions", json=ASKED).json() for _ in range(3)]
    told = [(body["error"]["type"], body["error"]["code"]) for body in bodies]
    assert told == [
        ("requests", "rate_limit_exceeded"),
        ("server_error", None),
        ("invalid_request_error", None),
    ]


@pytest.mark.parametrize("after", [None, 0, 10])
def test_a_plain_answer_is_cut(server: ModelServer, call: Caller, after: int | None) -> None:
    server.script(Cut(Reply("never read"), after=after))
    with pytest.raises(BROKEN):
        call(CHAT, **ASKED)


def test_a_cut_keeps_what_was_flushed(server: ModelServer, call: Caller) -> None:
    server.script(Cut(Reply("one two three"), after=3))
    seen: list[Any] = []
    with pytest.raises(BROKEN):
        call.feed(seen.append, CHAT, **ASKED)
    assert content(seen) == "one two"


@pytest.mark.parametrize(("after", "seen"), [(0, 0), (5, 5), (99, 5)])
def test_a_cut_comes_after_so_many_pieces(server: ModelServer, after: int, seen: int) -> None:
    server.script(Cut(Sse([CHUNK] * 5), after=after))
    events: list[Any] = []
    with pytest.raises(BROKEN):
        Caller(server, asynchronous=False).feed(events.append, CHAT, **ASKED)
    assert len(events) == seen


def test_a_cut_is_a_reset(server: ModelServer) -> None:
    server.script(Cut())
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(request_bytes(ASKED))
        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_an_error_in_the_middle_of_a_stream(server: ModelServer, call: Caller) -> None:
    server.script(StreamError(Reply("one two three"), after=2, message="Out of paper.", code="e1"))
    seen: list[Any] = []
    with pytest.raises(openai.APIError) as caught:
        call.feed(seen.append, CHAT, **ASKED)
    assert not isinstance(caught.value, (openai.APIStatusError, openai.APIConnectionError))
    assert (caught.value.message, caught.value.code) == ("Out of paper.", "e1")
    assert content(seen) == "one"


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("responses.create", {"model": "m", "input": "a b c"}),
        ("completions.create", {"model": "m", "prompt": "a b c"}),
        (
            "audio.transcriptions.create",
            {"model": "gpt-4o-transcribe", "file": ("a.wav", b"RIFF", "audio/wav")},
        ),
    ],
)
def test_errors_in_the_middle_of_other_streams(
    server: ModelServer, call: Caller, name: str, asked: dict[str, Any]
) -> None:
    server.script(StreamError(after=2, message="Out of paper."))
    seen: list[Any] = []
    with pytest.raises(openai.APIError, match="Out of paper"):
        call.feed(seen.append, name, **asked)
    assert len(seen) == 2


def test_a_stream_error_without_a_stream_is_a_500(server: ModelServer, call: Caller) -> None:
    server.script(StreamError(message="Out of paper."))
    with pytest.raises(openai.InternalServerError) as caught:
        call(CHAT, **ASKED)
    assert caught.value.body["message"] == "Out of paper."


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "answer", [Hang(LONG), Delay(LONG), Reply(first_delay=LONG), Raw(body=b"{}", delay=LONG)]
)
def test_waiting_ends_with_the_clients_patience(
    server: ModelServer, answer: Answer, stream: bool
) -> None:
    server.script(answer)
    caller = Caller(server, asynchronous=False, options={"timeout": 0.1})
    with pytest.raises((openai.APITimeoutError, *BROKEN)):
        list(caller.stream(CHAT, **ASKED)) if stream else caller(CHAT, **ASKED)
    assert server.wait_idle(connections=0)


def test_a_hang_ends_in_a_closed_connection(server: ModelServer, call: Caller) -> None:
    server.script(Hang(0))
    with pytest.raises(openai.APIConnectionError):
        call(CHAT, **ASKED)
    assert server.wait_idle(connections=0)


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_streams_can_be_split_anywhere(server: ModelServer, call: Caller, size: int) -> None:
    server.script(Reply("naïve 東京 🦊", split=size, chunk_delay=0.0001))
    assert content(call.stream(CHAT, **ASKED)) == "naïve 東京 🦊"
    server.script(Sse([CHUNK], split=size))
    assert call.stream(CHAT, **ASKED)[0].id == "é"


def test_pieces_are_as_long_as_asked(server: ModelServer) -> None:
    server.script(Reply("東京", split=5))
    with httpx.stream(
        "POST", f"{server.url}/chat/completions", json={**ASKED, "stream": True}
    ) as r:
        pieces = list(r.iter_raw())
    assert {len(piece) for piece in pieces[:-1]} == {5}
    assert "東京" in b"".join(pieces).decode()


def test_every_chunk_is_flushed_by_itself(server: ModelServer) -> None:
    server.script(Reply("one two", chunk_delay=LONG))
    with httpx.stream(
        "POST", f"{server.url}/chat/completions", json={**ASKED, "stream": True}
    ) as r:
        lines = (line for line in r.iter_lines() if line)
        first = json.loads(next(lines).removeprefix("data: "))
        second = json.loads(next(lines).removeprefix("data: "))
        assert first["choices"][0]["delta"]["role"] == "assistant"
        assert second["choices"][0]["delta"]["content"] == "one"
        assert server.active == 1
    assert server.wait_idle(connections=0)


def test_leaving_a_stream_is_noticed_and_silent(
    server: ModelServer, capfd: pytest.CaptureFixture[str]
) -> None:
    server.respond(Reply(chunks=["x " * 1000] * 2000))
    with Caller(server, asynchronous=False).client() as client:
        stream = client.chat.completions.create(**ASKED, stream=True)
        next(stream)
        stream.close()
        assert server.wait_idle()
    assert server.wait_idle(connections=0)
    assert capfd.readouterr().err == ""


def test_cancelling_a_task_is_noticed(server: ModelServer) -> None:
    server.script(Reply("one two", chunk_delay=LONG))
    started = threading.Event()

    async def follow() -> None:
        async with Caller(server, asynchronous=True).client() as client:
            async for _ in await client.chat.completions.create(**ASKED, stream=True):
                started.set()

    async def main() -> None:
        task = asyncio.create_task(follow())
        await asyncio.to_thread(started.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert server.wait_idle(connections=0)


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: 10\r\n\r\n{}",
        b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: ten\r\n\r\n{}",
        b"POST /v1/chat/completions HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"",
    ],
)
def test_broken_requests_do_no_harm(
    server: ModelServer, data: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        while client.recv(1000):
            continue
    assert server.wait_idle(connections=0)
    assert server.requests == []
    assert capfd.readouterr().err == ""


def test_chunked_request_bodies_are_read(server: ModelServer) -> None:
    parts = [b'{"model": "m", "messages": ', b'[{"role": "user", "content": "hi"}]}']
    answer = httpx.post(f"{server.url}/chat/completions", content=iter(parts))
    assert answer.json()["choices"][0]["message"]["content"] == "You said: hi"


def test_trailers_of_a_chunked_body_are_skipped(server: ModelServer) -> None:
    body = b'{"model":"m","messages":[]}'
    head = b"POST /v1/chat/completions HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n"
    chunk = b"%x;a=b\r\n%s\r\n0\r\nx-sum: 1\r\nx-more: 2\r\n\r\n" % (len(body), body)
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall((head + chunk) * 2)
        client.shutdown(socket.SHUT_WR)
        seen = b""
        while data := client.recv(65536):
            seen += data
    assert seen.count(b"200 OK") == 2
    assert [request.body for request in server.requests] == [body, body]


def test_connections_are_kept_alive(server: ModelServer) -> None:
    with Caller(server, asynchronous=False).client() as client:
        for _ in range(3):
            client.chat.completions.create(**ASKED)
            for _chunk in client.chat.completions.create(**ASKED, stream=True):
                assert server.connections == 1
        assert server.active == 0
    assert server.wait_idle(connections=0)


def test_requests_sent_ahead_are_answered_in_order(server: ModelServer) -> None:
    server.script(Delay(0.05, Reply("first")), Reply("second"))
    # Longer than what is read ahead, so that the rest of it waits in the socket meanwhile.
    longer = {**ASKED, "user": "x" * 100_000}
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(request_bytes(ASKED) + request_bytes(longer))
        seen = b""
        while b"second" not in seen:
            seen += client.recv(65536)
    assert seen.index(b"first") < seen.index(b"second")


def test_many_clients_at_once(server: ModelServer) -> None:
    count = 200
    gate = threading.Barrier(count)

    def ask(number: int) -> str:
        body = {"model": "m", "messages": [{"role": "user", "content": f"number {number}"}]}
        data = request_bytes({**body, "stream": number % 2 == 0})
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            gate.wait()
            client.sendall(data)
            seen = b""
            while f"{number}".encode() not in seen:
                seen += client.recv(65536)
        return seen.decode()

    with ThreadPoolExecutor(count) as pool:
        answers = list(pool.map(ask, range(count)))
    assert all("HTTP/1.1 200 OK" in answer for answer in answers)
    assert len(server.requests) == count
    assert server.wait_idle(connections=0)


def test_no_thread_and_no_port_is_left() -> None:
    before = set(threading.enumerate())
    with ModelServer() as server:
        server.respond(Delay(LONG, Reply(chunk_delay=LONG)))
        server.script(Hang(LONG), Reply(chunk_delay=LONG), Delay(LONG, Json({})))
        clients = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(6)]
        for client in clients[:4]:
            client.sendall(request_bytes({**ASKED, "stream": True}))
        while server.active < 4:
            time.sleep(0.001)
    assert set(threading.enumerate()) <= before
    for client in clients:
        client.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port))
    server.close()


def test_waiting_for_idle_gives_up(server: ModelServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(b"POST")
        server.wait_idle()
        assert server.wait_idle(0.01, connections=-1) is False
