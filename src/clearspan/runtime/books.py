"""The books as metrics: what was created, what became of it, and what still waits.

By the names of OpenTelemetry's semantic conventions for SDKs (`otel.sdk.*`, in development); what those have no
name for begins with `clearspan.`. A program in which nothing was recorded has none of them.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from opentelemetry.metrics import Meter

from clearspan import semconv as sc
from clearspan.core.jsonfast import valid
from clearspan.core.ledger import Ledger
from clearspan.emit.boards import board_of
from clearspan.pipeline import Pipeline
from clearspan.runtime.build import Providers
from clearspan.runtime.ends import workers
from clearspan.runtime.queues import Delivery
from clearspan.runtime.state import QueueStatus

__all__ = ["BOOKS", "Books"]


class Row(NamedTuple):
    """An instrument that is read when metrics are collected."""

    name: str
    kind: str
    unit: str
    note: str


BOOKS: Final = (
    Row(sc.METRIC_SPANS_STARTED, "counter", "{span}", "spans that were begun"),
    Row(sc.METRIC_SPANS_PROCESSED, "counter", "{span}", "spans that are settled; those that were dropped have the reason as error.type"),
    Row(sc.METRIC_SPANS_LIVE, "updowncounter", "{span}", "spans that have begun and not ended"),
    Row(sc.METRIC_SPANS_EXPORTED, "counter", "{span}", "spans that a destination got; those that it did not have the reason as error.type"),
    Row(sc.METRIC_EVENTS_EXPORTED, "counter", "{log_record}", "the same of events"),
    Row(sc.METRIC_POINTS_EXPORTED, "counter", "{data_point}", "the same of metric points"),
    Row(sc.METRIC_SPAN_QUEUE_SIZE, "updowncounter", "{span}", "spans that wait to be exported"),
    Row(sc.METRIC_SPAN_QUEUE_CAPACITY, "updowncounter", "{span}", "spans that may wait"),
    Row(sc.METRIC_EVENT_QUEUE_SIZE, "updowncounter", "{log_record}", "events that wait to be exported"),
    Row(sc.METRIC_EVENT_QUEUE_CAPACITY, "updowncounter", "{log_record}", "events that may wait"),
    Row(sc.METRIC_WORK_QUEUE_SIZE, "updowncounter", "{item}", "what waits to be worked on, before it is exported: ended calls, pieces of streams, scores"),
    Row(sc.METRIC_WORK_QUEUE_CAPACITY, "updowncounter", "{item}", "how much of that may wait"),
)  # fmt: skip
"""Every instrument of the books."""

_log = logging.getLogger("clearspan")
_MEANT: Final = ("unsampled", "not_recorded", "no_destination", "spool_handed_over")
"""Dropped as somebody wanted it, had been told, or because another process has it."""
_BY_SIGNAL: Final = {
    sc.METRIC_SPANS_EXPORTED: "spans",
    sc.METRIC_EVENTS_EXPORTED: "events",
    sc.METRIC_POINTS_EXPORTED: "metric points",
}
_SIZES: Final = {
    sc.METRIC_SPAN_QUEUE_SIZE: "clearspan-spans",
    sc.METRIC_EVENT_QUEUE_SIZE: "clearspan-events",
    sc.METRIC_WORK_QUEUE_SIZE: "clearspan",
}
_CAPACITIES: Final = {
    sc.METRIC_SPAN_QUEUE_CAPACITY: _SIZES[sc.METRIC_SPAN_QUEUE_SIZE],
    sc.METRIC_EVENT_QUEUE_CAPACITY: _SIZES[sc.METRIC_EVENT_QUEUE_SIZE],
    sc.METRIC_WORK_QUEUE_CAPACITY: _SIZES[sc.METRIC_WORK_QUEUE_SIZE],
}


class _Figure(NamedTuple):
    value: float
    attributes: Mapping[str, Any]


class Books:
    """What the runtime knows of its own doings; as figures for a board, too."""

    def __init__(self, ledger: Ledger, pipeline: Pipeline, providers: Providers) -> None:
        self._ledger = ledger
        self._pipeline = pipeline
        self._providers = providers

    def queues(self) -> tuple[QueueStatus, ...]:
        """Every queue that a record may wait in, on its way out."""
        return tuple(map(QueueStatus.of, workers(self._pipeline, self._providers)))

    def tell_of_losses(self) -> None:
        """Say in the end what did not arrive: the books that tell of it go with the process."""
        accounts = self._ledger.read()
        lost = {why: spans for why, spans in accounts.dropped.items() if why not in _MEANT}
        if accounts.pending > 0:
            lost["no time left"] = accounts.pending
        if lost:
            reasons = ", ".join(f"{why} {spans:,}" for why, spans in lost.items())
            # Not as a warning: where nobody listens that would go to the program's standard error.
            _log.info(
                "clearspan: %s of %s spans did not arrive (%s); spool=True keeps on disk what a receiver does not take",
                f"{sum(lost.values()):,}", f"{accounts.created:,}", reasons,
            )  # fmt: skip

    def deliveries(self) -> tuple[Delivery, ...]:
        """What became of each signal at each destination."""
        return tuple(book.read() for book in self._kept())

    def renew(self) -> None:
        """In a forked child: what the parent gave to its queues is in its own books."""
        for book in self._kept():
            book.ledger.renew()

    def _kept(self) -> Iterator[Any]:
        for queue in self._providers.queues:
            book = getattr(queue, "books", None)  # a reader of the application's keeps none
            if book is not None:
                yield book

    def show(self, meter: Meter) -> None:
        """Show them on `meter` from now on, as long as these books are held."""
        board = board_of(meter, "books.read")
        board.make(meter, BOOKS)
        board.turn_to(self)

    def read(self, name: str) -> list[_Figure]:
        """The figures of one instrument."""
        accounts = self._ledger.read()
        if not accounts.created:
            return []
        if name == sc.METRIC_SPANS_STARTED:
            return [_Figure(accounts.created, {})]
        if name == sc.METRIC_SPANS_LIVE:
            return [_Figure(self._pipeline.open_calls, {})]
        if name == sc.METRIC_SPANS_PROCESSED:
            return list(_fates(accounts.exported + accounts.stored, accounts.dropped, {}))
        if name in _BY_SIGNAL:
            return list(self._delivered(_BY_SIGNAL[name]))
        return self._waiting(name)

    def _waiting(self, name: str) -> list[_Figure]:
        """Queues of the same name, before several destinations, are told as one."""
        found: Counter[str] = Counter()
        for queue in self.queues():
            if queue.name == _SIZES.get(name):
                found[queue.name] += queue.items
            elif queue.name == _CAPACITIES.get(name):
                found[queue.name] += queue.max_items
        return [_Figure(items, {sc.COMPONENT_NAME: queue}) for queue, items in found.items()]

    def _delivered(self, signal: str) -> Iterator[_Figure]:
        for delivery in self.deliveries():
            if delivery.signal == signal:
                found = delivery.accounts
                named = {sc.COMPONENT_NAME: valid(delivery.destination)}
                yield from _fates(found.exported + found.stored, found.dropped, named)


def _fates(well: int, dropped: Mapping[str, int], named: Mapping[str, Any]) -> Iterator[_Figure]:
    yield _Figure(well, named)
    for reason, items in dropped.items():
        yield _Figure(items, {**named, sc.ERROR_TYPE: reason})
