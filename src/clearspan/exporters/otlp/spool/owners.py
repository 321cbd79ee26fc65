"""Who delivers: processes that say until when they are to be taken for alive, and what becomes of the others' requests."""

from __future__ import annotations

import os
import sqlite3
import time
import uuid
from collections.abc import Mapping
from typing import Final, NamedTuple

from clearspan.core.processes import alive, born, machine
from clearspan.core.sqlite.opening import transaction

__all__ = [
    "Us",
    "beat",
    "claim",
    "enter",
    "fate",
    "forget",
    "give_away",
    "largest",
    "leave",
    "release",
    "renew",
    "spare",
    "take_over",
]  # fmt: skip

_NANOS: Final = 1_000_000_000
_PATIENCE: Final = 3_600 * _NANOS
"""For how long one that runs and says nothing is waited for: stopped, or asleep with its machine."""
_BEAT: Final = (
    "INSERT INTO owners (id, machine, pid, until_ns, lease_ns, max_bytes) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (id) DO UPDATE SET until_ns = excluded.until_ns, lease_ns = excluded.lease_ns,"
    " max_bytes = excluded.max_bytes"
)
_SPARE: Final = "INSERT OR IGNORE INTO owners (id, machine, pid, until_ns) VALUES (?, ?, ?, ?)"
_FORGET: Final = (
    "DELETE FROM owners WHERE (until_ns < ? OR id = ?)"
    " AND NOT EXISTS (SELECT 1 FROM parcels WHERE owner = owners.id)"
)
_OTHERS: Final = (
    "SELECT DISTINCT parcels.owner, machine, pid, until_ns FROM parcels"
    " LEFT JOIN owners ON owners.id = parcels.owner"
    " WHERE parcels.owner != ? AND signal = ? AND receiver = ?"
)
_TAKE: Final = "UPDATE parcels SET owner = ? WHERE owner = ? AND signal = ? AND receiver = ?"
_TAKEN: Final = "UPDATE owners SET taken = taken + ? WHERE id = ?"
_HALF_OVER: Final = (
    "SELECT 1 FROM owners WHERE id = ? AND until_ns < ?"
    " AND EXISTS (SELECT 1 FROM parcels WHERE owner = owners.id)"
)
# As a clock that was ahead has left it: nobody is taken for alive for longer than the lease that it has.
_AHEAD: Final = "FROM owners WHERE typeof(until_ns) = 'integer' AND until_ns > ? + max(lease_ns, ?)"
_FATE: Final = "SELECT made_room, expired, taken FROM owners WHERE id = ?"
_TOLD: Final = "UPDATE owners SET made_room = 0, expired = 0, taken = 0 WHERE id = ?"

# Two spools of one process, the second started while the first is still ending, leave each other alone.
_here: set[str] = set()
_heard: set[str] = set()
"""Of these, who has said that it lives: one that is known no more was taken for dead."""
_robbed: set[str] = set()
_away: set[str] = set()
"""Of these, who cannot deliver: others are to."""


class Us(NamedTuple):
    """Who we are: a name, for how many seconds we are taken for alive, and how large we let the file become."""

    name: str
    lease: float
    max_bytes: int


class Fate(NamedTuple):
    """What became of requests of ours that are gone: of how many is told, and whether we were taken for dead."""

    full: int
    expired: int
    handed_over: bool


def enter() -> str:
    """A new name. It tells which process of that number is meant."""
    mark = born(os.getpid())
    name = f"{uuid.uuid4().hex}-{mark}" if mark else uuid.uuid4().hex
    _here.add(name)
    return name


def leave(us: str) -> None:
    """Deliver no more."""
    for names in (_here, _heard, _robbed, _away):
        names.discard(us)


def forget(connection: sqlite3.Connection, us: str) -> None:
    """Be forgotten; if something of ours waits, be gone for whoever takes it over."""
    connection.execute("UPDATE owners SET until_ns = 0 WHERE id = ?", (us,))
    connection.execute(_FORGET, (0, us))


def give_away(connection: sqlite3.Connection, us: str) -> None:
    """Let others deliver what is ours, now and from now on."""
    _away.add(us)
    connection.execute("UPDATE owners SET until_ns = 0 WHERE id = ?", (us,))


def beat(connection: sqlite3.Connection, us: Us) -> None:
    """Be taken for alive for a lease's time more."""
    now, lease = time.time_ns(), int(us.lease * _NANOS)
    if us.name in _heard and _unknown(connection, us.name):
        _robbed.add(us.name)
    until = 0 if us.name in _away else now + lease
    connection.execute(_BEAT, (us.name, machine(), os.getpid(), until, lease, us.max_bytes))
    connection.execute(_FORGET, (now, ""))
    _heard.add(us.name)


