"""Who delivers: what is told of each request, when it is tried again, what a fork and an end leave behind."""

from __future__ import annotations

import gzip
import logging
import os
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from clearspan.core.sqlite.errors import Unusable
from clearspan.exporters.otlp.sending import Sent
from clearspan.exporters.otlp.spool import carrier as carriers, route as routes
from clearspan.exporters.otlp.spool.allowance import Allowance
from clearspan.exporters.otlp.spool.box import SMALLEST, Backlog, Box, Salvaged
from clearspan.exporters.otlp.spool.carrier import Carrier
from clearspan.exporters.otlp.spool.halves import packed
from clearspan.exporters.otlp.spool.route import Route
from clearspan.exporters.otlp.spool.tables import Gone
from tests.support.forks import in_child

ARRIVED = Sent(arrived=True)
LATER = Sent(again=0.0, problem="HTTP 503")
REFUSED = Sent(problem="HTTP 400")
TOO_LARGE = Sent(problem="HTTP 413", too_large=True)


class Scripted:
    """A sender that answers as it is told, and keeps what it was given."""

    def __init__(self) -> None:
        self.answers: list[Sent | Exception] = []
        self.bodies: list[bytes] = []
        self.closed = 0

    def send(self, body: bytes) -> Sent:
        assert len(self.bodies) < 50, "it is sent for ever"
        self.bodies.append(body)
        answer = self.answers.pop(0) if self.answers else ARRIVED
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        self.closed += 1


class Books:
    """What a carrier told of spans."""

    def __init__(self) -> None:
        self.settled: list[tuple[str, int]] = []
        self.dropped: list[tuple[str, int]] = []

    def settle(self, where: str, spans: int) -> None:
        self.settled.append((where, spans))

    def drop(self, reason: str, spans: int) -> None:
        self.dropped.append((reason, spans))


