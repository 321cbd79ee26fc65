"""What every provider must keep, whatever its client does: one suite for all of them.

A provider's own module imports these tests and defines the fixture `vendor` (a `Vendor`). Each test
runs for the synchronous and the asynchronous client. What a `Vendor` cannot do, it answers with
`None`, and the test is skipped. A model in the process has no server, and may have records below the
one of the call; a client of a server has that one and no other.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import threading
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any, Protocol

import pytest

import clearspan
from clearspan.core import fence
from clearspan.testing import ModelServer, captured
from clearspan.testing.server import Cut, Error, Hang, Reply, StreamError
from tests.providers.side import Side

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clearspan.provider import Provider

CANARY = "canary-7f3a"
PIECES = ("The ", "answer ", "is ", "forty-two", ".")
TEXT = "".join(PIECES)
ASKED = f"What is the answer? ({CANARY})"


class Vendor(Protocol):
    """A client library under test."""

    provider: Provider
    span: str
    """The name of the span of its plain call."""
    identity: str
    """An attribute that only the answer can tell."""
    refused: str
    """The `error.type` of a refusal with status 400 and the code `no_such_thing`."""
    broken: str
    """The `error.type` of a stream that breaks with the code `broken`."""

    def client(self, server: ModelServer, *, asynchronous: bool) -> Any:
        """A client that speaks to the server and does not retry."""

    def release(self, client: Any) -> Any:
        """Close a client's connections."""

    def call(self, client: Any, text: str, *, stream: bool = False) -> Any:
        """Ask the model; asynchronous clients give an awaitable."""

    def raw(self, client: Any, text: str, *, stream: bool = False) -> Any:
        """The same, answering with the unparsed response."""

    def parsed(self, raw: Any) -> Any:
        """What the raw response holds: the answer or the stream."""

    def unread(self, client: Any, text: str, *, stream: bool = False) -> Any:
        """A context manager of a response whose body is not read yet."""

    def answer(self, result: Any) -> str:
        """The text of a whole answer."""

    def delta(self, chunk: Any) -> str:
        """The text of a chunk."""

    def block(self, stream: Any) -> Any:
        """A context manager that gives the stream itself and closes it."""

    def close(self, stream: Any) -> Any:
        """Close a stream before its end."""

    def closed(self, stream: Any) -> bool | None:
        """Whether a stream holds nothing any more of what it was read from.

        `None` where streams have no end but their last chunk.
        """

    def targets(self) -> list[Any]:
        """The functions that are patched, as they are now."""


@pytest.fixture
def client(vendor: Vendor, server: ModelServer, side: Side) -> Iterator[Any]:
    made = vendor.client(server, asynchronous=side.asynchronous)
    yield made
    side.do(vendor.release(made))


def able(what: Any) -> Any:
    """What the vendor answered; the test is skipped where that is `None`."""
    if what is None:
        pytest.skip("this client does no such thing")
    return what


def local(vendor: Vendor) -> bool:
    """Whether its model runs in the process: the vendor says so, by a `kind` that is `INTERNAL`."""
    return getattr(vendor, "kind", "CLIENT") == "INTERNAL"


def reply() -> Reply:
    return Reply(TEXT, chunks=PIECES)


def said(span: Any) -> str:
    """The text of the recorded answer."""
    messages = json.loads(span.attributes.get("gen_ai.output.messages", "[]"))
    parts = [part for message in messages for part in message["parts"]]
    return "".join(part["content"] for part in parts if part["type"] == "text")


def calls(seen: Any) -> list[Any]:
    """The spans of the calls; only those of models in the process have others, their own, below."""
    known = {span.span_id: span for span in seen.spans}
    around = [known[span.parent_id] for span in seen.spans if span.parent_id in known]
    assert all(span.kind == "INTERNAL" for span in around)
    return [span for span in seen.spans if span.parent_id not in known]


def only(seen: Any) -> Any:
    """The one call's span, all calls having ended."""
    assert seen.open_calls == 0
    (span,) = calls(seen)
    return span


def named(error: type[BaseException]) -> str:
    """The `error.type` of an exception that a provider has no code for."""
    own = error.__module__ == "builtins"
    return error.__qualname__ if own else f"{error.__module__}.{error.__qualname__}"


def outcome(span: Any) -> str | None:
    found = span.attributes.get("clearspan.outcome")
    return found if found is None else str(found)


def everything(seen: Any) -> str:
    """All that was recorded, as text to look for what must not be in it."""
    return repr([seen.spans, seen.events, seen.metrics, seen.invocations])


