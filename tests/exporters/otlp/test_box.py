"""Requests on disk: whose they are, what goes for want of room or of time, what damage costs."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import Self

from clearspan.core import processes
from clearspan.core.sqlite import database, files
from clearspan.core.sqlite.database import Database
from clearspan.core.sqlite.errors import Unusable
from clearspan.core.sqlite.opening import transaction
from clearspan.core.sqlite.schema import Schema
from clearspan.exporters.otlp.spool import box as boxes, owners
from clearspan.exporters.otlp.spool.box import SMALLEST, Backlog, Box, Parcel
from clearspan.exporters.otlp.spool.tables import SCHEMA, Content, Gone, keep
from tests.support.forks import in_child

WAYS = {"traces": "here", "metrics": "here", "logs": "here"}
NANOS = 1_000_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.db"


@pytest.fixture
def box(path: Path) -> Iterator[Box]:
    made = made_box(path)
    yield made
    made.database.close()


def made_box(path: Path, **limits: Any) -> Box:
    return Box(path, **{"max_bytes": SMALLEST, "max_age": 3_600.0, "lease": 60.0, **limits})


def put(box: Box, *keys: str, signal: str = "traces", body: bytes = b"body") -> list[Gone]:
    return [gone for key in keys for gone in box.put(key, "here", signal, 2, body)]


def first(box: Box, ways: dict[str, str] = WAYS, *, metrics_first: bool = False) -> str | None:
    parcel = box.next(ways, metrics_first=metrics_first)
    return None if parcel is None else parcel.key


@contextlib.contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def test_what_is_put_comes_out_in_order_until_it_is_done(box: Box) -> None:
    assert box.next(WAYS, metrics_first=False) is None
    put(box, "a", "b")
    parcel = box.next(WAYS, metrics_first=False)
    assert parcel == Parcel(1, "a", "traces", 2, b"body")
    assert box.backlog() == Backlog(2, 4, 8)
    assert box.ours() == {"a", "b"}
    box.done("a")
    box.done("never there")
    assert first(box) == "b"
    box.done("b")
    assert first(box) is None
    assert box.backlog() == Backlog(0, 0, 0)


def test_it_survives_the_box(path: Path, box: Box) -> None:
    put(box, "a")
    with opened(path) as connection:
        assert connection.execute("PRAGMA application_id").fetchone()[0] == 0x636C7371
    assert box.database.path == str(path)


def test_the_oldest_goes_first_or_metrics_do(box: Box) -> None:
    put(box, "t1", "t2")
    put(box, "m", signal="metrics")
    put(box, "l", signal="logs")
    assert first(box) == "t1"
    assert first(box, metrics_first=True) == "m"
    assert first(box, {"logs": "here", "metrics": "here"}) == "m"
    assert first(box, {"logs": "here"}) == "l"
    box.done("m")
    assert first(box, metrics_first=True) == "t1"


def test_what_is_past_does_not_come_again(box: Box) -> None:
    put(box, "a", "b")
    put(box, "m", signal="metrics")
    one = box.next(WAYS, metrics_first=False)
    assert one is not None
    two = box.next(WAYS, metrics_first=False, past=[one])
    assert two is not None
    assert (one.key, two.key) == ("a", "b")
    third = box.next(WAYS, metrics_first=False, past=[two, one])
    assert third is not None
    assert third.key == "m"
    assert box.next({"logs": "here"}, metrics_first=False, past=[one]) is None


def test_what_is_for_another_receiver_does_not_come_out(box: Box) -> None:
    put(box, "a")
    assert first(box, {"traces": "there"}) is None
    assert first(box, {"logs": "here"}) is None


def test_the_same_key_is_kept_once(box: Box) -> None:
    """A commit that failed may have been done: it is tried again."""
    put(box, "a")
    put(box, "a", body=b"other")
    assert box.backlog().requests == 1
    parcel = box.next(WAYS, metrics_first=False)
    assert parcel is not None
    assert parcel.body == b"body"


def test_one_that_is_larger_than_its_share_is_not_taken(box: Box) -> None:
    with pytest.raises(
        Unusable, match="has no room for a request of 1048577 bytes: raise spool_bytes"
    ):
        put(box, "a", body=bytes(SMALLEST // 4 + 1))
    put(box, "a", body=bytes(SMALLEST // 4))


def test_the_oldest_make_room_and_the_size_holds(path: Path, box: Box) -> None:
    body = random.Random(0).randbytes(100_000)
    gone: list[Gone] = []
    largest = 0
    for number in range(100):
        gone += put(box, f"{number:03}", body=body)
        largest = max(largest, files.size(path))
    assert largest <= SMALLEST
    assert [each.key for each in gone] == [f"{number:03}" for number in range(len(gone))]
    assert {each.items for each in gone} == {2}
    assert box.backlog().requests == 100 - len(gone) > 15
    # What is empty needs no room: the largest there may be fits into what is left.
    for key in box.ours():
        box.done(key)
    assert files.size(path) < 1_500_000
    assert put(box, "large", body=bytes(SMALLEST // 4)) == []


@pytest.mark.parametrize("size", [150_000, SMALLEST // 4])
def test_no_more_go_than_room_is_needed_for(size: int, box: Box) -> None:
    gone = [put(box, f"{number:02}", body=random.Random(number).randbytes(size)) for number in range(30)]  # fmt: skip
    went = [[each.key for each in some] for some in gone if some]
    assert went == [[f"{number:02}"] for number in range(len(went))]
    assert len(went) > 10


@pytest.mark.parametrize("wrong", [10**18, 5 * NANOS], ids=["ahead", "not set"])
def test_what_comes_now_is_the_newest_whatever_a_clock_said_before(
    wrong: int, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    body, now = bytes(200_000), time.time_ns()

    def kept(key: str, when: int) -> list[str]:
        with monkeypatch.context() as patch:
            patch.setattr(time, "time_ns", lambda: when)
            return [each.key for each in put(box, key, body=body)]

    for number in range(8):
        assert kept(f"wrong-{number}", wrong + number if wrong < now else now + wrong + number) == []  # fmt: skip
    went = [key for number in range(20) for key in kept(f"right-{number}", now + number)]
    assert went[:8] == [f"wrong-{number}" for number in range(8)]
    assert went[8:] == [f"right-{number}" for number in range(len(went) - 8)]
    # The clock is lost again, as at the start of a small device: that is no reason to keep what is older.
    went = [key for number in range(20) for key in kept(f"lost-{number}", 9 * NANOS + number)]
    assert [key for key in went if key.startswith("lost")] == [f"lost-{number}" for number in range(len(went) - 12)]  # fmt: skip
    assert "lost-19" in box.ours()


def test_room_that_is_never_enough_is_not_sought_for_ever(path: Path) -> None:
    box = made_box(path, max_bytes=100_000)
    put(box, "a", body=bytes(20_000))
    assert [each.key for each in put(box, "b", body=bytes(20_000))] == ["a"]
    box.database.close()


def test_what_is_too_old_goes_but_not_what_a_clock_that_was_not_set_has_dated(
    path: Path, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(box, "new")
    assert box.expire() == []
    now = time.time_ns()
    for key, then in (("old", now - 3_700 * NANOS), ("later", now + 10**15), ("unset", 5 * NANOS)):
        with monkeypatch.context() as patch:
            patch.setattr(time, "time_ns", lambda then=then: then)
            put(box, key)
    assert box.expire() == [Gone("old", 2)]
    assert box.ours() == {"new", "later", "unset"}


def test_the_living_keep_theirs_and_the_dead_are_taken_over(path: Path, box: Box) -> None:
    other = made_box(path)
    put(other, "theirs")
    put(box, "mine")
    assert box.take_over(WAYS) == 0
    assert first(box) == "mine"
    # Another program of this machine, which is not there any more.
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    with opened(path) as connection:
        connection.execute("UPDATE owners SET pid = ?", (gone.pid,))
    assert box.take_over({"traces": "there"}) == 0
    assert box.take_over({"logs": "here"}) == 0
    assert box.take_over(WAYS) == 1
    assert first(box) == "theirs"
    assert other.ours() == set()
    other.database.close()


def test_one_whose_time_is_over_is_gone_wherever_it_ran(path: Path, box: Box) -> None:
    other = made_box(path)
    put(other, "theirs")
    with opened(path) as connection:
        connection.execute("UPDATE owners SET machine = 'elsewhere', pid = 1")
        assert box.take_over(WAYS) == 0
        connection.execute("UPDATE owners SET until_ns = 1")
    assert box.take_over(WAYS) == 1
    assert first(box) == "theirs"
    other.database.close()


def test_one_that_nobody_knows_is_gone(path: Path, box: Box) -> None:
    other = made_box(path)
    put(other, "theirs")
    with opened(path) as connection:
        connection.execute("DELETE FROM owners")
    assert box.take_over(WAYS) == 1
    other.database.close()


def test_a_number_that_came_to_us_was_anothers(path: Path, box: Box) -> None:
    other = made_box(path)
    put(other, "theirs")
    with opened(path) as connection:
        connection.execute("UPDATE owners SET id = 'before us'")
        connection.execute("UPDATE parcels SET owner = 'before us'")
    assert box.take_over(WAYS) == 1
    other.database.close()


def test_one_that_comes_back_to_life_in_time_keeps_its_own(
    path: Path, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = made_box(path)
    put(other, "theirs")
    answers = [[("somebody", "traces", "here")], []]
    monkeypatch.setattr(owners, "_gone", lambda *_: answers.pop(0))
    assert box.take_over(WAYS) == 0
    assert other.ours() == {"theirs"}
    other.database.close()


def test_who_has_nothing_writes_nothing_and_who_has_tells_in_time(path: Path, box: Box) -> None:
    put(box, "a")

    def until() -> int:
        with opened(path) as connection:
            return int(connection.execute("SELECT until_ns FROM owners").fetchone()[0])

    began = until()
    box.take_over(WAYS)
    assert until() == began
    with opened(path) as connection:
        connection.execute("UPDATE owners SET until_ns = 1")
    box.take_over(WAYS)
    assert until() >= began
    box.done("a")
    with opened(path) as connection:
        connection.execute("UPDATE owners SET until_ns = 1")
    box.take_over(WAYS)
    assert until() == 1


def test_who_leaves_is_forgotten_and_what_is_left_is_anothers(path: Path, box: Box) -> None:
    box.leave()
    put(box, "a")
    box.leave()
    box.leave()
    with opened(path) as connection:
        assert connection.execute("SELECT count(*) FROM owners").fetchone() == (1,)
    other = made_box(path)
    assert other.take_over(WAYS) == 1
    other.done("a")
    other.leave()
    with opened(path) as connection:
        assert connection.execute("SELECT count(*) FROM owners").fetchone() == (0,)
    other.database.close()


def test_damage_to_one_request_is_seen_and_costs_that_one(path: Path, box: Box) -> None:
    put(box, "a", "b", "c", "d")
    with opened(path) as connection:
        connection.execute("UPDATE contents SET body = x'00' WHERE key = 'a'")
        connection.execute("UPDATE contents SET body = 5 WHERE key = 'b'")
        connection.execute("UPDATE contents SET receiver = CAST(x'ff' AS TEXT) WHERE key = 'c'")
        connection.execute("DELETE FROM contents WHERE key = 'd'")
    for number, key in enumerate("abcd", 1):
        assert box.next(WAYS, metrics_first=False) == Parcel(number, key, "traces", 2, None)
        box.done(key)
    assert first(box) is None


def test_contents_that_are_anothers_are_damage(path: Path, box: Box) -> None:
    put(box, "a", "b")
    with opened(path) as connection:
        connection.execute("UPDATE parcels SET key = 'x' WHERE key = 'a'")
    assert box.next(WAYS, metrics_first=False) == Parcel(1, "x", "traces", 2, None)


def test_numbers_that_are_none_any_more_stop_nobody(path: Path, box: Box) -> None:
    put(box, "a", "b", "c")
    other = made_box(path)
    put(other, "theirs")
    with opened(path) as connection:
        connection.execute("UPDATE parcels SET items = 'many'")
        connection.execute("UPDATE contents SET body = x'00' WHERE key = 'b'")
        connection.execute("UPDATE owners SET pid = 'one' WHERE id != (SELECT owner FROM parcels)")
    parcel = box.next(WAYS, metrics_first=False)
    assert parcel == Parcel(1, "a", "traces", 2, b"body")
    assert box.next(WAYS, metrics_first=False, past=[parcel]) == Parcel(2, "b", "traces", 0, None)
    assert box.take_over(WAYS) == 0
    with opened(path) as connection:
        machine = "(SELECT machine FROM owners LIMIT 1)"
        connection.execute(
            f"INSERT INTO owners (id, machine, pid, until_ns) VALUES ('gone', {machine}, 'two', 9000000000000000000)"
        )
        connection.execute("UPDATE parcels SET owner = 'gone' WHERE key = 'theirs'")
    assert box.take_over(WAYS) == 0
    with opened(path) as connection:
        connection.execute("UPDATE owners SET until_ns = 'never' WHERE id = 'gone'")
    assert box.take_over(WAYS) == 1
    with opened(path) as connection:
        connection.execute("UPDATE parcels SET made_ns = 1600000000000000000")
    assert {gone.items for gone in box.expire()} == {0}
    other.database.close()


def test_hidden_damage_is_found_when_it_is_looked_for(
    path: Path, box: Box, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(box, "a", "b")
    box.check()
    with opened(path) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET sql = replace(sql, 'owner, signal', 'signal, owner') WHERE name = 'parcels_turn'")  # fmt: skip
    with monkeypatch.context() as patch:
        patch.setattr(boxes, "_CHECKED", 0)
        box.check()
    assert box.database.set_aside == ()
    box.database.close()
    box.check()
    assert len(box.database.set_aside) == 1
    assert "the spool was damaged; it was set aside as" in caplog.text
    assert box.salvage() == (2, 0, [], 0)
    assert {first(box), *box.ours()} == {"a", "b"}


def test_files_that_were_set_aside_are_read_once_and_none_is_kept_of_which_nothing_is_missing(
    path: Path,
) -> None:
    box = made_box(path, max_age=1e10)
    for number, keys in enumerate((("a", "b"), ("c",))):
        aside = path.with_name(f"{path.name}.corrupt-2026010{number}T000000Z")
        old = made_box(aside)
        put(old, *keys)
        old.database.close()
    unread = path.with_name(f"{path.name}.corrupt-elsewhere")
    unread.write_text("somebody's notes")
    assert box.salvage() == (3, 0, [], 0)
    assert box.salvage() == (0, 0, [], 0)
    assert [each.name for each in path.parent.glob("*corrupt*")] == [unread.name]
    # They are their writers', if those live: it takes a lease's time to know.
    assert first(box) is None
    with opened(path) as connection:
        connection.execute("UPDATE owners SET until_ns = 1")
    assert box.take_over(WAYS) == 3
    assert first(box) == "a"
    box.database.close()


def test_what_is_read_keeps_to_the_size(path: Path) -> None:
    aside = path.with_name(f"{path.name}.corrupt-20260101T000000Z")
    old = made_box(aside, max_bytes=4 * SMALLEST)
    for number in range(40):
        put(old, f"{number:02}", body=random.Random(number).randbytes(200_000))
    old.database.close()
    box = made_box(path)
    found = box.salvage()
    assert found.recovered == 40
    assert [each.key for each in found.gone] == [
        f"{number:02}" for number in range(len(found.gone))
    ]
    assert len(found.gone) > 20
    box.database.close()


def measured(box: Box, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How large the file is after each piece of work."""
    run, sizes = box.database.run, list[int]()

    def running(*given: Any) -> Any:
        done = run(*given)
        sizes.append(files.size(box.database.file))
        return done

    monkeypatch.setattr(box.database, "run", running)
    return sizes


