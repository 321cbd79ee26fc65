"""What `clearspan.status()` answers: a reading of everything that can be asked about the runtime."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from clearspan.core.fence import fenced
from clearspan.core.ledger import Accounts
from clearspan.core.worker import Worker
from clearspan.runtime.queues import Delivery

if TYPE_CHECKING:
    from clearspan.assess.seat import EvaluatorStatus

__all__ = ["OFF", "Delivery", "ProviderStatus", "QueueStatus", "Status"]


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

    @classmethod
    def of(cls, worker: Worker[Any]) -> QueueStatus:
        """How the queue of a worker stands."""
        return cls(
            worker.name, worker.pending, worker.pending_bytes, worker.max_items, worker.max_bytes
        )


@dataclass(frozen=True, slots=True)
class Status:
    """The state of clearspan. `accounts` fulfils created = exported + stored + dropped + pending, in spans.

    `deliveries` keep the same books of each signal (spans, events, metric points) at each destination: the spans of
    `accounts` are settled by the first that takes spans, these by every one.
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
    deliveries: tuple[Delivery, ...] = ()

    @classmethod
    def of(cls, running: bool, readings: Mapping[str, Callable[[], Any]]) -> Status:  # noqa: FBT001 -- a field
        """What `readings` answer, by field; one that fails leaves its field as it is without a runtime."""
        found = {name: fenced(f"status.{name}", read) for name, read in readings.items()}
        return cls(running, **{name: value for name, value in found.items() if value is not None})


OFF: Final = Status(False)
"""That of a program without a runtime."""
