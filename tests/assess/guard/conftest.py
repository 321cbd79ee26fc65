"""Guards share one crew of threads; none of it stays behind for the tests of others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from clearspan.assess.guard import warden


@pytest.fixture(autouse=True)
def crew_goes() -> Iterator[None]:
    """Let the threads go after each test."""
    yield
    warden._crew.close()


@pytest.fixture
def lenient(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in production: failures of ours are held back."""
    monkeypatch.delenv("CLEARSPAN_STRICT", raising=False)
