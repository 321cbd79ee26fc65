"""A model server, and a way to drive clients that are synchronous or asynchronous."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from clearspan.testing import ModelServer
from tests.providers.side import Side

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def side(request: pytest.FixtureRequest) -> Iterator[Side]:
    made = Side(asynchronous=request.param)
    yield made
    made.close()


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as running:
        yield running
