"""Every recorded exchange through the real client: the caller notices nothing, and the span says what the wire says.

The recordings are looked for in the folder that ``CLEARSPAN_RECORDINGS`` names, by default one beside the project; where
there is none these tests are skipped.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import clearspan.testing

from .compare import Span, differences, report
from .exchange import Call, Exchange, find, folder, load, plan
from .reading import OPERATIONS, Reading, read, read_resumed
from .replay import Outcome, run_async, run_sync, supported

_FOUND = find()
_ABSENT = pytest.param(
    None, id="none", marks=pytest.mark.skip(reason=f"no recordings in {folder()}")
)
recordings = pytest.mark.parametrize(
    "path",
    [pytest.param(path, id=f"{path.parent.name}/{path.stem}") for path in _FOUND] or [_ABSENT],
)
modes = pytest.mark.parametrize("mode", ["sync", "async"])


def _planned(path: Path) -> tuple[Exchange, Call]:
    exchange = load(path)
    call = plan(exchange)
    if call is None:
        pytest.skip("not a request that a model works on")
    if not supported(call.method):
        pytest.skip(f"the installed client has no {call.method}")
    return exchange, call


def _run(mode: str, call: Call, exchange: Exchange) -> Outcome:
    return run_sync(call, exchange) if mode == "sync" else asyncio.run(run_async(call, exchange))


def _reading(exchange: Exchange, call: Call) -> Reading | None:
    """What the span must say; ``None`` where only the caller's side is compared."""
    if call.method == "responses.retrieve":
        return read_resumed(exchange)
    return read(exchange) if exchange.endpoint in OPERATIONS else None


@recordings
@modes
def test_caller_and_span(path: Path, mode: str) -> None:
    exchange, call = _planned(path)
    raw = _run(mode, call, exchange)
    assert all(wire.matches(exchange) for wire in raw.wires), "the replayed request is not the recorded one"
    with clearspan.testing.captured() as seen:
        instrumented = _run(mode, call, exchange)
    assert instrumented == raw
    reading = _reading(exchange, call)
    if not raw.wires or reading is None:
        return
    spans: list[Span] = list(seen.spans)
    assert [span.name for span in spans] == [reading.name]
    found = differences(reading, spans[0])
    assert not found, report(found)
