"""The spool, and the exporters beside it, against receivers, neighbours and ends that mean it no good."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from tests.faults.kit import eventually, ran, started
from tests.faults.posting import posting
from tests.faults.test_spool import arrived, balanced, settled, waiting
from tests.support.bytewise import serving
from tests.support.otlp_sink import Answer, Reply, Sink, grpc_sink

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def moody(sink: Sink, answer: Callable[[str, bytes], Answer | None]) -> None:
    """Have `answer` decide, by the signal and the body, where it says something."""
    take = sink.take

    def taken(signal: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        said = answer(signal, body)
        return take(signal, path, headers, body) if said is None else said

    sink.take = taken  # type: ignore[method-assign]


def names(sink: Sink) -> list[str]:
    """The names of the spans that it took."""
    return [
        span.name
        for request in sink.taken
        if request.signal == "traces"
        for resource in request.message.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def test_F54_a_child_forked_amid_a_call_of_grpc_leaves_its_spans_to_its_parent(spool: str) -> None:
    with grpc_sink() as sink:
        sink.answer, sink.only = "hang", "traces"
        with posting(endpoint=sink.url, protocol="grpc", spool=spool) as program:
            made = program("loose", 3)
            assert sink.reached.wait(30)
            for number in range(8):
                made += program("fork", [f"child-{number}"])
            sink.answer = 200
            sink.released.set()
            assert eventually(lambda: set(made) <= set(arrived(sink)))
            assert eventually(settled(program))
            assert balanced(program).dropped == {}


@pytest.mark.parametrize("kept", [True, False], ids=["spool", "direct"])
@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX-Drip: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
        b"HTTP/1.1 503 Not now\r\nContent-Length: 100000\r\n\r\n",
    ],
    ids=["status", "headers", "body", "body of a refusal"],
)
def test_a_receiver_that_answers_in_drops_stops_nobody(
    first: bytes, kept: bool, tmp_path: Path
) -> None:
    def say(client: socket.socket, over: threading.Event, which: int) -> None:
        """The first answer comes in drops and never ends, the others come at once."""
        if which > 0:
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            return
        client.sendall(first)
        while not over.wait(0.02):
            client.sendall(b"x")

    options: dict[str, Any] = {"spool": str(tmp_path / "spool.db")} if kept else {"export_interval": 0.1}  # fmt: skip
    with (
        serving(say) as receiver,
        posting({"OTEL_EXPORTER_OTLP_TIMEOUT": "0.5"}, endpoint=receiver.url, **options) as program,
    ):
        program("loose", 1)
        assert eventually(lambda: receiver.requests)
        for number in range(2, 5):
            program("loose", 1)
            program("flush")
            assert eventually(lambda n=number: balanced(program).exported >= n - 1)  # type: ignore[misc]
        assert eventually(settled(program))
        assert balanced(program).exported >= (4 if kept else 3)


def test_halves_go_on_where_they_were_when_a_receiver_takes_one_at_a_time(
    sink: Sink, spool: str
) -> None:
    last = [0.0]

    def slow(signal: str, body: bytes) -> Answer | None:
        if signal != "traces":
            return None
        if len(body) > 2_500:
            return 413
        if time.monotonic() - last[0] < 0.15:
            return 429
        last[0] = time.monotonic()
        return None

    moody(sink, slow)
    with posting(endpoint=sink.url, spool=spool) as program:
        made = program("loose", 100)
        assert eventually(settled(program)), (len(arrived(sink)), program.spool)
        assert Counter(arrived(sink)) == Counter(made)
        assert balanced(program).exported == 100


@pytest.mark.parametrize("how", ["killed", "busy"])
def test_F57_what_can_be_read_of_a_broken_spool_is_not_lost_with_its_reader(
    how: str, sink: Sink, spool: str
) -> None:
    sink.answer = 503
    with posting(endpoint=sink.url, spool=spool) as program:
        made = program.spans("a", "b", "c", "d", "e")
        program.kill()
    with contextlib.closing(sqlite3.connect(spool)) as connection:
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'parcels_turn'"
        root = connection.execute(query).fetchone()[0]
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with Path(spool).open("r+b") as file:
        file.seek((root - 1) * 8192)
        file.write(os.urandom(8192))
    sink.answer = 200
    done = ran(_READER, sink.url, spool, how)
    assert done.returncode == (-signal.SIGKILL if how == "killed" else 0), done.stderr
    assert arrived(sink) == []
    with posting(endpoint=sink.url, spool=spool) as program:
        assert eventually(lambda: set(made) <= set(arrived(sink))), program.spool
        assert program.spool["spool requests recovered"] >= 5


_READER = """
import os, signal, sqlite3, sys
import clearspan
from clearspan.core.sqlite.errors import Unusable
from clearspan.exporters.otlp.spool import box, salvage
from clearspan.exporters.otlp.spool.box import Box

