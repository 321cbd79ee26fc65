"""Guards around an ollama client: chats, completions, embeddings; whole and streamed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import ollama
import pytest

from clearspan.assess.guard import Blocked
from clearspan.provider import Call
from clearspan.providers.ollama.speech import SPEECH
from clearspan.testing import Reply, ToolCall, captured
from tests.assess.guard.kit import SAYS_SECRET, SECRET, Keys, Rude, guard, guarded
from tests.providers.ollama.kit import THINKS, only, sent

if TYPE_CHECKING:
    from clearspan.testing import ModelServer
    from tests.providers.side import Side

FIRM = "I cannot say that."
ASKED: dict[str, dict[str, Any]] = {
    "chat": {"messages": [{"role": "user", "content": f"Keep {SECRET}"}]},
    "generate": {"prompt": f"Keep {SECRET}"},
}
ROUTES = pytest.mark.parametrize("route", ASKED)
STREAMED = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


def ask(side: Side, client: Any, route: str, **given: Any) -> Any:
    return sent(side, client, route, model="m", **{**ASKED[route], **given})


def body(server: ModelServer) -> Any:
    """What was sent last."""
    return server.requests[-1].json


def said(answer: Any) -> str:
    items = answer if isinstance(answer, list) else [answer]
    return "".join((item.message.content if "message" in item else item.response) or "" for item in items)  # fmt: skip


def data(answer: Any) -> Any:
    items = answer if isinstance(answer, list) else [answer]
    dumped = [(type(item), item.model_dump()) for item in items]
    for _, one in dumped:
        for name in ("created_at", "total_duration", "load_duration", "prompt_eval_duration", "eval_duration"):  # fmt: skip
            one.pop(name)
    return dumped


@ROUTES
@STREAMED
def test_a_redacting_guard_takes_it_out_both_ways(side: Side, client: Any, server: ModelServer, route: str, stream: bool) -> None:  # fmt: skip
    server.script(Reply(SAYS_SECRET, chunks=list(SAYS_SECRET)))
    with captured() as seen, guarded(guard(Keys(), on_fail="redact")) as told:
        answer = ask(side, client, route, stream=stream)
    assert SECRET not in server.requests[-1].body.decode()
    assert said(answer) == SAYS_SECRET.replace(SECRET, "<KEY>")
    assert SECRET not in str(data(answer))
    assert told.actions == ["redact", "redact"]
    assert SECRET not in only(seen).attributes["gen_ai.output.messages"]


def test_messages_of_the_clients_own_class_are_left_alone(side: Side, client: Any, server: ModelServer) -> None:  # fmt: skip
    calls: Any = [{"function": {"name": "f", "arguments": {"deep": {"to": SECRET}}}}]
    messages = [
        ollama.Message(role="system", content=f"Say {SECRET}"),
        ollama.Message(role="user", content=f"Keep {SECRET}"),
        ollama.Message(role="assistant", tool_calls=calls),
        ollama.Message(role="tool", content=f"result {SECRET}", tool_name="f"),
    ]  # fmt: skip
    with captured(), guarded(guard(Keys(), "input", "redact")):
        sent(side, client, "chat", model="m", messages=messages)
    text = json.dumps(body(server))
    assert (text.count(SECRET), text.count("<KEY>")) == (1, 3)
    assert messages[1].content == f"Keep {SECRET}"
    with captured(), guarded(guard(Keys(), "input", "redact", trusted=True)):
        sent(side, client, "generate", model="m", prompt="Hi", system=f"Say {SECRET}")
    assert SECRET not in server.requests[-1].body.decode()


@ROUTES
@STREAMED
@pytest.mark.parametrize("phase", ["input", "output"])
def test_a_blocking_guard_stops_the_call(side: Side, client: Any, server: ModelServer, route: str, stream: bool, phase: str) -> None:  # fmt: skip
    server.script(Reply(SAYS_SECRET, chunks=list(SAYS_SECRET)))
    got: list[Any] = []
    with captured() as seen, guarded(guard(Keys(), phase)), pytest.raises(Blocked):  # noqa: PT012
        answer = side.do(getattr(client, route)(model="m", stream=stream, **ASKED[route]))
        while True:
            got += side.take(answer, 1)
    assert "sk" not in said(got)
    assert len(server.requests) == (phase == "output")
    assert only(seen).attributes["error.type"] == "clearspan.Blocked"
    assert server.wait_idle()


@ROUTES
@STREAMED
@pytest.mark.parametrize("phase", ["input", "output"])
def test_a_canned_reply_is_of_the_clients_own_type(side: Side, client: Any, server: ModelServer, route: str, stream: bool, phase: str) -> None:  # fmt: skip
    server.script(Reply(SAYS_SECRET))
    with captured(), guarded(guard(Keys(), phase, reply=FIRM)):
        raw = side.do(getattr(client, route)(model="m", stream=stream, **ASKED[route]))
        answer: Any = side.take(raw) if stream else raw
    kind = ollama.ChatResponse if route == "chat" else ollama.GenerateResponse
    assert all(type(item) is kind for item in (answer if stream else [answer]))
    assert said(answer).endswith(FIRM)
    assert (answer[-1] if stream else answer).done_reason == "content_filter"
    assert SECRET not in str(data(answer))


@ROUTES
@STREAMED
def test_guards_that_find_nothing_change_nothing(side: Side, client: Any, server: ModelServer, route: str, stream: bool) -> None:  # fmt: skip
    found: list[Any] = []
    clean = {"prompt": "Hello"} if route == "generate" else {"messages": [{"role": "user", "content": "Hi"}]}  # fmt: skip
    for active in ([], [guard(Keys(), on_fail="redact"), guard(Rude())]):
        server.script(Reply("All is well. It is fine! Nothing else to say, is there? No."))
        with captured(), guarded(*active):
            answer = ask(side, client, route, stream=stream, **clean)
        found.append((data(answer), server.requests[-1].body))
    assert found[0] == found[1]


@STREAMED
def test_thinking_and_tool_calls_are_text(side: Side, client: Any, server: ModelServer, stream: bool) -> None:  # fmt: skip
    server.script(Reply("Fine.", reasoning=f"hm {SECRET}", tool_calls=[ToolCall("f", {"to": SECRET})]))  # fmt: skip
    with captured(), guarded(guard(Keys(), "output", "redact")):
        answer = ask(side, client, "chat", stream=stream, **THINKS)
    assert SECRET not in str(data(answer))
    assert str(data(answer)).count("<KEY>") == (2 if THINKS else 1)


def test_embeddings_are_guarded_at_their_input(side: Side, client: Any, server: ModelServer) -> None:  # fmt: skip
    with captured(), guarded(guard(Keys(), on_fail="redact")):
        side.do(client.embed(model="m", input=["one", SECRET]))
        assert body(server)["input"] == ["one", "<KEY>"]
        side.do(client.embeddings(model="m", prompt=SECRET))
        assert body(server)["prompt"] == "<KEY>"
    with captured(), guarded(guard(Keys(), reply=FIRM)), pytest.raises(Blocked):
        side.do(client.embed(model="m", input=SECRET))


def test_what_runs_no_model_is_left_alone(side: Side, client: Any) -> None:
    with captured(), guarded(guard(Keys())) as told:
        with pytest.raises(ollama.ResponseError):  # the stand-in lists no models
            side.do(client.list())
    assert told == []


def test_vectors_say_nothing(side: Side, client: Any) -> None:
    call = Call(client, (), {"cls": ollama.EmbedResponse})
    assert SPEECH.pieces is not None
    assert SPEECH.pieces(call, FIRM, ()) is None


@ROUTES
@STREAMED
@pytest.mark.parametrize("phase", ["input", "output"])
def test_where_json_is_asked_for_no_text_stands_in_its_place(side: Side, client: Any, server: ModelServer, route: str, stream: bool, phase: str) -> None:  # fmt: skip
    server.script(Reply(json.dumps({"note": SECRET})))
    with captured(), guarded(guard(Keys(), phase, reply=FIRM)), pytest.raises(Blocked):
        ask(side, client, route, stream=stream, format="json")


def test_the_names_of_arguments_are_texts(side: Side, client: Any, server: ModelServer) -> None:
    server.script(Reply(tool_calls=[ToolCall("f", {"a": 1, SECRET: {"file": SECRET}})]))
    with captured(), guarded(guard(Keys(), "output", "redact")):
        answer = ask(side, client, "chat")
    assert answer.message.tool_calls[0].function.arguments == {"a": 1, "<KEY>": {"file": "<KEY>"}}
    calls: Any = [{"function": {"name": "f", "arguments": {SECRET: "x"}}}]
    given = [ollama.Message(role="assistant", tool_calls=calls)]
    with captured(), guarded(guard(Keys(), "input", "redact")):
        sent(side, client, "chat", model="m", messages=given)
    assert body(server)["messages"][0]["tool_calls"][0]["function"]["arguments"] == {"<KEY>": "x"}
    assert given[0].tool_calls is not None
    assert given[0].tool_calls[0].function.arguments == {SECRET: "x"}
