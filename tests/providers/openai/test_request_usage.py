"""`request_usage`: one field more on the wire, and nothing else that the program could notice."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import openai
import pytest

from clearspan.formats import usage_request
from clearspan.testing import captured
from clearspan.testing.server import Error, Json, Reply
from tests.providers.openai.kit import CHAT, beta, only, text

if TYPE_CHECKING:
    from clearspan.testing import ModelServer
    from tests.providers.side import Side

ASKED = {"stream_options": {"include_usage": True}}
PROMPT: dict[str, Any] = {"model": "gpt-3.5-turbo-instruct", "prompt": "Where?"}
REPLY = Reply("In Italy.", chunks=["In ", "Italy."])


def sent(server: ModelServer) -> list[Any]:
    """The bodies of the requests so far, which are forgotten."""
    bodies = [request.json for request in server.requests]
    server.reset()
    server.respond(REPLY)
    return bodies


def plain(chunks: list[Any]) -> list[Any]:
    """What does not change from call to call."""
    return [
        (type(chunk).__name__, [choice.model_dump() for choice in chunk.choices], chunk.usage)
        for chunk in chunks
    ]


def streamed(client: Any, side: Side, given: dict[str, Any]) -> list[Any]:
    home = client.completions if "prompt" in given else client.chat.completions
    return side.take(side.do(home.create(**given, stream=True)))


@pytest.mark.parametrize("given", [CHAT, PROMPT], ids=["chat", "completions"])
def test_the_usage_is_known_and_the_program_sees_what_it_would(
    server: ModelServer, client: Any, side: Side, given: dict[str, Any]
) -> None:
    server.respond(REPLY)
    before = plain(streamed(client, side, given))
    bodies = sent(server)
    with captured() as seen:
        assert plain(streamed(client, side, given)) == before
    assert sent(server) == bodies
    assert "gen_ai.usage.output_tokens" not in reported(seen)
    with captured(request_usage=True) as seen:
        assert plain(streamed(client, side, given)) == before
    assert sent(server) == [{**bodies[0], **ASKED}]
    assert reported(seen)["gen_ai.usage.output_tokens"] == 2
    assert only(seen).attributes["clearspan.response.chunk_count"] == len(before) + 1


def test_a_deployment_of_azure_is_asked_too(server: ModelServer, side: Side) -> None:
    kind = openai.AsyncAzureOpenAI if side.asynchronous else openai.AzureOpenAI
    client: Any = kind(
        azure_endpoint=server.origin,
        api_version="2025-01-01",
        api_key="unused",
        azure_deployment="mine",
    )
    server.respond(REPLY)
    with captured(request_usage=True) as seen:
        chunks = streamed(client, side, CHAT)
    side.do(client.close())
    (body,) = sent(server)
    assert body["stream_options"] == ASKED["stream_options"]
    assert all(chunk.usage is None for chunk in chunks)
    attributes = only(seen).attributes
    assert attributes["gen_ai.provider.name"] == "azure.ai.openai"
    assert attributes["gen_ai.usage.output_tokens"] == 2
    assert "clearspan.usage.source" not in attributes


def reported(seen: Any) -> dict[str, Any]:
    """The attributes of the one span, without counts that nobody reported."""
    held = dict(only(seen).attributes)
    own = "clearspan.usage.source" in held
    return {name: held[name] for name in held if not (own and name.startswith("gen_ai.usage."))}


@pytest.mark.parametrize(
    ("given", "wire"),
    [
        ({"stream_options": {"include_obfuscation": False}}, {"stream_options": {"include_obfuscation": False, "include_usage": True}}),
        ({"stream_options": None}, ASKED),
        ({"stream_options": openai.NOT_GIVEN}, ASKED),
        ({"extra_body": {"top_k": 3}}, {"top_k": 3, **ASKED}),
        ({"extra_body": {"stream_options": {"a": 1}}}, {"stream_options": {"a": 1, "include_usage": True}}),
    ],
)  # fmt: skip
def test_it_is_added_to_what_the_program_says(
    server: ModelServer, client: Any, side: Side, given: dict[str, Any], wire: dict[str, Any]
) -> None:
    server.respond(REPLY)
    kept = json.dumps(given, default=repr)
    with captured(request_usage=True):
        chunks = streamed(client, side, {**CHAT, **given})
    assert [chunk.usage for chunk in chunks] == [None] * len(chunks)
    (body,) = sent(server)
    assert body == {**CHAT, "stream": True, **wire}
    assert (
        json.dumps(given, default=repr) == kept
    )  # the program's own dictionaries are as they were


@pytest.mark.parametrize(
    "given",
    [
        {"stream_options": {"include_usage": True}},
        {"stream_options": {"include_usage": False}},
        {"extra_body": {"stream_options": {"include_usage": True}}},
    ],
)
def test_a_program_that_speaks_of_it_is_left_alone(
    server: ModelServer, client: Any, side: Side, given: dict[str, Any]
) -> None:
    server.respond(REPLY)
    before = plain(streamed(client, side, {**CHAT, **given}))
    bodies = sent(server)
    with captured(request_usage=True):
        after = plain(streamed(client, side, {**CHAT, **given}))
    assert [item[:2] for item in after] == [item[:2] for item in before]
    assert sent(server) == bodies


def test_a_whole_answer_has_its_usage_anyway(server: ModelServer, client: Any, side: Side) -> None:
    server.respond(REPLY)
    with captured(request_usage=True):
        side.do(client.chat.completions.create(**CHAT))
    assert sent(server) == [CHAT]


@pytest.mark.parametrize("form", ["with_raw_response", "with_streaming_response"])
def test_where_the_program_may_read_the_bytes_nothing_is_asked(
    server: ModelServer, client: Any, side: Side, form: str
) -> None:
    server.respond(REPLY)
    with captured(request_usage=True):
        made = getattr(client.chat.completions, form).create(**CHAT, stream=True)
        if form == "with_raw_response":
            side.take(side.do(made).parse())
        else:
            side.do(side.enter(made).read())
            side.leave(made)
    assert sent(server) == [{**CHAT, "stream": True}]


def test_the_stream_is_the_client_s_own(server: ModelServer, client: Any, side: Side) -> None:
    server.respond(REPLY)
    with captured(request_usage=True) as seen:
        stream = side.do(client.chat.completions.create(**CHAT, stream=True))
        assert type(stream) is (openai.AsyncStream if side.asynchronous else openai.Stream)
        first = side.take(stream, 1)
        rest = side.take(stream)
        assert side.take(stream) == []
        assert stream.response.is_closed
    assert all(chunk.choices for chunk in [*first, *rest])
    assert text(only(seen)) == "In Italy."


def test_a_stream_that_is_left_early(server: ModelServer, client: Any, side: Side) -> None:
    server.respond(REPLY)
    with captured(request_usage=True) as seen:
        stream = side.do(client.chat.completions.create(**CHAT, stream=True))
        side.take(stream, 2)
        side.do(stream.close())
    assert only(seen).attributes["clearspan.outcome"] == "closed"
    assert text(only(seen)) == "In "


def test_the_stream_helper_sees_no_usage_either(
    server: ModelServer, client: Any, side: Side
) -> None:
    server.respond(REPLY)
    found = []
    for wanted in (False, True):
        with captured(request_usage=wanted) as seen:
            manager = beta(client, "stream")(**CHAT)
            stream = side.enter(manager)
            events = [type(event).__name__ for event in side.take(stream)]
            final = side.do(stream.get_final_completion())
            side.leave(manager)
        found.append((events, final.usage, final.choices[0].message.content))
    assert found[0] == found[1]
    assert found[1][1:] == (None, "In Italy.")
    assert reported(seen)["gen_ai.usage.output_tokens"] == 2


def test_a_server_that_refuses_is_not_asked_again(
    server: ModelServer, client: Any, side: Side
) -> None:
    server.script(Error(400, "Unrecognized request argument supplied: stream_options"))
    with captured(request_usage=True):
        with pytest.raises(openai.BadRequestError):
            streamed(client, side, CHAT)
        assert sent(server) == [{**CHAT, "stream": True, **ASKED}]
        streamed(client, side, CHAT)
    assert sent(server) == [{**CHAT, "stream": True}]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (422, {"detail": [{"type": "extra_forbidden", "loc": ["body", "stream_options"]}]}),
        (422, {"object": "error", "message": {"detail": [{"loc": ["body", "stream_options"]}]}}),
        (400, {"error": "Unknown field stream_options"}),
        (400, {"error": {"message": "stream_options is not supported", "code": "bad"}}),
    ],
)
def test_a_refusal_is_known_in_any_form(
    server: ModelServer, client: Any, side: Side, status: int, body: Any
) -> None:
    server.script(Json(body, status=status))
    with captured(request_usage=True):
        with pytest.raises(openai.APIStatusError):
            streamed(client, side, CHAT)
        streamed(client, side, CHAT)
    assert [ASKED["stream_options"] == one.get("stream_options") for one in sent(server)] == [
        True,
        False,
    ]


def test_what_was_not_asked_was_not_refused(server: ModelServer, client: Any, side: Side) -> None:
    """A program's own mistake about the field says nothing of what the server would do."""
    server.script(Error(400, "stream_options: only allowed with stream"))
    with captured(request_usage=True):
        with pytest.raises(openai.BadRequestError):
            side.do(
                client.chat.completions.create(**CHAT, stream_options={"include_obfuscation": True})
            )
        streamed(client, side, CHAT)
    assert sent(server)[1]["stream_options"] == ASKED["stream_options"]


