"""Canned replies of guards, as the client's own helpers read them; and the texts that a helper makes objects of."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel, Field

from clearspan.assess.guard import Blocked
from clearspan.core.unseen import UNSEEN
from clearspan.testing import Reply, ToolCall, captured
from tests.assess.guard.kit import SAYS_SECRET, SECRET, Keys, guard, guarded
from tests.providers.openai.kit import beta, method, only

if TYPE_CHECKING:
    from clearspan.testing import ModelServer
    from tests.providers.side import Side

pytestmark = pytest.mark.filterwarnings("ignore:The Assistants API:DeprecationWarning")
FIRM = "No."
PHASES = pytest.mark.parametrize("phase", ["input", "output"])
STREAMED = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
MESSAGES: list[Any] = [{"role": "user", "content": f"Keep {SECRET}"}]
HELPERS = pytest.mark.parametrize("api", ["chat.completions", "responses"])


class Note(BaseModel):
    note: str


class Card(BaseModel):
    card: int


class Exact(BaseModel):
    note: str = Field(pattern="^sk-[0-9]+$")


class Digits(Keys):
    """Finds long numbers, also where they are no texts."""

    reach = 20

    def find(self, text: str) -> list[Any]:
        import re

        from clearspan.assess.finding import Finding

        return [Finding("CARD", *match.span()) for match in re.finditer(r"\d{8,19}", text)]


def body(server: ModelServer) -> Any:
    """What was sent last."""
    return server.requests[-1].json


def helper(client: Any, api: str) -> Any:
    return method(client, "responses.stream") if api == "responses" else beta(client, "stream")


def asked(api: str, kind: Any = None) -> dict[str, Any]:
    given: dict[str, Any] = {"model": "m"}
    if api == "responses":
        return {**given, "input": MESSAGES[0]["content"], **({"text_format": kind} if kind else {})}
    return {**given, "messages": MESSAGES, **({"response_format": kind} if kind else {})}


def final(side: Side, client: Any, api: str, **given: Any) -> tuple[list[Any], Any]:
    """The events of a helper's stream, and what it has at the end."""
    manager = helper(client, api)(**given)
    try:
        stream = side.enter(manager)
        events = side.take(stream)
        get = stream.get_final_response if api == "responses" else stream.get_final_completion
        return events, side.do(get())
    finally:
        side.leave(manager)


def spoken(answer: Any) -> str:
    return str(answer.output_text if hasattr(answer, "output") else answer.choices[0].message.content)  # fmt: skip


@HELPERS
@PHASES
def test_a_stream_helper_comes_to_its_end(side: Side, client: Any, server: ModelServer, api: str, phase: str) -> None:  # fmt: skip
    server.script(Reply(SAYS_SECRET, chunks=list(SAYS_SECRET)))
    with captured(), guarded(guard(Keys(), phase, reply=FIRM)):
        events, answer = final(side, client, api, **asked(api))
    assert spoken(answer).endswith(FIRM)
    assert SECRET not in "".join(map(str, events))


@HELPERS
def test_a_helper_comes_to_its_end_in_the_middle_of_a_tool_call(side: Side, client: Any, server: ModelServer, api: str) -> None:  # fmt: skip
    server.script(Reply("Well.", tool_calls=[ToolCall("send", {"to": f"you {SECRET}"})], chunks=3))
    with captured(), guarded(guard(Keys(), "output", reply=FIRM)):
        events, answer = final(side, client, api, **asked(api))
    assert spoken(answer).endswith(FIRM)
    assert SECRET not in "".join(map(str, events))


def test_no_helper_reads_half_a_call_of_a_strict_tool(side: Side, client: Any, server: ModelServer) -> None:  # fmt: skip
    tool = {"type": "function", "function": {"name": "send", "strict": True, "parameters": {"type": "object", "properties": {"to": {"type": "string"}}, "required": ["to"], "additionalProperties": False}}}  # fmt: skip
    server.script(Reply(tool_calls=[ToolCall("send", {"to": f"you, me and everybody {SECRET}"})], chunks=9))  # fmt: skip
    with captured(), guarded(guard(Keys(), "output", reply=FIRM)), pytest.raises(Blocked):
        final(side, client, "chat.completions", tools=[tool], **asked("chat.completions"))