# -- plain calls -----------------------------------------------------------------------------


def test_a_plain_call(vendor: Vendor, server: ModelServer, client: Any, side: Side) -> None:
    server.respond(reply())
    before = side.do(vendor.call(client, ASKED))
    with captured() as seen:
        answer = side.do(vendor.call(client, ASKED))
    span = only(seen)
    assert type(answer) is type(before)
    assert vendor.answer(answer) == said(span) == TEXT
    kind = "INTERNAL" if local(vendor) else "CLIENT"
    assert (span.name, span.kind, span.status) == (vendor.span, kind, "UNSET")
    assert ASKED in span.attributes["gen_ai.input.messages"]
    counted = [found.attributes.get("gen_ai.usage.output_tokens") for found in seen.spans]
    (tokens,) = [count for count in counted if count is not None]
    assert tokens > 0
    address = (span.attributes.get("server.address"), span.attributes.get("server.port"))
    assert address == ((None, None) if local(vendor) else ("127.0.0.1", server.port))
    assert outcome(span) is None
    assert "gen_ai.request.stream" not in span.attributes


def test_a_refused_call(vendor: Vendor, server: ModelServer, client: Any, side: Side) -> None:
    server.respond(Error(400, "No such thing.", "no_such_thing"))
    raised = []
    for capture in (nullcontext, captured):
        with capture() as seen:
            with pytest.raises(Exception) as caught:
                side.do(vendor.call(client, ASKED))
            raised.append(caught.value)
    before, after = raised
    assert (type(before), str(before)) == (type(after), str(after))
    span = only(seen)
    assert (span.status, span.attributes["error.type"]) == ("ERROR", vendor.refused)
    assert "gen_ai.response.finish_reasons" not in span.attributes


def test_a_call_without_an_answer(
    vendor: Vendor, server: ModelServer, client: Any, side: Side
) -> None:
    server.respond(Cut())
    with captured() as seen:
        with pytest.raises(Exception) as caught:
            side.do(vendor.call(client, ASKED))
    span, error = only(seen), type(caught.value)
    assert span.status == "ERROR"
    assert span.attributes["error.type"] == named(error)


def test_a_cancelled_call(vendor: Vendor, server: ModelServer, client: Any, side: Side) -> None:
    if not side.asynchronous:
        pytest.skip("only a task is cancelled")
    server.respond(Hang(30))
    with captured() as seen:
        error = side.cancelled(vendor.call(client, ASKED), lambda: server.active)
    span = only(seen)
    assert type(error) is asyncio.CancelledError
    assert (span.status, outcome(span)) == ("UNSET", "cancelled")


def test_a_coroutine_never_awaited_begins_nothing(
    vendor: Vendor, server: ModelServer, client: Any, side: Side
) -> None:
    if not side.asynchronous:
        pytest.skip("only coroutines wait to be awaited")
    with captured() as seen:
        vendor.call(client, ASKED).close()
    assert not seen.spans
    assert not server.requests


# -- streams ---------------------------------------------------------------------------------


def test_a_stream_read_to_its_end(
    vendor: Vendor, server: ModelServer, client: Any, side: Side
) -> None:
    server.respond(reply())
    plain = side.do(vendor.call(client, ASKED, stream=True))
    before = side.take(plain)
    with captured() as seen:
        stream = side.do(vendor.call(client, ASKED, stream=True))
        chunks = side.take(stream)
        span = only(seen)
    assert type(stream) is type(plain)
    assert [vendor.delta(chunk) for chunk in chunks] == [vendor.delta(chunk) for chunk in before]
    assert [type(chunk) for chunk in chunks] == [type(chunk) for chunk in before]
    assert said(span) == TEXT
    assert (span.status, outcome(span)) == ("UNSET", None)
    told_of_chunks(vendor, span, len(chunks))
    assert side.take(stream) == []
    assert len(calls(seen)) == 1


def told_of_chunks(vendor: Vendor, span: Any, count: int) -> None:
    """How many there were and when they came, or how many answers of a model in the process."""
    streamed = span.attributes.get("gen_ai.request.stream")
    first = span.attributes.get("gen_ai.response.time_to_first_chunk")
    if local(vendor):
        # Each is an answer of its own, with the times of its tokens below.
        assert (streamed, first) == (None, None)
        assert span.attributes["clearspan.response.output_count"] == count
        return
    assert streamed is True
    assert span.attributes["clearspan.response.chunk_count"] == count
    assert 0 < first <= span.attributes["clearspan.response.time_to_first_content"]


