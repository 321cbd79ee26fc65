"""An ollama client of either kind, speaking to the model server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ollama
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clearspan.testing import ModelServer
    from tests.providers.side import Side


@pytest.fixture
def client(server: ModelServer, side: Side) -> Iterator[Any]:
    made: Any = (ollama.AsyncClient if side.asynchronous else ollama.Client)(host=server.origin)
    yield made
    inner = made._client
    side.do(inner.aclose() if side.asynchronous else inner.close())