@HELPERS
@PHASES
def test_where_json_is_asked_for_no_text_stands_in_its_place(side: Side, client: Any, server: ModelServer, api: str, phase: str) -> None:  # fmt: skip
    form = {"type": "json_object"}
    home = method(client, api)
    server.script(*[Reply(json.dumps({"note": f"a note and {SECRET}"}), chunks=9) for _ in range(9)])  # fmt: skip
    with captured(), guarded(guard(Keys(), phase, reply=FIRM)):
        with pytest.raises(Blocked):
            final(side, client, api, **asked(api, Note))
        parse = method(client, "responses.parse") if api == "responses" else beta(client, "parse")
        with pytest.raises(Blocked):
            side.do(parse(**asked(api, Note)))
        own = {"text": {"format": form}} if api == "responses" else {"response_format": form}
        for stream in (False, True):
            with pytest.raises(Blocked):  # noqa: PT012
                answer = side.do(home.create(stream=stream, **asked(api), **own))
                side.take(answer)


@HELPERS
def test_what_is_parsed_is_of_the_class_that_parsing_answers(side: Side, client: Any, server: ModelServer, api: str) -> None:  # fmt: skip
    parse = method(client, "responses.parse") if api == "responses" else beta(client, "parse")
    clean: dict[str, Any] = asked(api)
    clean["input" if api == "responses" else "messages"] = "Hi" if api == "responses" else []
    own = side.do(parse(**clean))
    with captured(), guarded(guard(Keys(), "input", reply=FIRM)):
        # What was looked up before is not the guarded function.
        parse = method(client, "responses.parse") if api == "responses" else beta(client, "parse")
        answer = side.do(parse(**asked(api)))
    assert type(answer).__name__.partition("[")[0] == type(own).__name__.partition("[")[0]
    assert spoken(answer) == FIRM
    if api == "responses":
        assert answer.output_parsed is None
    else:
        assert answer.choices[0].message.parsed is None


@pytest.mark.parametrize("route", ["chat.completions", "responses", "completions"])
@PHASES
@STREAMED
def test_every_canned_answer_has_an_id_of_its_own(side: Side, client: Any, server: ModelServer, route: str, phase: str, stream: bool) -> None:  # fmt: skip
    server.script(*[Reply(SAYS_SECRET) for _ in range(2)])
    given: dict[str, Any] = {"model": "m", "prompt": MESSAGES[0]["content"]} if route == "completions" else asked(route)  # fmt: skip
    ids: list[set[str]] = []
    with captured(), guarded(guard(Keys(), phase, reply=FIRM)):
        for _ in range(2):
            answer = side.do(method(client, route).create(stream=stream, **given))
            if not stream:
                own = side.do(method(client, route).create(**{**given, "stream": False}))
                assert getattr(answer, "_request_id", None) is None or phase == "output"
                assert hasattr(answer, "_request_id") == hasattr(own, "_request_id")
            items = side.take(answer) if stream else [answer]
            ids.append({item.response.id if hasattr(item, "response") else item.id for item in items if hasattr(item, "response") or hasattr(item, "id")})  # fmt: skip
    assert [len(each) for each in ids] == [1, 1]
    assert ids[0] != ids[1]


@HELPERS
def test_a_number_that_is_redacted_raises_nothing_of_the_clients(side: Side, client: Any, server: ModelServer, api: str) -> None:  # fmt: skip
    server.script(*[Reply(json.dumps({"card": 4111111111111111}), chunks=9) for _ in range(3)])
    with captured(), guarded(guard(Digits(), "output", "redact")):
        parse = method(client, "responses.parse") if api == "responses" else beta(client, "parse")
        answer = side.do(parse(**asked(api, Card)))
        assert "<CARD>" in spoken(answer)
        parsed = answer.output_parsed if api == "responses" else answer.choices[0].message.parsed
        assert parsed is None
        with pytest.raises(Blocked):
            final(side, client, api, **asked(api, Card))
        with pytest.raises(Blocked):  # noqa: PT012
            raw = method(client, f"{api}.with_raw_response")
            if not hasattr(raw, "parse"):
                raw = method(client, f"beta.{api}.with_raw_response")
            side.do(side.do(raw.parse(**asked(api, Card))).parse())


