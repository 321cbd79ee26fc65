"""A request that a receiver finds too large, in two parts."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any, Final

__all__ = ["halves", "joined", "packed"]

_LEVEL: Final = 3  # most of what 9 saves, at a fraction of the time
_PARTS: Final = {
    "traces": ("trace", "Trace", "resource_spans", "scope_spans", "spans"),
    "metrics": ("metrics", "Metrics", "resource_metrics", "scope_metrics", "metrics"),
    "logs": ("logs", "Logs", "resource_logs", "scope_logs", "log_records"),
}


def packed(request: Any) -> bytes:
    """An OTLP request as it is kept and sent: always the same bytes for the same request."""
    return gzip.compress(request.SerializeToString(), _LEVEL, mtime=0)


def joined(bodies: Iterable[bytes]) -> bytes:
    """One request for several: their fields are lists, of which one after the other makes one."""
    return gzip.compress(b"".join(gzip.decompress(body) for body in bodies), _LEVEL, mtime=0)


def halves(signal: str, body: bytes) -> list[tuple[bytes, int]]:
    """Two requests for that compressed one, each with its number of items; none where it holds but one record.

    Metrics are not parted themselves: their points stay together.
    """
    package, name, *fields = _PARTS[signal]
    module = import_module(f"opentelemetry.proto.collector.{package}.v1.{package}_service_pb2")
    raw = gzip.decompress(body)
    made: list[tuple[bytes, int]] = []
    for first in (True, False):
        request = getattr(module, f"Export{name}ServiceRequest").FromString(raw)
        half = sum(len(leaves) for leaves in _leaves(request, fields)) // 2
        if not half:
            return []
        _keep(request, fields, half, first=first)
        made.append((packed(request), _items(request, fields)))
    return made


def _leaves(request: Any, fields: list[str]) -> Iterator[Any]:
    """The lists of records of a request."""
    outer, inner, leaf = fields
    for resource in getattr(request, outer):
        for scope in getattr(resource, inner):
            yield getattr(scope, leaf)


def _keep(request: Any, fields: list[str], half: int, *, first: bool) -> None:
    """Leave the first `half` records in it, or the others."""
    left = half
    for leaves in _leaves(request, fields):
        here = min(left, len(leaves))
        left -= here
        if first:
            del leaves[here:]
        else:
            del leaves[:here]
    outer, inner, leaf = fields
    for resource in getattr(request, outer):
        scopes = getattr(resource, inner)
        _drop_empty(scopes, leaf)
    _drop_empty(getattr(request, outer), inner)


def _drop_empty(groups: Any, field: str) -> None:
    for number in reversed(range(len(groups))):
        if not getattr(groups[number], field):
            del groups[number]


def _items(request: Any, fields: list[str]) -> int:
    """Spans, log records or points."""
    found = 0
    for leaves in _leaves(request, fields):
        for leaf in leaves:
            kind = leaf.WhichOneof("data") if fields[-1] == "metrics" else None
            found += 1 if kind is None else len(getattr(leaf, kind).data_points)
    return found
