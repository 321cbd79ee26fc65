"""`request_usage` with the hub's client: chats that are streamed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from clearspan.testing import captured
from clearspan.testing.server import Error, Reply
from tests.providers.huggingface_hub.kit import ASKED, made, only, release

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clearspan.testing import ModelServer
    from tests.providers.side import Side


@pytest.fixture
def client(server: ModelServer, side: Side) -> Iterator[Any]:
    client = made(server.url, asynchronous=side.asynchronous)
    yield client
    side.do(release(client))


def chat(client: Any, side: Side, **given: Any) -> list[Any]:
    chunks = side.take(side.do(client.chat_completion(ASKED, stream=True, **given)))
    return [
        (type(chunk).__name__, [dict(choice) for choice in chunk.choices], chunk.usage)
        for chunk in chunks
    ]


def bodies(server: ModelServer) -> list[Any]:
    return [request.json for request in server.requests if request.method == "POST"]


def test_the_usage_is_known_and_the_program_sees_what_it_would(
    server: ModelServer, client: Any, side: Side
) -> None:
    server.respond(Reply("In Italy.", chunks=["In ", "Italy."]))
    before = chat(client, side)
    with captured(request_usage=True) as seen:
        assert chat(client, side) == before
    plain, asked = bodies(server)
    assert asked == {**plain, "stream_options": {"include_usage": True}}
    assert only(seen).attributes["gen_ai.usage.output_tokens"] == 2
    assert "clearspan.usage.source" not in only(seen).attributes


def test_without_it_nothing_is_asked(server: ModelServer, client: Any, side: Side) -> None:
    chat(client, side)
    with captured():
        chat(client, side)
    plain, same = bodies(server)
    assert plain == same


def test_a_program_that_speaks_of_it_is_left_alone(
    server: ModelServer, client: Any, side: Side
) -> None:
    with captured(request_usage=True):
        assert chat(client, side, stream_options={"include_usage": True})[-1][2] is not None
        chat(client, side, stream_options={"include_usage": False})
    assert [body["stream_options"]["include_usage"] for body in bodies(server)] == [True, False]


def test_a_server_that_refuses_is_not_asked_again(
    server: ModelServer, client: Any, side: Side
) -> None:
    server.script(Error(422, "stream_options: extra fields are not permitted"))
    with captured(request_usage=True):
        with pytest.raises(Exception, match="422"):
            chat(client, side)
        chat(client, side)
    asked, plain = bodies(server)
    assert "stream_options" in asked
    assert "stream_options" not in plain
