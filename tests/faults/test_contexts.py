"""Contexts, threads and cancellation (rows F11 to F16): what belongs to a call stays with it, and nothing waits."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import json
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import pytest

import clearspan
from clearspan.testing import ModelServer, captured
from clearspan.testing.server import Reply, Request
from tests.faults.kit import ASKED, PATIENCE, PIECES, TEXT, Line, line, lines, ran
from tests.providers.side import Side

CHATS = lines("openai-chat", "ollama-chat", "hub-chat")
every_chat = pytest.mark.parametrize("how", CHATS, ids=str)


def echo(request: Request) -> Reply:
    """Says back what it was asked, so that answers and questions can be matched."""
    body = request.json
    text = body["messages"][-1]["content"]
    return Reply(f"said {text}", chunks=["said ", text])


def asked(span: Any) -> str:
    (message,) = json.loads(span.attributes["gen_ai.input.messages"])
    return str(message["parts"][0]["content"])


def said(span: Any) -> str:
    (message,) = json.loads(span.attributes["gen_ai.output.messages"])
    return "".join(part["content"] for part in message["parts"])


def session(span: Any) -> Any:
    return span.attributes.get("gen_ai.conversation.id") or span.attributes.get("session.id")


def kept_apart(spans: list[Any], count: int) -> None:
    """Every call has its own question, answer, session, user and tag, and none of another's."""
    assert len(spans) == count
    for span in spans:
        number = asked(span)
        found = {name: value for name, value in span.attributes.items() if "messages" not in name}
        assert said(span) == f"said {number}"
        assert session(span) == f"session-{number}"
        assert found["user.id"] == f"user-{number}"
        assert tuple(found["clearspan.tags"]) == (f"tag-{number}",)


def about(number: object) -> clearspan.context:
    return clearspan.context(
        session=f"session-{number}", user=f"user-{number}", tags=[f"tag-{number}"]
    )


# -- F11 --------------------------------------------------------------------------------------


