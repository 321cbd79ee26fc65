"""The guards that the tests must miss when they are gone: read from `guards_*.toml` beside this file.

An entry names the promise or the row of the list of known faults (`row`), the `file`, the `old` text, which occurs there
once, the `new` text without the guard, and the `test` that must fail with it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NamedTuple

if sys.version_info >= (3, 11):
    import tomllib
else:  # pytest brings the same reader there
    import tomli as tomllib

__all__ = ["ROOT", "Guard", "guards"]

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


class Guard(NamedTuple):
    """One guard, and the test that keeps it."""

    row: str
    file: str
    old: str
    new: str
    test: str
    source: str

    @property
    def title(self) -> str:
        """A line for the table."""
        return f"{self.row} {self.test.rpartition('::')[2]}"

    def without(self, text: str) -> str:
        """The file's text without the guard. Raises `ValueError` unless it occurs there once."""
        if text.count(self.old) != 1:
            raise ValueError(f"{self.file}: occurs {text.count(self.old)} times: {self.old!r}")
        return text.replace(self.old, self.new)


def guards(folder: Path = HERE) -> list[Guard]:
    """All entries, file by file."""
    found: list[Guard] = []
    for path in sorted(folder.glob("guards_*.toml")):
        entries: list[dict[str, Any]] = tomllib.loads(path.read_text("utf-8")).get("guard", [])
        found += [Guard(**entry, source=path.name) for entry in entries]
    return found
