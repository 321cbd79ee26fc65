"""What the tests of faults share: a model server, a way to drive clients of both kinds, receivers and files."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.context import Context, attach, detach

from tests.capture.conftest import vendor
from tests.providers.conftest import server, side
from tests.support.otlp_sink import Sink, http_sink

__all__ = ["heeded_signals", "own_context", "server", "side", "sink", "spool", "vendor"]


def _ignored(number: int, frame: object) -> None:
    """As `SIG_IGN`, but for the programs that are started: they do not inherit a handler."""


@pytest.fixture(autouse=True, scope="session")
def heeded_signals() -> Iterator[None]:
    """Programs begin as from a shell, although the tests may run where hang-ups and Ctrl-C are ignored.

    Nothing is done about it between `fork` and `exec`: the receivers of some tests run in this process, and a fork that
    is no `vfork` has gRPC begin threads in the child.
    """
    before = {
        each: signal.signal(each, _ignored)
        for each in (signal.SIGINT, signal.SIGHUP)
        if signal.getsignal(each) is signal.SIG_IGN
    }
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


@pytest.fixture(autouse=True)
def own_context() -> Iterator[None]:
    """A test that has us fail at leaving a context leaves its spans to no other test."""
    token = attach(Context())
    yield
    detach(token)


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A receiver of telemetry."""
    with http_sink() as made:
        yield made


@pytest.fixture
def spool(tmp_path: Path) -> str:
    """The path of a spool that is not there yet."""
    return str(tmp_path / "spool.db")