class Clock:
    """What the carrier takes for the time, moved by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(carriers, "time", made)
    monkeypatch.setattr(routes, "time", made)
    return made


@pytest.fixture
def sender() -> Scripted:
    return Scripted()


@pytest.fixture
def books() -> Books:
    return Books()


@pytest.fixture
def carrier(tmp_path: Path, sender: Scripted, books: Books, clock: Clock) -> Iterator[Carrier]:
    """A carrier whose rounds the test makes itself."""
    del clock
    made = hired(tmp_path / "spool.db", sender, books)
    made.worker.offer = lambda *_: True  # type: ignore[method-assign]  # no thread wakes up
    yield made
    made.box.database.close()


def hired(path: Path, sender: Scripted, books: Books, **options: Any) -> Carrier:
    box = Box(path, max_bytes=SMALLEST, max_age=3_600, lease=60)
    routes = {"traces": Route("here", sender), "logs": Route("here", sender)}
    made = Carrier(box, routes, **{"bandwidth": None, "metrics_first": False, **options})
    made._settle, made._drop = books.settle, books.drop
    return made


def turn(carrier: Carrier) -> None:
    """One round."""
    carrier._on_demand([])


def test_what_arrives_is_settled_once(carrier: Carrier, sender: Scripted, books: Books) -> None:
    assert carrier.backlog() is None
    carrier.accept("traces", 3, b"spans")
    carrier.accept("logs", 5, b"events")
    turn(carrier)
    assert sender.bodies == [b"spans", b"events"]
    assert (books.settled, books.dropped) == ([("exported", 3)], [])
    assert carrier.counts() == {"delivered": 8}
    assert carrier.backlog() == Backlog(0, 0, 0)
    turn(carrier)
    assert len(sender.bodies) == 2


def test_what_is_refused_is_dropped_and_said_once(
    carrier: Carrier, sender: Scripted, books: Books, caplog: pytest.LogCaptureFixture
) -> None:
    sender.answers = [REFUSED, REFUSED, ARRIVED]
    for items in (1, 2, 4):
        carrier.accept("traces", items, b"x")
    turn(carrier)
    assert (books.settled, books.dropped) == ([("exported", 4)], [("refused", 1), ("refused", 2)])
    assert carrier.counts() == {"refused": 3, "delivered": 4}
    assert [record.message for record in caplog.records] == [
        "clearspan: the receiver refuses traces (HTTP 400): they are dropped"
    ]


def test_what_is_refused_in_part_is_dropped_in_part(
    carrier: Carrier, sender: Scripted, books: Books
) -> None:
    sender.answers = [Sent(arrived=True, rejected=2), Sent(arrived=True, rejected=99)]
    carrier.accept("traces", 5, b"x")
    carrier.accept("traces", 3, b"x")
    turn(carrier)
    assert books.settled == [("exported", 3)]
    assert books.dropped == [("refused", 2), ("refused", 3)]
    assert carrier.counts() == {"delivered": 3, "refused": 5}


def test_a_failure_closes_the_way_for_longer_each_time(
    carrier: Carrier, sender: Scripted, books: Books, clock: Clock
) -> None:
    carrier.accept("traces", 1, b"x")
    pauses: list[float] = []
    for _ in range(9):
        sender.answers = [LATER]
        turn(carrier)
        turn(carrier)  # too soon
        pauses.append(carrier.routes["traces"].closed_until - clock.now)
        clock.now = carrier.routes["traces"].closed_until
    assert len(sender.bodies) == 9
    for number, pause in enumerate(pauses):
        assert 0.8 * min(2**number, 60) <= pause <= 1.2 * min(2**number, 60)
    assert carrier.routes["traces"].problem == "HTTP 503"
    turn(carrier)
    assert books.settled == [("exported", 1)]
    assert (carrier.routes["traces"].failures, carrier.routes["traces"].problem) == (0, "")


def test_a_receiver_says_how_long(carrier: Carrier, sender: Scripted, clock: Clock) -> None:
    sender.answers = [Sent(again=100.0, problem="HTTP 429")]
    carrier.accept("traces", 1, b"x")
    carrier.accept("logs", 1, b"y")
    turn(carrier)
    assert sender.bodies == [b"x", b"y"]  # the other way is open
    clock.now += 99
    turn(carrier)
    assert len(sender.bodies) == 2
    clock.now += 1
    turn(carrier)
    assert sender.bodies == [b"x", b"y", b"x"]


def test_a_sender_that_fails_in_a_way_nobody_thought_of_is_tried_again(
    carrier: Carrier, sender: Scripted, books: Books, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLEARSPAN_STRICT", "0")
    sender.answers = [ValueError("whatever")]
    carrier.accept("traces", 1, b"x")
    turn(carrier)
    assert carrier.routes["traces"].problem == "failed"
    clock.now += 2
    turn(carrier)
    assert books.settled == [("exported", 1)]


def test_a_full_disk_forgets_nothing_and_sends_nothing_twice(
    carrier: Carrier, sender: Scripted, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in (b"a", b"b", b"c"):
        carrier.accept("traces", 1, each)

    def full(key: str) -> None:
        raise Unusable("spool.db", "has no room")

    with monkeypatch.context() as patch:
        patch.setattr(carrier.box, "done", full)
        turn(carrier)
        turn(carrier)
        assert sender.bodies == [b"a", b"b", b"c"]
        assert books.settled == [("exported", 1)] * 3
    turn(carrier)
    assert sender.bodies == [b"a", b"b", b"c"]
    assert carrier.backlog() == Backlog(0, 0, 0)
    assert books.settled == [("exported", 1)] * 3


def test_what_cannot_be_kept_is_said_and_does_not_wait(
    carrier: Carrier, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Unusable, match="no room"):
        carrier.accept("traces", 1, bytes(SMALLEST))
    state = carrier._state()
    assert (state.spans, state.others, state.coming) == ({}, {}, set())
    assert (books.settled, books.dropped) == ([], [])


def test_a_spool_that_cannot_be_read_is_said_once(
    carrier: Carrier, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise Unusable("spool.db", "is in the way")

    monkeypatch.setattr(carrier.box, "next", broken)
    turn(carrier)
    turn(carrier)
    assert caplog.messages == ["clearspan: the spool 'spool.db' is in the way"]


def test_damage_is_counted_and_not_sent(carrier: Carrier, sender: Scripted, books: Books) -> None:
    carrier.accept("traces", 3, b"x")
    carrier.box.database.run(lambda c: c.execute("UPDATE contents SET body = x'00'").rowcount)
    turn(carrier)
    assert (sender.bodies, books.dropped) == ([], [("spool_damaged", 3)])
    assert carrier.counts() == {"damaged": 3}
    assert carrier.backlog() == Backlog(0, 0, 0)


def test_room_is_made_and_counted(carrier: Carrier, books: Books, sender: Scripted) -> None:
    sender.answers = [LATER]
    for _ in range(6):
        carrier.accept("traces", 2, bytes(SMALLEST // 4))
    assert books.dropped[0] == ("spool_full", 2)
    assert carrier.counts()["full"] == 2 * len(books.dropped)
    turn(carrier)


def test_what_is_too_old_is_counted(
    carrier: Carrier, books: Books, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn(carrier)
    carrier.accept("traces", 2, b"x")
    carrier.accept("logs", 7, b"y")
    carrier.box.database.run(lambda c: c.execute("UPDATE parcels SET made_ns = 1600000000000000000").rowcount)  # fmt: skip
    clock.now += 5
    turn(carrier)
    assert (books.settled, books.dropped) == ([], [("spool_expired", 2)])
    assert carrier.counts() == {"expired": 9}


def test_what_has_arrived_is_not_lost_as_well_when_it_cannot_be_deleted(
    carrier: Carrier, books: Books, sender: Scripted, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(key: str) -> None:
        raise Unusable("spool.db", "has no room")

    carrier.accept("traces", 3, b"x")
    carrier.accept("logs", 5, b"y")
    with monkeypatch.context() as patch:
        patch.setattr(carrier.box, "done", full)
        turn(carrier)
        carrier.box.database.run(lambda c: c.execute("UPDATE parcels SET made_ns = 1600000000000000000").rowcount)  # fmt: skip
        clock.now += 5
        turn(carrier)
    assert (books.settled, books.dropped) == ([("exported", 3)], [])
    assert carrier.counts() == {"delivered": 8}
    turn(carrier)
    assert carrier._state().finished == {}


def test_what_is_twice_not_there_is_lost(
    carrier: Carrier, books: Books, sender: Scripted, clock: Clock
) -> None:
    sender.answers = [Sent(again=3_600, problem="HTTP 503")]
    carrier.accept("traces", 2, b"x")
    turn(carrier)
    carrier.box.database.run(lambda c: c.execute("DELETE FROM parcels").rowcount)
    clock.now += 5
    turn(carrier)
    assert books.dropped == []
    clock.now += 5
    turn(carrier)
    assert (books.dropped, carrier.counts()) == ([("spool_lost", 2)], {"lost": 2})
    clock.now += 5
    turn(carrier)
    assert books.dropped == [("spool_lost", 2)]


class _Counting(set[str]):
    """How often another set was compared with it."""

    compared = 0

    def __rand__(self, other: Any) -> Any:
        self.compared += 1
        return set(other) & set(self)


def test_of_many_that_are_gone_each_is_looked_for_once(
    carrier: Carrier, books: Books, sender: Scripted, clock: Clock
) -> None:
    sender.answers = [Sent(again=3_600, problem="HTTP 503")]
    for _ in range(20):
        carrier.accept("traces", 1, b"x")
    turn(carrier)
    carrier.box.database.run(lambda c: c.execute("DELETE FROM parcels").rowcount)
    state = carrier._state()
    state.missing = before = _Counting(state.spans)
    clock.now += 5
    turn(carrier)
    assert sum(spans for _, spans in books.dropped) == 20
    assert before.compared == 1


def test_one_that_was_never_started_gives_back_what_it_holds(
    tmp_path: Path, sender: Scripted, books: Books
) -> None:
    path = tmp_path / "spool.db"
    first = hired(path, Scripted(), books)
    first.worker.offer = lambda *_: True  # type: ignore[method-assign]
    first.accept("traces", 1, b"x")
    first.box.database.close()
    made = hired(path, sender, books)
    database: Any = made.box.database
    database.check_writable()
    assert database.connection is not None
    assert made.close(60)
    assert database.connection is None
    assert (sender.bodies, sender.closed, books.settled) == ([], 2, [])
    assert path.exists()
    assert hired(tmp_path / "other.db", sender, books).close(60)
    assert not (tmp_path / "other.db").exists(), "nor makes what was not there"


def test_what_others_left_is_delivered_and_not_settled(
    carrier: Carrier, books: Books, sender: Scripted, clock: Clock, tmp_path: Path
) -> None:
    other = hired(tmp_path / "spool.db", Scripted(), Books())
    other.worker.offer = lambda *_: True  # type: ignore[method-assign]
    other.accept("traces", 2, b"theirs")
    other._end()
    assert other.routes["traces"].sender.closed == 2  # type: ignore[attr-defined]
    turn(carrier)
    assert (sender.bodies, books.settled) == ([b"theirs"], [])
    assert carrier.counts() == {"requests taken over": 1, "delivered": 2}


def test_what_is_found_in_broken_files_is_counted(
    carrier: Carrier, books: Books, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrier.box, "salvage", lambda: Salvaged(3, 1, [Gone("x", 5)], 2))
    turn(carrier)
    clock.now += 5
    turn(carrier)
    assert carrier.counts() == {
        "requests recovered": 6, "requests unreadable": 2, "files given up": 4, "full of others": 10,
    }  # fmt: skip
    assert books.dropped == []


def test_an_outage_is_told_once(
    carrier: Carrier, sender: Scripted, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    carrier.accept("traces", 1, b"x")
    away = Sent(again=0.0, problem="HTTP 401")
    said: list[int] = []
    for answer, seconds in [
        (away, 30), (away, 31), (away, 61), (ARRIVED, 61), (away, 59), (away, 2), (away, 0),
    ]:  # fmt: skip
        sender.answers = [answer] * 2
        carrier.accept("traces", 1, b"x")
        carrier.routes["traces"].closed_until = 0.0
        turn(carrier)
        clock.now += seconds
        said.append(len(caplog.messages))
    assert said == [0, 0, 1, 1, 1, 1, 2]
    assert (
        caplog.messages
        == [
            "clearspan: for a minute or more no traces have reached their receiver (HTTP 401): they wait in the spool"
        ]
        * 2
    )


def test_bandwidth_ends_a_round(
    tmp_path: Path, sender: Scripted, books: Books, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    carrier = hired(tmp_path / "spool.db", sender, books, bandwidth=1_000)
    carrier.worker.offer = lambda *_: True  # type: ignore[method-assign]
    carrier._allowance = Allowance(1_000, clock.monotonic)
    for _ in range(3):
        carrier.accept("traces", 1, bytes(1_500))
    for sent in (1, 1, 2, 2, 3):
        turn(carrier)
        carrier._on_time()
        assert len(sender.bodies) == sent
        clock.now += 0.76
    carrier.box.database.close()


def test_an_idle_program_asks_the_file_now_and_then_only(
    carrier: Carrier, sender: Scripted, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    following = carrier.box.next

    def counted(*given: Any, **named: Any) -> Any:
        asked.append(given)
        return following(*given, **named)

    monkeypatch.setattr(carrier.box, "next", counted)
    carrier._on_time()
    assert len(asked) == 1
    for _ in range(4):
        clock.now += 1
        carrier._on_time()
    assert len(asked) == 1
    clock.now += 1
    carrier._on_time()
    assert len(asked) == 2
    carrier.accept("traces", 1, b"x")
    sender.answers = [LATER]
    turn(carrier)
    assert len(asked) == 4
    clock.now += 2
    carrier._on_time()
    assert sender.bodies == [b"x", b"x"]


def test_after_the_end_nothing_more_is_sent(
    carrier: Carrier, sender: Scripted, clock: Clock
) -> None:
    carrier.accept("traces", 1, b"x")
    carrier._until = clock.now
    turn(carrier)
    assert sender.bodies == []


def started(carrier: Carrier, books: Books) -> list[str]:
    """Set it on its way; answers which thread was set up."""
    threads: list[str] = []
    carrier.start(books.settle, books.drop, lambda: threads.append(threading.current_thread().name))
    return threads


def test_it_delivers_on_a_thread_of_its_own(tmp_path: Path, sender: Scripted, books: Books) -> None:
    carrier = hired(tmp_path / "spool.db", sender, books)
    threads = started(carrier, books)
    carrier.accept("traces", 1, b"x")
    event = carrier.mark()
    assert event is not None
    assert event.wait(30)
    assert threads == ["clearspan-spool"]
    assert books.settled == [("exported", 1)]
    assert carrier.close(30)
    assert sender.closed == 2
    assert not carrier.worker._thread.is_alive()  # type: ignore[union-attr]


def test_an_end_in_the_middle_leaves_the_rest_to_the_next(
    tmp_path: Path, sender: Scripted, books: Books
) -> None:
    held, go = threading.Event(), threading.Event()

    def slow(body: bytes) -> Sent:
        sender.bodies.append(body)
        held.set()
        go.wait(30)
        return ARRIVED

    sender.send = slow  # type: ignore[method-assign]
    carrier = hired(tmp_path / "spool.db", sender, books)
    started(carrier, books)
    carrier.accept("traces", 1, b"a")
    carrier.accept("traces", 1, b"b")
    assert held.wait(30)
    assert not carrier.close(0.05), "the thread has something in hand"
    # Another that starts meanwhile leaves it what it has in hand.
    second, more = hired(tmp_path / "spool.db", other := Scripted(), Books()), Books()
    started(second, more)
    event = second.mark()
    assert event is not None
    assert event.wait(30)
    assert other.bodies == []
    go.set()
    carrier.worker._thread.join(30)  # type: ignore[union-attr]
    assert (sender.bodies, books.settled) == ([b"a"], [("exported", 1)])
    second._state().look_at = 0.0
    event = second.mark()
    assert event is not None
    assert event.wait(30)
    assert other.bodies == [b"b"]
    assert second.close(30)


def test_leaving_a_file_that_cannot_be_used_is_no_failure(
    carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[bool] = []

    def broken() -> None:
        left.append(True)
        raise Unusable("spool.db", "is gone")

    monkeypatch.setattr(carrier.box, "leave", broken)
    carrier._end()
    assert left == [True]


def test_without_books_nobody_is_told(tmp_path: Path, sender: Scripted, clock: Clock) -> None:
    carrier = Carrier(
        Box(tmp_path / "spool.db", max_bytes=SMALLEST, max_age=1, lease=1),
        {"traces": Route("here", sender)}, bandwidth=None, metrics_first=True,
    )  # fmt: skip
    carrier.worker.offer = lambda *_: True  # type: ignore[method-assign]
    carrier._begin()
    sender.answers = [ARRIVED, REFUSED]
    carrier.accept("traces", 1, b"a")
    carrier.accept("traces", 1, b"b")
    turn(carrier)
    assert carrier.counts() == {"delivered": 1, "refused": 1}
    carrier.box.database.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_tells_of_its_own_alone(
    carrier: Carrier, sender: Scripted, books: Books, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    carrier.accept("traces", 1, b"parents")

    def inside() -> bool:
        carrier.accept("traces", 2, b"childs")
        turn(carrier)
        return (sender.bodies, books.settled) == ([b"childs"], [("exported", 2)])

    assert in_child(inside)()
    turn(carrier)
    assert (sender.bodies, books.settled) == ([b"parents"], [("exported", 1)])


def request(*names: str) -> bytes:
    made = ExportTraceServiceRequest()
    scope = made.resource_spans.add().scope_spans.add()
    for name in names:
        scope.spans.add(name=name)
    return packed(made)


def named(body: bytes) -> list[str]:
    made = ExportTraceServiceRequest.FromString(gzip.decompress(body))
    return [
        span.name
        for resource in made.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def test_of_what_is_halved_nothing_comes_twice_when_a_part_is_to_wait(
    carrier: Carrier, sender: Scripted, books: Books, clock: Clock
) -> None:
    sender.answers = [TOO_LARGE, TOO_LARGE, ARRIVED, LATER]
    carrier.accept("traces", 5, request(*"abcde"))
    turn(carrier)
    assert [named(each) for each in sender.bodies] == [list(each) for each in ("abcde", "ab", "a", "b")]  # fmt: skip
    assert (books.settled, books.dropped) == ([("exported", 1)], [])
    left = carrier.backlog()
    assert left is not None
    assert left[:2] == (1, 4)
    sender.bodies.clear()
    clock.now += 2
    sender.answers = [TOO_LARGE, Sent(arrived=True, rejected=99), ARRIVED]
    turn(carrier)
    assert [named(each) for each in sender.bodies] == [list(each) for each in ("bcde", "bc", "de")]
    assert books.settled == [("exported", 1), ("exported", 2)]
    assert books.dropped == [("refused", 2)]
    assert carrier.counts() == {"delivered": 3, "refused": 2}
    assert carrier.backlog() == Backlog(0, 0, 0)


def test_of_what_others_left_nothing_comes_twice_either(
    carrier: Carrier, sender: Scripted, books: Books, clock: Clock, tmp_path: Path
) -> None:
    other = hired(tmp_path / "spool.db", Scripted(), Books())
    other.worker.offer = lambda *_: True  # type: ignore[method-assign]
    other.accept("traces", 2, request("a", "b"))
    other._end()
    sender.answers = [TOO_LARGE, ARRIVED, LATER]
    turn(carrier)
    clock.now += 2
    turn(carrier)
    assert [named(each) for each in sender.bodies] == [["a", "b"], ["a"], ["b"], ["b"]]
    assert (books.settled, carrier.counts()["delivered"]) == ([], 2)


@pytest.mark.parametrize("room", [True, False])
def test_what_cannot_be_noted_of_a_half_does_not_come_twice_either(
    room: bool, carrier: Carrier, sender: Scripted, books: Books, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    def full(*_: Any) -> None:
        raise Unusable("spool.db", "has no room")

    sender.answers = [TOO_LARGE, ARRIVED, LATER]
    carrier.accept("traces", 2, request("a", "b"))
    with monkeypatch.context() as patch:
        patch.setattr(carrier.box, "replace", full)
        turn(carrier)
        assert (books.settled, carrier.counts()) == ([("exported", 1)], {"delivered": 1})
        clock.now += 2
        sender.answers = [LATER]
        turn(carrier)
    clock.now += 4
    if room:
        turn(carrier)
    else:
        with monkeypatch.context() as patch:
            patch.setattr(carrier.box, "replace", full)
            turn(carrier)
    assert [named(each) for each in sender.bodies] == [["a", "b"], ["a"], ["b"], ["b"], ["b"]]
    assert books.settled == [("exported", 1)] * 2
    assert carrier.backlog() == Backlog(0, 0, 0)
    assert carrier._state().partly == {}


def test_what_could_not_be_noted_is_when_there_is_room(
    carrier: Carrier, sender: Scripted, books: Books, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise Unusable("spool.db", "has no room")

    sender.answers = [TOO_LARGE, ARRIVED, LATER]
    carrier.accept("traces", 3, request("a", "b", "c"))
    with monkeypatch.context() as patch:
        patch.setattr(carrier.box, "replace", full)
        turn(carrier)
    turn(carrier)  # the way is closed, the disk is not full any more
    assert carrier._state().partly == {}
    left = carrier.backlog()
    assert left is not None
    assert left[:2] == (1, 2)
    carrier.box.database.run(lambda c: c.execute("UPDATE parcels SET made_ns = 1600000000000000000").rowcount)  # fmt: skip
    clock.now += 5
    turn(carrier)
    assert books.dropped == [("spool_expired", 2)]
    assert carrier.counts() == {"delivered": 1, "expired": 2}


def doubtful(again: float = 0.0) -> Sent:
    return Sent(again=again, problem="HTTP 502", doubtful=True)


class Picky(Scripted):
    """Answers each body as it is told, whenever that comes."""

    def __init__(self, **answers: Sent) -> None:
        super().__init__()
        self.of = answers

    def send(self, body: bytes) -> Sent:
        self.answers = [self.of.get(body.decode(), ARRIVED)]
        if len(self.bodies) > 40:
            self.bodies.clear()
        return super().send(body)


def passing(carrier: Carrier, clock: Clock, seconds: int) -> None:
    for _ in range(seconds):
        clock.now += 1
        turn(carrier)


def test_one_that_keeps_failing_lets_the_others_pass(
    tmp_path: Path, books: Books, clock: Clock
) -> None:
    picky = Picky(bad=doubtful(), worse=doubtful())
    carrier = hired(tmp_path / "spool.db", picky, books)
    carrier.worker.offer = lambda *_: True  # type: ignore[method-assign]
    for each in (b"bad", b"a", b"worse", b"b", b"c"):
        carrier.accept("traces", 1, each)
    passing(carrier, clock, 120)
    assert books.settled == [("exported", 1)] * 3
    assert {route.receiver for route in carrier.routes.values() if len(route.stuck) == 2} == {"here"}  # fmt: skip
    # They are tried now and then, and arrive when they can.
    picky.of.clear()
    passing(carrier, clock, 200)
    assert books.settled == [("exported", 1)] * 5
    assert carrier.routes["traces"].stuck == {}
    carrier.box.database.close()


@pytest.mark.parametrize("answer", [doubtful(), LATER], ids=["doubtful", "away"])
def test_while_nothing_arrives_the_order_is_kept(
    answer: Sent, tmp_path: Path, books: Books, clock: Clock
) -> None:
    names = [f"r{number:02}" for number in range(20)]
    picky = Picky(**dict.fromkeys(names, answer))
    carrier = hired(tmp_path / "spool.db", picky, books)
    carrier.worker.offer = lambda *_: True  # type: ignore[method-assign]
    for each in names:
        carrier.accept("traces", 1, each.encode())
    passing(carrier, clock, 2_000)
    assert carrier.routes["traces"].stuck == {}
    if answer is LATER:
        assert set(picky.bodies) == {b"r00"}
    picky.of.clear()
    picky.bodies.clear()
    passing(carrier, clock, 80)
    came = [each.decode() for each in picky.bodies]
    # One that stood in for the first may come before it.
    assert sorted(came) == names
    assert sum(one > other for one, other in pairwise(came)) <= (answer is not LATER)
    carrier.box.database.close()


def test_one_alone_is_tried_again_though_nobody_can_pass(
    carrier: Carrier, sender: Scripted, books: Books, clock: Clock
) -> None:
    sender.answers = [doubtful() for _ in range(9)]
    carrier.accept("traces", 1, b"x")
    passing(carrier, clock, 600)
    assert len(sender.bodies) == 10
    assert books.settled == [("exported", 1)]


def test_what_is_stuck_and_gone_is_forgotten() -> None:
    route = Route("here", Scripted())
    for number in (1, 1, 1):
        route.tell(number, doubtful())
    assert route.passed(0.0) == [1]
    for number in range(2, 12):  # none of those that stand in for it arrives
        route.tell(number, doubtful())
    route.tell(1, doubtful())
    assert len(route.passed(0.0)) <= 9
    route.tell(50, ARRIVED)
    route.tell(1, doubtful())
    assert list(route.stuck) == [1]
    route.tidy(route.stuck[1].at + 1_000)
    assert route.stuck == {}


def test_after_a_failure_those_that_are_stuck_wait_for_the_others() -> None:
    """Else they would take all turns, once they are due."""
    route = Route("here", Scripted())
    for number, answer in ((1, doubtful()), (1, doubtful()), (1, doubtful()), (50, ARRIVED)):
        route.tell(number, answer)
    route.tell(1, doubtful())
    due = route.stuck[1].at + 1
    assert route.passed(due) == [1]
    assert route.nobody()  # there are no others
    assert route.passed(due) == []


def test_who_cannot_send_leaves_it_to_others(
    carrier: Carrier, sender: Scripted, books: Books, clock: Clock, tmp_path: Path
) -> None:
    sender.answers = [Sent(again=0.0, problem="forked", elsewhere=True)]
    carrier.accept("traces", 2, b"x")
    turn(carrier)
    clock.now += 60
    carrier.accept("traces", 3, b"y")
    turn(carrier)
    assert sender.bodies == [b"x"]
    other = hired(tmp_path / "spool.db", theirs := Scripted(), more := Books())
    other.worker.offer = lambda *_: True  # type: ignore[method-assign]
    turn(other)
    assert (theirs.bodies, more.settled) == ([b"x", b"y"], [])
    for _ in range(2):
        clock.now += 6
        turn(carrier)
    assert books.dropped == [("spool_handed_over", 2), ("spool_handed_over", 3)]
    assert carrier.counts() == {"handed over": 5}
    other.box.database.close()


def test_what_others_delete_for_room_is_told_as_that(
    carrier: Carrier, sender: Scripted, books: Books, clock: Clock, tmp_path: Path
) -> None:
    sender.answers = [Sent(again=3_600, problem="HTTP 503")]
    for _ in range(3):
        carrier.accept("traces", 2, bytes(SMALLEST // 4))
    turn(carrier)
    other = hired(tmp_path / "spool.db", Scripted(), theirs := Books())
    other.worker.offer = lambda *_: True  # type: ignore[method-assign]
    for _ in range(3):
        other.accept("traces", 1, bytes(SMALLEST // 4))
    for _ in range(3):
        clock.now += 5
        turn(carrier)
    assert books.dropped
    assert {reason for reason, _ in books.dropped} == {"spool_full"}
    # Who made the room tells of it apart: of its own it has let one go, as this one had before.
    assert other.counts() == {"full of others": carrier.counts()["full"] - 2, "full": 1}
    assert theirs.dropped == [("spool_full", 1)]
    other.box.database.close()


def test_what_others_find_too_old_is_told_as_that(
    carrier: Carrier, sender: Scripted, books: Books, clock: Clock, tmp_path: Path
) -> None:
    sender.answers = [Sent(again=3_600, problem="HTTP 503")]
    carrier.accept("traces", 2, b"x")
    turn(carrier)
    carrier.box.database.run(lambda c: c.execute("UPDATE parcels SET made_ns = 1600000000000000000").rowcount)  # fmt: skip
    other = hired(tmp_path / "spool.db", Scripted(), Books())
    assert len(other.box.expire()) == 1
    for _ in range(3):
        clock.now += 5
        turn(carrier)
    assert books.dropped == [("spool_expired", 2)]
    other.box.database.close()


def test_a_long_count_is_made_seldom(
    carrier: Carrier, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[float] = []
    count = carrier.box.backlog

    def slow() -> Backlog:
        counted.append(clock.now)
        clock.now += 0.1
        return count()

    monkeypatch.setattr(carrier.box, "backlog", slow)
    for _ in range(100):
        turn(carrier)
        clock.now += 0.1
    assert len(counted) <= 3


def test_names_are_compared_only_where_some_are_gone(
    carrier: Carrier, sender: Scripted, books: Books, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    ours = carrier.box.ours

    def compared() -> set[str]:
        asked.append(1)
        return ours()

    monkeypatch.setattr(carrier.box, "ours", compared)
    sender.answers = [Sent(again=3_600, problem="HTTP 503")]
    for _ in range(3):
        carrier.accept("traces", 1, b"x")
    for _ in range(3):
        clock.now += 5
        turn(carrier)
    assert asked == []
    carrier.box.database.run(lambda c: c.execute("DELETE FROM parcels WHERE id = 1").rowcount)
    for _ in range(3):
        clock.now += 5
        turn(carrier)
    assert len(asked) == 2
    assert books.dropped == [("spool_lost", 1)]


def test_what_is_asked_in_the_middle_of_writing_it_down_is_answered(carrier: Carrier) -> None:
    """A signal's handler may ask, on the thread that holds the lock."""
    with carrier._state().lock:
        assert carrier.counts() == {}


def test_what_cannot_be_parted_is_refused(
    carrier: Carrier, sender: Scripted, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLEARSPAN_STRICT", "0")
    sender.answers = [TOO_LARGE]
    carrier.accept("traces", 5, b"no request at all")
    turn(carrier)
    assert books.dropped == [("refused", 5)]