def test_another_refusal_changes_nothing(server: ModelServer, client: Any, side: Side) -> None:
    server.script(Error(400, "no such model"))
    with captured(request_usage=True):
        with pytest.raises(openai.BadRequestError):
            streamed(client, side, CHAT)
        sent(server)
        streamed(client, side, CHAT)
    assert sent(server) == [{**CHAT, "stream": True, **ASKED}]


def test_those_who_refused_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    known: dict[Any, None] = {(f"h{number}", 443): None for number in range(256)}
    monkeypatch.setattr(usage_request, "_refusing", known)

    class Refusal(Exception):
        response: object = None

    refusal = Refusal("stream_options: extra inputs are not permitted")
    asked = httpx.Request("POST", "https://new.example/v1")
    refusal.response = httpx.Response(422, request=asked)
    usage_request.refused(refusal)
    assert len(known) == 256
    assert ("new.example", 443) in known
    assert ("h0", 443) not in known


def test_a_body_of_another_kind_is_left_alone() -> None:
    from clearspan.draft import Draft
    from clearspan.provider import Call

    draft = Draft("chat")
    draft.wants = frozenset({"usage"})
    for given in (
        {"extra_body": object()}, {"extra_body": {"stream": False}}, {"stream_options": object()},
        {"extra_body": {"stream_options": 5}},
    ):  # fmt: skip
        kwargs: dict[str, Any] = {"stream": True, **given}
        assert usage_request.ask(draft, Call(None, (), kwargs), kwargs) is None
        assert kwargs == {"stream": True, **given}
