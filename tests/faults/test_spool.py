"""The spool from end to end: programs that record, receivers that fail them, kills, damage, full disks.

Rows F54 and F56 to F59 as far as they concern the spool, and what is promised of it.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import sqlite3
import struct
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

import clearspan
from clearspan.core.sqlite import files
from tests.exporters.kit import unprivileged
from tests.faults.kit import eventually
from tests.faults.posting import Posting, posting
from tests.support.otlp_sink import SINKS, Reply, Sink, http_sink

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

BOTH = pytest.mark.parametrize("protocol", SINKS)
DOWN = {"http/protobuf": 503, "grpc": 503}
MEBI = 1024 * 1024
PAGE = 8192


def arrived(sink: Sink) -> list[str]:
    """The ids of the spans that the sink took, in their order; twice what came twice."""
    return [
        span.span_id.hex()
        for request in sink.taken
        if request.signal == "traces"
        for resource in request.message.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def waiting(path: str) -> list[str]:
    """The keys of what waits in a spool, read beside the programs that use it."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute("SELECT key FROM parcels ORDER BY id")]


def balanced(program: Posting) -> Any:
    """The books, of which none is negative."""
    accounts = program.accounts
    assert accounts.pending >= 0
    assert min(accounts.exported, accounts.stored, *accounts.dropped.values(), 0) == 0
    return accounts


def settled(program: Posting) -> Callable[[], bool]:
    return lambda: balanced(program).pending == 0


@BOTH
def test_what_was_kept_comes_in_order_when_the_receiver_is_back(protocol: str, spool: str) -> None:
    with SINKS[protocol]() as sink:
        sink.answer = DOWN[protocol]
        with posting(endpoint=sink.url, protocol=protocol, spool=spool) as program:
            made = program.spans(*(f"span-{number}" for number in range(20)))
            assert balanced(program).pending == 20
            assert arrived(sink) == []
            sink.answer = 200
            assert eventually(settled(program))
            assert arrived(sink) == made
            accounts = balanced(program)
            assert (accounts.created, accounts.exported, accounts.dropped) == (20, 20, {})
            assert program.end() == 0
    assert waiting(spool) == []


@BOTH
def test_what_a_killed_program_left_is_delivered_by_the_next(protocol: str, spool: str) -> None:
    with SINKS[protocol]() as sink:
        sink.answer = DOWN[protocol]
        with posting(endpoint=sink.url, protocol=protocol, spool=spool) as first:
            made = first.spans("a", "b", "c")
            first.kill()
        sink.answer = 200
        with posting(endpoint=sink.url, protocol=protocol, spool=spool) as second:
            assert eventually(lambda: arrived(sink) == made)
            assert eventually(lambda: second.spool["spool requests taken over"] >= 3)
            # The books are of this process: what others left is told beside them.
            assert balanced(second).created == 0
            assert eventually(lambda: second.spool.get("spool requests") == 0)
            assert second.end() == 0


def test_programs_share_a_file_and_the_dead_are_taken_over(sink: Sink, spool: str) -> None:
    sink.answer = 503
    with contextlib.ExitStack() as stack:
        programs = [stack.enter_context(posting(endpoint=sink.url, spool=spool)) for _ in range(4)]
        made = [span for program in programs for span in program.spans("a", "b", "c")]
        for program in programs[:2]:
            program.kill()
        sink.answer = 200
        for program in programs[2:]:
            assert eventually(settled(program))
            accounts = balanced(program)
            assert (accounts.created, accounts.exported, accounts.dropped) == (3, 3, {})
        assert eventually(lambda: not waiting(spool))
        assert sorted(arrived(sink)) == sorted(made)


@pytest.mark.parametrize(
    "answer",
    [
        Reply(429, (("Retry-After", "0"),)),
        503,
        403,
        "reset",
        "half close",
        Reply(302, (("Location", "/elsewhere/v1/traces"),)),
    ],
    ids=str,
)
def test_what_may_be_tried_again_is(answer: Any, sink: Sink, spool: str) -> None:
    sink.script, sink.only = [answer], "traces"
    with posting(endpoint=sink.url, spool=spool) as program:
        made = program.spans("a")
        assert eventually(settled(program))
        assert arrived(sink) == made
        assert len([each for each in sink.arrived if each.signal == "traces"]) == 2
        assert balanced(program).exported == 1


