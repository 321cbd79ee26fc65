"""Encoded requests on disk, each one process's to deliver until that process is gone.

A request belongs to the process that wrote it: that one knows how many spans it stands for, and settles them when
they have arrived. Who has something waiting says now and then until when it is to be taken for alive; what belongs to
one that is not is taken over by another that sends to the same receiver, at the latest when the program starts again.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from clearspan.core.processes import PerProcess
from clearspan.core.sqlite import files
from clearspan.core.sqlite.database import Database
from clearspan.core.sqlite.errors import Unusable
from clearspan.core.sqlite.opening import PAGE, transaction
from clearspan.core.sqlite.space import fold, log_pages, reclaim, used
from clearspan.exporters.otlp.spool import owners, salvage
from clearspan.exporters.otlp.spool.owners import Fate, Us
from clearspan.exporters.otlp.spool.salvage import Found, Missing
from clearspan.exporters.otlp.spool.tables import (
    SCHEMA,
    Content,
    Gone,
    counted,
    delete,
    fewest,
    fill,
    keep,
    label,
    lenient,
    refill,
)

__all__ = ["SMALLEST", "Backlog", "Box", "Parcel", "Salvaged"]

SMALLEST: Final = 4 * 1024 * 1024
"""Bytes: with less, the tables and the log would leave little room for requests."""
_LARGEST: Final = 16 * 1024 * 1024
_AT_ONCE: Final = 16
_EXPIRED_AT_ONCE: Final = 1_000
_CHECKED: Final = 64 * 1024 * 1024
_SMALL: Final = 1024 * 1024
_TIDYING: Final = 0.25
_ASTRAY: Final = 60
"""Seconds by which the clocks of machines that share a file may differ."""
_NANOS: Final = 1_000_000_000
_UNSET: Final = 1_577_836_800 * _NANOS
"""2020: clocks that say earlier have not been set, as after the start of a device without a battery."""

_FIRST: Final = (
    "SELECT id, key, items FROM parcels"
    " WHERE owner = ? AND signal = ? AND receiver = ? AND id > ? AND id NOT IN ({}) ORDER BY id LIMIT 1"
)

T = TypeVar("T")
_log = logging.getLogger("clearspan")


class Parcel(NamedTuple):
    """One request that waits."""

    id: int
    key: str
    signal: str
    items: int
    body: bytes | None
    """Compressed; `None` where it is not what was written any more."""


class Backlog(NamedTuple):
    """What waits, of all processes."""

    requests: int
    items: int
    bytes: int


class Salvaged(NamedTuple):
    """Requests of broken files: how many could be read and how many could not, and who had to go for want of room."""

    recovered: int
    damaged: int
    gone: list[Gone]
    given_up: int = 0
    """Files that no reader came to the end of."""

    def and_more(self, more: Salvaged) -> Salvaged:
        """Both together."""
        return Salvaged(
            self.recovered + more.recovered, self.damaged + more.damaged, self.gone + more.gone, self.given_up + more.given_up,
        )  # fmt: skip


class Box:
    """The requests of all processes that keep them in the file at `path`. Every method may raise `Unusable`.

    `lease` is for how many seconds a process is taken for alive after it was last heard of: longer than it may
    take to try and send something.
    """

    def __init__(self, path: str | Path, *, max_bytes: int, max_age: float, lease: float) -> None:
        self._max_bytes = max_bytes
        self._max_age = max_age
        self._lease = lease
        self._largest = min(max_bytes // 4, _LARGEST)
        # FULL: what was accepted is on the disk itself, and survives a power cut too.
        self.database = Database(
            path, SCHEMA, log_pages=partial(log_pages, max_bytes), synchronous="FULL"
        )
        self.path = self.database.path
        self._owner = PerProcess(owners.enter)

    def _us(self) -> Us:
        return Us(self._owner(), self._lease, self._max_bytes)

    def check(self) -> None:
        """Look for damage that does not show by itself; a damaged file makes way for a new one."""
        if files.size(self.database.file) <= _CHECKED:  # to read a large one takes too long
            self._run(_check)

    def put(self, key: str, receiver: str, signal: str, items: int, body: bytes) -> list[Gone]:
        """Keep a request under a key of its own; answers those that had to go for it.

        It is on the disk when this returns.
        """
        if len(body) > self._largest:
            raise Unusable(self.path, f"has no room for a request of {len(body)} bytes: raise spool_bytes")  # fmt: skip
        us = self._us()
        content = Content.of(key, us.name, receiver, signal, time.time_ns(), items, body)

        def work(connection: sqlite3.Connection) -> list[Gone]:
            with transaction(connection):
                gone = self._make_room(connection, len(body))
                keep(connection, content, us.name)
                owners.beat(connection, us)
            return gone

        return self._run(work, tidy=True)

    def next(
        self, ways: Mapping[str, str], *, metrics_first: bool, past: Iterable[Parcel] = (), without: Sequence[int] = ()
    ) -> Parcel | None:  # fmt: skip
        """The oldest of ours of these signals, each with its receiver; none up to those that are `past`, nor those `without`."""
        us = self._owner()
        after = dict.fromkeys(ways, 0)
        for each in past:
            after[each.signal] = max(each.id, after.get(each.signal, 0))

        first = _FIRST.format(", ".join("?" * len(without)))

        def work(connection: sqlite3.Connection) -> Parcel | None:
            firsts = [
                (metrics_first and signal != "metrics", *row, signal)
                for signal, receiver in ways.items()
                for row in connection.execute(
                    first, (us, signal, receiver, after[signal], *without)
                ).fetchall()
            ]
            if not firsts:
                return None
            _, number, key, items, signal = min(firsts)
            content = Content.read(connection, number)
            if content is None or (content.key, content.signal) != (key, signal):
                return Parcel(number, key, signal, counted(items), None)
            return Parcel(number, key, signal, content.items, content.body)

        return self._run(work)

    def done(self, key: str) -> None:
        """Forget one that has arrived, or never will."""

        def work(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                delete(connection, "WHERE key = ?", (key,))

        self._run(work, tidy=True)

    def replace(self, parcel: Parcel, items: int, body: bytes) -> None:
        """Have one hold only what of it has not arrived."""

        def work(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                content = Content.read(connection, parcel.id)
                if content is not None and content.key == parcel.key:
                    refill(connection, parcel.id, content.less(items, body))

        self._run(work)

    def count(self, prefix: str) -> int:
        """How many wait whose keys begin so, whoever delivers them."""
        query = "SELECT count(*) FROM parcels WHERE key >= ? AND key < ?"
        values = (prefix, f"{prefix}\x7f")
        return int(self._run(lambda connection: connection.execute(query, values).fetchone()[0]))

    def fate(self) -> Fate:
        """What others have done with requests of ours that are gone; it is told once."""
        us = self._owner()
        return self._run(lambda connection: owners.fate(connection, us))

    def ours(self) -> set[str]:
        """The keys of ours that wait."""
        query, us = "SELECT key FROM parcels WHERE owner = ?", self._owner()
        return self._run(lambda connection: {row[0] for row in connection.execute(query, (us,))})

    def expire(self) -> list[Gone]:
        """Let go what is too old."""
        which = "WHERE made_ns BETWEEN ? AND ? ORDER BY made_ns LIMIT ?"
        us = self._owner()
        values = (_UNSET, time.time_ns() - int(self._max_age * _NANOS), _EXPIRED_AT_ONCE)

        def work(connection: sqlite3.Connection) -> list[Gone]:
            if connection.execute(f"SELECT 1 FROM parcels {which}", values).fetchone() is None:  # noqa: S608 -- our own words
                return []
            with transaction(connection):
                return delete(connection, which, values, (us, "expired"))

        return self._run(work, tidy=True)

    def take_over(self, ways: Mapping[str, str]) -> int:
        """Tell that we live, and make ours what goes these ways and belongs to nobody alive; how many."""
        us = self._us()
        return self._run(lambda connection: owners.take_over(connection, us, ways))

    def give_away(self) -> None:
        """Have others deliver what is ours, now and from now on: this process cannot."""
        us = self._owner()
        self._run(lambda connection: owners.give_away(connection, us))

    def leave(self) -> None:
        """Deliver no more: what is left is for others."""
        us = self._owner.take()
        if us is not None:
            owners.leave(us)
            self._run(lambda connection: owners.forget(connection, us))

    def salvage(self) -> Salvaged:
        """Take in what can be read from broken files that were set aside, and that no other process is at."""
        told = Salvaged(0, 0, [])
        for aside in salvage.broken(self.database.file):
            claim = f"reading {salvage.name_of(aside)}"
            if not self._run(lambda connection, what=claim: owners.claim(connection, what, self._lease)):  # type: ignore[misc]  # fmt: skip
                continue
            try:
                found = self._salvaged(aside, claim)
            finally:
                owners.leave(claim)
                with contextlib.suppress(Unusable):
                    self._run(lambda connection, what=claim: owners.release(connection, what))  # type: ignore[misc]  # fmt: skip
            told = told.and_more(found)
        salvage.tidy(self.database.file, self._max_age)
        return told

    def _salvaged(self, aside: Path, claim: str) -> Salvaged:
        reading = salvage.begin(aside)
        if reading is None:
            given_up = salvage.given_up(aside)
            if given_up:
                _log.warning("clearspan: what is left of the broken spool %s could not be read, and is given up",
                             salvage.name_of(aside))  # fmt: skip
            return Salvaged(0, 0, [], int(given_up))
        recovered, gone, missing = 0, list[Gone](), Missing()
        try:
            for some in _lots(salvage.readable(reading, missing), self._largest):
                gone += self._take_in(some, claim)
                recovered += len(some)
        except Unusable:
            # Not the fault of what is read, which is whole still.
            with contextlib.suppress(OSError):
                files.rename(reading, aside)
            raise
        salvage.end(reading, keep=not missing.nothing)
        return Salvaged(recovered, len(missing.numbers), gone)

    def backlog(self) -> Backlog:
        """How much waits, of all processes."""
        query = "SELECT count(*), coalesce(sum(items), 0), coalesce(sum(size), 0) FROM parcels"
        return Backlog(*self._run(lambda connection: connection.execute(query).fetchone()))

    def _run(self, work: Callable[[sqlite3.Connection], T], *, tidy: bool = False) -> T:
        return self.database.run(
            lambda connection: work(lenient(connection)), self._tidy if tidy else None
        )

    def _take_in(self, found: list[Found], claim: str) -> list[Gone]:
        """Keep these, as far as there is room: it is their turn to go as well, and most are older than what is here."""

        def work(connection: sqlite3.Connection) -> list[Gone]:
            gone: list[Gone] = []
            coming: dict[str, int] = {}
            with transaction(connection):
                for content, owner, where, pid in found:
                    owners.spare(connection, owner, where, pid, self._lease)
                    if not label(connection, content, owner):
                        continue
                    if len(content.body) > self._largest:
                        gone += delete(connection, "WHERE key = ?", (content.key,), self._tell())
                    else:
                        coming[content.key] = len(content.body)
                gone += self._make_room(connection, sum(coming.values()), coming)
                for each in found:
                    if each.content.key in coming:
                        fill(connection, each.content)
                owners.renew(connection, claim, self._lease)
            return gone

        return self._run(work)

    def _make_room(
        self, connection: sqlite3.Connection, size: int, coming: dict[str, int] | None = None
    ) -> list[Gone]:
        """Let the oldest go until there is room for `size` bytes. Those that are `coming` themselves go in their turn."""
        # Beside the file there is the write-ahead log, which may outgrow its share by one transaction.
        most = max(self._max_bytes, owners.largest(connection))
        limit = most - log_pages(self._max_bytes, PAGE) * PAGE - self._largest
        tell = self._tell()
        gone: list[Gone] = []
        # What is dated later than now is of a clock that was ahead, or was set while this one is not: it came before.
        later = f"WHERE made_ns > {time.time_ns() + _ASTRAY * _NANOS}"
        for where in (later, ""):
            while (excess := used(connection) + size - limit) > 0:
                some = delete(connection, fewest(excess, where), (_AT_ONCE,), tell)
                if not some:
                    break
                gone += some
                size -= sum(coming.pop(each.key, 0) for each in some) if coming else 0
        return gone

    def _tell(self) -> tuple[str, str]:
        """Whom not to tell, and as what to tell the others, that something of theirs had to go."""
        return self._owner(), "made_room"

    def _tidy(self, connection: sqlite3.Connection) -> None:
        """Give room back when nothing waits or it is too much, for a moment: the next time goes on."""
        size = files.size(self.database.file)
        if size <= _SMALL:
            return
        empty = connection.execute("SELECT 1 FROM parcels LIMIT 1").fetchone() is None
        if empty or size > self._max_bytes:
            until = time.monotonic() + _TIDYING
            while time.monotonic() < until and reclaim(connection, leave=0):
                pass
            fold(connection)


def _lots(found: Iterable[Found], most: int) -> Iterator[list[Found]]:
    """The same in parts that one transaction can hold: so many at once, and of so many bytes where it is more than one."""
    some, size = list[Found](), 0
    for each in found:
        size += len(each.content.body)
        if some and (len(some) == _AT_ONCE or size > most):
            yield some
            some, size = [], len(each.content.body)
        some.append(each)
    if some:
        yield some


def _check(connection: sqlite3.Connection) -> None:
    (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if found != "ok":
        raise sqlite3.DatabaseError("database disk image is malformed")
