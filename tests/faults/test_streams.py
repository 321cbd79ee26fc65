"""Streams (rows F1 to F10): whatever a program does with one, it ends once, and the program notices nothing."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import gc
import inspect
import itertools
import json
import pickle
import random
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest

import clearspan
from clearspan.core import fence
from clearspan.testing import ModelServer, captured
from clearspan.testing.server import Answer, Error, Raw, Reply, Request, Sse
from tests.faults.kit import (
    ASKED,
    LINES,
    PATIENCE,
    PIECES,
    TEXT,
    Line,
    collected,
    eventually,
    line,
    lines,
    ran,
)
from tests.providers.side import Side

OPENAI = lines("openai")
CHATS = lines("openai-chat", "ollama-chat", "hub-chat")
GENERATORS = lines("ollama", "huggingface_hub")

every_line = pytest.mark.parametrize("how", LINES, ids=str)
every_chat = pytest.mark.parametrize("how", CHATS, ids=str)


@pytest.fixture
def clients(server: ModelServer, side: Side) -> Iterator[Callable[[Line], Any]]:
    """Makes clients of a line, closed at the end."""
    made: list[tuple[Line, Any]] = []

    def client(how: Line) -> Any:
        made.append((how, how.make(server, side.asynchronous)))
        return made[-1][1]

    yield client
    for how, one in made:
        with contextlib.suppress(
            KeyError
        ):  # the hub's client may be closing a stream's session just now
            side.do(how.release(one))


def whole() -> Reply:
    return Reply(TEXT, chunks=PIECES)


def endless() -> Reply:
    """A first piece, and then nothing for so long that only leaving ends it."""
    return Reply(TEXT, chunks=PIECES, chunk_delay=10 * PATIENCE)


def said(span: Any) -> str:
    messages = json.loads(span.attributes.get("gen_ai.output.messages", "[]"))
    parts = [part for message in messages for part in message["parts"]]
    return "".join(part["content"] for part in parts if part["type"] == "text")


def only(seen: Any) -> Any:
    """The one span; nothing is open any more."""
    assert seen.open_calls == 0
    (span,) = seen.spans
    return span


def outcome(span: Any) -> Any:
    return span.attributes.get("clearspan.outcome")


def begun(how: Line, side: Side, client: Any) -> Any:
    """A stream of which the first piece of text was read."""
    stream = side.do(how.ask(client, ASKED, stream=True))
    iterator = aiter(stream) if side.asynchronous else iter(stream)
    while not how.delta(side.take(iterator, 1)[0]):
        pass
    return stream


# -- F1 ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", OPENAI, ids=str)
@pytest.mark.parametrize("swallows", [False, True])
def test_F1_a_block_gives_the_stream_itself_and_keeps_its_word_on_errors(
    how: Line, swallows: bool, server: ModelServer, clients: Any, side: Side, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    import openai

    kind = openai.AsyncStream if side.asynchronous else openai.Stream
    name = "__aexit__" if side.asynchronous else "__exit__"
    inner = getattr(kind, name)

    async def aleft(self: Any, *error: Any) -> bool:
        await inner(self, *error)
        return swallows

    def left(self: Any, *error: Any) -> bool:
        inner(self, *error)
        return swallows

    monkeypatch.setattr(kind, name, aleft if side.asynchronous else left)
    server.respond(whole())
    with captured() as seen:
        stream = side.do(how.ask(clients(how), ASKED, stream=True))
        entered = side.enter(stream)
        assert entered is stream
        assert "".join(map(how.delta, side.take(entered))) == TEXT
        assert side.leave(stream, LookupError("the body's")) is swallows
    assert (said(only(seen)), outcome(only(seen))) == (TEXT, None)


@pytest.mark.parametrize("how", OPENAI, ids=str)
def test_F1_blocks_of_every_kind_end_it_once(
    how: Line, server: ModelServer, clients: Any, side: Side
) -> None:
    server.respond(whole())
    client = clients(how)

    async def in_blocks() -> list[Any]:
        async with contextlib.AsyncExitStack() as stack:
            stream = await stack.enter_async_context(await how.ask(client, ASKED, stream=True))
            async with stream as again, contextlib.aclosing(_Closable(again)):
                return [chunk async for chunk in again]

    def in_sync_blocks() -> list[Any]:
        with contextlib.ExitStack() as stack:
            stream = stack.enter_context(how.ask(client, ASKED, stream=True))
            with stream as again, contextlib.closing(again):
                return list(again)

    with captured() as seen:
        chunks = side.do(in_blocks()) if side.asynchronous else in_sync_blocks()
    assert "".join(map(how.delta, chunks)) == TEXT
    assert (said(only(seen)), outcome(only(seen))) == (TEXT, None)


class _Closable:
    """An `aclose` for streams that call theirs `close`."""

    def __init__(self, stream: Any) -> None:
        self.aclose = stream.close


# -- F2 ---------------------------------------------------------------------------------------


def _break(how: Line, side: Side, stream: Any) -> None:
    iterator = iter(stream) if not side.asynchronous else None
    if iterator is not None:
        for _ in iterator:
            break
    else:

        async def broken() -> None:
            async for _ in stream:
                break

        side.do(broken())
    side.do(how.leave(stream))


def _body_error(how: Line, side: Side, stream: Any) -> None:
    async def failing() -> None:
        async with contextlib.aclosing(_as_closing(stream)):
            async for _ in stream:
                raise LookupError

    def sync_failing() -> None:
        with contextlib.closing(stream):
            for _ in stream:
                raise LookupError

    with pytest.raises(LookupError):
        side.do(failing()) if side.asynchronous else sync_failing()


def _as_closing(stream: Any) -> Any:
    return stream if hasattr(stream, "aclose") else _Closable(stream)


def _close(how: Line, side: Side, stream: Any) -> None:
    side.do(how.leave(stream))
    side.do(how.leave(stream))


def _thrown(how: Line, side: Side, stream: Any) -> None:
    """Generators: an error thrown in; streams that are none are closed below themselves."""
    if hasattr(stream, "response"):
        response = stream.response
        side.do(response.aclose() if side.asynchronous else response.close())
    else:
        with pytest.raises(LookupError):
            side.do((stream.athrow if side.asynchronous else stream.throw)(LookupError()))


EXITS = {"break": _break, "body-error": _body_error, "close": _close, "from-outside": _thrown}


@every_line
@pytest.mark.parametrize("leave", EXITS.values(), ids=EXITS)
def test_F2_F3_every_way_to_leave_ends_it_once_and_lets_the_connection_go(
    how: Line, leave: Any, server: ModelServer, clients: Any, side: Side
) -> None:
    server.respond(Reply(TEXT, chunks=PIECES, chunk_delay=0.03))
    with captured() as seen:
        stream = begun(how, side, clients(how))
        assert seen.open_calls == 1
        leave(how, side, stream)
        span = only(seen)
        assert server.wait_idle(PATIENCE)
    assert said(span).startswith(PIECES[0])
    assert said(span) != TEXT
    # What the body did wrong is not the stream's fault, except where it was thrown into it.
    thrown = leave is _thrown and not hasattr(stream, "response")
    assert outcome(span) == (None if thrown else "closed")
    assert span.status == ("ERROR" if thrown else "UNSET")


@every_line
@pytest.mark.parametrize("taken", [0, 1])
@pytest.mark.parametrize("circle", [False, True], ids=["held-by-nobody", "in-a-circle"])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_F2_what_is_dropped_ends_when_it_is_collected(
    how: Line, taken: int, circle: bool, server: ModelServer, clients: Any, side: Side
) -> None:
    server.respond(whole())
    with captured() as seen:
        stream = side.do(how.ask(clients(how), ASKED, stream=True))
        side.take(stream, taken)
        if circle:
            around: list[Any] = [stream]
            around.append(around)
            del around
        del stream
        side.collect(lambda: not seen.open_calls)
        span = only(seen)
    assert (span.status, outcome(span)) in (("UNSET", "abandoned"), ("UNSET", "closed"))
    assert said(span) in ("", PIECES[0])


@every_line
def test_F2_a_reader_that_is_cancelled_ends_it(
    how: Line, server: ModelServer, clients: Any, side: Side
) -> None:
    if not side.asynchronous:
        pytest.skip("only a task is cancelled")
    server.respond(endless())
    with captured() as seen:
        stream = begun(how, side, clients(how))
        error = side.cancelled(anext(aiter(stream)), lambda: True)
        span = only(seen)
        side.do(how.leave(stream))
        assert server.wait_idle(PATIENCE)
    assert type(error) is asyncio.CancelledError
    assert (outcome(span), said(span), span.status) == ("cancelled", PIECES[0], "UNSET")


@every_line
def test_F2_a_stream_read_by_another_thread_or_task_than_asked_for_it(
    how: Line, server: ModelServer, clients: Any, side: Side
) -> None:
    server.respond(whole())
    read: list[Any] = []
    with captured() as seen:
        stream = begun(how, side, clients(how))
        if side.asynchronous:

            async def elsewhere() -> None:
                read.extend(await asyncio.create_task(_rest(stream)))

            side.do(elsewhere())
        else:
            thread = threading.Thread(target=lambda: read.extend(stream))
            thread.start()
            thread.join(PATIENCE)
    assert "".join(map(how.delta, read)) == TEXT.removeprefix(PIECES[0])
    assert (said(only(seen)), outcome(only(seen))) == (TEXT, None)


async def _rest(stream: Any) -> list[Any]:
    return [chunk async for chunk in stream]


_LEFT_OPEN = """
import asyncio, sys
from tests.faults.kit import ASKED, line
from clearspan.testing import ModelServer, Reply
import clearspan

