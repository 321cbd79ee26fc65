"""What a receiver finds too large goes in halves, until they fit: only what is too large by itself is lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from opentelemetry.sdk.metrics.export import MetricsData

from clearspan.core import deadline

__all__ = ["by_halves", "fate", "halves", "halves_of_points", "points"]

T = TypeVar("T")


def by_halves(
    whole: T,
    export: Callable[[T], str | None],
    part_in_two: Callable[[T], list[T]],
    settle: Callable[[str | None, T], None],
) -> None:
    """Export it all, or as much as there is time for.

    `settle` is told of each part once: that it arrived (`None`), or why it did not, as `export` answers; also of
    those whose turn has not come when that raises, or the time is over.
    """
    waiting = [whole]
    try:
        while waiting and not deadline.passed():
            reason: str | None = "export_failed"
            part = waiting.pop()
            try:
                reason = export(part)
            finally:
                smaller = part_in_two(part) if reason == "too_large" else []
                waiting += smaller
                if not smaller:
                    settle(reason, part)
    finally:
        for part in waiting:
            settle("export_failed", part)


def fate(exporter: Any, result: Any) -> str | None:
    """What became of an export, by its result: `None` where it arrived, or why it did not, as far as is told."""
    if result.value == 0:  # SUCCESS, in the enums of all signals
        return None
    return "too_large" if getattr(exporter, "too_large", False) is True else "export_failed"


def halves(records: list[T]) -> list[list[T]]:
    """The same records in two parts, the first one last; none where there is nothing to part."""
    half = len(records) // 2
    return [records[half:], records[:half]] if half else []


def points(data: MetricsData) -> int:
    """How many points there are."""
    return sum(
        len(metric.data.data_points)
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    )


def halves_of_points(data: MetricsData) -> list[MetricsData]:
    """The same of metrics."""
    names = [
        id(metric)
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    ]
    half = len(names) // 2
    return [_only(data, set(part)) for part in (names[half:], names[:half])] if half else []


def _only(data: MetricsData, wanted: set[int]) -> MetricsData:
    """Some of the metrics. Encoders take it that no resource and no scope comes twice, nor empty."""
    kept = [
        replace(resource, scope_metrics=[
            replace(scope, metrics=[metric for metric in scope.metrics if id(metric) in wanted])
            for scope in resource.scope_metrics
            if any(id(metric) in wanted for metric in scope.metrics)
        ])
        for resource in data.resource_metrics
    ]  # fmt: skip
    return MetricsData([resource for resource in kept if resource.scope_metrics])
