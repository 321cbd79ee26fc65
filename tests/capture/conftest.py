"""What the tests of capture share: a library to be patched, and everything recorded, in memory."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from clearspan.testing import Captured, captured
from tests.capture import vendor as vendors
from tests.capture.vendor import Vendor


@pytest.fixture
def seen() -> Iterator[Captured]:
    """What is recorded by decorated code; no library is patched."""
    with captured(providers=()) as found:
        yield found
        gc.collect()
        assert found.open_calls == 0, "an operation was begun and never ended"


@pytest.fixture
def vendor(tmp_path: Path) -> Iterator[Vendor]:
    """A made-up client library."""
    with vendors.importable(tmp_path) as made:
        yield made


@pytest.fixture
def lenient(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in production: failures of ours are held back."""
    monkeypatch.delenv("CLEARSPAN_STRICT")