def test_many_that_are_read_at_once_do_not_outgrow_the_size_together(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = made_box(path.with_name(f"{path.name}.corrupt-20260101T000000Z"), max_bytes=4 * SMALLEST)
    for number in range(16):
        put(old, f"{number:02}", body=random.Random(number).randbytes(150_000))
    old.database.close()
    box = made_box(path)
    sizes = measured(box, monkeypatch)
    assert box.salvage() == (16, 0, [], 0)
    assert max(sizes) <= SMALLEST
    box.database.close()


def test_what_is_read_never_outgrows_the_size_and_takes_nobodys_place_who_is_newer(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aside = path.with_name(f"{path.name}.corrupt-20260101T000000Z")
    old = made_box(aside, max_bytes=16 * SMALLEST)
    for number in range(14):
        size = 1_100_000 if number == 12 else 700_000
        put(old, f"old-{number:02}", body=random.Random(number).randbytes(size))
    old.database.close()
    box = made_box(path)
    for number in range(3):
        put(box, f"new-{number}", body=random.Random(-number).randbytes(200_000))
    sizes = measured(box, monkeypatch)
    found = box.salvage()
    assert (found.recovered, found.damaged) == (14, 0)
    assert max(sizes) <= SMALLEST
    with opened(path) as connection:
        kept = {row[0] for row in connection.execute("SELECT key FROM contents")}
        assert kept == {row[0] for row in connection.execute("SELECT key FROM parcels")}
    # The last but one is larger than any may be.
    assert kept == {"new-0", "new-1", "new-2", "old-11", "old-13"}
    assert sorted(each.key for each in found.gone) == [*(f"old-{number:02}" for number in range(11)), "old-12"]  # fmt: skip
    box.database.close()


def test_who_is_alive_is_told_of_what_found_no_room_again(path: Path, box: Box) -> None:
    aside = path.with_name(f"{path.name}.corrupt-20260101T000000Z")
    old = made_box(aside, max_bytes=16 * SMALLEST)
    put(old, "a", body=bytes(2_000_000))
    put(old, "b")
    put(box, "c")
    assert box.salvage() == (2, 0, [Gone("a", 2)], 0)
    made = made_box(path)
    made._owner = old._owner
    assert made.fate() == (1, 0, False)
    for each in (old, made):
        each.database.close()


def test_what_is_there_already_is_not_taken_in_again_nor_let_go(path: Path, box: Box) -> None:
    """A reader was ended when it had taken in a part."""
    aside_of(path)
    put(box, "a", body=b"the same")
    assert box.salvage() == (1, 0, [], 0)
    assert box.backlog() == Backlog(1, 2, 8)


def test_a_file_that_another_process_took_is_left_to_it(
    path: Path, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.with_name(f"{path.name}.corrupt-20260101T000000Z").write_text("x")

    def taken(*_: Path) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(files, "rename", taken)
    assert box.salvage() == (0, 0, [], 0)


def spoilt(path: Path, page: int) -> Path:
    with path.open("r+b") as file:
        file.seek(page * 8192)
        file.write(bytes(8192))
    aside = path.with_name(f"{path.name}.corrupt-20260101T000000Z")
    path.rename(aside)
    return aside


def test_each_page_that_is_lost_costs_what_lay_on_it(tmp_path: Path) -> None:
    whole = tmp_path / "whole.db"
    box = made_box(whole)
    bodies = [random.Random(number).randbytes(1_500) for number in range(60)]
    for number, body in enumerate(bodies):
        put(box, f"{number:02}", body=body)
    for number in range(20, 25):
        box.done(f"{number:02}")
    box.database.close()
    raw = whole.read_bytes()
    there = [number for number in range(60) if number not in range(20, 25)]
    place = {number: raw.index(bodies[number]) // 8192 for number in there}
    for page in range(len(raw) // 8192):
        path = tmp_path / f"{page}.db"
        path.write_bytes(raw)
        spoilt(path, page)
        new = made_box(path)
        found = new.salvage()
        untouched = {f"{number:02}" for number in there if place[number] != page}
        with opened(path) as connection:
            kept = {row[0] for row in connection.execute("SELECT key FROM parcels")}
        assert untouched <= kept <= {f"{number:02}" for number in there}
        assert found.recovered == len(kept)
        assert found.damaged == len(there) - len(kept)
        new.database.close()


class Scratched:
    """A file of which the disk does not give what lies at one place."""

    def __init__(self, file: Any, place: int) -> None:
        self._file = file
        self._place = place

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def seek(self, place: int) -> None:
        if place == self._place:
            raise OSError(errno.EIO, "Input/output error")
        self._file.seek(place)

    def read(self, size: int) -> Any:
        return self._file.read(size)


def test_a_page_that_the_disk_does_not_give_costs_what_lay_on_it(
    path: Path, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies = [random.Random(number).randbytes(1_500) for number in range(60)]
    for number, body in enumerate(bodies):
        put(box, f"{number:02}", body=body)
    box.database.close()
    raw = path.read_bytes()
    with opened(path) as connection:
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'contents'"
        root = connection.execute(query).fetchone()[0]
    spoilt(path, root - 1)
    page = raw.index(bodies[30]) // 8192
    there = {f"{number:02}" for number in range(60) if raw.index(bodies[number]) // 8192 != page}
    opening = Path.open

    def scratched(self: Path, *given: Any) -> Any:
        file: Any = opening(self, *given)
        return Scratched(file, page * 8192) if ".corrupt-" in self.name else file

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", scratched)
        assert box.salvage() == (len(there), 60 - len(there), [], 0)
    assert 0 < len(there) < 60
    with opened(path) as connection:
        assert {row[0] for row in connection.execute("SELECT key FROM parcels")} == there


def test_a_file_that_cannot_even_be_opened_stops_nobody(path: Path, box: Box) -> None:
    path.with_name(f"{path.name}.corrupt-20260101T000000Z").mkdir()
    put(box, "a")
    assert box.salvage() == (0, 0, [], 0)
    assert first(box) == "a"


def test_what_could_not_be_read_is_kept_for_no_longer_than_anything(path: Path, box: Box) -> None:
    bodies = [f"a prompt of long ago, {number}".encode() * 50 for number in range(9)]
    for number, body in enumerate(bodies):
        put(box, f"{number}", body=body)
    box.database.close()
    raw = path.read_bytes()
    lost = raw.index(bodies[4]) // 8192
    hour = datetime.now(timezone.utc) - timedelta(hours=1)
    aside = spoilt(path, lost).rename(path.with_name(f"{path.name}.corrupt-{hour:%Y%m%dT%H%M%SZ}"))
    strange = path.with_name(f"{path.name}.corrupt-99999999T000000Z.read")
    strange.write_text("somebody's notes")
    assert made_box(path, max_age=7_200.0).salvage().damaged > 0
    (kept,) = path.parent.glob("*.read")
    assert kept.name == f"{aside.name}.read"
    assert box.salvage() == (0, 0, [], 0)
    assert kept.exists() is False


def test_what_is_no_spool_at_all_gives_nothing(path: Path, box: Box) -> None:
    for number, text in enumerate(
        (b"", b"notes", bytes(100_000), random.Random(1).randbytes(90_000))
    ):
        path.with_name(f"{path.name}.corrupt-2026010{number}T000000Z").write_bytes(text)
    assert box.salvage() == (0, 0, [], 0)


def test_a_first_page_that_cannot_be_mended_gives_nothing(
    path: Path, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(box, "a")
    box.database.close()
    spoilt(path, 0)

    def full(*_: Any, **__: Any) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("tempfile.TemporaryDirectory", full)
    assert box.salvage() == (0, 0, [], 0)


def test_giving_room_back_takes_its_time(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box = made_box(path, max_bytes=8 * SMALLEST)
    for number in range(20):
        put(box, f"{number:02}", body=random.Random(number).randbytes(1_000_000))
    monkeypatch.setattr(boxes, "_TIDYING", 0.0)
    for key in sorted(box.ours()):
        box.done(key)
    assert files.size(path) > 10_000_000
    monkeypatch.undo()
    box.done("whatever")
    assert files.size(path) < 1_500_000
    box.database.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_is_another_owner(path: Path, box: Box) -> None:
    put(box, "parents")

    def childs() -> bool:
        put(box, "childs")
        return (first(box), box.ours(), box.take_over(WAYS)) == ("childs", {"childs"}, 0)

    assert in_child(childs)()
    assert first(box) == "parents"
    assert box.take_over(WAYS) == 1
    assert box.ours() == {"parents", "childs"}


def test_keeping_what_is_kept_fills_nothing_twice(path: Path, box: Box) -> None:
    put(box, "a")
    with opened(path) as connection:
        content = Content.read(connection, 1)
        assert content is not None
        with transaction(connection):
            keep(connection, content, "somebody")
        assert connection.execute("SELECT count(*) FROM contents").fetchone() == (1,)


def test_a_file_in_use_for_too_long_is_unusable(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "DEFAULT_TIMEOUT", 0.05)
    box = made_box(path)
    put(box, "a")
    box.database._timeout = 0.05
    box.database.close()
    with opened(path) as connection:
        connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unusable, match="in use by other processes"):
            put(box, "b")
    put(box, "b")
    box.database.close()


def dead() -> int:
    """The number of a process that is gone."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    return gone.pid


def aside_of(path: Path, name: str = "") -> Path:
    """A broken file of that spool, with one request in it."""
    aside = path.with_name(f"{path.name}.corrupt-20260101T000000Z{name}")
    old = made_box(aside)
    put(old, "a")
    old.database.close()
    return aside


def test_what_another_reads_is_left_to_it_while_it_lives(path: Path, box: Box) -> None:
    aside = aside_of(path, ".reading-1")
    claim = "reading spool.db.corrupt-20260101T000000Z"
    put(box, "b")
    with opened(path) as connection:
        assert owners.claim(connection, claim, 60)
        assert not owners.claim(connection, claim, 60)
        assert box.salvage() == (0, 0, [], 0)
        assert aside.exists()
        connection.execute("UPDATE owners SET pid = ? WHERE id = ?", (dead(), claim))
    assert box.salvage() == (1, 0, [], 0)
    with opened(path) as connection:
        assert connection.execute("SELECT 1 FROM owners WHERE id = ?", (claim,)).fetchone() is None


def test_a_file_that_ends_its_readers_is_given_up(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    box = made_box(path, max_age=1e10)
    aside_of(path, ".reading-3")
    for given_up in (1, 0):
        assert box.salvage() == (0, 0, [], given_up)
    assert caplog.messages == [
        "clearspan: what is left of the broken spool spool.db.corrupt-20260101T000000Z could not be read, and is given up"
    ]
    assert [each.name for each in path.parent.glob("*corrupt*")] == [
        "spool.db.corrupt-20260101T000000Z.read"
    ]
    box.database.close()


def test_a_file_that_cannot_be_taken_in_yet_is_kept_as_it_was(
    path: Path, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    aside = aside_of(path)

    def full(*_: Any) -> None:
        raise Unusable(path, "has no room")

    with monkeypatch.context() as patch:
        patch.setattr(box, "_take_in", full)
        for _ in range(9):
            with pytest.raises(Unusable):
                box.salvage()
    assert aside.exists()
    assert box.salvage() == (1, 0, [], 0)


def test_a_word_from_the_future_counts_no_longer_than_a_lease(path: Path, box: Box) -> None:
    other = made_box(path)
    put(other, "theirs")
    later = time.time_ns() + 86_400 * NANOS
    with opened(path) as connection:
        connection.execute("UPDATE owners SET machine = 'elsewhere', until_ns = ?", (later,))
    assert box.take_over(WAYS) == 0
    with opened(path) as connection:
        (until,) = connection.execute("SELECT until_ns FROM owners").fetchone()
    assert until <= time.time_ns() + 60 * NANOS
    other.database.close()


def test_one_that_runs_is_waited_for_and_not_for_ever(path: Path, box: Box) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as running:
        other = made_box(path)
        put(other, "theirs")
        mark = processes.born(running.pid)
        now = time.time_ns()
        with opened(path) as connection:
            name = f"them-{mark}"
            connection.execute("UPDATE owners SET id = ?, pid = ?, until_ns = ?", (name, running.pid, now - 60 * NANOS))  # fmt: skip
            connection.execute("UPDATE parcels SET owner = ?", (name,))
            if mark:  # where nothing tells it from others of its number its word counts
                assert box.take_over(WAYS) == 0
            connection.execute("UPDATE owners SET until_ns = ?", (now - 7_200 * NANOS,))
        assert box.take_over(WAYS) == 1
        other.database.close()


def test_another_of_the_same_number_is_another(path: Path, box: Box) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as running:
        other = made_box(path)
        put(other, "theirs")
        with opened(path) as connection:
            connection.execute("UPDATE owners SET id = 'them-before', pid = ?", (running.pid,))
            connection.execute("UPDATE parcels SET owner = 'them-before'")
        assert box.take_over(WAYS) == (1 if processes.born(running.pid) else 0)
        other.database.close()


def test_who_was_forgotten_meanwhile_is_told_that_it_was_taken_for_dead(
    path: Path, box: Box
) -> None:
    put(box, "a")
    assert box.fate() == (0, 0, False)
    with opened(path) as connection:
        connection.execute("DELETE FROM owners")
        put(box, "b")  # which has it known again
    assert box.fate() == (0, 0, True)
    assert box.fate() == (0, 0, False)
    with opened(path) as connection:
        connection.execute("UPDATE owners SET made_room = 2, expired = 'x', taken = 1")
    assert box.fate() == (2, 0, True)
    assert box.fate() == (0, 0, False)


def test_what_is_left_of_one_stands_in_its_place(path: Path, box: Box) -> None:
    put(box, "a", "b")
    parcel = box.next(WAYS, metrics_first=False)
    assert parcel is not None
    box.replace(parcel, 1, b"rest")
    assert box.next(WAYS, metrics_first=False) == Parcel(1, "a", "traces", 1, b"rest")
    assert box.backlog() == Backlog(2, 3, 8)
    box.done("a")
    box.replace(parcel, 1, b"rest")
    assert first(box) == "b"
    assert box.next(WAYS, metrics_first=False, without=[2]) is None


def test_a_spool_of_an_older_version_is_brought_up_to_date(path: Path) -> None:
    first_step = Schema("spool", SCHEMA.application_id, SCHEMA.migrations[:1])
    old = Database(path, first_step, log_pages=lambda _: 1_000)
    content = Content.of("a", "them", "here", "traces", time.time_ns(), 2, b"body")

    def fill(connection: sqlite3.Connection) -> None:
        with transaction(connection):
            keep(connection, content, "them")
            connection.execute("INSERT INTO owners VALUES ('them', 'elsewhere', 1, 1)")

    old.run(fill)
    old.close()
    box = made_box(path)
    assert box.take_over(WAYS) == 1
    assert first(box) == "a"
    box.database.close()