@pytest.mark.parametrize(
    ("protocol", "answer"),
    [
        ("http/protobuf", 400),
        ("http/protobuf", 413),
        ("http/protobuf", 500),
        ("grpc", Reply("INVALID_ARGUMENT")),
        ("grpc", Reply("RESOURCE_EXHAUSTED", (), b"received message larger than max (5 vs. 4)")),
    ],
    ids=str,
)
def test_what_is_refused_for_good_is_counted_and_not_in_the_way(
    protocol: str, answer: Any, spool: str
) -> None:
    with SINKS[protocol]() as sink:
        sink.script, sink.only = [answer], "traces"
        with posting(endpoint=sink.url, protocol=protocol, spool=spool) as program:
            refused, *rest = program.spans("a", "b", "c")
            assert eventually(settled(program))
            assert arrived(sink) == rest
            assert balanced(program).dropped == {"refused": 1}
            assert program.spool["spool refused"] == 1
            assert refused not in arrived(sink)
            assert eventually(lambda: program.spool.get("spool requests") == 0)


@pytest.mark.parametrize(("protocol", "status"), [("http/protobuf", 200), ("grpc", "OK")])
def test_what_is_refused_in_part_is_counted_in_part(protocol: str, status: Any, spool: str) -> None:
    response = ExportTraceServiceResponse()
    response.partial_success.rejected_spans = 2
    with SINKS[protocol]() as sink:
        sink.script, sink.only = [Reply(status, (), response.SerializeToString())], "traces"
        with posting(endpoint=sink.url, protocol=protocol, spool=spool) as program:
            program("loose", 5)
            assert eventually(settled(program))
            accounts = balanced(program)
            assert (accounts.exported, accounts.dropped) == (3, {"refused": 2})


def test_an_answer_that_breaks_off_has_been_given(sink: Sink, spool: str) -> None:
    """The status says that the request was taken: to send it again would double it."""
    sink.script, sink.only = [Reply(200, length=1_000)], "traces"
    with posting(endpoint=sink.url, spool=spool) as program:
        made = program.spans("a", "b")
        assert eventually(settled(program))
        assert arrived(sink) == made