def test_a_stream_in_a_block(vendor: Vendor, server: ModelServer, client: Any, side: Side) -> None:
    server.respond(reply())
    with captured() as seen:
        stream = side.do(vendor.call(client, ASKED, stream=True))
        block = able(vendor.block(stream))
        assert side.enter(block) is stream
        side.take(stream)
        side.leave(block)
    assert (said(only(seen)), outcome(only(seen))) == (TEXT, None)


@pytest.mark.parametrize("error", [None, ValueError("the host's own")], ids=["break", "error"])
def test_a_block_left_early(
    vendor: Vendor, server: ModelServer, client: Any, side: Side, error: Exception | None
) -> None:
    server.respond(Reply(TEXT, chunks=PIECES, chunk_delay=0.02))
    with captured() as seen:
        stream = side.do(vendor.call(client, ASKED, stream=True))
        block = able(vendor.block(stream))
        side.enter(block)
        taken = side.take(stream, 3)
        assert not side.leave(block, error)
        span = only(seen)
    assert said(span) == "".join(map(vendor.delta, taken))
    assert (span.status, outcome(span)) == ("UNSET", "closed")
    assert "gen_ai.response.finish_reasons" not in span.attributes
    assert server.wait_idle()


def test_a_stream_closed_early(
    vendor: Vendor, server: ModelServer, client: Any, side: Side
) -> None:
    server.respond(Reply(TEXT, chunks=PIECES, chunk_delay=0.02))
    with captured() as seen:
        stream = side.do(vendor.call(client, ASKED, stream=True))
        assert not able(vendor.closed(stream))
        side.take(stream, 2)
        side.do(vendor.close(stream))
        side.do(vendor.close(stream))
        assert vendor.closed(stream)
        assert outcome(only(seen)) == "closed"
    assert server.wait_idle()


@pytest.mark.parametrize("count", [0, 2])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_stream_that_is_dropped(
    vendor: Vendor, server: ModelServer, client: Any, side: Side, count: int
) -> None:
    server.respond(reply())
    with captured() as seen:
        stream = side.do(vendor.call(client, ASKED, stream=True))
        taken = side.take(stream, count) if count else []
        del stream
        side.collect(lambda: not seen.open_calls)
        span = only(seen)
    assert said(span) == "".join(map(vendor.delta, taken))
    assert (span.status, outcome(span)) in (("UNSET", "abandoned"), ("UNSET", "closed"))


def test_a_stream_that_fails(vendor: Vendor, server: ModelServer, client: Any, side: Side) -> None:
    server.respond(StreamError(reply(), after=3, message="It broke.", code="broken"))
    with captured() as seen:
        stream = side.do(vendor.call(client, ASKED, stream=True))
        taken = side.take(stream, 3)
        with pytest.raises(Exception, match="It broke"):
            side.take(stream, 1)
        span = only(seen)
    assert said(span) == "".join(map(vendor.delta, taken))
    assert (span.status, span.attributes["error.type"]) == ("ERROR", vendor.broken)
    # The answers that a model in the process had given were whole, and it was not asked for the rest.
    reasons = None if local(vendor) else ("error",)
    assert span.attributes.get("gen_ai.response.finish_reasons") == reasons


def test_a_stream_that_is_cut(vendor: Vendor, server: ModelServer, client: Any, side: Side) -> None:
    server.respond(Cut(Reply(TEXT, chunks=PIECES, chunk_delay=0.01), after=3))
    with captured() as seen:
        stream = side.do(vendor.call(client, ASKED, stream=True))
        with pytest.raises(Exception) as caught:
            side.take(stream)
        span, error = only(seen), type(caught.value)
    assert span.status == "ERROR"
    assert span.attributes["error.type"] == named(error)


def test_a_stream_whose_reading_is_cancelled(
    vendor: Vendor, server: ModelServer, client: Any, side: Side
) -> None:
    if not side.asynchronous:
        pytest.skip("only a task is cancelled")
    server.respond(Reply(TEXT, chunks=PIECES, chunk_delay=30))
    with captured() as seen:
        stream = side.do(vendor.call(client, ASKED, stream=True))
        while not vendor.delta(side.take(stream, 1)[0]):
            pass
        error = side.cancelled(anext(stream), lambda: True)
        span = only(seen)
    assert type(error) is asyncio.CancelledError
    assert (span.status, outcome(span)) == ("UNSET", "cancelled")
    assert said(span) == PIECES[0]


# -- raw responses -----------------------------------------------------------------------------