how, way, store = line(sys.argv[1]), sys.argv[2], sys.argv[3]
clearspan.init(store=store, hardware="off")
server = ModelServer()
server.respond(Reply("one two three four", chunk_delay=60))
kept = []

def reading():
    client = how.make(server, False)
    stream = how.ask(client, ASKED, stream=True)
    kept.extend((client, stream))
    for _ in stream:
        return

async def areading():
    client = how.make(server, True)
    stream = how.ask(client, ASKED, stream=True)
    stream = await stream
    kept.extend((client, stream))
    async for _ in stream:
        return

if way == "loop":
    asyncio.run(areading())
else:
    reading()
if way == "exit":
    sys.exit(3)
if way == "error":
    raise SystemExit("the program's own")
"""


@every_chat
@pytest.mark.parametrize("way", ["end", "exit", "error", "loop"])
def test_F2_what_is_open_when_the_program_ends_is_recorded_once(
    how: Line, way: str, tmp_path: Any
) -> None:
    from tests.runtime.support import stored

    store = tmp_path / "spans.db"
    done = ran(_LEFT_OPEN, how.name, way, str(store))
    assert done.returncode == {"exit": 3, "error": 1}.get(way, 0), done.stderr
    # A loop that ends closes the clients' own generators in the order of their addresses, and says
    # so where one of them is already closing: with clearspan and without.
    if way != "loop":
        assert done.stderr == ("the program's own\n" if way == "error" else "")
    (span,) = stored(store)
    assert span.attributes["clearspan.outcome"] in ("abandoned", "closed", "cancelled")


# -- F3 ---------------------------------------------------------------------------------------


@every_chat
def test_F3_a_thousand_early_breaks_leave_no_connection_busy(
    how: Line, server: ModelServer, clients: Any, side: Side
) -> None:
    server.respond(Reply("a b c d e f", chunk_delay=0.0001))
    client, count = clients(how), 120  # for each of three clients, twice; and each would show

    async def leave_all() -> None:
        for _ in range(count):
            stream = await how.ask(client, ASKED, stream=True)
            async with contextlib.aclosing(_as_closing(stream)):
                async for _ in stream:
                    break

    def leave_all_sync() -> None:
        for _ in range(count):
            with contextlib.closing(how.ask(client, ASKED, stream=True)) as stream:
                for _ in stream:
                    break

    with captured() as seen:
        side.do(leave_all()) if side.asynchronous else leave_all_sync()
        assert seen.open_calls == 0
        assert len(seen.spans) == count
        assert server.wait_idle(PATIENCE, connections=2)
    assert not gc.garbage


@pytest.mark.parametrize("way", ["close", "block", "exhaust"])
def test_F3_the_programs_own_close_is_called_and_awaited_as_often(
    way: str, server: ModelServer, clients: Any, side: Side
) -> None:
    how = line("openai-chat")
    server.respond(whole())
    client = clients(how)

    def closed() -> tuple[int, int, bool]:
        stream = side.do(how.ask(client, ASKED, stream=True))
        name = "aclose" if side.asynchronous else "close"
        inner = getattr(stream.response, name)
        mock: Any = (AsyncMock if side.asynchronous else Mock)(side_effect=inner)
        setattr(stream.response, name, mock)
        if way == "exhaust":
            side.take(stream)
        elif way == "block":
            side.enter(stream)
            side.leave(stream)
        else:
            side.do(stream.close())
            side.do(stream.close())
        assert getattr(stream.response, name) is mock  # it is the program's
        mock.side_effect = None
        awaited = mock.await_count if side.asynchronous else mock.call_count
        return mock.call_count, awaited, stream.response.is_closed

    raw = closed()
    with captured() as seen:
        assert closed() == raw
    assert raw[0] == raw[1]
    assert raw[2]
    assert len(seen.spans) == 1


@pytest.mark.parametrize("how", lines("ollama-chat"), ids=str)
def test_F3_a_generator_that_was_closed_has_closed_the_answer(
    how: Line, server: ModelServer, clients: Any, side: Side
) -> None:
    server.respond(endless())
    client, answers = clients(how), list[Any]()

    async def came(answer: Any) -> None:
        answers.append(answer)

    client._client.event_hooks["response"].append(came if side.asynchronous else answers.append)

    def closed() -> bool:
        side.do(how.leave(begun(how, side, client)))
        return bool(answers.pop().is_closed)

    assert closed()
    with captured() as seen:
        assert closed()  # not a turn of the loop later
    assert outcome(only(seen)) == "closed"


# -- F4 and F5 ----------------------------------------------------------------------------------


def surface(value: Any) -> Any:
    """What can be asked of an object without reading it."""
    return (
        type(value),
        sorted(dir(value)),
        sorted(getattr(value, "__dict__", {})),
        callable(value),
    )


def _outcome_of(side: Side, method: Callable[[], Any]) -> Any:
    try:
        found = side.do(method())
    except (Exception, StopAsyncIteration) as error:  # noqa: BLE001 -- what it raises is compared
        return type(error), str(error)
    return type(found), found if isinstance(found, (bool, int, str)) else None


def zero_arguments(value: Any) -> list[str]:
    """The methods that can be called with nothing."""
    wanted = (
        "__iter__",
        "__aiter__",
        "__next__",
        "__anext__",
        "__enter__",
        "__aenter__",
        "__sizeof__",
    )
    found: list[str] = []
    for name in dir(type(value)):
        if name.startswith("_") and name not in wanted:
            continue
        member = getattr(value, name, None)
        if not callable(member):
            continue
        try:
            inspect.signature(member).bind()
        except (ValueError, TypeError):
            continue
        found.append(name)
    return found


@every_line
def test_F4_every_method_without_arguments_does_what_it_did(
    how: Line, server: ModelServer, clients: Any, side: Side
) -> None:
    server.respond(whole())
    client = clients(how)

    def transcript() -> list[Any]:
        first = side.do(how.ask(client, ASKED, stream=True))
        found: list[Any] = [surface(first), inspect.isgenerator(first), inspect.isasyncgen(first)]
        side.do(how.leave(first))
        for name in zero_arguments(first):
            stream = side.do(how.ask(client, ASKED, stream=True))
            made = _outcome_of(side, getattr(stream, name))
            rest = _outcome_of(
                side, lambda stream=stream: "".join(map(how.delta, side.take(stream)))
            )  # type: ignore[misc]
            found.append((name, made, rest))
            side.do(how.leave(stream))
        return found

    raw = transcript()
    with captured() as seen:
        assert transcript() == raw
        assert seen.open_calls == 0
    assert len(seen.spans) == len(raw) - 2


@pytest.mark.parametrize("how", OPENAI, ids=str)
@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # half-copied clients
def test_F5_attributes_go_through_both_ways(
    how: Line, server: ModelServer, clients: Any, side: Side
) -> None:
    server.respond(whole())
    client = clients(how)

    def transcript() -> list[Any]:
        stream = side.do(how.ask(client, ASKED, stream=True))
        stream.own = 1
        told = [sorted(vars(stream)), stream.own, stream.response.headers["content-type"]]
        del stream.own
        told += [hasattr(stream, "own"), hasattr(stream, "aclose"), weakref.ref(stream)() is stream]
        for copied in (copy.copy, copy.deepcopy, pickle.dumps):
            told.append(_outcome_of(side, lambda copied=copied: copied(stream) and None))  # type: ignore[misc]
        told += [type(stream._iterator), stream._iterator.__name__, stream._iterator.__qualname__]
        told += [
            type(stream.response),
            sorted(dir(stream.response)),
            stream.response.num_bytes_downloaded,
        ]
        # What reads on below the stream reads what the stream would have given.
        told.append("".join(map(how.delta, side.take(stream._iterator))))
        told.append(
            [side.take(stream), stream.response.is_closed, stream.response.elapsed is not None]
        )
        told.append(sorted(vars(stream.response)))
        return told

    raw = transcript()
    with captured() as seen:
        assert transcript() == raw
        assert said(only(seen)) == TEXT


@pytest.mark.parametrize("how", GENERATORS, ids=str)
def test_F5_generators_look_as_they_did(
    how: Line, server: ModelServer, clients: Any, side: Side
) -> None:
    server.respond(whole())
    client = clients(how)

    def transcript() -> list[Any]:
        stream = side.do(how.ask(client, ASKED, stream=True))
        told = [type(stream), sorted(dir(stream)), stream.__name__, stream.__qualname__]
        told += [_outcome_of(side, lambda: copy.copy(stream) and None), hasattr(stream, "close")]
        state = inspect.getasyncgenstate if hasattr(inspect, "getasyncgenstate") else None
        if not side.asynchronous:
            told.append(inspect.getgeneratorstate(stream))
        elif state is not None:
            told.append(state(stream))
        told.append("".join(map(how.delta, side.take(stream))))
        if not side.asynchronous:
            told += [inspect.getgeneratorstate(stream), next(stream, "over")]
        return told

    raw = transcript()
    with captured() as seen:
        assert transcript() == raw
        assert said(only(seen)) == TEXT


# -- F6 ---------------------------------------------------------------------------------------


def _helpers(side: Side, stream: Any) -> dict[str, Callable[[], Any]]:
    """Every way to read a managed stream without iterating over it."""
    names = ("get_final_completion", "get_final_response", "until_done")
    found = {name: getattr(stream, name) for name in names if hasattr(stream, name)}
    return {**found, "list": lambda: side.take(stream), "twice": lambda: _twice(side, found)}


def _twice(side: Side, found: dict[str, Callable[[], Any]]) -> Any:
    for method in found.values():
        side.do(method())
        side.do(method())


@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.parametrize("way", ["get_final", "until_done", "list", "twice"])
def test_F6_a_stream_that_only_a_helper_reads(
    api: str, way: str, server: ModelServer, clients: Any, side: Side
) -> None:
    server.respond(whole())
    client = clients(line("openai-chat"))
    with captured() as seen:
        messages: list[Any] = [{"role": "user", "content": ASKED}]
        if api == "chat":
            manager = client.chat.completions.stream(model="m", messages=messages)
        else:
            manager = client.responses.stream(model="m", input=ASKED)
        stream = side.enter(manager)
        helpers = _helpers(side, stream)
        side.do(next(call for name, call in helpers.items() if name.startswith(way))())
        # It is over when it is read, not when somebody gets around to leaving the block.
        assert (said(only(seen)), outcome(only(seen))) == (TEXT, None)
        side.leave(manager)
    assert len(seen.spans) == 1


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_F6_a_managed_stream_that_nobody_reads(
    api: str, server: ModelServer, clients: Any, side: Side
) -> None:
    server.respond(Reply(TEXT, chunks=PIECES, chunk_delay=0.03))
    client = clients(line("openai-chat"))
    with captured() as seen:
        if api == "chat":
            manager = client.chat.completions.stream(
                model="m", messages=[{"role": "user", "content": ASKED}]
            )
        else:
            manager = client.responses.stream(model="m", input=ASKED)
        side.enter(manager)
        side.leave(manager)
        assert (said(only(seen)), outcome(only(seen))) == ("", "closed")
        assert server.wait_idle(PATIENCE)


UNREAD: dict[str, Callable[[Side, Any], Any]] = {
    "parse": lambda side, answer: side.do(answer.parse()),
    "read": lambda side, answer: side.do(answer.read()),
    "json": lambda side, answer: side.do(answer.json()),
    "text": lambda side, answer: side.do(answer.text()),
    "lines": lambda side, answer: side.take(answer.iter_lines()),
    "pieces": lambda side, answer: side.take(answer.iter_text()),
    "bytes": lambda side, answer: side.take(answer.iter_bytes()),
    "read-parse-text": lambda side, answer: [side.do(answer.read()), side.do(answer.parse())],
}


@pytest.mark.parametrize("how", OPENAI, ids=str)
@pytest.mark.parametrize("read", UNREAD.values(), ids=UNREAD)
def test_F6_an_answer_read_in_any_way_ends_when_it_is_read(
    how: Line, read: Any, server: ModelServer, clients: Any, side: Side
) -> None:
    server.respond(whole())
    client = clients(how)
    with captured() as seen:
        manager = how.ask(_Unread(client), ASKED)
        read(side, side.enter(manager))
        assert outcome(only(seen)) is None
        side.leave(manager)
    assert len(seen.spans) == 1


class _Unread:
    """A client all of whose methods answer with what is not read yet."""

    def __init__(self, client: Any, way: str = "with_streaming_response") -> None:
        self._client, self._way = client, way

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if name in ("create", "parse"):
            return getattr(getattr(self._client, self._way), name)
        return _Unread(found, self._way)


# -- F7 ---------------------------------------------------------------------------------------

_RAW = """
import asyncio, gc, sys
from tests.faults.kit import ASKED, TEXT, PIECES, lines
from tests.faults.test_streams import _Unread, raw_ways, said
from tests.providers.side import Side
from clearspan.testing import ModelServer, Reply, captured

