"""Taking into a file what another one of its kind has, which nobody writes to any more."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

from clearspan.core.sqlite import opening
from clearspan.core.sqlite.errors import is_damage

__all__ = ["sound", "take_in"]


def take_in(
    connection: sqlite3.Connection, path: Path, absorb: Callable[[sqlite3.Connection], object]
) -> None:
    """Have `absorb` take what the database at `path` has, attached as `beside`; one without tables has nothing.

    Raises:
        sqlite3.Error: it is damaged, or cannot be read, or somebody has it open; or `connection` cannot be written to.
    """
    connection.execute("ATTACH ? AS beside", (str(path),))
    try:
        # Refused while another has it open: what that one wrote after the last look would go with the file.
        connection.execute("PRAGMA beside.journal_mode = DELETE").fetchone()
        # Whoever made it may have been killed before there was any table.
        if connection.execute("SELECT count(*) FROM beside.sqlite_master").fetchone()[0]:
            with opening.transaction(connection):
                absorb(connection)
    finally:
        connection.execute("DETACH beside")


def sound(path: Path) -> bool:
    """Whether the database at `path` is whole, as far as can be told: one that cannot be looked at may be."""
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=0)) as own:
            return bool(own.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
    except sqlite3.Error as error:
        return not is_damage(error)
