"""Other instrumentations in the same process: both orders, undone in both orders, each as if alone.

What the program and the other one see is compared with a process in which the other one is alone: its own faults are
its own. `nox -s coexist` runs this in an environment for each of them.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.coexist.peers import PEERS, Peer
from tests.support.programs import ROOT


def _installed(peer: Peer) -> bool:
    try:
        return importlib.util.find_spec(peer.module) is not None
    except ImportError:
        return False


_EACH = [
    pytest.param(
        peer,
        id=peer.name,
        marks=() if _installed(peer) else pytest.mark.skip(f"{peer.module} is not installed (`nox -s coexist`)"),
    )
    for peer in PEERS
]  # fmt: skip
EVERY_PEER = pytest.mark.parametrize("peer", _EACH)
EVERY_WAY = pytest.mark.parametrize("way", ["own", "shared"])
OURS, THEIRS = "ours", "theirs"
ORDERS = ((OURS, THEIRS), (THEIRS, OURS))


@functools.cache
def report(plan: str) -> dict[str, Any]:
    """What a process with that plan reports."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT))),
        "LOGFIRE_IGNORE_NO_CONFIG": "1",
        "LANGFUSE_TRACING_ENVIRONMENT": "coexist",
        "TRACELOOP_TELEMETRY": "false",
        "TRACELOOP_METRICS_ENABLED": "false",
        "CLEARSPAN_STRICT": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.coexist.program", plan],
        env=environment, cwd=ROOT, capture_output=True, text=True, timeout=180,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4_000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def run(
    peer: Peer | None, start: tuple[str, ...], undo: tuple[str, ...], way: str, **more: Any
) -> dict[str, Any]:
    plan = {"peer": peer.name if peer else None, "way": way, "start": start, "undo": undo, **more}
    return report(json.dumps(plan))


def alone(peer: Peer) -> dict[str, Any]:
    """The other one without clearspan: running, then undone."""
    return run(peer, (THEIRS,), (THEIRS,), "own")


def expected(calls: int) -> dict[str, int]:
    """One span for each call; two calls fail, and a failed call has no usage; embeddings have no output."""
    answered, embedded = calls - 2, 2
    return {"spans": calls, "usage": answered, "durations": calls, "tokens": 2 * answered - embedded}  # fmt: skip


@EVERY_WAY
@EVERY_PEER
@pytest.mark.parametrize("start", ORDERS, ids="-then-".join)
@pytest.mark.parametrize("undo", ORDERS, ids=lambda order: "undo-" + "-then-".join(order))
def test_F17_both_record_each_call_once(
    peer: Peer, start: tuple[str, ...], undo: tuple[str, ...], way: str
) -> None:
    found = run(peer, start, undo, way)
    running, gone = alone(peer)["phases"]
    left = {OURS, THEIRS}
    for phase, who in zip(found["phases"], ("", *undo), strict=True):
        left.discard(who)
        calls = running["calls"]
        as_alone = running if THEIRS in left else gone
        assert phase["calls"] == calls
        assert phase["ours"] == (expected(calls) if OURS in left else {}), phase["name"]
        assert phase["theirs"] == as_alone["theirs"], phase["name"]
        assert phase["host"] == as_alone["host"], phase["name"]


@EVERY_PEER
@pytest.mark.parametrize("start", ORDERS, ids="-then-".join)
@pytest.mark.parametrize("undo", ORDERS, ids=lambda order: "undo-" + "-then-".join(order))
def test_what_both_leave_is_what_the_other_leaves_alone(
    peer: Peer, start: tuple[str, ...], undo: tuple[str, ...]
) -> None:
    found = run(peer, start, undo, "own")["states"]
    one = alone(peer)["states"]
    # One that cannot be undone may hold ours in a closure, where it does nothing.
    assert {path for path, state in found.items() if state != "original"} <= {
        path for path, state in one.items() if state != "original"
    }
    if peer.name != "sentry":
        assert "ours" not in found.values()


@EVERY_PEER
def test_silence_is_kept_both_ways(peer: Peer) -> None:
    found = run(peer, (THEIRS, OURS), (), "shared", silences=True)
    first, *silenced = found["phases"]
    assert first["judged"] > 0
    # The judge asked through the client that both watch: we have not seen it, nor has who heeds the key.
    usual = alone(peer)["phases"][0]["theirs"]
    assert [span for span in first["theirs"] if span in usual] == usual
    if peer.heeds:
        assert first["theirs"] == usual
    assert first["ours"] == expected(first["calls"])
    assert len(silenced) == len(peer.silences)
    for phase in silenced:
        assert set(phase["ours"].values()) == {0}, phase["name"]
        assert phase["theirs"] == [] if peer.heeds else usual
        assert phase["host"] == first["host"]