with ModelServer() as server:
    server.respond(Reply(TEXT, chunks=PIECES))
    for asynchronous in (False, True):
        for how in lines("openai"):
            side = Side(asynchronous=asynchronous)
            client = how.make(server, asynchronous)
            for stream in (False, True):
                for name, way in raw_ways(how, stream).items():
                    with captured() as seen:
                        way(side, client)
                        side.collect(lambda: not seen.open_calls)
                        kept = "whole" if "".join(map(said, seen.spans)) == TEXT else "part"
                        print(how.name, asynchronous, stream, name, seen.open_calls, len(seen.spans), kept)
            side.do(client.close())
            side.close()
            gc.collect()
"""


def raw_ways(how: Line, stream: bool) -> dict[str, Callable[[Side, Any], Any]]:
    """What programs do with raw responses."""
    given = {"stream": True} if stream else {}

    def raw(side: Side, client: Any) -> Any:
        return side.do(how.ask(_Unread(client, "with_raw_response"), ASKED, **given))

    def left(side: Side, client: Any) -> None:
        answer = raw(side, client)
        if side.asynchronous:
            side.do(answer.http_response.aclose())
        else:
            answer.http_response.close()

    def parsed(side: Side, client: Any) -> None:
        found = side.do(_now(raw(side, client).parse()))
        if stream:
            side.take(found)

    def parsed_twice(side: Side, client: Any) -> None:
        answer = raw(side, client)
        found, again = answer.parse(), answer.parse()
        if stream:
            side.take(found)
            side.take(again)

    def half(side: Side, client: Any) -> None:
        found = raw(side, client).parse()
        if stream:
            side.take(found, 1)
            side.do(found.close())

    def looked_at(side: Side, client: Any) -> None:
        answer = raw(side, client)
        assert (answer.status_code, bool(answer.headers), answer.retries_taken) == (200, True, 0)
        left_open = answer.http_response
        del answer
        side.do(left_open.aclose() if side.asynchronous else left_open.close())

    def unread(side: Side, client: Any) -> None:
        manager = how.ask(_Unread(client), ASKED, **given)
        side.enter(manager)
        side.leave(manager)

    def unread_parsed(side: Side, client: Any) -> None:
        manager = how.ask(_Unread(client), ASKED, **given)
        found = side.do(side.enter(manager).parse())
        if stream:
            side.take(found, 2)
        side.leave(manager)

    def unread_parsed_whole(side: Side, client: Any) -> None:
        manager = how.ask(_Unread(client), ASKED, **given)
        found = side.do(side.enter(manager).parse())
        if stream:
            side.take(found)
        side.leave(manager)

    ways = (left, parsed, parsed_twice, half, looked_at, unread, unread_parsed, unread_parsed_whole)
    return {way.__name__: way for way in ways}


def _now(value: Any) -> Any:
    return value


def test_F7_raw_and_unread_answers_leave_nothing_open_and_warn_of_nothing() -> None:
    done = ran(_RAW, PYTHONWARNINGS="error")
    assert (done.returncode, done.stderr) == (0, "")
    told = [row.split() for row in done.stdout.splitlines()]
    assert len(told) == 2 * len(OPENAI) * 2 * 8
    assert [row for row in told if row[4:] != ["0", "1", _kept(row[2], row[3])]] == []


def _kept(stream: str, way: str) -> str:
    """How much of an answer is recorded: all of what was read to its end."""
    whole = way in ("parsed", "parsed_twice", "unread_parsed_whole")
    read = whole or (stream == "False" and way != "unread")
    return "whole" if read else "part"


# -- F8 ---------------------------------------------------------------------------------------

_DIFFERS = {"x-request-id", "x-amzn-trace-id"}


def _wired(requests: Sequence[Request]) -> list[Any]:
    """What came over the wire, without the number that the hub's client gives each request."""
    return [
        (r.method, r.path, r.query, [h for h in r.headers.items() if h[0] not in _DIFFERS], r.body)
        for r in requests
    ]


