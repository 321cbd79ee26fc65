"""Streams that another library has put something around before they get to us."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import wrapt

from clearspan import semconv as sc
from clearspan.testing import captured
from tests.providers.openai.kit import CHAT, only

if TYPE_CHECKING:
    import pytest

    from tests.providers.side import Side


class Both(wrapt.ObjectProxy):  # type: ignore[type-arg, unused-ignore]  # generic in its stubs only
    """A stream with the methods of both kinds, whichever it is."""

    def __iter__(self) -> Any:
        return self.__wrapped__.__iter__()

    def __aiter__(self) -> Any:
        return self.__wrapped__.__aiter__()


def test_F5_a_stream_with_the_methods_of_both_kinds(
    client: Any, side: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = type(client).request

    async def awaited(found: Any) -> Any:
        return Both(await found)

    def request(*args: Any, **kwargs: Any) -> Any:
        found = inner(*args, **kwargs)
        return awaited(found) if inspect.isawaitable(found) else Both(found)

    monkeypatch.setattr(type(client), "request", request)
    raw = side.take(side.do(client.chat.completions.create(**CHAT, stream=True)))
    with captured() as seen:
        stream = side.do(client.chat.completions.create(**CHAT, stream=True))
        assert type(stream) is Both
        assert len(side.take(stream)) == len(raw)
        assert only(seen).attributes[sc.CHUNK_COUNT] == len(raw)
