"""Guards around an openai client: chats, responses, completions, embeddings; whole and streamed."""

from __future__ import annotations

import copy
import inspect
import json
from typing import TYPE_CHECKING, Any

import openai
import pytest
from pydantic import BaseModel

from clearspan.assess.guard import Blocked
from clearspan.providers.openai import responses_speech, speech
from clearspan.testing import Reply, ToolCall, captured
from tests.assess.guard.kit import SAYS_SECRET, SECRET, Keys, Rude, guard, guarded
from tests.providers.openai.kit import beta, method, only

if TYPE_CHECKING:
    from clearspan.testing import ModelServer
    from tests.providers.side import Side

FIRM = "I cannot say that."
ASKED: dict[str, dict[str, Any]] = {
    "chat.completions.create": {"messages": [{"role": "user", "content": f"Keep {SECRET}"}]},
    "responses.create": {"input": f"Keep {SECRET}"},
    "completions.create": {"prompt": f"Keep {SECRET}"},
}
ROUTES = pytest.mark.parametrize("route", ASKED)
STREAMED = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


def body(server: ModelServer) -> Any:
    """What was sent last."""
    return server.requests[-1].json


def said(result: Any) -> str:
    """The text of an answer or of the elements of a stream, however it is held."""
    if isinstance(result, list):
        return "".join(_piece(item) for item in result)
    if hasattr(result, "output_text"):
        return str(result.output_text)
    choice = result.choices[0]
    return str(choice.text if hasattr(choice, "text") else choice.message.content)


def _piece(item: Any) -> str:
    if hasattr(item, "type"):
        return str(item.delta) if item.type == "response.output_text.delta" else ""
    if not item.choices:
        return ""
    choice = item.choices[0]
    return str((choice.text if hasattr(choice, "text") else choice.delta.content) or "")


def ask(side: Side, client: Any, route: str, *, stream: bool = False, **given: Any) -> Any:
    answer = side.do(method(client, route)(model="m", stream=stream, **{**ASKED[route], **given}))
    return side.take(answer) if stream else answer


def plain(result: Any) -> Any:
    """An answer as data, without what is another at every call."""
    items = result if isinstance(result, list) else [result]
    return [(type(item), json.loads(item.to_json())) for item in items]


@ROUTES
@STREAMED
def test_a_redacting_guard_takes_it_out_of_the_request(side: Side, client: Any, server: ModelServer, route: str, stream: bool) -> None:  # fmt: skip
    before = copy.deepcopy(ASKED[route])
    with captured(), guarded(guard(Keys(), "input", "redact")) as told:
        ask(side, client, route, stream=stream)
    assert SECRET not in server.requests[-1].body.decode()
    assert "Keep <KEY>" in server.requests[-1].body.decode()
    assert ASKED[route] == before
    assert told.actions == ["redact"]


@ROUTES
@STREAMED
def test_a_redacting_guard_takes_it_out_of_the_answer(side: Side, client: Any, server: ModelServer, route: str, stream: bool) -> None:  # fmt: skip
    server.script(Reply(SAYS_SECRET, chunks=list(SAYS_SECRET)))
    with captured() as seen, guarded(guard(Keys(), "output", "redact")) as told:
        answer = ask(side, client, route, stream=stream)
    assert SECRET not in "".join(str(item) for item in plain(answer))
    assert said(answer) == SAYS_SECRET.replace(SECRET, "<KEY>")
    assert told.actions == ["redact"]
    assert SECRET not in only(seen).attributes["gen_ai.output.messages"]


@ROUTES
@STREAMED
def test_a_blocking_guard_stops_the_request(side: Side, client: Any, server: ModelServer, route: str, stream: bool) -> None:  # fmt: skip
    with captured() as seen, guarded(guard(Keys(), "input")), pytest.raises(Blocked) as caught:
        ask(side, client, route, stream=stream)
    assert server.requests == []
    assert (caught.value.guard, caught.value.phase) == ("keys", "input")
    assert SECRET not in str(caught.value)
    assert only(seen).attributes["error.type"] == "clearspan.Blocked"


@ROUTES
@STREAMED
def test_a_blocking_guard_stops_the_answer(side: Side, client: Any, server: ModelServer, route: str, stream: bool) -> None:  # fmt: skip
    server.script(Reply(SAYS_SECRET, chunks=list(SAYS_SECRET)))
    got: list[Any] = []
    with captured(), guarded(guard(Keys(), "output")), pytest.raises(Blocked):  # noqa: PT012
        answer = side.do(method(client, route)(model="m", stream=stream, **ASKED[route]))
        while True:
            got += side.take(answer, 1)
    assert "sk" not in said(got)
    assert server.wait_idle()


