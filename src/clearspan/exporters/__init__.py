"""Where telemetry goes: one exporter a file or a folder, found by entry point (group `clearspan.exporters`).

An entry point names a `Build`: a function that takes a `Destination` and answers `Exporters`. The
exporters themselves are OpenTelemetry's own kinds, so any of the ecosystem's fits here and ours
work in any OpenTelemetry program. Importing this module loads no SDK and opens nothing.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

from clearspan.settings import SettingError

if TYPE_CHECKING:
    from opentelemetry.sdk._logs.export import LogRecordExporter
    from opentelemetry.sdk.metrics.export import MetricExporter
    from opentelemetry.sdk.trace.export import SpanExporter

__all__ = ["DEFAULT_STORE", "Build", "Courier", "Destination", "DestinationError", "Exporters", "Spooling"]  # fmt: skip

DEFAULT_STORE: Final = os.path.join(".clearspan", "clearspan.db")  # noqa: PTH118 -- of text: it is shown so
"""Where the store lies, below the working directory, when nothing else is said."""


class DestinationError(SettingError):
    """A destination that cannot be used as asked. The message names the setting and the remedy."""


@dataclass(frozen=True, slots=True)
class Spooling:
    """How to keep telemetry on disk until its receiver has it."""

    path: str
    """The file."""
    max_bytes: int
    """Size that the file keeps to; beyond it the oldest goes."""
    max_age: float
    """Seconds for which something is kept."""
    bandwidth: int | None = None
    """Bytes a second that may be sent, on average; `None` for any."""
    metrics_first: bool = False
    """Send metrics before all else, instead of the oldest first."""


@dataclass(frozen=True, slots=True)
class Destination:
    """What a `Build` may need to know; each reads what concerns it and leaves the rest.

    `None` means "not given as an argument": the standard `OTEL_*` variables then decide.
    """

    endpoint: str | None = None
    """Base address of an OTLP receiver, as in `OTEL_EXPORTER_OTLP_ENDPOINT`."""
    protocol: str | None = None
    """`http/protobuf` or `grpc`."""
    headers: Mapping[str, str] | None = field(default=None, repr=False)
    """Sent to `endpoint` and nowhere else. Never shown: they carry keys."""
    path: str | None = None
    """The file of an exporter that writes one."""
    max_age: float | None = None
    """Seconds for which a store keeps a trace after its last span."""
    max_bytes: int | None = None
    """Size in bytes that a store keeps to."""
    timeout: float | None = None
    """Seconds that one export may take."""
    spool: Spooling | None = None
    """Whether to keep on disk what is on its way to a receiver."""


class Courier(Protocol):
    """Delivers, later, what an exporter has accepted."""

    worker: Any
    """The queue that shows in `clearspan.status()`."""

    def start(
        self,
        settle: Callable[[str, int], None],
        drop: Callable[[str, int], None],
        setup: Callable[[], object],
    ) -> None:
        """Begin to deliver, on a thread that runs `setup` first.

        `settle("exported", n)` is told of spans that arrived, `drop(reason, n)` of spans that will not.
        """
        ...

    def mark(self) -> threading.Event | None:
        """Ask for a round of deliveries now; the event tells when it is over."""
        ...

    def close(self, timeout: float) -> bool:
        """Deliver what can be within `timeout` seconds, then stop; only stop where it was not started."""
        ...


def _no_status() -> Mapping[str, str | int]:
    return {}


@dataclass(frozen=True, slots=True)
class Exporters:
    """The exporters of one destination: a signal that it does not take is `None`."""

    span: SpanExporter | None
    log: LogRecordExporter | None
    metric: MetricExporter | None
    label: str
    """How the destination is named to people. Holds no secrets."""
    counts_as: Literal["exported", "stored"] = "exported"
    """Under which name the accounts keep what was delivered here."""
    status: Callable[[], Mapping[str, str | int]] = _no_status
    """How the destination fares, by name: for `clearspan doctor` and `clearspan.status()`."""
    courier: Courier | None = None
    """Who delivers what these exporters accept, where they do not do so themselves: the spans are settled then."""


class Build(Protocol):
    """What an entry point of the group `clearspan.exporters` names."""

    def __call__(self, destination: Destination, /) -> Exporters:
        """Build the exporters; may check that the destination is usable, may not write to it.

        Raises:
            DestinationError: the destination cannot be used, with the setting and the remedy.
        """
        ...
