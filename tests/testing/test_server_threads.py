from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import openai
import pytest

from clearspan.testing.server import ModelServer, Reply, ToolCall
from tests.testing.server_client import Caller

if TYPE_CHECKING:
    from collections.abc import Iterator

# The client marks the whole surface as retired.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

RUN = {"assistant_id": "asst_1", "model": "gpt-4o"}
WEATHER = Reply(tool_calls=[ToolCall("weather", {"city": "Rome"}, id="call_1")])


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as running:
        yield running


@pytest.fixture
def client(server: ModelServer) -> Iterator[Any]:
    with Caller(server, asynchronous=False).client() as made:
        yield made


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def call(server: ModelServer, request: pytest.FixtureRequest) -> Caller:
    return Caller(server, asynchronous=request.param)


@pytest.fixture
def thread(call: Caller) -> str:
    made = call("beta.threads.create", messages=[{"role": "user", "content": "Where is Rome?"}])
    return str(made.id)


def names(events: list[Any]) -> list[str]:
    return [event.event.removeprefix("thread.") for event in events]


def messages(client: Any, thread: str) -> list[tuple[str, str]]:
    found = client.beta.threads.messages.list(thread).data
    return [(item.role, item.content[0].text.value) for item in found]


def test_assistants_threads_and_messages(client: Any, call: Caller, thread: str) -> None:
    assistant = call("beta.assistants.create", model="gpt-4o", name="Guide")
    assert (assistant.model, assistant.name) == ("gpt-4o", "Guide")
    assert call("beta.threads.retrieve", thread).id == thread
    call("beta.threads.messages.create", thread, role="user", content="And Paris?")
    assert messages(client, thread) == [("user", "And Paris?"), ("user", "Where is Rome?")]
    with pytest.raises(openai.NotFoundError):
        call("beta.threads.messages.create", "thread_none", role="user", content="And Paris?")
    with pytest.raises(openai.NotFoundError):
        call("beta.threads.retrieve", "thread_none")


def test_a_run_is_queued_and_then_done(client: Any, call: Caller, thread: str) -> None:
    more = [{"role": "user", "content": "Quickly."}]
    made = call("beta.threads.runs.create", thread, **RUN, additional_messages=more)
    assert (made.status, made.usage) == ("queued", None)
    done = call("beta.threads.runs.retrieve", made.id, thread_id=thread)
    assert (done.status, done.model, done.assistant_id) == ("completed", "gpt-4o", "asst_1")
    assert (done.usage.prompt_tokens, done.usage.completion_tokens) == (4, 3)
    assert messages(client, thread)[0] == ("assistant", "You said: Quickly.")
    with pytest.raises(openai.NotFoundError):
        call("beta.threads.runs.retrieve", "run_none", thread_id=thread)


def test_polling_is_told_to_be_quick(call: Caller, thread: str) -> None:
    done = call("beta.threads.runs.create_and_poll", thread_id=thread, **RUN)
    assert done.status == "completed"


def test_tools_are_asked_for_and_answered(
    server: ModelServer, client: Any, call: Caller, thread: str
) -> None:
    server.script(WEATHER)
    paused = call("beta.threads.runs.create_and_poll", thread_id=thread, **RUN)
    assert (paused.status, paused.usage) == ("requires_action", None)
    [tool] = paused.required_action.submit_tool_outputs.tool_calls
    assert (tool.id, tool.function.arguments) == ("call_1", '{"city":"Rome"}')
    outputs = [{"tool_call_id": tool.id, "output": "Sunny."}]
    submit = "beta.threads.runs.submit_tool_outputs"
    assert call(submit, paused.id, thread_id=thread, tool_outputs=outputs).status == "queued"
    done = call("beta.threads.runs.retrieve", paused.id, thread_id=thread)
    assert (done.status, done.required_action) == ("completed", None)
    assert messages(client, thread)[0] == ("assistant", "The tool answered: Sunny.")


def test_a_streamed_run(call: Caller, thread: str) -> None:
    events = call.stream("beta.threads.runs.create", thread, **RUN)
    assert names(events) == [
        "run.created",
        "run.queued",
        "run.in_progress",
        "run.step.created",
        "run.step.in_progress",
        "message.created",
        "message.in_progress",
        *["message.delta"] * 5,
        "message.completed",
        "run.step.completed",
        "run.completed",
    ]
    deltas = [event.data.delta.content[0].text.value for event in events[7:12]]
    assert "".join(deltas) == "You said: Where is Rome?"
    assert events[-1].data.usage.total_tokens == 8


def test_streamed_tools(server: ModelServer, call: Caller, thread: str) -> None:
    server.script(WEATHER)
    events = call.stream("beta.threads.runs.create", thread, **RUN)
    assert names(events)[-1] == "run.requires_action"
    steps = [event.data for event in events if event.event == "thread.run.step.delta"]
    parts = [step.delta.step_details.tool_calls[0].function for step in steps]
    assert parts[0].name == "weather"
    assert "".join(part.arguments for part in parts) == '{"city":"Rome"}'
    outputs = [{"tool_call_id": "call_1", "output": "Sunny."}]
    submit = "beta.threads.runs.submit_tool_outputs"
    run = events[-1].data.id
    more = call.stream(submit, run, thread_id=thread, tool_outputs=outputs)
    assert names(more)[-1] == "run.completed"
    assert more[-1].data.id == run


def test_create_and_run(client: Any, call: Caller) -> None:
    thread = {"messages": [{"role": "user", "content": "Where is Rome?"}]}
    made = call("beta.threads.create_and_run", thread=thread, **RUN)
    assert messages(client, made.thread_id)[0][0] == "assistant"
    events = call.stream("beta.threads.create_and_run", thread=thread, **RUN)
    assert names(events)[:2] == ["created", "run.created"]
    assert names(events)[-1] == "run.completed"


@pytest.mark.parametrize(("reason", "status"), [("length", "incomplete"), ("failed", "failed")])
def test_unhappy_runs(
    server: ModelServer, call: Caller, thread: str, reason: str, status: str
) -> None:
    server.script(Reply("Rome", finish_reason=reason))
    done = call("beta.threads.runs.create_and_poll", thread_id=thread, **RUN)
    assert done.status == status
    assert (done.last_error is not None) is (status == "failed")
    assert (done.incomplete_details is not None) is (status == "incomplete")


def test_the_stream_helper_accumulates(call: Caller, thread: str) -> None:
    async def text() -> str:
        async with call.client() as client:
            async with client.beta.threads.runs.stream(thread_id=thread, **RUN) as stream:
                parts = [part async for part in stream.text_deltas]
        return "".join(parts)

    if call.asynchronous:
        assert asyncio.run(text()) == "You said: Where is Rome?"
        return
    with call.client() as client:
        with client.beta.threads.runs.stream(thread_id=thread, **RUN) as stream:
            assert "".join(stream.text_deltas) == "You said: Where is Rome?"