@ROUTES
@STREAMED
@pytest.mark.parametrize("phase", ["input", "output"])
def test_a_canned_reply_is_of_the_clients_own_type(side: Side, client: Any, server: ModelServer, route: str, stream: bool, phase: str) -> None:  # fmt: skip
    given = ask(side, client, route, stream=stream)
    server.script(Reply(SAYS_SECRET))
    sent = len(server.requests)
    with captured() as seen, guarded(guard(Keys(), phase, reply=FIRM)) as told:
        answer = ask(side, client, route, stream=stream)
    assert type(answer) is type(given)
    assert said(answer).endswith(FIRM)
    assert SECRET not in str(plain(answer))
    assert told.actions == ["block"]
    assert len(server.requests) - sent == (phase == "output")
    assert FIRM in only(seen).attributes["gen_ai.output.messages"]


@pytest.mark.parametrize("phase", ["input", "output"])
def test_a_canned_stream_is_a_stream_of_the_client(side: Side, client: Any, server: ModelServer, phase: str) -> None:  # fmt: skip
    server.script(Reply("sk-1 first and foremost"))
    with guarded_only(guard(Keys(), phase, reply=FIRM)):
        stream = side.do(client.chat.completions.create(model="m", stream=True, **ASKED["chat.completions.create"]))  # fmt: skip
        chunks = side.take(stream)
        assert isinstance(stream, openai.AsyncStream if side.asynchronous else openai.Stream)
        side.do(stream.close())
    # At any other reason the client's helpers raise what is none of ours.
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert chunks[-1].system_fingerprint == "clearspan"


def guarded_only(*guards: Any) -> Any:
    """Guards where nothing is recorded."""
    from contextlib import ExitStack

    import clearspan

    stack = ExitStack()
    stack.enter_context(captured())
    stack.enter_context(clearspan.suppressed())
    stack.enter_context(guarded(*guards))
    return stack


@ROUTES
@STREAMED
def test_guards_that_find_nothing_change_nothing(side: Side, client: Any, server: ModelServer, route: str, stream: bool) -> None:  # fmt: skip
    guards = [guard(Keys(), on_fail="redact"), guard(Rude()), guard(Rude(name="soft"), on_fail="warn")]  # fmt: skip
    found: list[Any] = []
    for active in ([], guards):
        server.script(Reply("All is well. It is fine! Nothing else to say, really, is there? No."))
        clean = {**ASKED[route]}
        for name in ("input", "prompt"):
            if name in clean:
                clean[name] = "Hello."
        if "messages" in clean:
            clean["messages"] = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": [{"type": "text", "text": "Hi"}]}]  # fmt: skip
        with captured(), guarded(*active) as told:
            answer = ask(side, client, route, stream=stream, **clean)
        found.append((_timeless(answer), server.requests[-1].body))
        assert set(told.actions) <= {"allow"}
    assert found[0] == found[1]


def _timeless(answer: Any) -> Any:
    def bare(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: bare(inner) for name, inner in value.items() if name not in ("id", "item_id", "created", "created_at", "completed_at")}  # fmt: skip
        return [bare(inner) for inner in value] if isinstance(value, list) else value

    return [(kind, bare(data)) for kind, data in plain(answer)]


def test_system_messages_are_the_applications_own_words(side: Side, client: Any, server: ModelServer) -> None:  # fmt: skip
    messages = [
        {"role": "developer", "content": f"Say {SECRET}"},
        {"role": "user", "content": [{"type": "text", "text": f"part {SECRET}"}]},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": f'{{"a": "{SECRET}"}}'}}]},
        {"role": "tool", "tool_call_id": "1", "content": f"result {SECRET}"},
    ]  # fmt: skip
    with captured(), guarded(guard(Keys(), "input", "redact")):
        side.do(client.chat.completions.create(model="m", messages=messages))
    sent = json.dumps(server.requests[-1].json)
    assert sent.count(SECRET) == 1
    assert sent.count("<KEY>") == 3
    with captured(), guarded(guard(Keys(), "input", "redact", trusted=True)):
        side.do(client.chat.completions.create(model="m", messages=iter(messages)))
    assert SECRET not in json.dumps(server.requests[-1].json)


