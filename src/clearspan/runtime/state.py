"""What `clearspan.status()` answers: a reading of everything that can be asked about the runtime."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from clearspan.assess.seat import EvaluatorStatus
from clearspan.core.ledger import Accounts

__all__ = ["EvaluatorStatus", "ProviderStatus", "QueueStatus", "Status"]


@dataclass(frozen=True, slots=True)
class ProviderStatus:
    """One library: its installed version (`None` when absent) and where its methods stand.

    `targets` maps each method to `patched`, `waiting` (its module is not imported yet), `absent`
    (not in this version), `unsupported` or `removed`. `note` says why something is not recorded.
    """

    name: str
    version: str | None
    targets: Mapping[str, str]
    note: str | None = None

    @property
    def state(self) -> str:
        """`patched`, `waiting`, `unsupported`, `not installed` or `off`, in one word."""
        states = set(self.targets.values())
        for state in ("unsupported", "patched"):
            if state in states:
                return state
        if self.version is None:
            return "not installed"
        if self.note is not None:
            return "unsupported"
        return "waiting" if "waiting" in states else "off"


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """A queue: how much waits in it, and how much may."""

    name: str
    items: int
    bytes: int
    max_items: int
    max_bytes: int


@dataclass(frozen=True, slots=True)
class Status:
    """The state of clearspan. `accounts` fulfils created = exported + stored + dropped + pending.

    `hardware` says of each sampler how it stands; `missing` what a figure lacks, and the remedy; `evaluators` how
    each has fared: how many calls it judged, and why it did not judge others; `guards` how often each let a text pass
    (`allow`), stepped in (`block`, `redact`, `warn`) and failed (`error`).
    """

    running: bool
    destination: str = "none"
    content: str = "off"
    providers: tuple[ProviderStatus, ...] = ()
    queues: tuple[QueueStatus, ...] = ()
    accounts: Accounts = field(default_factory=lambda: Accounts(0, 0, 0))
    open_calls: int = 0
    internal_errors: Mapping[str, int] = field(default_factory=dict[str, int])
    destination_status: Mapping[str, str | int] = field(default_factory=dict[str, "str | int"])
    hardware: Mapping[str, str] = field(default_factory=dict[str, str])
    missing: Mapping[str, str] = field(default_factory=dict[str, str])
    evaluators: tuple[EvaluatorStatus, ...] = ()
    guards: Mapping[str, Mapping[str, int]] = field(default_factory=dict[str, "Mapping[str, int]"])