def test_kills_at_any_moment_lose_nothing_that_was_said_to_be_safe(sink: Sink, spool: str) -> None:
    chance = random.Random(7)  # the moments differ all the same: no two runs are alike
    safe: list[str] = []
    kills = 20
    for _ in range(kills):
        sink.answer = chance.choice((200, 200, 503, "reset"))
        with posting(endpoint=sink.url, spool=spool) as program:
            program.tell("go")
            safe += [program.hear() for _ in range(chance.randint(1, 6))]
            time.sleep(chance.uniform(0.0, 0.03))
            program.kill()
            safe += program.said()
    sink.answer = 200
    with posting(endpoint=sink.url, spool=spool) as last:
        assert eventually(lambda: not waiting(spool))
        assert last.end() == 0
    times = Counter(arrived(sink))
    assert set(safe) <= set(times)
    # One that was acknowledged and not yet noted when its process was killed comes again, and no other.
    assert sum(times.values()) - len(times) <= kills
    with contextlib.closing(sqlite3.connect(spool)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_what_ended_is_on_the_disk_soon_however_seldom_it_exports(sink: Sink, spool: str) -> None:
    """Nobody flushes: with a spool a second is the longest that spans are gathered for."""
    sink.answer = 503
    with posting(endpoint=sink.url, spool=spool, export_interval=3600) as program:
        program("loose", 3)
        assert eventually(lambda: program.spool.get("spool requests", 0) > 0)


def test_F54_a_fork_in_the_middle_delivers_each_ones_once(sink: Sink, spool: str) -> None:
    sink.answer = 503
    with posting(endpoint=sink.url, spool=spool) as program:
        made = program.spans("a", "b")
        for number in range(6):
            sink.answer = (503, 200)[number % 2]
            made += program("fork", [f"child-{number}"])
            made += program.spans("parent")
        sink.answer = 200
        assert eventually(settled(program))
        assert eventually(lambda: not waiting(spool))
        assert sorted(arrived(sink)) == sorted(made)
        assert balanced(program).dropped == {}


def test_F56_the_file_is_small_after_each_of_fifty_drains(sink: Sink, spool: str) -> None:
    names = [random.Random(number).randbytes(20_000).hex() for number in range(3)]
    with posting(endpoint=sink.url, spool=spool, content_limit="100kB") as program:
        after: list[int] = []
        for _ in range(50):
            sink.answer = 503
            for name in names:
                program("span", name)
            sink.answer = 200
            assert eventually(settled(program))
            assert eventually(lambda: program.spool.get("spool requests") == 0)
            after.append(files.size(Path(spool)))
            sink.arrived.clear()
            sink.taken.clear()
        assert max(after) <= 1.5 * MEBI
        assert program.end() == 0
    assert files.size(Path(spool)) <= max(1.5 * MEBI, after[0])


def test_the_size_holds_and_what_had_to_go_is_counted(sink: Sink, spool: str) -> None:
    sink.answer = 503
    largest = 0
    with posting(
        endpoint=sink.url, spool=spool, spool_bytes="4MiB", content_limit="1MB"
    ) as program:
        made = []
        for number in range(40):
            made.append(program("span", random.Random(number).randbytes(100_000).hex()))
            largest = max(largest, files.size(Path(spool)))
        gone = balanced(program).dropped["spool_full"]
        assert 0 < gone < 40
        assert largest <= 4 * MEBI
        assert program.spool["spool full"] >= gone
        sink.answer = 200
        assert eventually(settled(program))
        assert arrived(sink) == made[gone:]
        accounts = balanced(program)
        assert (accounts.exported, accounts.dropped) == (40 - gone, {"spool_full": gone})


def test_what_is_too_old_goes_and_is_counted(sink: Sink, spool: str) -> None:
    sink.answer = 503
    with posting(endpoint=sink.url, spool=spool, spool_age=1) as program:
        program.spans("a", "b")
        assert eventually(settled(program))
        assert balanced(program).dropped == {"spool_expired": 2}
        sink.answer = 200
        (late,) = program.spans("c")
        assert eventually(lambda: arrived(sink) == [late])


def test_F59_a_full_disk_is_done_without_and_got_over(sink: Sink, spool: str) -> None:
    with posting(endpoint=sink.url, spool=spool) as program:
        made = program.spans("before")
        assert eventually(settled(program))
        program("limit", 1)
        made += program.spans("sent at once")
        assert eventually(lambda: arrived(sink) == made)
        assert program.spool["spool failures"] >= 1
        sink.answer = 503
        program.spans("nowhere to go")
        assert eventually(settled(program))
        assert sum(balanced(program).dropped.values()) == 1
        program("limit", -1)
        made += program.spans("kept again")
        assert balanced(program).pending == 1
        sink.answer = 200
        assert eventually(settled(program))
        assert arrived(sink) == made


def test_F59_what_was_delivered_on_a_full_disk_is_not_sent_for_ever(sink: Sink, spool: str) -> None:
    """That it arrived cannot be noted there; it is remembered until it can be."""
    sink.answer = 503
    with posting(endpoint=sink.url, spool=spool) as program:
        made = program.spans("a", "b")
        program("limit", 1)
        sink.answer = 200
        assert eventually(lambda: arrived(sink)[:1] == made[:1])
        for _ in range(5):
            program("flush")
        assert Counter(arrived(sink)).most_common(1)[0][1] == 1
        program("limit", -1)
        assert eventually(settled(program))
        assert eventually(lambda: program.spool.get("spool requests") == 0)
        assert arrived(sink) == made


def test_nobody_waits_for_a_receiver_that_says_nothing(sink: Sink, spool: str) -> None:
    sink.answer = "hang"
    with posting({"OTEL_EXPORTER_OTLP_TIMEOUT": "3600"}, endpoint=sink.url, spool=spool) as program:
        made = program("loose", 300)
        assert sink.reached.wait(30)
        made += program("loose", 300)
        # The deadline is two seconds, and the receiver's an hour.
        assert program("shutdown", 2.0) < 60
        assert program.end() == 0
    assert len(waiting(spool)) >= 1
    sink.answer = 200
    with posting(endpoint=sink.url, spool=spool):
        assert eventually(lambda: set(made) <= set(arrived(sink)))


def test_the_file_holds_no_credentials_and_each_receiver_gets_its_own(
    sink: Sink, spool: str
) -> None:
    secret = "canary-7f3a"
    with http_sink() as other:
        sink.answer = other.answer = 503
        theirs = f"{sink.url}/base?token={secret}"
        with posting(endpoint=theirs, headers={"authorization": secret}, spool=spool) as first:
            made = first.spans("a", "b")
            first.kill()
        written = b"".join(path.read_bytes() for path in Path(spool).parent.iterdir())
        assert secret.encode() not in written
        sink.answer = other.answer = 200
        # Another address, and another tenant at the same one.
        for settings in (
            {"endpoint": f"{other.url}/base?token={secret}"},
            {"endpoint": theirs, "headers": {"x-scope-orgid": "somebody-else"}},
        ):
            with posting(spool=spool, **settings) as stranger:
                (own,) = stranger.spans("mine")
                assert eventually(settled(stranger))
                assert own in arrived(sink) + arrived(other)
                assert stranger.end() == 0
        assert not set(made) & {*arrived(sink), *arrived(other)}
        # Credentials are renewed: that is no other receiver.
        with posting(endpoint=theirs, headers={"authorization": "new"}, spool=spool):
            assert eventually(lambda: set(made) <= set(arrived(sink)))
    assert not set(made) & set(arrived(other))


def test_bandwidth_is_kept_to_and_metrics_may_go_first(sink: Sink, spool: str) -> None:
    sink.answer = 503
    rate = 4_000
    settings: dict[str, Any] = {
        "spool_order": "metrics-first", "spool_bandwidth": rate, "content_limit": "100kB",
    }  # fmt: skip
    with posting(endpoint=sink.url, spool=spool, **settings) as program:
        program.spans(*(random.Random(number).randbytes(2_000).hex() for number in range(6)))
        assert eventually(lambda: program.spool.get("spool bytes", 0) > 2 * rate)
        before = len(sink.arrived)
        began = time.monotonic()
        sink.answer = 200
        assert eventually(settled(program))
        sizes = [int(each.headers["content-length"]) for each in sink.arrived[before:]]
        # A second's worth may be there at the start, and the last request is paid for afterwards.
        assert sum(sizes[:-1]) <= rate * (time.monotonic() - began + 2)
        assert sink.taken[0].signal == "metrics"


@dataclass
class Left:
    """A spool that a program left behind in good order."""

    path: Path
    sink: Sink
    spans: list[str]
    pages: dict[str, int]
    """On which page of the file each span lies."""

    def copied(self, folder: Path) -> Path:
        folder.mkdir(exist_ok=True)
        return Path(shutil.copy(self.path, folder / "spool.db"))


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Left]:
    path = tmp_path_factory.mktemp("left") / "spool.db"
    with http_sink() as sink:
        sink.answer = 503
        with posting(endpoint=sink.url, spool=str(path)) as program:
            names = [random.Random(number).randbytes(400).hex() for number in range(40)]
            made = program.spans(*names)
            assert program.end() == 0
        assert not Path(f"{path}-wal").exists()
        yield Left(path, sink, made, _pages(path, made))