@STREAMED
def test_arguments_of_tool_calls_are_text(side: Side, client: Any, server: ModelServer, stream: bool) -> None:  # fmt: skip
    server.script(Reply(tool_calls=[ToolCall("send", {"to": f"x {SECRET}"}), ToolCall("send", {"to": SECRET})]))  # fmt: skip
    with captured(), guarded(guard(Keys(), "output", "redact")):
        answer = ask(side, client, "chat.completions.create", stream=stream)
    items = answer if stream else [answer]
    calls = [call for item in items for choice in item.choices for call in ((choice.delta if stream else choice.message).tool_calls or ())]  # fmt: skip
    text: dict[int, str] = {0: "", 1: ""}
    for at, call in enumerate(calls):
        text[call.index if stream else at] += call.function.arguments or ""
    assert [json.loads(one) for one in text.values()] == [{"to": "x <KEY>"}, {"to": "<KEY>"}]


@STREAMED
def test_every_choice_is_guarded(side: Side, client: Any, server: ModelServer, stream: bool) -> None:  # fmt: skip
    server.script(Reply(choices=[Reply("one sk-1 two three four five"), Reply("six seven sk-2")]))
    with captured(), guarded(guard(Keys(), "output", "redact")):
        answer = ask(side, client, "chat.completions.create", stream=stream, n=2)
    text = ["", ""]
    for item in answer if stream else [answer]:
        for choice in item.choices:
            text[choice.index] += (choice.delta if stream else choice.message).content or ""
    assert text == ["one <KEY> two three four five", "six seven <KEY>"]


def test_log_probabilities_do_not_tell_it(side: Side, client: Any, server: ModelServer) -> None:
    server.script(Reply(SAYS_SECRET))
    with captured(), guarded(guard(Keys(), "output", "redact")):
        answer = ask(side, client, "chat.completions.create", logprobs=True)
    assert answer.choices[0].logprobs is None


class Answer(BaseModel):
    note: str


def test_parsed_answers_are_read_from_what_is_left(side: Side, client: Any, server: ModelServer) -> None:  # fmt: skip
    server.script(Reply(json.dumps({"note": SECRET})))
    with captured(), guarded(guard(Keys(), "output", "redact")):
        answer = side.do(beta(client, "parse")(model="m", messages=ASKED["chat.completions.create"]["messages"], response_format=Answer))  # fmt: skip
    assert answer.choices[0].message.parsed == Answer(note="<KEY>")
    with captured(), guarded(guard(Keys(), "input", reply=FIRM)), pytest.raises(Blocked):
        side.do(beta(client, "parse")(model="m", messages=ASKED["chat.completions.create"]["messages"], response_format=Answer))  # fmt: skip


def test_the_stream_helper_of_chats_is_guarded(side: Side, client: Any, server: ModelServer) -> None:  # fmt: skip
    helper = beta(client, "stream")
    server.script(Reply(SAYS_SECRET))
    with captured(), guarded(guard(Keys(), "output", "redact")):
        manager = helper(model="m", messages=[{"role": "user", "content": "Hi"}])
        stream = side.enter(manager)
        events = side.take(stream)
        final = side.do(stream.get_final_completion())
        side.leave(manager)
    assert SECRET not in "".join(map(str, events))
    assert final.choices[0].message.content == SAYS_SECRET.replace(SECRET, "<KEY>")


def test_the_stream_helper_of_responses_is_guarded(side: Side, client: Any, server: ModelServer) -> None:  # fmt: skip
    helper = method(client, "responses.stream")
    for options, expected in (
        ({"on_fail": "redact"}, SAYS_SECRET.replace(SECRET, "<KEY>")),
        ({"reply": FIRM}, None),
    ):
        server.script(Reply(SAYS_SECRET))
        with captured(), guarded(guard(Keys(), "output", **options)):
            manager = helper(model="m", input="Hi")
            stream = side.enter(manager)
            events = side.take(stream)
            final = side.do(stream.get_final_response()) if expected else None
            side.leave(manager)
        assert SECRET not in "".join(map(str, events))
        assert final is None or final.output_text == expected


def test_embeddings_are_guarded_at_their_input(side: Side, client: Any, server: ModelServer) -> None:  # fmt: skip
    texts = ["one", f"two {SECRET}"]
    with captured(), guarded(guard(Keys(), on_fail="redact")):
        side.do(client.embeddings.create(model="m", input=texts))
    assert body(server)["input"] == ["one", "two <KEY>"]
    assert texts[1] == f"two {SECRET}"
    with captured(), guarded(guard(Keys(), reply=FIRM)), pytest.raises(Blocked):
        side.do(client.embeddings.create(model="m", input=texts))


