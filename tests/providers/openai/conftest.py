"""An openai client of either kind, speaking to the model server without retrying."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clearspan.testing import ModelServer
    from tests.providers.side import Side


@pytest.fixture
def client(server: ModelServer, side: Side) -> Iterator[Any]:
    kind = openai.AsyncOpenAI if side.asynchronous else openai.OpenAI
    made = kind(base_url=server.url, api_key="unused", max_retries=0)
    yield made
    side.do(made.close())
