"""A process that goes on and on holds no more after thousands of calls than after a few."""

from __future__ import annotations

import gc
import sys
from collections import Counter
from typing import Any

import pytest

from clearspan.capture import inlet
from clearspan.capture.recording import Recording
from clearspan.core import fence
from clearspan.core.ledger import Ledger
from clearspan.core.sketch import Sketch
from clearspan.draft import Draft
from clearspan.formats import usage_request
from clearspan.pace import Pace
from clearspan.provider import Endpoint, Provider, Server
from clearspan.record import Invocation
from clearspan.testing import captured
from tests.capture.vendor import Vendor

OURS = (Draft, Pace, Sketch, Invocation, Recording, Endpoint, Provider, Server, Ledger)


def living() -> Counter[str]:
    """Objects of our own that are alive, by type."""
    gc.collect()
    return Counter(type(item).__name__ for item in gc.get_objects() if type(item) in OURS)


def containers() -> dict[str, int]:
    """How many entries each container has that a module of ours holds."""
    found: dict[str, int] = {}
    for name, module in list(sys.modules.items()):
        if name == "clearspan" or name.startswith("clearspan."):
            for attribute, value in vars(module).items():
                if isinstance(value, (dict, list, set)) and not attribute.startswith("__"):
                    found[f"{name}.{attribute}"] = len(value)
                elif hasattr(value, "cache_info"):
                    found[f"{name}.{attribute}"] = value.cache_info().currsize
    return found


def rounds(client: Any, many: int) -> None:
    for number in range(many):
        client.create(model="m", prompt="a")
        list(client.create(model="m", prompt="abc", stream=True))
        next(client.create(model="m", prompt="abc", stream=True))
        if number % 50 == 0:
            with pytest.raises(LookupError):
                client.create(model="m", prompt="fail")


def forget(seen: Any) -> None:
    """What a test's capture keeps on purpose is no growth."""
    assert seen.invocations  # all are complete once they can be looked at
    assert seen.open_calls == 0
    seen._invocations.clear()
    seen._spans.clear()
    seen._events.clear()


def test_thousands_of_calls_leave_nothing(vendor: Vendor) -> None:
    everything: Any = {"count_tokens": "metrics", "request_usage": True, "token_confidence": True}
    with captured(providers=[vendor.provider], **everything) as seen:
        client = vendor.load().Client()
        rounds(client, 60)
        forget(seen)
        before, held = living(), containers()
        rounds(client, 1200)
        assert len(seen.invocations) == 1200 * 3 + 24
        forget(seen)
        assert living() == before
        assert containers() == held
    assert inlet.current() is None
    assert len(usage_request._refusing) <= 256
    assert fence.failures() == {}


def test_a_long_stream_takes_the_room_of_a_short_one(vendor: Vendor) -> None:
    with captured(providers=[vendor.provider]) as seen:
        client = vendor.load().Client()
        list(client.create(model="m", prompt="ab" * 5_000, stream=True))
        (record,) = seen.invocations
    assert record.timing.chunks >= 10_000
    assert len(record.timing.gaps.values) <= 1_024
    assert record.timing.gaps.count == record.timing.chunks - 1
