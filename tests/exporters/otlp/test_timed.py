"""Attempts that end, however an answer comes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
import requests
from requests.adapters import HTTPAdapter

from clearspan.core import deadline
from clearspan.exporters import Destination
from clearspan.exporters.otlp import build
from clearspan.exporters.otlp.timed import timed
from clearspan.exporters.otlp.verdict import own_session
from tests.exporters.kit import spans
from tests.support.bytewise import serving
from tests.support.otlp_sink import Sink, http_sink

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"


def drip(client: socket.socket, over: threading.Event, _: int) -> None:
    client.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: ")
    while not over.wait(0.02):
        client.sendall(b"x")


def pause(client: socket.socket, over: threading.Event, _: int) -> None:
    client.sendall(b"HTTP/1.1 200 OK\r\n")
    over.wait(0.5)
    client.sendall(b"X-Pause: ")
    over.wait(60)


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with timed(requests.Session()) as made:
        made.trust_env = False
        yield made


def test_an_answer_in_drops_ends_with_the_attempt(session: requests.Session) -> None:
    with serving(drip) as server, pytest.raises(requests.ReadTimeout):
        session.post(server.url, data=b"x", timeout=0.3)


def test_silence_in_the_middle_ends_with_the_attempt(session: requests.Session) -> None:
    """What has come leaves that much less time for the rest."""
    limits: list[float | None] = []
    with serving(pause) as server:
        settimeout = socket.socket.settimeout

        class Noting(socket.socket):
            def settimeout(self, value: float | None) -> None:
                limits.append(value)
                settimeout(self, value)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(socket, "socket", Noting)
            with pytest.raises(requests.ReadTimeout):
                session.post(server.url, data=b"x", timeout=1.0)
    assert limits[-1] is not None
    assert limits[-1] < 0.75


def test_a_whole_answer_is_read_and_its_connection_used_again(session: requests.Session) -> None:
    with serving(lambda client, *_: client.sendall(WHOLE)) as server:
        for _ in range(3):
            assert session.post(server.url, data=b"x", timeout=5).content == b"body"
        assert session.post(server.url, data=b"x").text == "body"
        assert server.connections == 1


def test_a_thread_with_a_deadline_waits_no_longer(session: requests.Session) -> None:
    with serving(drip) as server, deadline.within(0.2), pytest.raises(requests.RequestException):  # fmt: skip
        session.post(server.url, data=b"x", timeout=3_600)


def test_a_proxy_is_no_way_round(session: requests.Session) -> None:
    with serving(drip) as server:
        session.proxies = {"http": server.url, "https": server.url}
        for url in (
            "http://example.invalid/",
            "https://example.invalid/",
            "http://example.invalid/",
        ):
            with pytest.raises((requests.ReadTimeout, requests.ConnectionError)):
                session.post(url, data=b"x", timeout=0.3)
        adapter = session.get_adapter("http://example.invalid/")
        assert isinstance(adapter, HTTPAdapter)
        assert len(adapter.proxy_manager) == 1


@pytest.mark.parametrize("own", [True, False], ids=["own", "given"])
def test_exporters_that_send_at_once_read_in_time_too(
    own: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(drip) as server:
        base = server.url
        if own:
            monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", base)
        made = build(Destination(endpoint=None if own else base, timeout=0.3))
        assert made.span is not None
        assert made.span.export(spans()).value == 1
        made.span.shutdown()


def test_sessions_of_exporters_are_such() -> None:
    session = own_session("traces")
    assert session is not None
    for url in ("http://localhost/", "https://localhost/"):
        pools = session.get_adapter(url).poolmanager.pool_classes_by_scheme  # type: ignore[attr-defined]
        assert all(pool.ConnectionCls.limited for pool in pools.values())


@pytest.fixture
def sink() -> Iterator[Sink]:
    with http_sink() as made:
        yield made


def test_what_is_in_time_arrives(sink: Sink) -> None:
    made = build(Destination(endpoint=sink.url))
    assert made.span is not None
    assert made.span.export(spans(3)).value == 0
    assert len(sink.spans) == 3
    made.span.shutdown()