@HELPERS
def test_a_text_that_is_redacted_is_parsed_where_its_class_allows_that(side: Side, client: Any, server: ModelServer, api: str) -> None:  # fmt: skip
    server.script(*[Reply(json.dumps({"note": SECRET}), chunks=9) for _ in range(2)])
    with captured(), guarded(guard(Keys(), "output", "redact")):
        _, answer = final(side, client, api, **asked(api, Note))
        assert json.loads(spoken(answer)) == {"note": "<KEY>"}
        with pytest.raises(Blocked):
            final(side, client, api, **asked(api, Exact))


@STREAMED
def test_what_was_never_sent_has_no_usage(side: Side, client: Any, stream: bool) -> None:
    with captured() as seen, guarded(guard(Keys(), "input", reply=FIRM)):
        answer = side.do(client.chat.completions.create(stream=stream, **asked("chat.completions")))
        assert side.take(answer) if stream else answer
    assert [name for name in only(seen).attributes if "usage" in name] == []


def test_what_is_judged_is_looked_at(side: Side, client: Any, server: ModelServer) -> None:
    with captured(), guarded(guard(Keys(), on_fail="redact")):
        side.do(client.moderations.create(model="m", input=[f"one {SECRET}", "two"]))
        assert body(server)["input"] == ["one <KEY>", "two"]


def test_what_a_run_is_given_is_looked_at(side: Side, client: Any, server: ModelServer) -> None:
    threads: Any = client.beta.threads
    message: Any = {"role": "user", "content": f"say {SECRET}"}
    with captured(), guarded(guard(Keys(), "input", "redact")):
        run = side.do(threads.create_and_run(assistant_id="asst_1", thread={"messages": [message]}))
        assert body(server)["thread"]["messages"][0]["content"] == "say <KEY>"
        home = {"thread_id": run.thread_id, "assistant_id": "asst_1"}
        run = side.do(threads.runs.create(**home, additional_messages=[message]))
        assert body(server)["additional_messages"][0]["content"] == "say <KEY>"
        outputs: Any = [{"tool_call_id": "c", "output": SECRET}]
        side.do(threads.runs.submit_tool_outputs(run.id, thread_id=run.thread_id, tool_outputs=outputs))  # fmt: skip
        assert body(server)["tool_outputs"] == [{"tool_call_id": "c", "output": "<KEY>"}]  # fmt: skip
    with captured(), guarded(guard(Keys(), "input", reply=FIRM)), pytest.raises(Blocked):
        side.do(threads.runs.create(**home, additional_messages=[message]))


def test_what_a_run_says_is_looked_at(side: Side, client: Any, server: ModelServer) -> None:
    threads: Any = client.beta.threads
    with captured(), guarded(guard(Keys(), "output", "redact")):
        server.script(Reply(SAYS_SECRET, chunks=list(SAYS_SECRET)))
        events = side.take(side.do(threads.create_and_run(assistant_id="asst_1", stream=True)))
        assert SECRET not in "".join(map(str, events))
        assert "<KEY>" in "".join(map(str, events))
        server.script(Reply(SAYS_SECRET, chunks=list(SAYS_SECRET)))
        manager = threads.create_and_run_stream(assistant_id="asst_1")
        handler = side.enter(manager)
        events = side.take(handler)
        side.leave(manager)
        assert "<KEY>" in "".join(map(str, events))
        assert SECRET not in "".join(map(str, events))
    with captured(), guarded(guard(Keys(), "output", reply=FIRM)), pytest.raises(Blocked):  # noqa: PT012
        server.script(Reply(SAYS_SECRET))
        side.take(side.do(threads.create_and_run(assistant_id="asst_1", stream=True)))


