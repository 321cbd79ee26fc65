"""Requests in two parts: every record in one of them, with its own resource and scope."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from clearspan.exporters.otlp.spool.halves import halves, packed

REQUESTS: dict[str, tuple[Any, tuple[str, str, str]]] = {
    "traces": (ExportTraceServiceRequest, ("resource_spans", "scope_spans", "spans")),
    "metrics": (ExportMetricsServiceRequest, ("resource_metrics", "scope_metrics", "metrics")),
    "logs": (ExportLogsServiceRequest, ("resource_logs", "scope_logs", "log_records")),
}


def made(signal: str, *groups: int) -> Any:
    """A request with so many records in scopes of their own, two scopes to a resource."""
    kind, (outer, inner, leaf) = REQUESTS[signal]
    request, number = kind(), 0
    for at, count in enumerate(groups):
        if at % 2 == 0:
            resource = getattr(request, outer).add()
            resource.resource.attributes.add(key=f"resource-{at}")
        scope = getattr(resource, inner).add()
        scope.scope.name = f"scope-{at}"
        for _ in range(count):
            record = getattr(scope, leaf).add()
            if signal == "metrics":
                record.name = f"{number}"
                for _ in range(3):
                    record.sum.data_points.add()
            elif signal == "traces":
                record.name = f"{number}"
            else:
                record.event_name = f"{number}"
            number += 1
    return request


def told(request: Any, signal: str) -> list[tuple[str, str, str]]:
    """The records, each with its resource and its scope."""
    _, (outer, inner, leaf) = REQUESTS[signal]
    return [
        (resource.resource.attributes[0].key, scope.scope.name, getattr(record, "event_name", "") or record.name)
        for resource in getattr(request, outer)
        for scope in getattr(resource, inner)
        for record in getattr(scope, leaf)
    ]  # fmt: skip


@pytest.mark.parametrize("signal", REQUESTS)
@pytest.mark.parametrize("groups", [(2,), (5,), (1, 1), (3, 0, 4), (1, 2, 3, 4, 5), (0, 0, 2)])
def test_every_record_is_in_one_of_them(signal: str, groups: tuple[int, ...]) -> None:
    whole = made(signal, *groups)
    kind, (outer, inner, leaf) = REQUESTS[signal]
    found: list[tuple[str, str, str]] = []
    each = 3 if signal == "metrics" else 1
    parts = halves(signal, packed(whole))
    assert sum(items for _, items in parts) == each * sum(groups)
    for body, items in parts:
        part = kind.FromString(gzip.decompress(body))
        here = told(part, signal)
        assert len(here) * each == items > 0
        found += here
        for resource in getattr(part, outer):
            assert [len(getattr(scope, leaf)) for scope in getattr(resource, inner)]
            assert all(getattr(scope, leaf) for scope in getattr(resource, inner))
    assert found == told(whole, signal)


@pytest.mark.parametrize("signal", REQUESTS)
@pytest.mark.parametrize("groups", [(), (0,), (1,), (0, 1)])
def test_one_record_is_not_parted(signal: str, groups: tuple[int, ...]) -> None:
    assert halves(signal, packed(made(signal, *groups))) == []