def strict_server(request: Request) -> Answer | None:
    """One of those servers that refuse fields that they do not know, and count nothing unasked."""
    body = request.json if isinstance(request.json, dict) else {}
    refused = {"stream_options", "metadata", "user", "store"} & set(body)
    return Error(400, f"Unknown field {sorted(refused)}", "unknown_field") if refused else None


@every_line
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("own", ["full", "off"])
def test_F8_the_wire_and_the_chunks_are_as_they_were(
    how: Line, stream: bool, own: str, server: ModelServer, clients: Any, side: Side
) -> None:
    server.respond(strict_server)
    client = clients(how)

    def chunks() -> list[Any]:
        found = side.do(how.ask(client, ASKED, stream=stream))
        return side.take(found) if stream else [found]

    def plain(found: list[Any]) -> list[Any]:
        """Types and contents; ids and times are the server's, and go on counting."""
        dumped = [_dumped(item) for item in found]
        return [(type(item), body) for item, body in zip(found, dumped, strict=True)]

    raw = plain(chunks())
    wire = _wired(server.requests)
    server.reset()
    server.respond(strict_server)
    with captured(content=own) as seen, clearspan.context(session="s", user="u", tags=["t"]):
        assert plain(chunks()) == raw
        assert seen.open_calls == 0
    assert _wired(server.requests) == wire
    assert len(seen.spans) == 1


