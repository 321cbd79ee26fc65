"""Calls that wait for the worker: what they weigh, and what is alive while they do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import clearspan
from clearspan import pipeline

__all__ = ["held_up", "weighed"]


@contextmanager
def weighed() -> Iterator[list[int]]:
    """What calls weigh that begin to wait, in bytes."""
    found: list[int] = []
    weight = pipeline.weight

    def noted(draft: Any) -> int:
        found.append(weight(draft))
        return found[-1]

    pipeline.weight = noted
    try:
        yield found
    finally:
        pipeline.weight = weight


@contextmanager
def held_up() -> Iterator[None]:
    """The worker comes to no call before this is over, and then to all."""
    take_in, free = pipeline.take_in, threading.Event()

    def later(draft: Any) -> None:
        free.wait()
        take_in(draft)

    pipeline.take_in = later
    try:
        yield
    finally:
        free.set()
        assert clearspan.flush(20)
        pipeline.take_in = take_in