@every_chat
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_F11_requests_at_once_and_one_after_another_share_nothing(
    how: Line, stream: bool, server: ModelServer
) -> None:
    server.respond(echo)
    count, rng = 24, random.Random(7)

    async def request(client: Any, number: int, *, tells: bool) -> None:
        if not tells:
            answer = await how.ask(client, f"bare-{number}", stream=stream)
            [None async for _ in answer] if stream else None
            return
        with about(number):
            await asyncio.sleep(rng.random() / 500)
            answer = await how.ask(client, str(number), stream=stream)
        # Who speaks of it is the block that the call was made in, wherever its stream is read.
        with clearspan.context(session="another", user="another", tags=["another"]):
            [None async for _ in answer] if stream else None

    async def all_of_them() -> None:
        client = how.make(server, True)
        jobs = [request(client, number, tells=bool(number % 4)) for number in range(count)]
        await asyncio.gather(*jobs)
        for number in range(count, count + 4):  # one after another, on the same task
            await request(client, number, tells=bool(number % 4))
        await how.release(client)

    before = clearspan.current()
    with captured() as seen:
        asyncio.run(all_of_them())
        spans = seen.spans
        bare = [span for span in spans if asked(span).startswith("bare")]
        kept_apart([span for span in spans if span not in bare], (count + 4) * 3 // 4)
    assert len(bare) == (count + 4) // 4
    assert [session(span) for span in bare] == [None] * len(bare)
    assert not any(
        "clearspan.tags" in span.attributes or "user.id" in span.attributes for span in bare
    )
    assert clearspan.current() == before


def test_F11_a_block_that_is_left_by_an_error_or_a_cancel_is_left(server: ModelServer) -> None:
    server.respond(echo)
    how = line("openai-chat")

    async def scenario() -> None:
        client = how.make(server, True)

        async def cancelled() -> None:
            with about("cancelled"):
                await asyncio.sleep(PATIENCE)

        task = asyncio.create_task(cancelled())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(LookupError), about("failed"):
            raise LookupError
        await how.ask(client, "after")
        await how.release(client)

    with captured() as seen:
        asyncio.run(scenario())
    (span,) = seen.spans
    assert session(span) is None
    assert "user.id" not in span.attributes


# -- F12 --------------------------------------------------------------------------------------


@pytest.mark.parametrize("through", ["submit", "map", "executor", "to_thread", "thread"])
@every_chat
def test_F12_work_that_outlives_its_parent_keeps_its_trace(
    how: Line, through: str, server: ModelServer
) -> None:
    server.respond(echo)
    let_go, client = threading.Event(), how.make(server, False)

    def late() -> None:
        assert let_go.wait(PATIENCE)
        how.ask(client, "late")

    with captured() as seen, ThreadPoolExecutor(1) as pool:
        with clearspan.context(session="session-late", user="user-late", tags=["tag-late"]):
            with clearspan.invocation("parent"):
                ids, carried = clearspan.current(), clearspan.carry(late)
                if through == "submit":
                    pool.submit(carried)
                elif through == "map":
                    pool.map(lambda _: carried(), [1])
                elif through == "thread":
                    thread = threading.Thread(target=carried)
                    thread.start()
                else:
                    loop = threading.Thread(target=_on_a_loop, args=(carried, pool, through))
                    loop.start()
        assert [span.name for span in seen.spans] == [
            "parent"
        ]  # it has ended, and its child not begun
        let_go.set()
        if through in ("executor", "to_thread"):
            loop.join(PATIENCE)
        elif through == "thread":
            thread.join(PATIENCE)
        pool.shutdown()
        parent, child = sorted(seen.spans, key=lambda span: span.name != "parent")
    assert (child.trace_id, child.parent_id) == (ids.trace_id, ids.span_id)
    assert (parent.trace_id, parent.span_id) == (ids.trace_id, ids.span_id)
    kept_apart([child], 1)
    how.release(client)


def _on_a_loop(carried: Any, pool: ThreadPoolExecutor, through: str) -> None:
    async def run() -> None:
        if through == "to_thread":
            await asyncio.to_thread(carried)
        else:
            await asyncio.get_running_loop().run_in_executor(pool, carried)

    asyncio.run(run())


# -- F13 --------------------------------------------------------------------------------------


def test_F13_threads_that_write_at_once_do_not_see_each_other(server: ModelServer) -> None:
    server.respond(echo)
    how, count = line("openai-chat"), 8
    client, barrier = how.make(server, False), threading.Barrier(count)
    shared = clearspan.context(metadata={"shared": "yes"})  # one object, entered by all at once

    def work(number: int) -> None:
        with shared, about(number):
            for _ in range(3):
                barrier.wait(PATIENCE)
                how.ask(client, str(number))

    with captured() as seen, ThreadPoolExecutor(count) as pool:
        list(pool.map(work, range(count)))
        kept_apart(seen.spans, count * 3)
    how.release(client)


def test_F13_what_was_given_may_change_afterwards(server: ModelServer) -> None:
    server.respond(echo)
    how = line("openai-chat")
    client, tags, metadata = how.make(server, False), ["tag-1"], {"a": "1"}
    with captured() as seen:
        with clearspan.context(session="session-1", user="user-1", tags=tags, metadata=metadata):
            tags.append("later")
            metadata["later"] = "yes"
            how.ask(client, "1")
        tags.clear()
        kept_apart(seen.spans, 1)
    assert "later" not in repr(seen.spans[0].attributes)
    how.release(client)


# -- F14 --------------------------------------------------------------------------------------

_mark: contextvars.ContextVar[str] = contextvars.ContextVar("mark", default="unset")


@every_chat
@pytest.mark.parametrize("decorated", [False, True], ids=["client", "decorated"])
def test_F14_every_step_of_a_stream_runs_in_the_readers_task_and_context(
    how: Line, decorated: bool, server: ModelServer
) -> None:
    server.respond(Reply(TEXT, chunks=PIECES))
    tasks: list[Any] = []
    begun: list[int] = []

    def counted(loop: Any, coroutine: Any, **given: Any) -> Any:
        begun[-1] += 1
        return asyncio.Task(coroutine, loop=loop, **given)

    async def scenario() -> tuple[list[Any], int]:
        tasks.clear()
        client = how.make(server, True)

        @clearspan.task
        async def stepping() -> Any:
            async for chunk in await how.ask(client, ASKED, stream=True):
                tasks.append(asyncio.current_task())
                yield chunk
                tasks.append(asyncio.current_task())
                assert _mark.get() == "the reader's"

        before = len(asyncio.all_tasks())
        stream = stepping() if decorated else await how.ask(client, ASKED, stream=True)
        _mark.set("the reader's")
        begun.append(0)
        asyncio.get_running_loop().set_task_factory(counted)
        with anyio.move_on_after(
            PATIENCE
        ) as scope:  # a scope must be left by the task that entered it
            async with asyncio.timeout(PATIENCE) if hasattr(asyncio, "timeout") else anyio.fail_after(PATIENCE):  # type: ignore[attr-defined]  # fmt: skip
                found = [chunk async for chunk in stream]
        asyncio.get_running_loop().set_task_factory(None)
        assert not scope.cancelled_caught
        assert _mark.get() == "the reader's"
        assert {id(task) for task in tasks} <= {id(asyncio.current_task())}
        more = len(asyncio.all_tasks()) - before
        await how.release(client)
        return found, more

    asyncio.run(scenario())
    with captured() as seen:
        found, more = asyncio.run(scenario())
    assert "".join(map(how.delta, found)) == TEXT
    alone, watched = begun  # clients begin some themselves, to connect
    assert watched == alone
    assert more == 0
    assert seen.open_calls == 0


@every_chat
@pytest.mark.parametrize("by", ["scope", "timeout", "wait_for"])
def test_F14_a_deadline_stops_a_stream_and_nothing_else(
    how: Line, by: str, server: ModelServer
) -> None:
    server.respond(Reply(TEXT, chunks=PIECES, chunk_delay=10 * PATIENCE))

    async def scenario() -> str:
        client = how.make(server, True)
        stream = await how.ask(client, ASKED, stream=True)

        async def read() -> None:
            async for _ in stream:
                continue

        told = "not stopped"
        if by == "scope":
            with anyio.move_on_after(0.05) as scope:
                await read()
            told = "stopped" if scope.cancelled_caught else told
        elif by == "timeout":
            try:
                with anyio.fail_after(0.05):
                    await read()
            except TimeoutError:
                told = "stopped"
        else:
            try:
                await asyncio.wait_for(read(), 0.05)
            except asyncio.TimeoutError:
                told = "stopped"
        task = asyncio.current_task()
        assert task is not None
        assert not getattr(task, "cancelling", int)()
        await how.release(client)
        return told

    with captured() as seen:
        assert asyncio.run(scenario()) == "stopped"
        gc.collect()
        (span,) = seen.spans
    assert span.attributes["clearspan.outcome"] == "cancelled"
    assert span.status == "UNSET"


# -- F15 --------------------------------------------------------------------------------------

_NO_LOOP_OF_OURS = """
import asyncio, socket, sys, threading, time
import clearspan
from clearspan.testing import ModelServer, Reply
from tests.faults.kit import ASKED, line

hole = socket.create_server(("127.0.0.1", 0))  # takes connections and never answers
clearspan.init(endpoint=f"http://127.0.0.1:{hole.getsockname()[1]}", hardware="off", export_interval=0.05)
how = line(sys.argv[1])
main, forbidden = threading.get_ident(), []

def refuse(name, inner):
    def asked(*args, **kwargs):
        if threading.get_ident() == main and watched:
            frame = sys._getframe(1)
            # Who asked, below the standard library: the client, or we?
            while not {"site-packages", "clearspan", "<string>"} & set(frame.f_code.co_filename.split("/")):
                frame = frame.f_back
            if "clearspan" in frame.f_code.co_filename and "clearspan/testing" not in frame.f_code.co_filename:
                forbidden.append((name, frame.f_code.co_name))
        return inner(*args, **kwargs)
    return asked

watched = False
asyncio.run, real_run = refuse("run", asyncio.run), asyncio.run
asyncio.new_event_loop = refuse("new_event_loop", asyncio.new_event_loop)
threading.Thread.join = refuse("join", threading.Thread.join)
threading.Event.wait = refuse("wait", threading.Event.wait)
threading.Condition.wait = refuse("condition", threading.Condition.wait)
socket.socket.connect = refuse("connect", socket.socket.connect)
socket.socket.sendall = refuse("sendall", socket.socket.sendall)
time.sleep = refuse("sleep", time.sleep)

async def program():
    global watched
    with ModelServer() as server:
        server.respond(Reply("one two three"))
        client = how.make(server, True)
        await how.ask(client, ASKED)  # the first call starts our threads, which is waited for once
        watched = True
        for number in range(6):
            # An image of a megabyte, inline, in the middle of a running loop.
            await how.ask(client, ASKED + "data:image/png;base64," + "A" * 1_000_000)
            async for _ in await how.ask(client, ASKED, stream=True):
                pass
        watched = False
        await how.release(client)

real_run(program())
print(forbidden)
hole.close()
"""


@pytest.mark.parametrize("name", ["openai-chat", "ollama-chat"])
def test_F15_nothing_of_ours_waits_connects_or_runs_a_loop_on_the_callers_thread(name: str) -> None:
    done = ran(_NO_LOOP_OF_OURS, name)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


def test_F15_sync_and_async_calls_inside_a_running_loop(server: ModelServer, side: Side) -> None:
    server.respond(echo)
    how = line("openai-chat")

    async def scenario() -> None:
        sync, later = how.make(server, False), how.make(server, True)
        how.ask(sync, "sync")
        [None for _ in how.ask(sync, "sync", stream=True)]
        await how.ask(later, "later")
        how.release(sync)
        await how.release(later)

    with captured() as seen:
        asyncio.run(scenario())
        assert len(seen.spans) == 3
    assert side.do(None) is None


# -- F16 --------------------------------------------------------------------------------------


@every_chat
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_F16_what_judges_later_judges_that_very_call(
    how: Line, stream: bool, server: ModelServer, side: Side
) -> None:
    server.respond(echo)
    let_go, threads = threading.Event(), set[str]()

    def slow_length(invocation: Any) -> float:
        assert let_go.wait(PATIENCE)
        threads.add(threading.current_thread().name)
        return float(len(invocation.output_text))

    client = how.make(server, side.asynchronous)
    texts = ["a", "bbb", "ccccc"]
    with captured(evaluators=[slow_length]) as seen:
        for text in texts:
            with clearspan.invocation("request"):
                found = side.do(how.ask(client, text, stream=stream))
                side.take(found) if stream else None
        let_go.set()
        spans = [span for span in seen.spans if span.name != "request"]
        events = [event for event in seen.events if event.name == "gen_ai.evaluation.result"]
        scores = {
            (event.trace_id, event.span_id): event.attributes["gen_ai.evaluation.score.value"]
            for event in events
        }
    assert {
        (span.trace_id, span.span_id): len(said(span)) for span in spans
    }.items() <= scores.items()
    assert len({span.trace_id for span in spans}) == len(texts)
    assert threading.current_thread().name not in threads
    side.do(how.release(client))
