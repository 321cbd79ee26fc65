"""What every test gets: our own failures raised, and nothing of the developer's environment."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# The same examples on every run and every machine: a failure here is a failure everywhere.
settings.register_profile("same-everywhere", derandomize=True, deadline=None, database=None)
settings.load_profile("same-everywhere")

FOREIGN = ("CLEARSPAN_", "OTEL_", "OPENAI_", "AZURE_OPENAI_", "NO_COLOR", "FORCE_COLOR", "COLUMNS")
KEPT = {"CLEARSPAN_RECORDINGS"}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting from outside; and `CLEARSPAN_STRICT`, so that no fence hides a fault."""
    for name in os.environ:
        if name.startswith(FOREIGN) and name not in KEPT:
            monkeypatch.delenv(name)
    monkeypatch.setenv("CLEARSPAN_STRICT", "1")
