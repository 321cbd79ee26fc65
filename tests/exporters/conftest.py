"""What the tests of the store share: one, at the `path` that a module gives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from clearspan.exporters.store import Store


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    """A store that is closed afterwards."""
    made = Store(path)
    yield made
    made.close()
