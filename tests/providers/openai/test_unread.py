"""Answers in streaming mode, read in unusual ways."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING, Any

import openai
import pytest
from openai.types.chat import ChatCompletionChunk

from clearspan.testing import captured
from clearspan.testing.server import Cut, Reply
from tests.providers.openai.kit import CHAT, only, text

if TYPE_CHECKING:
    from clearspan.testing import ModelServer
    from tests.providers.side import Side


def opened(client: Any, side: Side, **more: Any) -> tuple[Any, Any]:
    manager = client.chat.completions.with_streaming_response.create(**CHAT, **more)
    return manager, side.enter(manager)


@pytest.mark.parametrize("way", ["json", "text", "read", "parse"])
def test_every_way_to_read_it_whole(server: ModelServer, client: Any, side: Side, way: str) -> None:
    server.respond(Reply("In Italy."))
    with captured() as seen:
        manager, response = opened(client, side)
        first = side.do(getattr(response, way)())
        again = side.do(getattr(response, way)())
        side.leave(manager)
    assert first == again
    assert text(only(seen)) == "In Italy."


@pytest.mark.parametrize("way", ["iter_bytes", "iter_text", "iter_lines"])
def test_every_way_to_read_it_in_pieces(
    server: ModelServer, client: Any, side: Side, way: str
) -> None:
    server.respond(Reply("In Italy."))
    with captured() as seen:
        manager, response = opened(client, side)
        pieces = side.take(getattr(response, way)())
        side.leave(manager)
    assert pieces
    assert only(seen).attributes["clearspan.response.chunk_count"] > 0
    assert "clearspan.outcome" not in only(seen).attributes


def test_nothing_is_left_on_a_response_that_was_read(
    server: ModelServer, client: Any, side: Side
) -> None:
    with captured():
        manager, response = opened(client, side)
        raw = response.http_response
        during = {*vars(response), *vars(raw)}
        side.do(response.read())
        after = {*vars(response), *vars(raw)}
        side.leave(manager)
    ours = {"parse", "read", "iter_raw", "close", "aread", "aiter_raw", "aclose"}
    assert len(during & ours) == 4
    assert not after & ours


def test_what_the_host_put_in_place_stays(server: ModelServer, client: Any, side: Side) -> None:
    name = "aiter_raw" if side.asynchronous else "iter_raw"
    with captured() as seen:
        manager, response = opened(client, side)
        raw = response.http_response
        ours = getattr(raw, name)

        def theirs(*args: Any, **kwargs: Any) -> Any:
            return ours(*args, **kwargs)

        setattr(raw, name, theirs)
        side.do(response.read())
        assert getattr(raw, name) is theirs
        side.leave(manager)
    assert only(seen).status == "UNSET"


def test_reading_again_after_it_broke(server: ModelServer, client: Any, side: Side) -> None:
    server.respond(Cut(Reply("In Italy."), after=10))
    with captured() as seen:
        manager, response = opened(client, side)
        errors = []
        for _ in range(2):
            with pytest.raises(Exception) as caught:
                side.do(response.read())
            errors.append(caught.value)
        side.leave(manager)
    assert only(seen).status == "ERROR"
    assert type(errors[0]) is not type(errors[1])  # the second finds that there is nothing left


def test_a_reading_that_is_cancelled(server: ModelServer, client: Any, side: Side) -> None:
    if not side.asynchronous:
        pytest.skip("only a task is cancelled")
    server.respond(Reply("In Italy.", chunk_delay=30))
    with captured() as seen:
        manager, response = opened(client, side, stream=True)
        error = side.cancelled(response.read(), lambda: True)
        side.leave(manager)
    assert type(error).__name__ == "CancelledError"
    assert only(seen).attributes["clearspan.outcome"] == "cancelled"


def test_a_stream_outlives_the_answer_it_came_from(
    server: ModelServer, client: Any, side: Side
) -> None:
    server.respond(Reply("In Italy.", chunks=["In ", "Italy."]))
    with captured() as seen:
        manager, response = opened(client, side, stream=True)
        stream = side.do(response.parse())
        del manager, response
        gc.collect()
        side.take(stream)
    assert text(only(seen)) == "In Italy."
    assert "clearspan.outcome" not in only(seen).attributes


def test_an_answer_that_is_dropped(server: ModelServer, client: Any, side: Side) -> None:
    with captured() as seen:
        manager, response = opened(client, side)
        known = weakref.ref(response)
        side.do(response.close())
        del manager, response
        side.collect(lambda: known() is None)
    assert known() is None
    assert only(seen).attributes["clearspan.outcome"] == "closed"


def test_another_type_of_stream(server: ModelServer, client: Any, side: Side) -> None:
    server.respond(Reply("In Italy."))
    plain = side.do(client.chat.completions.create(**CHAT, stream=True))
    side.take(plain)
    with captured() as seen:
        manager, response = opened(client, side, stream=True)
        kind = type(plain)[ChatCompletionChunk]
        chunks = side.take(side.do(response.parse(to=kind)))
        side.leave(manager)
    assert len(chunks) > 1
    assert text(only(seen)) == "In Italy."


def test_a_body_in_pieces_where_no_stream_is_known(
    server: ModelServer, client: Any, side: Side
) -> None:
    with captured() as seen:
        manager = client.embeddings.with_streaming_response.create(model="e-1", input="one")
        pieces = side.take(side.enter(manager).iter_bytes())
        side.leave(manager)
    assert b"".join(pieces).startswith(b"{")
    assert only(seen).attributes["clearspan.response.chunk_count"] == len(pieces)


def test_a_parsed_stream_and_its_body_at_once(server: ModelServer, client: Any, side: Side) -> None:
    with captured() as seen:
        manager, response = opened(client, side, stream=True)
        stream = side.do(response.parse())
        side.take(stream, 1)
        with pytest.raises(openai.OpenAIError):
            side.do(response.read())  # as without us: the stream has the body
        side.leave(manager)
    assert only(seen).status == "UNSET"
