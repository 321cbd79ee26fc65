"""Every recorded exchange through the real client: the caller notices nothing, and the span says what the wire says.

The recordings are looked for in the folder that ``CLEARSPAN_RECORDINGS`` names, by default one beside the project; where
there is none these tests are skipped.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import clearspan.testing

from .compare import differences, report
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


def _planned(path: Path) -> tuple[Exchange, Call]:
    exchange = load(path)
    call = plan(exchange)
    if call is None:
        pytest.skip("not a request that a model works on")
    if not supported(call.method):
        pytest.skip(f"the installed client has no {call.method}")
    return exchange, call


def _both(call: Call, exchange: Exchange) -> list[Outcome]:
    """The call made by both kinds of client, the synchronous one first."""
    return [run_sync(call, exchange), asyncio.run(run_async(call, exchange))]


def _reading(exchange: Exchange, call: Call) -> Reading | None:
    """What the span must say; ``None`` where only the caller's side is compared."""
    if call.method == "responses.retrieve":
        return read_resumed(exchange)
    return read(exchange) if exchange.endpoint in OPERATIONS else None


@recordings
def test_caller_and_span(path: Path) -> None:
    exchange, call = _planned(path)
    raw = _both(call, exchange)
    wires = [wire for outcome in raw for wire in outcome.wires]
    assert all(wire.matches(exchange) for wire in wires), "not the request that was recorded"
    with clearspan.testing.captured(count_tokens="off") as seen:
        instrumented = _both(call, exchange)
    assert instrumented == raw
    reading = _reading(exchange, call)
    if not wires or reading is None:
        return
    assert [span.name for span in seen.spans] == [reading.name] * 2
    found = [differences(reading, span) for span in seen.spans]
    assert found == [[], []], "\n".join(map(report, found))