def _pages(path: Path, made: list[str]) -> dict[str, int]:
    """On which page of the file each span lies."""
    raw = path.read_bytes()
    found: dict[str, int] = {}
    with contextlib.closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT body FROM contents WHERE signal = 'traces' ORDER BY id")
        for span, (body,) in zip(made, rows.fetchall(), strict=True):
            found[span] = raw.index(body) // PAGE
            assert (raw.index(body) + len(body) - 1) // PAGE == found[span]
    return found


def _recovered(path: Path, sink: Sink, untouched: set[str]) -> Posting:
    """A program starts on what is left of a spool: it records, and delivers all that was not damaged."""
    sink.answer = 200
    sink.arrived.clear()
    sink.taken.clear()
    # Nobody else lives here, so who wrote what may soon be taken for dead where it cannot be read any more.
    soon = {"SPOOL_SILENCE": "0.5", "OTEL_EXPORTER_OTLP_TIMEOUT": "0.5"}
    with posting(soon, endpoint=sink.url, spool=str(path)) as program:
        assert program.problem == ""
        (new,) = program.spans("new")
        assert eventually(lambda: new in arrived(sink)), program.spool
        assert eventually(lambda: untouched <= set(arrived(sink))), program.spool
        assert eventually(settled(program))
        assert balanced(program).exported == 1
        assert program.end() == 0
    return program


def _root(path: Path, table: str) -> int:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        query = "SELECT rootpage FROM sqlite_master WHERE name = ?"
        return int(connection.execute(query, (table,)).fetchone()[0]) - 1


@pytest.mark.parametrize("what", ["first", "parcels", "contents", "owners", "leaf"])
def test_F57_of_a_page_that_is_wiped_only_what_lay_there_is_lost(
    what: str, left: Left, tmp_path: Path
) -> None:
    path = left.copied(tmp_path / "damaged")
    page = {"first": 0, "leaf": left.pages[left.spans[7]]}.get(what)
    page = _root(path, what) if page is None else page
    with path.open("r+b") as file:
        file.seek(page * PAGE)
        file.write(bytes(PAGE))
    untouched = {span for span, where in left.pages.items() if where != page}
    assert len(untouched) >= 30
    _recovered(path, left.sink, untouched)
    assert max(Counter(arrived(left.sink)).values()) == 1


