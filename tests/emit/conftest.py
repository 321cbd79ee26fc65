"""What several tests of emission ask for."""

from __future__ import annotations

import pytest

from clearspan.emit import redact


@pytest.fixture
def scrubbed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How long the texts are that are looked through for credentials."""
    lengths: list[int] = []
    scrub = redact.scrub

    def noting(text: str) -> str:
        lengths.append(len(text))
        return scrub(text)

    monkeypatch.setattr(redact, "scrub", noting)
    return lengths
