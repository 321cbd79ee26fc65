from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pydantic
import pytest
from openai.resources.responses import Responses

from clearspan.testing.server import ModelServer, Reply, ToolCall
from tests.testing.server_client import Caller

if TYPE_CHECKING:
    from collections.abc import Iterator

CREATE = "responses.create"
ASKED = {"model": "gpt-4o", "input": "Where is Rome?"}


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


def kinds(events: list[Any]) -> list[str]:
    return [event.type for event in events]


def test_unscripted_answer(call: Caller) -> None:
    answer = call(CREATE, **ASKED, instructions="Be short.", metadata={"a": "b"}, temperature=0.5)
    assert answer.output_text == "You said: Where is Rome?"
    assert (answer.status, answer.id) == ("completed", "resp_00000001")
    assert (answer.instructions, answer.metadata) == ("Be short.", {"a": "b"})
    assert answer.temperature == 0.5
    usage = answer.usage
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (5, 5, 10)
    assert usage.input_tokens_details.cached_tokens == 0
    assert usage.output_tokens_details.reasoning_tokens == 0


def test_input_items_are_read(call: Caller) -> None:
    items = [
        {"role": "developer", "content": "Be short."},
        {"role": "user", "content": [{"type": "input_text", "text": "Hello there"}]},
    ]
    assert call(CREATE, model="gpt-4o", input=items).output_text == "You said: Hello there"
    items.append({"type": "function_call_output", "call_id": "call_1", "output": "42 km"})
    assert call(CREATE, model="gpt-4o", input=items).output_text == "The tool answered: 42 km"


def test_the_stream_runs_through_the_whole_sequence(call: Caller) -> None:
    events = call.stream(CREATE, **ASKED)
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(deltas) == "You said: Where is Rome?"
    assert kinds(events) == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        *["response.output_text.delta"] * 5,
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[0].response.usage is None
    assert events[-1].response.output_text == "You said: Where is Rome?"
    assert events[-1].response.usage.total_tokens == 8


def test_reasoning_text_and_tools_in_one_answer(server: ModelServer, call: Caller) -> None:
    tool = ToolCall("weather", {"city": "Rome"})
    reply = Reply("Let me look.", reasoning="It is in Italy.", tool_calls=[tool])
    server.script(reply, reply)
    output = call(CREATE, **ASKED).output
    assert [item.type for item in output] == ["reasoning", "message", "function_call"]
    assert output[0].summary[0].text == "It is in Italy."
    assert (output[2].name, output[2].arguments) == ("weather", '{"city":"Rome"}')
    events = call.stream(CREATE, **ASKED)
    thought = [e.delta for e in events if e.type == "response.reasoning_summary_text.delta"]
    asked = [e.delta for e in events if e.type == "response.function_call_arguments.delta"]
    assert ("".join(thought), "".join(asked)) == ("It is in Italy.", '{"city":"Rome"}')
    assert [e.output_index for e in events if e.type == "response.output_item.done"] == [0, 1, 2]
    final = events[-1].response
    assert [item.type for item in final.output] == ["reasoning", "message", "function_call"]
    assert final.usage.output_tokens_details.reasoning_tokens == 4


def test_tools_alone_make_no_message(server: ModelServer, call: Caller) -> None:
    server.script(Reply(tool_calls=[ToolCall("now")]))
    [item] = call(CREATE, **ASKED).output
    assert (item.type, item.name, item.arguments) == ("function_call", "now", "{}")


def test_refusal(server: ModelServer, call: Caller) -> None:
    server.script(Reply(refusal="I will not."), Reply(refusal="I will not."))
    assert call(CREATE, **ASKED).output[0].content[0].refusal == "I will not."
    events = call.stream(CREATE, **ASKED)
    refused = [event.delta for event in events if event.type == "response.refusal.delta"]
    assert "".join(refused) == "I will not."
    assert "response.refusal.done" in kinds(events)


@pytest.mark.parametrize(
    ("reason", "status", "detail"),
    [
        ("length", "incomplete", "max_output_tokens"),
        ("content_filter", "incomplete", "content_filter"),
        ("failed", "failed", None),
    ],
)
def test_unhappy_ends(
    server: ModelServer, call: Caller, reason: str, status: str, detail: str | None
) -> None:
    server.script(Reply("Rome", finish_reason=reason), Reply("Rome", finish_reason=reason))
    answer = call(CREATE, **ASKED)
    assert answer.status == status
    assert (answer.incomplete_details and answer.incomplete_details.reason) == detail
    assert (answer.error is not None) is (status == "failed")
    assert kinds(call.stream(CREATE, **ASKED))[-1] == f"response.{status}"