def _unknown(connection: sqlite3.Connection, name: str) -> bool:
    return connection.execute("SELECT 1 FROM owners WHERE id = ?", (name,)).fetchone() is None


def spare(connection: sqlite3.Connection, owner: str, where: str, pid: int, lease: float) -> None:
    """Take one for alive whose word was lost, until it can have said it again; where it ran may be known."""
    connection.execute(_SPARE, (owner, where, pid, time.time_ns() + int(lease * _NANOS)))


def largest(connection: sqlite3.Connection) -> int:
    """How large those who use the file let it become, at most: who allows less does not delete what is others'."""
    query = "SELECT max(max_bytes) FROM owners WHERE typeof(max_bytes) = 'integer'"
    return int(connection.execute(query).fetchone()[0] or 0)


def fate(connection: sqlite3.Connection, us: str) -> Fate:
    """What has become of requests of ours that are not there any more; it is told once."""
    row = connection.execute(_FATE, (us,)).fetchone()
    robbed = us in _robbed or (row is None and us in _heard)
    _robbed.discard(us)
    if row is None or row == (0, 0, 0):
        return Fate(0, 0, robbed)
    with transaction(connection):
        connection.execute(_TOLD, (us,))
    full, expired, taken = (each if isinstance(each, int) else 0 for each in row)
    return Fate(full, expired, robbed or taken > 0)


def take_over(connection: sqlite3.Connection, us: Us, ways: Mapping[str, str]) -> int:
    """Tell that we live if something of ours waits, and make ours what goes these ways and is nobody's; how much.

    Where nothing is to be said or taken nothing is written: an idle program wears no disk.
    """
    now, lease = time.time_ns(), int(us.lease * _NANOS)
    if connection.execute(f"SELECT 1 {_AHEAD}", (now, lease)).fetchone() is not None:
        with transaction(connection):
            query = f"UPDATE owners SET until_ns = ? + max(lease_ns, ?) WHERE id IN (SELECT id {_AHEAD})"  # noqa: S608 -- our own words
            connection.execute(query, (now, lease, now, lease))
    if connection.execute(_HALF_OVER, (us.name, now + lease // 2)).fetchone() is not None:
        with transaction(connection):
            beat(connection, us)
    if not _gone(connection, us.name, ways):
        return 0
    with transaction(connection):
        beat(connection, us)
        # Asked again: another may have been faster while we waited for the lock.
        taken = 0
        for owner, signal, receiver in _gone(connection, us.name, ways):
            found = connection.execute(_TAKE, (us.name, owner, signal, receiver)).rowcount
            connection.execute(_TAKEN, (found, owner))
            connection.execute(_FORGET, (0, owner))
            taken += found
        return taken


def claim(connection: sqlite3.Connection, what: str, lease: float) -> bool:
    """Say that this process is at work on something that one at a time is to do; `False` where another is."""
    query = "SELECT machine, pid, until_ns FROM owners WHERE id = ?"
    with transaction(connection):
        row = connection.execute(query, (what,)).fetchone()
        if row is not None and not _is_gone(what, *row):
            return False
        until = time.time_ns() + int(lease * _NANOS)
        connection.execute("DELETE FROM owners WHERE id = ?", (what,))
        connection.execute(_SPARE, (what, machine(), os.getpid(), until))
    _here.add(what)
    return True


def renew(connection: sqlite3.Connection, what: str, lease: float) -> None:
    """Be at it still."""
    until = time.time_ns() + int(lease * _NANOS)
    connection.execute("UPDATE owners SET until_ns = ? WHERE id = ?", (until, what))


def release(connection: sqlite3.Connection, what: str) -> None:
    """Be done with it."""
    connection.execute("DELETE FROM owners WHERE id = ?", (what,))


def _gone(connection: sqlite3.Connection, us: str, ways: Mapping[str, str]) -> list[tuple[str, str, str]]:  # fmt: skip
    return [
        (owner, signal, receiver)
        for signal, receiver in ways.items()
        for owner, where, pid, until in connection.execute(_OTHERS, (us, signal, receiver)).fetchall()
        if _is_gone(owner, where, pid, until)
    ]  # fmt: skip


def _is_gone(owner: object, where: object, pid: object, until: object) -> bool:
    # Of a file that may be damaged anything may come.
    if not isinstance(until, int) or until == 0:
        return True
    late = time.time_ns() - until
    runs = _runs(owner, where, pid)
    return late > _PATIENCE or runs is False or (runs is None and late > 0)


def _runs(owner: object, where: object, pid: object) -> bool | None:
    """Whether the process does; `None` where that cannot be told, and its word counts."""
    if where != machine() or not isinstance(pid, int):
        return None
    if pid == os.getpid():
        return owner in _here  # else the number was another process's before it came to us
    if not alive(pid):
        return False
    found, mark = born(pid), str(owner).partition("-")[2]
    return found == mark if found and mark else None
