"""What the tests of faults share: a model server, a way to drive clients of both kinds, receivers and files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.context import Context, attach, detach

from tests.capture.conftest import vendor
from tests.providers.conftest import server, side
from tests.support.otlp_sink import Sink, http_sink

__all__ = ["own_context", "server", "side", "sink", "spool", "vendor"]


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