def test_the_own_answer_keeps_to_the_token_limit(call: Caller) -> None:
    answer = call(CREATE, **ASKED, max_output_tokens=2)
    assert (answer.output_text, answer.status) == ("You said:", "incomplete")


def test_logprobs_when_included(call: Caller) -> None:
    asked = {**ASKED, "include": ["message.output_text.logprobs"], "top_logprobs": 2}
    part = call(CREATE, **asked).output[0].content[0]
    assert "".join(entry.token for entry in part.logprobs) == part.text
    assert all(len(entry.top_logprobs) == 2 for entry in part.logprobs)
    events = [e for e in call.stream(CREATE, **asked) if e.type == "response.output_text.delta"]
    assert [event.logprobs[0].token for event in events] == [event.delta for event in events]


class Trip(pydantic.BaseModel):
    city: str
    days: int


def test_structured_output(client: Any) -> None:
    answer = client.responses.parse(**ASKED, text_format=Trip)
    assert answer.output_parsed == Trip(city="text", days=0)
    with client.responses.stream(**ASKED, text_format=Trip) as stream:
        assert stream.get_final_response().output_parsed == Trip(city="text", days=0)


def test_retrieve_gives_what_was_made(call: Caller) -> None:
    made = call(CREATE, **ASKED)
    again = call("responses.retrieve", made.id)
    assert again.to_dict() == made.to_dict()


def test_retrieve_resumes_the_stream(call: Caller) -> None:
    whole = call.stream(CREATE, **ASKED)
    name = whole[-1].response.id
    again = call.stream("responses.retrieve", name)
    assert [event.to_dict() for event in again] == [event.to_dict() for event in whole]
    rest = call.stream("responses.retrieve", name, starting_after=4)
    assert [event.to_dict() for event in rest] == [event.to_dict() for event in whole[5:]]


def test_background_is_queued_first(call: Caller) -> None:
    queued = call(CREATE, **ASKED, background=True)
    assert (queued.status, queued.output, queued.usage) == ("queued", [], None)
    assert call("responses.retrieve", queued.id).status == "completed"
    assert kinds(call.stream(CREATE, **ASKED, background=True))[:3] == [
        "response.created",
        "response.queued",
        "response.in_progress",
    ]


def test_cancel(call: Caller) -> None:
    queued = call(CREATE, **ASKED, background=True)
    assert call("responses.cancel", queued.id).status == "cancelled"
    assert call("responses.retrieve", queued.id).status == "cancelled"


@pytest.mark.parametrize("name", ["responses.retrieve", "responses.cancel"])
def test_unknown_responses_are_not_found(call: Caller, name: str) -> None:
    with pytest.raises(openai.NotFoundError, match="resp_none"):
        call(name, "resp_none")


def test_nothing_is_kept_with_store_off(call: Caller) -> None:
    made = call(CREATE, **ASKED, store=False)
    with pytest.raises(openai.NotFoundError):
        call("responses.retrieve", made.id)


@pytest.mark.skipif(not hasattr(Responses, "compact"), reason="this openai cannot compact")
def test_compact(call: Caller) -> None:
    items = [{"role": "user", "content": "Hello there"}, {"role": "assistant", "content": "Hi"}]
    made = call("responses.compact", model="gpt-4o", input=items)
    assert made.object == "response.compaction"
    assert [item.type for item in made.output] == ["compaction"]
    assert made.usage.input_tokens == 3


def test_output_of_other_kinds_can_be_given_whole(server: ModelServer, call: Caller) -> None:
    search = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    search["action"] = {"type": "search", "query": "Rome"}
    server.script(*[Reply("x", extra={"output": [search]})] * 2)
    assert call(CREATE, **ASKED).output[0].type == "web_search_call"
    events = call.stream(CREATE, **ASKED)
    assert [e.item.status for e in events if hasattr(e, "item")] == ["in_progress", "completed"]


def test_azure_path(server: ModelServer, call: Caller) -> None:
    call.azure = True
    assert call(CREATE, **ASKED).output_text == "You said: Where is Rome?"
    assert server.requests[0].path == "/openai/responses"