readable = salvage.readable
blocking = []

def reading(path, lost):
    if sys.argv[3] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    other = sqlite3.connect(sys.argv[2], isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    blocking.append(other)
    yield from readable(path, lost)

salvage.readable = reading
made = Box(sys.argv[2], max_bytes=2**24, max_age=1e6, lease=60)
made.database._timeout = 0.2
made.check()
try:
    made.salvage()
except Unusable:
    os._exit(0)
os._exit(1)
"""


def test_F47_a_receiver_that_refuses_less_than_nothing_is_not_believed(
    sink: Sink, spool: str
) -> None:
    response = ExportTraceServiceResponse()
    response.partial_success.rejected_spans = -5
    sink.only, sink.script = "traces", [Reply(200, (), response.SerializeToString())]
    with posting(endpoint=sink.url, spool=spool) as program:
        program("loose", 2)
        assert eventually(settled(program))
        accounts = balanced(program)
        assert (accounts.created, accounts.exported, accounts.dropped) == (2, 2, {})


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ({"headers": {"x-team-id": "blue"}}, {"headers": {"x-team-id": "red"}}, False),
        ({"headers": {"x-auth-tenant": "blue"}}, {"headers": {"x-auth-tenant": "red"}}, False),
        ({"query": "?project=blue"}, {"query": "?project=red"}, False),
        ({"headers": {"x-honeycomb-team": "old"}}, {"headers": {"x-honeycomb-team": "new"}}, True),
        ({"query": "?api-key=old&q=1"}, {"query": "?api-key=new&q=1"}, True),
        ({"headers": {"x-release": "1"}}, {"headers": {"x-release": "2"}}, True),
    ],
    ids=["team", "tenant", "project", "key", "key in the address", "release"],
)
def test_F77_what_waits_is_for_whom_it_was_recorded_whatever_the_key_is_now(
    before: dict[str, Any], after: dict[str, Any], same: bool, sink: Sink, spool: str
) -> None:
    def given(how: dict[str, Any]) -> dict[str, Any]:
        headers = {"headers": how["headers"]} if "headers" in how else {}
        return {"endpoint": f"{sink.url}/{how.get('query', '')}", "spool": spool, **headers}

    sink.answer = 503
    with posting(**given(before)) as first:
        made = first.spans("a")
        first.kill()
    sink.answer = 200
    with posting(**given(after)) as second:
        own = second.spans("mine")
        assert eventually(settled(second))
        if same:
            assert eventually(lambda: set(made) <= set(arrived(sink)))
        else:
            assert second.end() == 0
            assert arrived(sink) == own
            assert len(waiting(spool)) >= 1


def test_one_request_that_a_receiver_always_fails_at_is_not_in_the_way_of_the_others(
    sink: Sink, spool: str
) -> None:
    cured = threading.Event()
    moody(sink, lambda _, body: 502 if b"poison" in body and not cured.is_set() else None)
    with posting(endpoint=sink.url, spool=spool) as program:
        program.spans("poison-one", "good-1", "good-2", "poison-two", "good-3")
        assert eventually(lambda: {"good-1", "good-2", "good-3"} <= set(names(sink)))
        assert eventually(lambda: balanced(program).pending == 2)
        program.spans("good-4")
        assert eventually(lambda: "good-4" in names(sink))
        cured.set()
        assert eventually(settled(program))
        assert Counter(names(sink)).most_common(1)[0][1] == 1
        assert balanced(program).exported == 6


@pytest.mark.parametrize("where", ["here", "elsewhere"])
def test_F47_a_program_that_slept_longer_than_it_was_waited_for_loses_nothing(
    where: str, sink: Sink, spool: str
) -> None:
    soon = {"SPOOL_SILENCE": "0.2", "OTEL_EXPORTER_OTLP_TIMEOUT": "0.4"}
    sink.answer = 503
    with posting(soon, endpoint=sink.url, spool=spool) as sleeper:
        made = sleeper.spans("a", "b")
        os.kill(sleeper.process.pid or 0, signal.SIGSTOP)
        with contextlib.closing(sqlite3.connect(spool, isolation_level=None)) as connection:
            if where == "elsewhere":
                connection.execute("UPDATE owners SET machine = 'elsewhere'")
            (until,) = connection.execute("SELECT max(until_ns) FROM owners").fetchone()
        assert eventually(lambda: time.time_ns() > until)
        sink.answer = 200
        with posting(soon, endpoint=sink.url, spool=spool) as other:
            (own,) = other.spans("c")
            assert eventually(settled(other))
            assert own in arrived(sink)
            if where == "elsewhere":
                assert eventually(lambda: set(made) <= set(arrived(sink)))
            os.kill(sleeper.process.pid or 0, signal.SIGCONT)
            assert eventually(settled(sleeper))
        accounts = balanced(sleeper)
        fates = (accounts.exported, accounts.dropped)
        assert fates == ((2, {}) if where == "here" else (0, {"spool_handed_over": 2}))
        assert Counter(arrived(sink)) == Counter([*made, own])


def test_a_neighbour_that_allows_less_deletes_nothing_of_others(sink: Sink, spool: str) -> None:
    sink.answer = 503
    large: dict[str, Any] = {"spool_bytes": "32MiB", "content_limit": "1MB"}
    with posting(endpoint=sink.url, spool=spool, **large) as program:
        made = program.spans(*(random.Random(n).randbytes(100_000).hex() for n in range(60)))
        with posting(endpoint=sink.url, spool=spool, spool_bytes="4MiB") as small:
            made += small.spans("small")
            sink.answer = 200
            assert eventually(settled(small))
            assert eventually(settled(program))
            assert (balanced(small).dropped, balanced(program).dropped) == ({}, {})
    assert sorted(arrived(sink)) == sorted(made)


def test_F59_on_a_full_disk_one_failure_is_got_over_as_without_a_spool(
    sink: Sink, spool: str
) -> None:
    with posting(endpoint=sink.url, spool=spool) as program:
        made = program.spans("before")
        assert eventually(settled(program))
        program("limit", 1)
        sink.only, sink.script = "traces", [503]
        made += program.spans("sent at once")
        assert eventually(settled(program))
        assert arrived(sink) == made
        assert balanced(program).dropped == {}


def test_a_page_to_log_in_by_takes_nothing(sink: Sink, spool: str) -> None:
    page = Reply(200, (("Content-Type", "text/html; charset=utf-8"),), b"<html>Log in, please")
    sink.answer = page
    with posting(endpoint=sink.url, spool=spool) as program:
        made = program.spans("a")
        assert eventually(lambda: "with a page" in program.spool.get("spool problem", ""))
        assert balanced(program).pending == 1
        sink.answer = 200
        sink.taken.clear()
        assert eventually(settled(program))
        assert arrived(sink) == made


def test_what_a_killed_program_left_does_not_wait_until_its_parent_asks_for_its_end(
    sink: Sink, spool: str
) -> None:
    sink.answer = 503
    with started(_LEAVING, sink.url, spool) as program:
        assert program.stdout.readline().strip() == "kept"
        program.kill()
        os.waitid(os.P_PID, program.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and is not reaped
        sink.answer = 200
        with posting(endpoint=sink.url, spool=spool):
            assert eventually(lambda: "left" in names(sink))
        assert Path(f"/proc/{program.pid}").exists() or not Path("/proc").exists()


_LEAVING = """
import sys, time
import clearspan

clearspan.init(endpoint=sys.argv[1], spool=sys.argv[2], providers=(), metric_interval=3600)
with clearspan.span("left"):
    pass
assert clearspan.flush(30)
print("kept", flush=True)
time.sleep(120)
"""
