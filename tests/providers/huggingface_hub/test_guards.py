"""Guards around an inference client: chats, text generation and the single tasks; whole and streamed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from clearspan.assess.guard import Blocked
from clearspan.providers.huggingface_hub import speech
from clearspan.testing import Json, Reply, ToolCall, captured
from tests.assess.guard.kit import SAYS_SECRET, SECRET, Keys, Rude, guard, guarded
from tests.providers.huggingface_hub.kit import made, only, release

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clearspan.testing import ModelServer
    from tests.providers.side import Side

FIRM = "I cannot say that."
CHAT: dict[str, Any] = {"messages": [{"role": "user", "content": f"Keep {SECRET}"}]}
ROUTES = pytest.mark.parametrize(
    ("route", "given"),
    [
        ("chat_completion", CHAT),
        ("text_generation", {"prompt": f"Keep {SECRET}"}),
        ("text_generation", {"prompt": f"Keep {SECRET}", "details": True}),
    ],
    ids=["chat", "text", "details"],
)
STREAMED = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


@pytest.fixture
def client(server: ModelServer, side: Side) -> Iterator[Any]:
    opened = made(server.origin, asynchronous=side.asynchronous)
    yield opened
    side.do(release(opened))


def ask(side: Side, client: Any, route: str, given: Any, *, stream: bool = False) -> Any:
    answer = side.do(getattr(client, route)(**given, stream=stream))
    return side.take(answer) if stream else answer


def body(server: ModelServer) -> Any:
    """What was sent last."""
    return server.requests[-1].json


def said(answer: Any) -> str:
    if isinstance(answer, list):
        return "".join(map(_piece, answer))
    if isinstance(answer, str):
        return answer
    told = answer.get("generated_text")
    return str(answer.choices[0].message.content if told is None else told)


def _piece(item: Any) -> str:
    if isinstance(item, str):
        return item
    if "token" in item:
        return str(item.token.text)
    return str(item.choices[0].delta.content or "") if item.choices else ""


def data(answer: Any) -> str:
    """All that an answer holds, as items and as attributes."""
    items = answer if isinstance(answer, list) else [answer]
    return "".join(f"{type(item)}{item!r}{dict(item) if isinstance(item, dict) else ''}" for item in items)  # fmt: skip


@ROUTES
@STREAMED
def test_a_redacting_guard_takes_it_out_both_ways(side: Side, client: Any, server: ModelServer, route: str, given: Any, stream: bool) -> None:  # fmt: skip
    server.script(Reply(SAYS_SECRET, chunks=list(SAYS_SECRET)))
    with captured() as seen, guarded(guard(Keys(), on_fail="redact")) as told:
        answer = ask(side, client, route, given, stream=stream)
    assert SECRET not in server.requests[-1].body.decode()
    assert SECRET in str(given)
    assert said(answer) == SAYS_SECRET.replace(SECRET, "<KEY>")
    assert SECRET not in data(answer)
    assert told.actions == ["redact", "redact"]
    assert SECRET not in only(seen).attributes["gen_ai.output.messages"]


@ROUTES
@STREAMED
@pytest.mark.parametrize("phase", ["input", "output"])
def test_a_blocking_guard_stops_the_call(side: Side, client: Any, server: ModelServer, route: str, given: Any, stream: bool, phase: str) -> None:  # fmt: skip
    server.script(Reply(SAYS_SECRET, chunks=list(SAYS_SECRET)))
    got: list[Any] = []
    with captured() as seen, guarded(guard(Keys(), phase)), pytest.raises(Blocked):  # noqa: PT012
        answer = side.do(getattr(client, route)(**given, stream=stream))
        while True:
            got += side.take(answer, 1)
    assert "sk" not in said(got)
    assert len(server.requests) == (phase == "output")
    assert only(seen).attributes["error.type"] == "clearspan.Blocked"
    assert server.wait_idle()


@ROUTES
@STREAMED
@pytest.mark.parametrize("phase", ["input", "output"])
def test_a_canned_reply_is_of_the_clients_own_type(side: Side, client: Any, server: ModelServer, route: str, given: Any, stream: bool, phase: str) -> None:  # fmt: skip
    own = ask(side, client, route, given, stream=stream)
    server.script(Reply(SAYS_SECRET))
    with captured(), guarded(guard(Keys(), phase, reply=FIRM)):
        answer = ask(side, client, route, given, stream=stream)
    assert {type(item) for item in (answer if stream else [answer])} == {type(item) for item in (own if stream else [own])}  # fmt: skip
    assert said(answer).endswith(FIRM)
    assert SECRET not in data(answer)


@ROUTES
@STREAMED
def test_guards_that_find_nothing_change_nothing(side: Side, client: Any, server: ModelServer, route: str, given: Any, stream: bool) -> None:  # fmt: skip
    found: list[Any] = []
    clean = {**given, "messages": [{"role": "user", "content": "Hi"}]} if "messages" in given else {**given, "prompt": "Hi"}  # fmt: skip
    for active in ([], [guard(Keys(), on_fail="redact"), guard(Rude())]):
        server.script(
            Reply("All is well. It is fine! Nothing else to say, is there? No.", usage=False)
        )
        with captured(), guarded(*active):
            answer = ask(side, client, route, clean, stream=stream)
        found.append(([said([item]) if stream else said(item) for item in (answer if stream else [answer])], server.requests[-1].body))  # fmt: skip
    assert found[0] == found[1]


@STREAMED
def test_arguments_of_tool_calls_are_text(side: Side, client: Any, server: ModelServer, stream: bool) -> None:  # fmt: skip
    server.script(Reply(tool_calls=[ToolCall("f", {"to": SECRET}), ToolCall("g", {"to": SECRET})]))
    with captured(), guarded(guard(Keys(), "output", "redact")):
        answer = ask(side, client, "chat_completion", {"messages": [{"role": "user", "content": "Hi"}]}, stream=stream)  # fmt: skip
    assert SECRET not in data(answer)
    assert "<KEY>" in data(answer)


def test_messages_that_can_be_read_once_are_read_for_the_client(side: Side, client: Any, server: ModelServer) -> None:  # fmt: skip
    with captured(), guarded(guard(Keys(), "input", "redact")):
        side.do(client.chat_completion(iter(CHAT["messages"])))
    assert body(server)["messages"] == [{"role": "user", "content": "Keep <KEY>"}]


def test_details_of_another_form_do_not_tell_it(side: Side, client: Any, server: ModelServer) -> None:  # fmt: skip
    """The best of several sequences is told of beside the others, token by token."""
    token = {"id": 1, "logprob": -1.0, "special": False, "text": SECRET}
    details = {"finish_reason": "length", "generated_tokens": 1, "prefill": [], "tokens": [token], "best_of_sequences": [{"generated_text": SECRET}]}  # fmt: skip
    server.script(Json([{"generated_text": SECRET, "details": details}]))
    with captured(), guarded(guard(Keys(), "output", "redact")):
        answer = ask(side, client, "text_generation", {"prompt": "Hi", "details": True})
    assert SECRET not in data(answer)
    assert answer.generated_text == "<KEY>"
    assert answer.details.generated_tokens == 1


def test_single_tasks(side: Side, client: Any, server: ModelServer) -> None:
    server.script(*[Json([{"summary_text": SECRET}])] * 2)
    with captured(), guarded(guard(Keys(), on_fail="redact")):
        assert side.do(client.summarization(f"Keep {SECRET}")).summary_text == "<KEY>"
        assert body(server)["inputs"] == "Keep <KEY>"
    with captured(), guarded(guard(Keys(), "output", reply=FIRM)):
        assert side.do(client.summarization("Hi")).summary_text == FIRM
    with captured(), guarded(guard(Keys(), "input", reply=FIRM)), pytest.raises(Blocked):
        side.do(client.summarization(SECRET))
    server.script(Json([[{"label": "good", "score": 1.0}]]))
    with captured(), guarded(guard(Keys(), on_fail="redact")):
        assert side.do(client.text_classification(f"Keep {SECRET}"))[0].label == "good"
    assert body(server)["inputs"] == "Keep <KEY>"


def test_what_says_nothing_has_no_texts() -> None:
    chunk = speech.GENERATION.chunk
    assert chunk is not None
    assert list(speech.GENERATION.answered({"details": {}})) == []
    assert list(chunk({"token": {"text": ""}})) == []
    assert list(speech.writing("summary_text", "text").answered({"summary_text": ""})) == []


@STREAMED
@pytest.mark.parametrize("phase", ["input", "output"])
def test_where_json_is_asked_for_no_text_stands_in_its_place(side: Side, client: Any, server: ModelServer, stream: bool, phase: str) -> None:  # fmt: skip
    server.script(Reply(f'{{"note": "{SECRET}"}}'))
    form: Any = {"type": "json_object"}
    with captured(), guarded(guard(Keys(), phase, reply=FIRM)), pytest.raises(Blocked):
        ask(side, client, "chat_completion", {**CHAT, "response_format": form}, stream=stream)


@STREAMED
def test_every_canned_chat_has_an_id_of_its_own(side: Side, client: Any, stream: bool) -> None:
    with captured(), guarded(guard(Keys(), "input", reply=FIRM)):
        answers = [ask(side, client, "chat_completion", CHAT, stream=stream) for _ in range(2)]
    ids = [{item.id for item in (answer if stream else [answer])} for answer in answers]
    assert [len(each) for each in ids] == [1, 1]
    assert ids[0] != ids[1]


def test_the_cells_of_a_table_are_looked_at(side: Side, client: Any, server: ModelServer) -> None:
    table = {"name": ["one", SECRET], SECRET: ["two", "three"]}
    with captured(), guarded(guard(Keys(), "input", "redact")):
        server.script(Json({"answer": "one", "coordinates": [[0, 0]], "cells": ["one"], "aggregator": "NONE"}))  # fmt: skip
        side.do(client.table_question_answering(table=table, query=f"who is {SECRET}?"))
    sent = server.requests[-1].body.decode()
    assert SECRET not in sent
    assert sent.count("<KEY>") == 3
    assert table[SECRET] == ["two", "three"]
