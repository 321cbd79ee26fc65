"""What `clearspan doctor` can find: the shape of its report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from clearspan.cli.evaluators import Fared, Stood
from clearspan.cli.judging import Judging
from clearspan.exporters.store import Counts

__all__ = ["Library", "Report", "Sent", "Stock"]


@dataclass(slots=True)
class Library:
    """A client library: its version, and where each method stands that would be recorded."""

    name: str
    version: str | None
    state: str
    """`patched`, `not installed`, `unsupported`, `off` or `broken`."""
    targets: dict[str, str] = field(default_factory=dict[str, str])
    note: str | None = None


@dataclass(slots=True)
class Sent:
    """What became of the test span."""

    state: str
    """`delivered`, `unsampled`, `failed`, `pending` or `skipped`."""
    reason: str | None = None


@dataclass(slots=True)
class Stock:
    """The store: its file, what is in it, and broken files that were set aside."""

    path: str
    state: str
    """`healthy`, `absent` or `broken`."""
    counts: Counts | None = None
    problem: str | None = None
    set_aside: list[str] = field(default_factory=list[str])


@dataclass(slots=True)
class Report:
    """All of it. `problems` are what makes the check fail; `notes` are only worth knowing."""

    versions: dict[str, str | None] = field(default_factory=dict[str, "str | None"])
    settings: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    environment: dict[str, str] = field(default_factory=dict[str, str])
    destination: str | None = None
    content: str | None = None
    libraries: list[Library] = field(default_factory=list[Library])
    sent: Sent | None = None
    store: Stock | None = None
    evaluators: list[Fared] = field(default_factory=list[Fared])
    judge: Judging | None = None
    guards: list[Stood] = field(default_factory=list[Stood])
    status: dict[str, Any] = field(default_factory=dict[str, Any])
    problems: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])

    @property
    def ok(self) -> bool:
        """Whether every check passed."""
        return not self.problems
