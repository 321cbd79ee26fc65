"""What the tests of capture share: everything recorded, in memory."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from clearspan.testing import Captured, captured


@pytest.fixture
def seen() -> Iterator[Captured]:
    """What is recorded by decorated code; no library is patched."""
    with captured(providers=()) as found:
        yield found
        gc.collect()
        assert found.open_calls == 0, "an operation was begun and never ended"


@pytest.fixture
def lenient(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in production: failures of ours are held back."""
    monkeypatch.delenv("CLEARSPAN_STRICT")
