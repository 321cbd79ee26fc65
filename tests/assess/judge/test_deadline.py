"""Servers that send a byte now and then: the time that a judge has holds for the whole of its answer."""

from __future__ import annotations

import contextlib
import socket
import threading

import pytest
from requests.exceptions import RequestException
from typing_extensions import Self

from clearspan.assess.judge import deadline
from clearspan.assess.judge.client import Judge
from clearspan.assess.judge.failure import JudgeFailure
from clearspan.assess.judge.schema import verdict
from clearspan.assess.judge.tally import Tally
from clearspan.testing import ModelServer

SHAPE = verdict(("good", "bad"))
ASKED = [{"role": "user", "content": "judge"}]


class Dripping:
    """A server that sends its answer byte by byte, for ever, until it is left or shut."""

    def __init__(self, head: bytes) -> None:
        self._head, self._shut = head, threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.left = threading.Event()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._shut.set()
        self._thread.join(20)
        self._listener.close()

    def _serve(self) -> None:
        made, _ = self._listener.accept()
        with made:
            made.recv(65_536)
            try:
                made.sendall(self._head)
                while not self._shut.wait(0.05):
                    made.sendall(b" ")
            except OSError:
                self.left.set()


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nx-slow:",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffff\r\n",
        b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n",
    ],
    ids=["head", "length", "chunk", "open end"],
)
def test_a_server_that_sends_a_byte_now_and_then_is_given_up_and_left(head: bytes) -> None:
    with Dripping(head) as server:
        judge = Judge(f"http://127.0.0.1:{server.port}/v1", model="m", timeout=0.5)
        with pytest.raises(JudgeFailure) as caught:
            judge.ask(ASKED, SHAPE, Tally())
        raised = caught.value
        assert (raised.type, str(raised)) == ("judge_timeout", "the judge did not answer within 0.5 s")  # fmt: skip
        assert server.left.wait(20)


def test_a_connection_that_is_made_too_late_is_cut_at_once() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        watch = deadline.Watch()
        watch.cut()
        watch.keep(ours)
        assert theirs.recv(1) == b""
        watch.close()


def test_a_connection_that_is_gone_already_does_no_harm() -> None:
    with Dripping(b"") as server:
        watch = deadline.Watch()
        with socket.create_connection(("127.0.0.1", server.port)) as made:
            watch.keep(made)
            made.shutdown(socket.SHUT_RDWR)
        watch.cut()
        watch.cut()
        watch.close()
        assert watch.late
        watch.cut()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_requests_are_watched_by_way_of_a_proxy_too(scheme: str) -> None:
    with Dripping(b"HTTP") as proxy, deadline.session() as made:
        proxies = {scheme: f"http://127.0.0.1:{proxy.port}"}
        with deadline.watched(0.5) as watch, contextlib.suppress(RequestException):
            made.get(f"{scheme}://model.invalid/v1", proxies=proxies, timeout=20)
        assert watch.late
        assert proxy.left.wait(20)


def test_a_session_works_where_nobody_watches() -> None:
    with ModelServer() as server, deadline.session() as made:
        assert made.get(f"{server.url}/models", timeout=20).status_code == 200