def test_the_arguments_of_a_run_are_looked_at(side: Side, client: Any, server: ModelServer) -> None:
    from clearspan.providers.openai.runs_speech import RUN

    run = {"required_action": {"submit_tool_outputs": {"tool_calls": [{"function": {"name": "f", "arguments": SECRET}}]}}}  # fmt: skip
    assert [slot.text for slot in RUN.answered(run)] == ["f", SECRET]
    assert RUN.chunk is not None
    assert list(RUN.chunk({"event": "error", "data": {"message": "x"}})) == []
    assert list(RUN.chunk({})) == []


TOOLS: list[tuple[dict[str, Any], list[str]]] = [
    ({"type": "shell_call", "action": {"commands": ["a", "b"]}}, ["a", "b"]),
    ({"type": "local_shell_call", "action": {"type": "exec", "command": ["a"], "env": {"K": "b"}}}, ["a", "b", "K"]),
    ({"type": "shell_call_output", "output": [{"stdout": "a", "stderr": "b"}]}, ["a", "b"]),
    ({"type": "apply_patch_call", "operation": {"type": "update_file", "diff": "a", "path": "p"}}, ["a"]),
    ({"type": "web_search_call", "action": {"type": "search", "query": "a", "queries": ["b"]}}, ["a", "b"]),
    ({"type": "web_search_call", "action": {"type": "open_page", "url": "a"}}, ["a"]),
    ({"type": "file_search_call", "queries": ["a"], "results": [{"text": "b", "attributes": {"k": "c"}, "filename": "f"}]}, ["a", "b", "c", "k"]),
    ({"type": "message", "content": [{"type": "output_text", "text": "a", "annotations": [{"type": "url_citation", "title": "b", "url": "c", "start_index": 0}]}]}, ["a", "b", "c"]),
    ({"type": "function_call", "name": "a", "arguments": "b"}, ["a", "b"]),
    ({"type": "mcp_call", "name": "a", "arguments": "b", "output": "c"}, ["a", "b", "c"]),
]  # fmt: skip


@pytest.mark.parametrize(("item", "texts"), TOOLS, ids=[item["type"] for item, _ in TOOLS])
def test_the_items_of_tools_are_looked_at(item: Any, texts: list[str]) -> None:
    from clearspan.providers.openai.responses_speech import RESPONSE

    assert RESPONSE.chunk is not None
    slots = list(RESPONSE.answered({"output": [item]}))
    assert [slot.text for slot in slots] == texts
    assert [slot.text for slot in RESPONSE.asked({"input": [item]})] == texts
    event = {"type": "response.output_item.done", "item": item}
    assert [slot.text for slot in RESPONSE.chunk(event)] == [*texts, ""]
    assert UNSEEN not in texts


def test_the_pieces_of_what_tools_print_are_looked_at() -> None:
    from clearspan.providers.openai.responses_speech import RESPONSE

    assert RESPONSE.chunk is not None
    kind = "response.shell_call_output_content.delta"
    (slot,) = RESPONSE.chunk({"type": kind, "delta": {"stdout": "a"}, "output_index": 0})
    assert (slot.text, slot.path, slot.whole) == ("a", ("delta", "stdout"), False)
    cited = {"type": "response.output_text.annotation.added", "annotation": {"title": "b", "url": "c"}}  # fmt: skip
    assert [slot.text for slot in RESPONSE.chunk(cited)] == ["b", "c"]


def test_what_a_prompt_was_made_into_is_looked_at() -> None:
    from clearspan.providers.openai.speech import IMAGE

    answer = {"data": [{"url": "u"}, {"revised_prompt": f"a {SECRET}"}]}
    (slot,) = IMAGE.answered(answer)
    assert slot.path == ("data", 1, "revised_prompt")
    assert IMAGE.put(answer, slot.path, "a")["data"][1] == {"revised_prompt": "a"}


def test_words_with_their_times_do_not_tell_it() -> None:
    from clearspan.providers.openai.speech import TRANSCRIPT

    answer = {"text": SAYS_SECRET, "words": [{"word": SECRET, "start": 0.0, "end": 1.0}]}
    (slot,) = TRANSCRIPT.answered(answer)
    assert TRANSCRIPT.put(answer, slot.path, "<KEY>") == {"text": "<KEY>", "words": []}
