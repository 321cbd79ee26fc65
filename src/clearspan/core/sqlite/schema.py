"""Which program a file belongs to, and how an older one is brought up to date.

`PRAGMA user_version` counts the steps that a file has seen; a new version of the schema is one more step
at the end. `PRAGMA application_id` tells our files from other people's, and one kind of ours from another.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from clearspan.core.sqlite.space import pragma

__all__ = ["HEADER", "Schema", "Step", "UnusableSchema"]

Step: TypeAlias = "tuple[str | Callable[[sqlite3.Connection], None], ...]"
"""Statements, and what takes more than a statement."""


HEADER: Final = 262_144
"""Bytes of a file by which `Schema.signed` tells whose it is."""
_WIPED: Final = 512
_SIGN: Final = slice(68, 72)


class UnusableSchema(Exception):
    """The file is a sound database, and not one that this version may write to."""


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of one kind of file."""

    kind: str
    """What people call such a file: `store`."""
    application_id: int
    migrations: tuple[Step, ...]

    def prepare(self, connection: sqlite3.Connection) -> None:
        """Create the tables, or upgrade those of an older version, in one transaction.

        Raises:
            UnusableSchema: the database is another program's, or a newer version's.
        """
        steps = self.migrations
        if pragma(connection, "user_version") == len(steps) and self._owns(connection):
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            # Read again: another process may have done the work while we waited for the lock.
            for step in steps[self.version(connection) :]:
                for statement in step:
                    if callable(statement):
                        statement(connection)
                    else:
                        connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {self.application_id}")
            connection.execute(f"PRAGMA user_version = {len(steps)}")
            connection.execute("COMMIT")
        except BaseException:  # Ctrl-C too must not leave it half done; it goes on its way
            connection.rollback()
            raise

    def version(self, connection: sqlite3.Connection) -> int:
        """Which version's tables there are to read; 0 for a file that is still empty.

        Raises:
            UnusableSchema: the database is another program's, or of a newer version.
        """
        found = pragma(connection, "user_version")
        if not self._owns(connection):
            tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if tables or found:
                raise UnusableSchema(
                    f"is another program's SQLite database: name a file of its own for the {self.kind}"
                )
        elif found > len(self.migrations):
            raise UnusableSchema(
                "was written by a newer clearspan: upgrade clearspan or name another file"
            )
        return found

    def signed(self, head: bytes) -> bool:
        """Whether a file that begins so is one of this kind, or was wiped: even if SQLite cannot read it.

        Where the sign itself is broken, the statements that made the tables still tell, which SQLite keeps.
        """
        if head[_SIGN] == self.application_id.to_bytes(4, "big") or head[:_WIPED] == bytes(_WIPED):
            return True
        made = (each for step in self.migrations for each in step if isinstance(each, str))
        return b"\0" in head and any(each.encode() in head for each in made)

    def _owns(self, connection: sqlite3.Connection) -> bool:
        return pragma(connection, "application_id") == self.application_id