def test_raw_responses_go_by_and_their_streams_are_guarded(side: Side, client: Any, server: ModelServer) -> None:  # fmt: skip
    with captured(), guarded(guard(Keys(), on_fail="redact")):
        raw = client.chat.completions.with_raw_response
        response = side.do(raw.create(model="m", messages=[{"role": "user", "content": f"say {SECRET}"}]))  # fmt: skip
        assert body(server)["messages"][0]["content"] == "say <KEY>"
        assert side.do(response.parse()).choices
        for api, given in (("chat.completions", {"messages": []}), ("responses", {"input": "Hi"})):
            server.script(Reply(SAYS_SECRET))
            made = method(client, api).with_raw_response.create
            response = side.do(made(model="m", **given))
            assert SECRET not in response.text
            assert said(side.do(response.parse())) == SAYS_SECRET.replace(SECRET, "<KEY>")
        server.script(Reply(SAYS_SECRET))
        response = side.do(raw.create(model="m", messages=[], stream=True))
        assert SECRET not in said(side.take(side.do(response.parse())))
    with captured(), guarded(guard(Keys(), reply=FIRM)):
        for stream in (False, True):
            with pytest.raises(Blocked):
                side.do(raw.create(stream=stream, model="m", messages=[{"role": "user", "content": SECRET}]))  # fmt: skip


def test_a_stream_that_is_left_early_is_closed(side: Side, client: Any, server: ModelServer) -> None:  # fmt: skip
    server.script(Reply("a b c d e f g h " * 40))
    with captured() as seen, guarded(guard(Keys(), "output", "redact")):
        stream = side.do(client.chat.completions.create(model="m", stream=True, messages=[]))
        side.take(stream, 3)
        side.do(stream.close())
        assert server.wait_idle(connections=0)
        assert only(seen).attributes["clearspan.outcome"] == "closed"


def test_a_canary_never_leaves_however_it_is_cut(side: Side, client: Any, server: ModelServer) -> None:  # fmt: skip
    for width in (1, 2, 3, 5, 8):
        pieces = [SAYS_SECRET[at : at + width] for at in range(0, len(SAYS_SECRET), width)]
        server.script(Reply(SAYS_SECRET, chunks=pieces), Reply(SAYS_SECRET, chunks=pieces))
        with captured(), guarded(guard(Keys(), "output", "redact")):
            text = said(ask(side, client, "responses.create", stream=True))
        assert text == SAYS_SECRET.replace(SECRET, "<KEY>")
        got: list[Any] = []
        with captured(), guarded(guard(Keys(), "output")), pytest.raises(Blocked):  # noqa: PT012
            stream = side.do(client.responses.create(model="m", input="Hi", stream=True))
            while True:
                got += side.take(stream, 1)
        assert "sk-" not in said(got)


def test_what_else_is_said_to_a_model(side: Side, client: Any, server: ModelServer) -> None:
    prompt = {"id": "p", "variables": {"name": SECRET, "note": {"type": "input_text", "text": SECRET}}}  # fmt: skip
    with captured(), guarded(guard(Keys(), "input", "redact", trusted=True)):
        create = method(client, "responses.create")
        side.do(create(model="m", input="Hi", prompt=prompt, instructions=SECRET))
        assert SECRET not in json.dumps(body(server))
        side.do(client.images.generate(model="m", prompt=f"draw {SECRET}"))
        assert body(server)["prompt"] == "draw <KEY>"


@pytest.mark.parametrize("form", ["json", "text"])
def test_transcripts_are_guarded(side: Side, client: Any, server: ModelServer, form: str) -> None:
    server.script(Reply(SAYS_SECRET))
    with captured(), guarded(guard(Keys(), "output", "redact")):
        answer = side.do(client.audio.transcriptions.create(model="m", file=("a.wav", b"RIFF"), response_format=form))  # fmt: skip
    assert SECRET not in str(answer)
    assert "<KEY>" in str(answer)


@pytest.mark.parametrize("route", ["responses", "completions"])
def test_raw_requests_of_all_kinds_are_blocked(side: Side, client: Any, server: ModelServer, route: str) -> None:  # fmt: skip
    with captured(), guarded(guard(Keys(), "input", reply=FIRM)):
        create = method(client, f"{route}.with_raw_response.create")
        with pytest.raises(Blocked):
            side.do(create(model="m", **ASKED[f"{route}.create"]))
    assert server.requests == []


