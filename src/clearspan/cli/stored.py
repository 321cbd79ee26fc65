"""The store as commands use it: where it lies, its errors in one line, its spans as JSON."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, TypeVar

import click

from clearspan.cli.failure import Failure, Misuse
from clearspan.exporters import DEFAULT_STORE
from clearspan.exporters.console import Totals, totals
from clearspan.exporters.console.facts import SHOWN
from clearspan.exporters.store import (
    AmbiguousTrace,
    StoredEvent,
    StoredSpan,
    StoreError,
    StoreNotFound,
    StoreReader,
    TraceNotFound,
    TraceSummary,
)

__all__ = [
    "TEST_SPAN",
    "event_json",
    "newest",
    "opened",
    "span_json",
    "store_option",
    "store_path",
    "summary_json",
    "sums_of",
]

TEST_SPAN = "clearspan doctor"
"""The name of the span that `clearspan doctor` sends to see whether it arrives."""
_BLOCK = 16

F = TypeVar("F", bound=Callable[..., Any])


def store_option(function: F) -> F:
    """The option `--store` that every command over the store has."""
    return click.option(
        "--store", metavar="FILE", type=click.Path(dir_okay=False),
        help=f"The store's file.  [default: $CLEARSPAN_STORE, else {DEFAULT_STORE}]",
    )(function)  # fmt: skip


def store_path(given: str | None) -> str:
    """The file of the store: as given, as the environment says, or the usual one."""
    return given or os.environ.get("CLEARSPAN_STORE", "").strip() or DEFAULT_STORE


@contextmanager
def opened(given: str | None) -> Generator[StoreReader]:
    """A reader of the store; what is wrong with it ends the command in one line."""
    try:
        yield StoreReader(store_path(given))
    except StoreNotFound as error:
        raise Failure(
            f"{error}; fill one with `clearspan demo` or `clearspan run`, "
            "or name another with --store FILE"
        ) from error
    except TraceNotFound as error:
        raise Failure(f"{error}; `clearspan show` lists the traces") from error
    except AmbiguousTrace as error:
        raise Misuse(f"{error}; give more digits") from error
    except StoreError as error:
        raise Failure(error) from error


def newest(reader: StoreReader, wanted: Mapping[str, Any]) -> TraceSummary | None:
    """The newest trace that passes the filters; one of `clearspan doctor` only where there is no other."""
    limit = _BLOCK
    while True:
        found = reader.traces(limit=limit, **wanted)
        own = next((each for each in found if each.name != TEST_SPAN), None)
        if own is not None or len(found) < limit:
            return own or next(iter(found), None)
        limit *= _BLOCK


def span_json(span: StoredSpan) -> dict[str, Any]:
    """A span with all that is known of it."""
    return {**_without_id(span), "duration_ns": span.duration_ns}


def event_json(event: StoredEvent) -> dict[str, Any]:
    """An event with all that is known of it."""
    return _without_id(event)


def sums_of(reader: StoreReader, found: Sequence[TraceSummary]) -> dict[str, Totals]:
    """The sums of those traces that called a model, by their ids.

    SQL picks out what is added up. Adding is left to `totals`, which knows whose sums others repeat, and rounds
    once, where SQL's sum would round at every call.
    """
    wanted = [each.trace_id for each in found if each.models]
    # One that was deleted since it was listed is not there.
    outlines = reader.outlines(wanted, SHOWN)
    return {trace_id: totals(spans) for trace_id, spans in outlines.items()}


def summary_json(
    summary: TraceSummary, sums: Totals | None, passed: tuple[int, int] | None = None
) -> dict[str, Any]:
    """A line of the list of traces; `passed` is how many of how many scores did."""
    costs = [cost._asdict() for cost in sums.costs] if sums else []
    scores = None if passed is None else {"passed": passed[0], "of": passed[1]}
    told = {"duration_ns": summary.duration_ns, "costs": costs, "scores": scores}
    return {**asdict(summary), **told}


def _without_id(row: StoredSpan | StoredEvent) -> dict[str, Any]:
    # The row's number is the store's own affair: it changes when a store is copied.
    return {name: value for name, value in asdict(row).items() if name != "id"}