def test_a_raw_answer(vendor: Vendor, server: ModelServer, client: Any, side: Side) -> None:
    server.respond(reply())
    with captured() as seen:
        raw = side.do(able(vendor.raw(client, ASKED)))
        assert said(only(seen)) == TEXT
    # The raw wrappers of a client keep the methods that they were made with, so it is asked last.
    assert type(raw) is type(side.do(vendor.raw(client, ASKED)))
    assert vendor.answer(side.do(vendor.parsed(raw))) == TEXT
    assert len(calls(seen)) == 1


def test_a_raw_stream(vendor: Vendor, server: ModelServer, client: Any, side: Side) -> None:
    server.respond(reply())
    with captured() as seen:
        raw = side.do(able(vendor.raw(client, ASKED, stream=True)))
        stream = side.do(vendor.parsed(raw))
        assert side.do(vendor.parsed(raw)) is stream
        assert not seen.spans
        chunks = side.take(stream)
        assert (said(only(seen)), outcome(only(seen))) == (TEXT, None)
    assert "".join(map(vendor.delta, chunks)) == TEXT


def test_an_unread_answer(vendor: Vendor, server: ModelServer, client: Any, side: Side) -> None:
    server.respond(reply())
    with captured() as seen:
        manager = able(vendor.unread(client, ASKED))
        response = side.enter(manager)
        assert seen.open_calls == 1
        assert vendor.answer(side.do(response.parse())) == TEXT
        assert (said(only(seen)), outcome(only(seen))) == (TEXT, None)
        side.leave(manager)
    assert len(calls(seen)) == 1


def test_an_unread_answer_taken_as_bytes(
    vendor: Vendor, server: ModelServer, client: Any, side: Side
) -> None:
    server.respond(reply())
    with captured() as seen:
        manager = able(vendor.unread(client, ASKED))
        pieces = side.take(side.enter(manager).iter_bytes())
        assert outcome(only(seen)) is None
        side.leave(manager)
    assert TEXT in b"".join(pieces).decode()
    assert outcome(only(seen)) is None


def test_an_unread_answer_that_stays_unread(
    vendor: Vendor, server: ModelServer, client: Any, side: Side
) -> None:
    server.respond(reply())
    with captured() as seen:
        manager = able(vendor.unread(client, ASKED))
        response = side.enter(manager)
        side.leave(manager)
        assert response.is_closed
        assert (said(only(seen)), outcome(only(seen))) == ("", "closed")


def test_an_unread_answer_that_breaks_off(
    vendor: Vendor, server: ModelServer, client: Any, side: Side
) -> None:
    server.respond(Cut(reply(), after=10))
    with captured() as seen:
        manager = able(vendor.unread(client, ASKED))
        response = side.enter(manager)
        with pytest.raises(Exception) as caught:
            side.do(response.parse())
        side.leave(manager)
        span, error = only(seen), type(caught.value)
    assert span.status == "ERROR"
    assert span.attributes["error.type"] == named(error)


def test_an_unread_stream(vendor: Vendor, server: ModelServer, client: Any, side: Side) -> None:
    server.respond(reply())
    with captured() as seen:
        manager = able(vendor.unread(client, ASKED, stream=True))
        response = side.enter(manager)
        stream = side.do(response.parse())
        assert side.do(response.parse()) is stream
        chunks = side.take(stream)
        assert (said(only(seen)), outcome(only(seen))) == (TEXT, None)
        side.leave(manager)
    assert "".join(map(vendor.delta, chunks)) == TEXT
    assert only(seen).attributes["clearspan.response.chunk_count"] == len(chunks)


@pytest.mark.parametrize("count", [2, None], ids=["some", "all"])
def test_an_unread_stream_taken_as_lines(
    vendor: Vendor, server: ModelServer, client: Any, side: Side, count: int | None
) -> None:
    server.respond(reply())
    with captured() as seen:
        manager = able(vendor.unread(client, ASKED, stream=True))
        lines = side.take(side.enter(manager).iter_lines(), count)
        side.leave(manager)
        side.collect(lambda: not seen.open_calls)
        # Whoever stops early drops the generator of lines before leaving the block; a loop closes it only later.
        early = "closed" if side.asynchronous else "abandoned"
        assert outcome(only(seen)) == (None if count is None else early)
    assert lines