_TIMES = ("created_at", "created", "load_duration", "total_duration", "eval_duration", "prompt_eval_duration")  # fmt: skip


def _dumped(item: Any) -> Any:
    """An element as JSON, without what differs between any two calls."""
    made: Any = item
    if hasattr(item, "model_dump"):
        made = item.model_dump(mode="json", warnings=False)
    elif isinstance(item, dict):
        made = dict(item)
    return _timeless(made)


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _timeless(one) for key, one in value.items() if key not in _TIMES}
    return [_timeless(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", ["openai-chat", "openai-completions", "hub-chat"])
def test_F8_where_usage_is_asked_for_the_program_still_gets_what_it_got(
    name: str, server: ModelServer, clients: Any, side: Side
) -> None:
    how = line(name)
    server.respond(whole())
    client = clients(how)

    def texts() -> list[str]:
        # As programs do, without looking whether there is a choice.
        found = side.take(side.do(how.ask(client, ASKED, stream=True)))
        assert all(chunk.choices[0].index == 0 for chunk in found)
        return [how.delta(chunk) for chunk in found]

    raw = texts()
    with captured(request_usage=True) as seen:
        assert texts() == raw
        assert only(seen).attributes["gen_ai.usage.output_tokens"] > 0


# -- F9 ---------------------------------------------------------------------------------------

_NAMES = (
    "choices", "delta", "content", "tool_calls", "function", "arguments", "index", "id", "usage", "message", "finish_reason",
    "logprobs", "role", "type", "response", "output", "item", "text", "done", "thinking", "prompt_eval_count", "token",
    "generated_text", "details", "top_tokens", "completion_tokens", "x",
)  # fmt: skip
_EVENTS = (
    "response.output_text.delta", "response.completed", "response.created", "error", "response.output_item.added",
    "response.function_call_arguments.delta", "what.is.this",
)  # fmt: skip
_LINES = (
    "data: [DONE]", "data: {", ": comment", "event: ping", "data:", "", "id: 7", "data: null", "retry: x",
    "\ufeffdata: {}", "data: []", "event: error", "data: 1e999", "\x00",
)  # fmt: skip


def _leaf(rng: random.Random) -> Any:
    return rng.choice(
        (None, True, False, 0, -1, 2**70, 1.5, -0.0, 1e308, "", "x", "\U0001f600", "\u202e", "\x00", "[DONE]", "a" * 40)
    )  # fmt: skip


def _odd(rng: random.Random, depth: int = 4) -> Any:
    kind = rng.random()
    if depth == 0 or kind < 0.4:
        return _leaf(rng)
    if kind < 0.6:
        return [_odd(rng, depth - 1) for _ in range(rng.randrange(3))]
    return {rng.choice(_NAMES): _odd(rng, depth - 1) for _ in range(rng.randrange(5))}


def _packet(rng: random.Random) -> Any:
    kind = rng.random()
    if kind < 0.2:
        return rng.choice(_LINES)
    if kind < 0.4:
        return {"type": rng.choice(_EVENTS), **{rng.choice(_NAMES): _odd(rng) for _ in range(3)}}
    if kind < 0.8:
        deltas = [{"delta": _odd(rng), "index": _leaf(rng)} for _ in range(rng.randrange(3))]
        return {"choices": rng.choice((deltas, _odd(rng))), "usage": _odd(rng), "model": _leaf(rng)}
    return {rng.choice(_NAMES): _odd(rng) for _ in range(4)}


def _answer(how: Line, packets: list[Any], split: int | None) -> Answer:
    if how.library != "ollama":
        return Sse([*packets, "data: [DONE]", ""], split=split)
    text = "\n".join(
        item.removeprefix("data: ") if isinstance(item, str) else json.dumps(item)
        for item in packets
    ).encode(errors="replace")
    step = split or max(1, len(text))
    return Raw(
        headers={"content-type": "application/x-ndjson"},
        body=[text[at : at + step] for at in range(0, len(text), step)],
    )


def _read_all(how: Line, side: Side, client: Any) -> list[Any]:
    """Every element and what came in the end, exactly."""
    found: list[Any] = []
    try:
        stream = side.do(how.ask(client, ASKED, stream=True))
        iterator = aiter(stream) if side.asynchronous else iter(stream)
        while one := side.take(iterator, 1):
            found.append((type(one[0]), repr(one[0])))
        found.append("over")
    except Exception as error:  # noqa: BLE001 -- what the client makes of it is compared
        found.append((type(error), str(error)))
    return found


@pytest.fixture
def collected_later() -> Iterator[None]:
    """No collection of its own accord: between two steps of a loop it takes what the loop is still ending.

    A loop holds its tasks weakly. One that closes a dropped generator, and is collected before its next turn, ends
    with what it closes where no loop runs, with clearspan as without.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@every_line
@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.usefixtures("collected_later")
def test_F9_odd_chunks_reach_the_program_as_they_would(how: Line, asynchronous: bool) -> None:
    # The same on every run. (Hypothesis wants nobody else to ask for random numbers meanwhile, as ids do.)
    rng, rounds = random.Random(f"{how.name} {asynchronous}"), 10
    side = Side(asynchronous=asynchronous)
    with ModelServer() as server, captured() as seen:
        client = how.make(server, asynchronous)
        for _ in range(rounds):
            packets = [_packet(rng) for _ in range(rng.randrange(6))]
            server.respond(_answer(how, packets, rng.choice((None, 9, 40))))
            with clearspan.suppressed():
                raw = _read_all(how, side, client)
            assert _read_all(how, side, client) == raw
            server.reset()
        assert seen.open_calls == 0
        assert len(seen.spans) == rounds
        side.do(how.release(client))
    side.close()
    assert fence.failures() == {}


# -- F10 --------------------------------------------------------------------------------------


class Gated(Sequence[bytes]):
    """The pieces of a body, each sent only when the one before it has been received."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = pieces
        self._received = threading.Semaphore(0)

    def received(self) -> None:
        self._received.release()

    def __iter__(self) -> Iterator[bytes]:
        first, *others = self._pieces
        yield first
        for piece in others:
            yield piece[
                :1
            ]  # the server holds each piece back until it knows that it is not the last
            assert self._received.acquire(timeout=PATIENCE), "nobody got the piece before this one"
            yield piece[1:]

    def __len__(self) -> int:
        return len(self._pieces)

    def __getitem__(self, at: Any) -> Any:
        return self._pieces[at]


def _gated(how: Line, count: int) -> Gated:
    texts = [f"w{number} " for number in range(count)]
    if how.name == "ollama-chat":
        bodies = [{"model": "m", "message": {"role": "assistant", "content": t}} for t in texts]
        return Gated([json.dumps(body).encode() + b"\n" for body in bodies])
    if how.name == "openai-responses":
        events = [
            {"type": "response.output_text.delta", "delta": t, "item_id": "i", "output_index": 0,
             "content_index": 0, "sequence_number": 0, "logprobs": []}
            for t in texts
        ]  # fmt: skip
    else:
        head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        events = [{**head, "choices": [{"index": 0, "delta": {"content": t}}]} for t in texts]
    return Gated([f"data: {json.dumps(event)}\n\n".encode() for event in events])


@pytest.mark.parametrize("decorated", [False, True], ids=["client", "decorated"])
@pytest.mark.parametrize("name", ["openai-chat", "openai-responses", "ollama-chat", "hub-chat"])
def test_F10_each_chunk_is_there_before_the_next_is_sent(
    name: str, decorated: bool, server: ModelServer, clients: Any, side: Side
) -> None:
    how, count = line(name), 6
    body = _gated(how, count)
    kind = "application/x-ndjson" if how.library == "ollama" else "text/event-stream"
    server.respond(Raw(headers={"content-type": kind}, body=body))
    client = clients(how)

    @clearspan.model
    def stepping() -> Iterator[Any]:
        yield from how.ask(client, ASKED, stream=True)

    @clearspan.model
    async def astepping() -> Any:
        async for chunk in await how.ask(client, ASKED, stream=True):
            yield chunk

    with captured() as seen:
        if decorated:
            stream: Any = astepping() if side.asynchronous else stepping()
        else:
            stream = side.do(how.ask(client, ASKED, stream=True))
        iterator = aiter(stream) if side.asynchronous else iter(stream)
        for number in range(count):
            (chunk,) = side.take(iterator, 1)
            assert how.delta(chunk) == f"w{number} "
            body.received()
        assert side.take(iterator) == []
    assert seen.open_calls == 0


def test_F10_lines_of_an_unread_answer_come_one_by_one(
    server: ModelServer, clients: Any, side: Side
) -> None:
    how, count = line("openai-chat"), 5
    body = _gated(how, count)
    server.respond(Raw(headers={"content-type": "text/event-stream"}, body=body))
    with captured() as seen:
        manager = how.ask(_Unread(clients(how)), ASKED, stream=True)
        rows = side.enter(manager).iter_lines()
        for number in range(count):
            data, blank = side.take(rows, 2)
            assert f"w{number} " in data
            assert not blank
            body.received()
        side.leave(manager)
    assert len(seen.spans) == 1


def test_F10_callbacks_of_a_program_are_called_between_the_chunks(
    server: ModelServer, clients: Any, side: Side
) -> None:
    """A program that forwards chunks to another generator sees them in step, none ahead of it."""
    how = line("openai-chat")
    server.respond(whole())
    events: list[str] = []
    with captured():
        stream = side.do(how.ask(clients(how), ASKED, stream=True))
        inner = vars(stream)["_iterator"]
        assert inspect.isgenerator(inner) or inspect.isasyncgen(inner)
        first = side.take(stream, 1)
        events += ["first"] if first else []
        held = list(itertools.islice(_left(side, stream), 1))
        events += ["second"] if held else []
        assert not stream.response.is_closed
        side.do(stream.close())
    assert events == ["first", "second"]
    assert eventually(lambda: stream.response.is_closed)
    assert collected(lambda: server.active == 0)


def _left(side: Side, stream: Any) -> Iterator[Any]:
    while one := side.take(stream, 1):
        yield from one