@pytest.mark.parametrize("seed", range(4))
def test_F57_of_bits_that_flip_only_what_they_hit_is_lost(
    seed: int, left: Left, tmp_path: Path
) -> None:
    path = left.copied(tmp_path / ".clearspan")
    chance = random.Random(seed)
    raw = bytearray(path.read_bytes())
    places = [chance.randrange(len(raw)) for _ in range(6)]
    for place in places:
        raw[place] ^= 1 << chance.randrange(8)
    path.write_bytes(raw)
    hit = {place // PAGE for place in places}
    _recovered(path, left.sink, {span for span, page in left.pages.items() if page not in hit})


def _halved(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _zeroed(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def _garbage(path: Path) -> None:
    path.write_bytes(random.Random(1).randbytes(50_000))


def _empty(path: Path) -> None:
    os.truncate(path, 0)


def _gone(path: Path) -> None:
    path.unlink()


def _foreign(path: Path) -> None:
    path.unlink()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE accounts (id, balance)")
        connection.execute("INSERT INTO accounts VALUES (1, 100)")
        connection.commit()


def _newer(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 999")


@pytest.mark.parametrize("spoil", [_halved, _zeroed, _garbage, _empty, _gone, _foreign, _newer])
def test_F57_a_program_starts_on_any_file(
    spoil: Callable[[Path], None], left: Left, tmp_path: Path
) -> None:
    path = left.copied(tmp_path)
    spoil(path)
    before = path.read_bytes() if path.exists() else b""
    whole = len(before) // PAGE if spoil is _halved else 0
    _recovered(path, left.sink, {span for span, page in left.pages.items() if page < whole})
    if spoil in (_garbage, _foreign, _newer):
        # It may be somebody's: it is as it was, and one beside it is used.
        assert path.read_bytes() == before
        assert (tmp_path / "spool-2.db").exists()


def test_F57_a_log_that_is_missing_costs_what_was_in_it(sink: Sink, spool: str) -> None:
    sink.answer = 503
    with posting(endpoint=sink.url, spool=spool) as program:
        program.spans("a", "b")
        program.kill()
    for side in ("-wal", "-shm"):
        Path(spool + side).unlink()
    _recovered(Path(spool), sink, set())


@pytest.mark.parametrize("place", [0, 18, 60, 100], ids=["magic", "format", "version", "tables"])
def test_F58_a_file_that_breaks_in_use_makes_way(place: int, sink: Sink, spool: str) -> None:
    sink.answer = 503
    with posting(endpoint=sink.url, spool=spool) as program:
        made = program.spans("a", "b")
        with contextlib.closing(sqlite3.connect(spool)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with Path(spool).open("r+b") as file:
            file.seek(place)
            file.write(struct.pack("8B", *range(200, 208)))
        time.sleep(1.1)  # the file is looked at afresh once a second
        made += program.spans("c", "d")
        sink.answer = 200
        assert eventually(settled(program))
        accounts = balanced(program)
        # All pages but the first were whole.
        assert sorted(arrived(sink)) == sorted(made)
        assert (accounts.exported, accounts.dropped) == (4, {})


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"spool": "no-such-folder/spool.db"}, "spool: the file .*no directory"),
        ({"spool": "~no-such-user/spool.db"}, "spool: the file .*home directory"),
        ({"spool": "."}, "spool: the file .*is not a file"),
        ({"spool": True, "spool_bytes": 2_000}, "spool_bytes=2000 is too little"),
        ({"spool": True, "endpoint": None}, "spool .*none is set"),
    ],
    ids=["folder", "home", "no file", "size", "receiver"],
)
def test_F59_a_spool_that_cannot_be_is_said_at_the_start(
    settings: dict[str, Any], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(clearspan.SettingError, match=words):
        clearspan.init(**{"endpoint": "http://127.0.0.1:9", **settings})
    assert list(tmp_path.iterdir()) == []


def test_F59_a_folder_that_may_not_be_written_is_said_at_the_start() -> None:
    with unprivileged() as folder:
        folder.chmod(0o500)
        with pytest.raises(clearspan.SettingError, match=r"spool: the file .*not writable"):
            clearspan.init(endpoint="http://127.0.0.1:9", spool=folder / "spool.db")


def test_F59_a_path_with_spaces_and_signs_is_a_path(sink: Sink, tmp_path: Path) -> None:
    folder = tmp_path / "mit Leer zeichen ünd #%?"
    folder.mkdir()
    with posting(endpoint=sink.url, spool=str(folder / "späti 100%.db")) as program:
        made = program.spans("a")
        assert eventually(lambda: arrived(sink) == made)