def test_a_canned_reply_in_the_middle_tells_nothing_of_usage_twice(side: Side, client: Any, server: ModelServer) -> None:  # fmt: skip
    server.script(Reply(SAYS_SECRET))
    with captured() as seen, guarded(guard(Keys(), "output", reply=FIRM)):
        answer = ask(side, client, "chat.completions.create")
    assert answer.usage.completion_tokens == len(SAYS_SECRET.split())
    assert only(seen).attributes["gen_ai.usage.output_tokens"] == len(SAYS_SECRET.split())


def test_what_says_nothing_has_no_texts() -> None:
    assert speech.CHAT.attach is not None
    assert responses_speech.RESPONSE.chunk is not None
    nobody: Any = None
    assert speech.CHAT.attach("a text, where one was asked for", nobody) is False
    assert list(responses_speech.RESPONSE.chunk({"type": "response.output_text.delta"})) == []


@STREAMED
def test_arguments_of_tools_are_read_and_stay_json(side: Side, client: Any, server: ModelServer, stream: bool) -> None:  # fmt: skip
    arguments = json.dumps({"path": ".env", "content": f"# mine\n{SECRET}\n\u00e9nd"})
    for source in (arguments, arguments.replace("sk-1", "\\u0073k-1")):
        with captured(), guarded(guard(Keys(), "output", "redact")):
            server.script(Reply(None, tool_calls=[ToolCall("write", source)], chunks=40))
            made = ask(side, client, "chat.completions.create", stream=stream)
        got = "".join(
            call.function.arguments or ""
            for each in (made if stream else [made])
            for choice in each.choices
            for call in (choice.delta if stream else choice.message).tool_calls or []
        )
        assert json.loads(got) == {"path": ".env", "content": "# mine\n<KEY>\n\u00e9nd"}


@STREAMED
def test_what_thinks_first_holds_no_answer_back(side: Side, client: Any, server: ModelServer, stream: bool) -> None:  # fmt: skip
    with captured(), guarded(guard(Keys(), "output", "redact")) as told:
        server.script(Reply("word " * 30, reasoning="I think so", chunks=60))
        ask(side, client, "chat.completions.create", stream=stream)
    assert told.actions == ["allow"]


def test_a_prediction_is_looked_at(side: Side, client: Any, server: ModelServer) -> None:
    if "prediction" not in inspect.signature(client.chat.completions.create).parameters:
        pytest.skip("this version of the client takes no prediction")
    with captured(), guarded(guard(Keys(), "input", "redact")):
        ask(side, client, "chat.completions.create", prediction={"type": "content", "content": SECRET})  # fmt: skip
    assert body(server)["prediction"] == {"type": "content", "content": "<KEY>"}


def test_texts_of_other_classes_are_looked_at(side: Side, client: Any, server: ModelServer) -> None:
    class Text(str):
        __slots__ = ()

    with captured(), guarded(guard(Keys(), "input", "redact")):
        side.do(client.embeddings.create(model="m", input=Text(SECRET)))
        assert body(server)["input"] == "<KEY>"
        ask(side, client, "responses.create", prompt={"id": "p", "variables": {"who": Text(SECRET)}})  # fmt: skip
        assert body(server)["prompt"]["variables"] == {"who": "<KEY>"}


def test_a_redacted_raw_response_says_how_long_it_is(side: Side, client: Any, server: ModelServer) -> None:  # fmt: skip
    with captured(), guarded(guard(Keys(), "output", "redact")):
        server.script(Reply(SAYS_SECRET))
        raw = side.do(client.chat.completions.with_raw_response.create(model="m", messages=[]))
    assert SECRET not in raw.text
    assert raw.headers["content-length"] == str(len(raw.content))


def test_a_body_that_the_program_reads_itself_is_not_seen(side: Side, client: Any, server: ModelServer) -> None:  # fmt: skip
    async def _aread(manager: Any) -> bytes:
        async with manager as response:
            return bytes(await response.read())

    def read() -> Any:
        manager = client.chat.completions.with_streaming_response.create(model="m", messages=[])
        if hasattr(manager, "__aenter__"):
            return side.do(_aread(manager))
        with manager as response:
            return response.read()

    opened, shut = guard(Keys(), "output"), guard(Keys(), "output", fail_open=False)
    with captured(), guarded(opened):
        assert read()
    assert opened.counts["unseen"] == 1
    with captured(), guarded(shut), pytest.raises(Blocked, match="unseen"):
        read()
