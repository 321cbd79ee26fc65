"""What tests of guards share."""

from __future__ import annotations

import pytest


@pytest.fixture
def lenient(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in production: failures of ours are held back."""
    monkeypatch.delenv("CLEARSPAN_STRICT", raising=False)