# -- what is never done to the host ----------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_the_wire_is_not_changed(
    vendor: Vendor, server: ModelServer, client: Any, side: Side, stream: bool
) -> None:
    server.respond(reply())
    for capture in (nullcontext, captured):
        with capture():
            answer = side.do(vendor.call(client, ASKED, stream=stream))
            if stream:
                side.take(answer)
    before, after = server.requests
    assert (before.path, before.query, before.body) == (after.path, after.query, after.body)
    assert before.headers == after.headers


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_content_that_is_off_is_nowhere(
    vendor: Vendor, server: ModelServer, client: Any, side: Side, stream: bool
) -> None:
    server.script(reply(), Error(400, f"Because of {CANARY}.", "bad"))
    with captured(content="off", content_target="both") as seen:
        answer = side.do(vendor.call(client, ASKED, stream=stream))
        if stream:
            side.take(answer)
        with pytest.raises(Exception, match=CANARY):
            # Some clients send the request of a stream when its first chunk is asked for.
            side.take(side.do(vendor.call(client, ASKED, stream=stream)), 1)
    found = everything(seen)
    assert len(calls(seen)) == 2
    assert CANARY not in found
    assert "forty-two" not in found
    assert seen.spans[0].attributes[vendor.identity]


@pytest.mark.parametrize("part", ["request", "response", "chunk", "server", "follow", "finish"])
def test_a_broken_reader_harms_nobody(
    vendor: Vendor,
    server: ModelServer,
    client: Any,
    side: Side,
    part: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CLEARSPAN_STRICT")
    server.respond(reply())

    def broken(*args: Any) -> Any:
        raise RuntimeError("a reader's own fault")

    fence.reset()
    provider = vendor.provider
    if part in ("server", "finish"):
        provider = dataclasses.replace(provider, **{part: broken})
    else:
        endpoints = [dataclasses.replace(item, **{part: broken}) for item in provider.endpoints]
        provider = dataclasses.replace(provider, endpoints=tuple(endpoints))
    with captured(providers=[provider]) as seen:
        assert vendor.answer(side.do(vendor.call(client, ASKED))) == TEXT
        chunks = side.take(side.do(vendor.call(client, ASKED, stream=True)))
        assert "".join(map(vendor.delta, chunks)) == TEXT
        # What a model in the process does for a result that nobody follows is a call of its own.
        alone = len(chunks) if part == "follow" and local(vendor) else 0
        assert len(calls(seen)) == (0 if part == "server" else 2 + alone)
        assert seen.open_calls == 0
    assert sum(fence.failures().values()) > 0
    fence.reset()


def test_nothing_is_recorded_where_silence_is_asked_for(
    vendor: Vendor, server: ModelServer, client: Any, side: Side
) -> None:
    server.respond(reply())
    with captured() as seen, clearspan.suppressed():
        assert vendor.answer(side.do(vendor.call(client, ASKED))) == TEXT
        assert len(side.take(side.do(vendor.call(client, ASKED, stream=True)))) >= len(PIECES)
    assert not seen.spans


def test_every_target_gets_back_what_it_was(vendor: Vendor, side: Side) -> None:
    before = vendor.targets()
    with captured():
        during = vendor.targets()
    after = vendor.targets()
    assert before
    assert all(now is not then for now, then in zip(during, before, strict=True))
    assert all(now is then for now, then in zip(after, before, strict=True))


def test_a_method_that_was_kept_is_passed_through_afterwards(
    vendor: Vendor, server: ModelServer, client: Any, side: Side
) -> None:
    server.respond(reply())
    with captured() as seen:
        # The raw wrappers keep the methods that they were made with.
        side.do(able(vendor.raw(client, ASKED)))
    assert len(calls(seen)) == 1
    assert vendor.answer(side.do(vendor.parsed(side.do(vendor.raw(client, ASKED))))) == TEXT
    assert len(calls(seen)) == 1


def test_calls_at_once_are_kept_apart(vendor: Vendor, server: ModelServer, side: Side) -> None:
    server.respond(lambda request: Reply(f"echo {request.body.decode().count('!')}"))

    def ask(number: int) -> None:
        client = vendor.client(server, asynchronous=False)
        with suppress(StopIteration):
            vendor.call(client, "!" * number)
        vendor.release(client)

    async def ask_all() -> None:
        client = vendor.client(server, asynchronous=True)
        await asyncio.gather(*(vendor.call(client, "!" * number) for number in range(1, 9)))
        await vendor.release(client)

    with captured() as seen:
        if side.asynchronous:
            side.do(ask_all())
        else:
            threads = [threading.Thread(target=ask, args=(number,)) for number in range(1, 9)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        spans = calls(seen)
    assert len({span.trace_id for span in spans}) == len(spans) == 8
    asked = [span.attributes["gen_ai.input.messages"].count("!") for span in spans]
    assert [said(span) for span in spans] == [f"echo {number}" for number in asked]
