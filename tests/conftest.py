"""What every test gets: our own failures raised, and nothing of the developer's environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest
from hypothesis import settings

from clearspan.core import fence, known
from tests.support import sockets

# The same examples on every run and every machine: a failure here is a failure everywhere.
settings.register_profile("same-everywhere", derandomize=True, deadline=None, database=None)
settings.load_profile("same-everywhere")

FOREIGN = (
    "CLEARSPAN_",
    "OTEL_",
    "OPENAI_",
    "AZURE_OPENAI_",
    "OLLAMA_",
    "HF_",
    "HUGGINGFACE_",
    "NO_COLOR",
    "FORCE_COLOR",
    "COLUMNS",
)
KEPT = {"CLEARSPAN_RECORDINGS"}


def _let_coverage_fork() -> None:
    """Hold coverage's lock across a fork: taken by another thread, it would hang the child for good."""
    coverage = sys.modules.get("coverage")
    running = coverage.Coverage.current() if coverage is not None else None
    collector = getattr(running, "_collector", None)
    lock, unlock = getattr(collector, "lock_data", None), getattr(collector, "unlock_data", None)
    if lock is not None and unlock is not None and hasattr(os, "register_at_fork"):
        os.register_at_fork(before=lock, after_in_parent=unlock, after_in_child=unlock)


_let_coverage_fork()
_CONNECTED = sockets.started()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "connects(*hosts): a program of the test may ask for these hosts"
    )


@pytest.fixture(autouse=True)
def nowhere_but_here(request: pytest.FixtureRequest) -> Iterator[None]:
    """No program of a test connects to another machine, or asks for its address, but as `connects` allows."""
    before = _CONNECTED.stat().st_size
    yield
    with _CONNECTED.open("rb") as seen:
        seen.seek(before)
        told = seen.read().decode()
    marks = request.node.iter_markers("connects")
    allowed = {host for mark in marks for host in mark.args}
    foreign = [
        line for line in told.splitlines() if not any(repr(host) in line for host in allowed)
    ]
    assert not foreign, f"it went elsewhere: {foreign}"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting from outside; and `CLEARSPAN_STRICT`, so that no fence hides a fault."""
    for name in os.environ:
        if name.startswith(FOREIGN) and name not in KEPT:
            monkeypatch.delenv(name)
    monkeypatch.setenv("CLEARSPAN_STRICT", "1")
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")


@pytest.fixture(autouse=True)
def own_failures() -> None:
    """No test knows of another's failures and keys: they run in any order, and shared out in any way."""
    fence.reset()
    known.forget()


@pytest.fixture(autouse=True)
def guards_leave() -> Iterator[None]:
    """Guards judge on threads that stay for the next check; those of one test are not for the next."""
    yield
    warden = sys.modules.get("clearspan.assess.guard.warden")
    if warden is not None:
        warden._crew.close()
