"""The tables of a spool. What waits is told apart from what it holds, which is written once and can prove itself."""

from __future__ import annotations

import sqlite3
import zlib
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from clearspan.core.sqlite.schema import Schema

__all__ = [
    "SCHEMA",
    "Content",
    "Gone",
    "counted",
    "delete",
    "fewest",
    "fill",
    "keep",
    "label",
    "lenient",
    "refill",
]

# `parcels` says whose turn it is and changes hands; `contents` says the same of itself, so that it can be
# delivered when the rest of the file is lost.
SCHEMA: Final = Schema("spool", 0x636C7371, ((  # "clsq"
    """CREATE TABLE parcels (
        id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, owner TEXT NOT NULL, receiver TEXT NOT NULL,
        signal TEXT NOT NULL, made_ns INTEGER NOT NULL, items INTEGER NOT NULL, size INTEGER NOT NULL
    )""",
    """CREATE TABLE contents (
        id INTEGER PRIMARY KEY, key TEXT NOT NULL, owner TEXT NOT NULL, receiver TEXT NOT NULL, signal TEXT NOT NULL,
        made_ns INTEGER NOT NULL, items INTEGER NOT NULL, checksum INTEGER NOT NULL, body BLOB NOT NULL
    )""",
    "CREATE INDEX parcels_turn ON parcels (owner, signal, receiver)",
    "CREATE INDEX parcels_made ON parcels (made_ns)",
    "CREATE TABLE owners (id TEXT PRIMARY KEY, machine TEXT NOT NULL, pid INTEGER NOT NULL, until_ns INTEGER NOT NULL)",
), (
    "ALTER TABLE owners ADD COLUMN lease_ns INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE owners ADD COLUMN max_bytes INTEGER NOT NULL DEFAULT 0",
    # How many of their requests others have deleted, to make room or as too old, or taken over.
    "ALTER TABLE owners ADD COLUMN made_room INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE owners ADD COLUMN expired INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE owners ADD COLUMN taken INTEGER NOT NULL DEFAULT 0",
)))  # fmt: skip

_CONTENT: Final = "key, owner, receiver, signal, made_ns, items, checksum, body"
_KEEP: Final = (
    "INSERT OR IGNORE INTO parcels (key, owner, receiver, signal, made_ns, items, size)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_FILL: Final = f"INSERT INTO contents (id, {_CONTENT}) SELECT id, ?, ?, ?, ?, ?, ?, ?, ? FROM parcels WHERE key = ?"  # noqa: S608 -- our own words
_REFILL: Final = "UPDATE contents SET items = ?, checksum = ?, body = ? WHERE id = ?"
_RELABEL: Final = "UPDATE parcels SET items = ?, size = ? WHERE id = ?"
# `total` makes something of any size that damage may have left there.
_FEWEST: Final = (
    "WHERE id IN (SELECT id FROM ("
    " SELECT id, total(size) OVER (ORDER BY made_ns, id) - size AS sooner FROM ("
    " SELECT id, made_ns, size FROM parcels {} ORDER BY made_ns, id LIMIT ?)"
    ") WHERE sooner < {}) ORDER BY made_ns, id"
)
_READ: Final = f"SELECT {_CONTENT} FROM contents WHERE id = ?"  # noqa: S608 -- our own words


class Gone(NamedTuple):
    """One request that was deleted before it arrived."""

    key: str
    items: int


class Content(NamedTuple):
    """A request, and what it says of itself. As read from a file that may be damaged: anything may be anything."""

    key: str
    owner: str
    """Who wrote it, whoever delivers it."""
    receiver: str
    signal: str
    made_ns: int
    items: int
    checksum: int
    body: bytes
    """Compressed."""

    @classmethod
    def of(cls, key: str, owner: str, receiver: str, signal: str, made_ns: int, items: int, body: bytes) -> Content:  # fmt: skip
        """A new one."""
        return cls(key, owner, receiver, signal, made_ns, items, 0, body).summed()

    @classmethod
    def read(cls, connection: sqlite3.Connection, number: int) -> Content | None:
        """The one of that number, if it is there and is what was written."""
        row = connection.execute(_READ, (number,)).fetchone()
        if row is None or not isinstance(row[-1], bytes):
            return None
        found = cls(*row)
        return found if found.checksum == found._sum() else None

    def less(self, items: int, body: bytes) -> Content:
        """What is left of it."""
        return self._replace(items=items, body=body).summed()

    def summed(self) -> Content:
        """The same with the checksum that it should have."""
        return self._replace(checksum=self._sum())

    def _sum(self) -> int:
        return zlib.crc32(self.body, zlib.crc32(repr(self[:6]).encode()))


def keep(connection: sqlite3.Connection, content: Content, owner: str) -> None:
    """Write it as `owner`'s to deliver, unless it is there already."""
    if label(connection, content, owner):
        fill(connection, content)


def label(connection: sqlite3.Connection, content: Content, owner: str) -> bool:
    """Write only that it is there and `owner`'s to deliver, which needs no room to speak of; whether it was not yet."""
    said = (content.key, owner, *content[2:6], len(content.body))
    return connection.execute(_KEEP, said).rowcount > 0


def fill(connection: sqlite3.Connection, content: Content) -> None:
    """Write what one holds of which no more is there than that it is."""
    connection.execute(_FILL, (*content, content.key))


def refill(connection: sqlite3.Connection, number: int, content: Content) -> None:
    """Have the request of that number hold less than it did."""
    connection.execute(_REFILL, (content.items, content.checksum, content.body, number))
    connection.execute(_RELABEL, (content.items, len(content.body), number))


def delete(
    connection: sqlite3.Connection, which: str, values: Iterable[Any], tell: tuple[str, str] | None = None
) -> list[Gone]:  # fmt: skip
    """Delete the requests that `which`, the end of a query, names; answers them.

    Their owners are told, but for one: by its name, and by how many of theirs that column of theirs is more.
    """
    rows = connection.execute(f"SELECT id, key, items, owner FROM parcels {which}", tuple(values)).fetchall()  # fmt: skip  # noqa: S608 -- our own words
    numbers = [(row[0],) for row in rows]
    connection.executemany("DELETE FROM contents WHERE id = ?", numbers)
    connection.executemany("DELETE FROM parcels WHERE id = ?", numbers)
    if tell is not None:
        us, column = tell
        others = Counter(row[3] for row in rows if row[3] != us)
        query = f"UPDATE owners SET {column} = {column} + ? WHERE id = ?"  # noqa: S608 -- our own words
        connection.executemany(query, [(count, owner) for owner, count in others.items()])
    return [Gone(row[1], counted(row[2])) for row in rows]


def fewest(enough: int, where: str = "") -> str:
    """The end of a query for the oldest of those, and no more than weigh `enough` bytes together; its value is how many at most."""
    return _FEWEST.format(where, enough)


def counted(items: object) -> int:
    """A number of items, where damage has left one."""
    return items if isinstance(items, int) else 0


def lenient(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Have something come of text that is damaged, which is then seen to be wrong: else nothing could be read past it."""
    connection.text_factory = _text
    return connection


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
