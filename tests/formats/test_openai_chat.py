from __future__ import annotations

import json
from sys import getsizeof
from typing import Any

import pydantic
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from clearspan.draft import Draft
from clearspan.emit.content import ContentPolicy
from clearspan.formats import openai_chat
from clearspan.record import Outcome
from tests.formats.kit import answered, called, parts, record, streamed


def request(**arguments: Any) -> Any:
    return record(called(openai_chat.request, **arguments))


def body(*choices: Any, **more: Any) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-4o-2024",
        "choices": list(choices),
        **more,
    }


def choice(
    message: Any, reason: str | None = "stop", index: int = 0, **more: Any
) -> dict[str, Any]:
    return {
        "index": index,
        "message": {"role": "assistant", **message},
        "finish_reason": reason,
        **more,
    }


def chunk(delta: Any, reason: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "model": "gpt-4o-2024",
        "choices": [{"index": index, "delta": delta, "finish_reason": reason}],
        **more,
    }


def read(source: Any, **options: Any) -> Any:
    return record(answered(openai_chat.response, source), **options)


def read_all(*items: Any, **options: Any) -> Any:
    return record(streamed(openai_chat.chunk, items), **options)


# -- requests --------------------------------------------------------------------------------


def test_a_minimal_request_invents_nothing() -> None:
    found = request(model="gpt-4o", messages=[{"role": "user", "content": "hi"}])
    assert dict(found.params) == {}
    assert dict(found.extras) == {"openai.api.type": "chat_completions"}
    assert found.tools == ()


def test_parameters() -> None:
    found = request(
        temperature=1, top_p=0.5, frequency_penalty=0.1, presence_penalty=-0.1, max_tokens=10, max_completion_tokens=20, seed=7,
        n=3, stop="END", reasoning_effort="low", service_tier="flex",
    )  # fmt: skip
    assert dict(found.params) == {
        "temperature": 1.0, "top_p": 0.5, "frequency_penalty": 0.1, "presence_penalty": -0.1, "max_tokens": 20, "seed": 7,
        "choice_count": 3, "stop_sequences": ["END"], "reasoning_level": "low",
    }  # fmt: skip
    assert found.extras["openai.request.service_tier"] == "flex"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"n": 1}, {}),
        ({"stop": ["a", "b"]}, {"stop_sequences": ["a", "b"]}),
        ({"stop": []}, {}),
        ({"max_tokens": 10}, {"max_tokens": 10}),
        ({"temperature": True, "seed": "7", "max_tokens": 1.5, "n": None, "stop": 7}, {}),
        ({"response_format": {"type": "json_object"}}, {"output_type": "json"}),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, {"output_type": "json"}),
        ({"response_format": {"type": "text"}}, {"output_type": "text"}),
        ({"response_format": pydantic.BaseModel}, {"output_type": "json"}),
        ({"response_format": {"type": "grammar"}}, {}),
        ({"modalities": ["text", "audio"], "audio": {"voice": "alloy"}}, {"output_type": "speech"}),
        ({"modalities": ["text"]}, {}),
        ({"extra_body": {"top_k": 40, "temperature": 0.2}, "temperature": 0.9}, {"top_k": 40, "temperature": 0.2}),
        ({"extra_body": {"reasoning": {"effort": "high"}, "random_seed": 3}}, {"reasoning_level": "high", "seed": 3}),
        ({"extra_body": "not a mapping"}, {}),
    ],
)  # fmt: skip
def test_parameters_one_by_one(given: Any, expected: Any) -> None:
    assert dict(request(**given).params) == expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("temperature", 0.5, {"temperature": 0.5}), ("top_p", 0.5, {"top_p": 0.5}), ("n", 2, {"choice_count": 2}),
        ("frequency_penalty", 1, {"frequency_penalty": 1.0}), ("presence_penalty", 1, {"presence_penalty": 1.0}),
        ("max_tokens", 9, {"max_tokens": 9}), ("max_completion_tokens", 9, {"max_tokens": 9}),
        ("max_output_tokens", 9, {"max_tokens": 9}), ("stop", "END", {"stop_sequences": ["END"]}), ("top_k", 4, {"top_k": 4}),
        ("seed", 7, {"seed": 7}), ("random_seed", 7, {"seed": 7}), ("reasoning", {"effort": "low"}, {"reasoning_level": "low"}),
        ("reasoning_effort", "low", {"reasoning_level": "low"}), ("unknown", 5, {}),
    ],
)  # fmt: skip
def test_each_parameter_is_read_where_it_is_the_only_one(
    name: str, value: Any, expected: Any
) -> None:
    assert dict(request(model="gpt-4o", **{name: value}).params) == expected
    assert dict(request(model="gpt-4o", extra_body={name: value}).params) == expected


def test_a_tier_alone_is_read() -> None:
    assert request(service_tier="flex").extras["openai.request.service_tier"] == "flex"


def test_what_was_not_given_is_absent() -> None:
    class NotGiven:
        def __bool__(self) -> bool:
            return False

    names = (
        "temperature",
        "n",
        "stop",
        "tools",
        "seed",
        "response_format",
        "modalities",
        "service_tier",
        "messages",
        "extra_body",
    )
    found = request(**dict.fromkeys(names, NotGiven()))
    assert dict(found.params) == {}
    assert (found.input, found.tools) == ((), ())


def test_the_tier_auto_is_no_wish() -> None:
    assert "openai.request.service_tier" not in request(service_tier="auto").extras


def test_tools() -> None:
    schema = {"type": "object", "properties": {"at": {"type": "string"}}}
    function = {"name": "look", "description": "Looks.", "parameters": schema, "strict": True}
    found = request(
        tools=[
            {"type": "function", "function": function},
            {"type": "custom", "custom": {"name": "shell", "description": "Runs."}},
            {"type": "web_search"},
            {"function": {"name": "untyped"}},
        ],
        functions=[{"name": "old", "parameters": schema}],
    )
    assert list(found.tools) == [
        {"type": "function", "name": "look", "description": "Looks.", "parameters": schema},
        {"type": "custom", "name": "shell", "description": "Runs."},
        {"type": "web_search", "name": "web_search"},
        {"type": "function", "name": "untyped"},
        {"type": "function", "name": "old", "parameters": schema},
    ]


def test_nothing_is_converted_when_content_is_off() -> None:
    message = {"role": "user", "content": "secret"}
    found = record(
        called(openai_chat.request, messages=[message], tools=[{"type": "x"}]), content=False
    )
    assert (found.input, found.tools) == ((), ())


# -- answers ---------------------------------------------------------------------------------


def test_an_answer() -> None:
    found = read(
        body(
            choice({"content": "Rome."}),
            system_fingerprint="fp_1",
            service_tier="default",
            usage={
                "prompt_tokens": 100,
                "completion_tokens": 50,
                "total_tokens": 150,
                "prompt_tokens_details": {"cached_tokens": 80, "cache_write_tokens": 4, "audio_tokens": 3, "image_tokens": 2, "text_tokens": 95},
                "completion_tokens_details": {
                    "reasoning_tokens": 20, "audio_tokens": 6, "text_tokens": 24, "image_tokens": 0,
                    "accepted_prediction_tokens": 5, "rejected_prediction_tokens": 1,
                },
            },
        )
    )  # fmt: skip
    assert (found.response_id, found.response_model) == ("chatcmpl-1", "gpt-4o-2024")
    assert found.finish_reasons == ("stop",)
    assert found.output_text == "Rome."
    usage = found.usage
    assert (usage.input, usage.output, usage.cache_read, usage.cache_write, usage.reasoning) == (
        100,
        50,
        80,
        4,
        20,
    )
    assert (usage.text_input, usage.image_input, usage.audio_input) == (95, 2, 3)
    assert (usage.text_output, usage.image_output, usage.audio_output) == (24, 0, 6)
    assert dict(found.extras) == {
        "openai.response.service_tier": "default",
        "openai.response.system_fingerprint": "fp_1",
        "clearspan.usage.accepted_prediction_tokens": 5,
        "clearspan.usage.rejected_prediction_tokens": 1,
    }


def test_the_names_of_openai_are_for_openai() -> None:
    found = read(
        body(choice({"content": "hi"}), system_fingerprint="fp", service_tier="x"), provider="groq"
    )
    assert dict(found.extras) == {}
    azure = read(
        body(choice({"content": "hi"}), system_fingerprint="fp"), provider="azure.ai.openai"
    )
    assert dict(azure.extras) == {}
    own = read(body(choice({"content": "hi"}), system_fingerprint="fp"), provider="openai")
    assert own.extras["openai.response.system_fingerprint"] == "fp"


def test_several_choices_in_the_order_of_their_index() -> None:
    found = read(body(choice({"content": "b"}, "length", 1), choice({"content": "a"}, "stop", 0)))
    assert [message["parts"][0]["content"] for message in found.output] == ["a", "b"]
    assert found.finish_reasons == ("stop", "length")
    assert [message["finish_reason"] for message in found.output] == ["stop", "length"]


def test_choices_without_an_index_are_counted() -> None:
    plain = [{"message": {"content": text}, "finish_reason": "stop"} for text in "ab"]
    assert [m["parts"][0]["content"] for m in read(body(*plain)).output] == ["a", "b"]


def test_tool_calls() -> None:
    calls = [
        {
            "id": "c1",
            "type": "function",
            "function": {"name": "look", "arguments": '{"at": "Rome"}'},
        },
        {"id": "c2", "type": "custom", "custom": {"name": "shell", "input": "ls"}},
        {"id": "c3", "type": "function", "function": {"name": "given", "arguments": {"a": 1}}},
    ]
    found = read(body(choice({"content": None, "tool_calls": calls}, "tool_calls")))
    assert parts(found) == [
        {"type": "tool_call", "id": "c1", "name": "look", "arguments": {"at": "Rome"}},
        {"type": "tool_call", "id": "c2", "name": "shell", "arguments": "ls"},
        {"type": "tool_call", "id": "c3", "name": "given", "arguments": {"a": 1}},
    ]
    assert found.finish_reasons == ("tool_calls",)
    assert found.output[0]["finish_reason"] == "tool_call"


def test_the_call_before_tools() -> None:
    found = read(
        body(choice({"function_call": {"name": "look", "arguments": "{}"}}, "function_call"))
    )
    assert parts(found) == [{"type": "tool_call", "name": "look", "arguments": {}}]
    assert found.output[0]["finish_reason"] == "tool_call"
    empty = read(body(choice({"content": "hi", "function_call": {"name": "", "arguments": ""}})))
    assert parts(empty) == [{"type": "text", "content": "hi"}]


def test_a_refusal() -> None:
    found = read(body(choice({"content": None, "refusal": "I will not."})))
    assert parts(found) == [{"type": "refusal", "content": "I will not."}]
    assert found.output_text == ""


def test_reasoning_comes_first() -> None:
    found = read(body(choice({"content": "Rome.", "reasoning_content": "Italy..."})))
    assert parts(found) == [
        {"type": "reasoning", "content": "Italy..."},
        {"type": "text", "content": "Rome."},
    ]


def test_content_in_parts() -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}}
    source = {"content": [thinking, {"type": "text", "text": "This"}, picture], "images": [picture]}
    blob = {"type": "blob", "modality": "image", "content": "iVBO", "mime_type": "image/png"}
    assert parts(read(body(choice(source)))) == [
        {"type": "reasoning", "content": "Hm."},
        {"type": "text", "content": "This"},
        blob,
        blob,
    ]


def test_sound() -> None:
    audio = {"id": "audio_1", "data": "UklG", "transcript": "Hello.", "expires_at": 1}
    assert parts(read(body(choice({"content": None, "audio": audio})))) == [
        {"type": "blob", "modality": "audio", "content": "UklG", "transcript": "Hello."}
    ]


def test_logprobs_are_content() -> None:
    tokens = [
        {"token": "Ro", "logprob": -0.5, "bytes": [82], "top_logprobs": []},
        {"token": "me", "logprob": -0.25},
    ]
    source = body(choice({"content": "Rome"}, logprobs={"content": tokens, "refusal": None}))
    assert json.loads(read(source).extras["clearspan.response.logprobs"]) == [
        [["Ro", -0.5], ["me", -0.25]]
    ]
    assert "clearspan.response.logprobs" not in read(source, content=False).extras


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        ({"code": "overloaded", "message": "Later."}, "overloaded", "Later."),
        ({"code": 502, "message": "Later."}, "502", "Later."),
        ({"type": "server_error"}, "server_error", None),
        ({"message": "Later."}, "_OTHER", "Later."),
        ("Later.", "_OTHER", "Later."),
    ],
)
def test_an_error_in_a_good_answer(error: Any, kind: str, message: str | None) -> None:
    found = read({"error": error})
    assert found.outcome is Outcome.FAILED
    assert found.error is not None
    assert (found.error.type, found.error.message) == (kind, message)
    assert found.finish_reasons == ()


@pytest.mark.parametrize("error", [None, "", {}, [], 7])
def test_no_error_in_a_good_answer(error: Any) -> None:
    found = read(body(choice({"content": "hi"}), error=error))
    assert (found.outcome, found.error) == (Outcome.COMPLETED, None)


@pytest.mark.parametrize(
    "source",
    ["a plain text", b"bytes", None, 7, [], {}, {"choices": None}, {"choices": "none", "usage": "much"},
     {"choices": [None, 7, {}], "usage": {"prompt_tokens": "7", "completion_tokens": -1, "prompt_tokens_details": 3}},
     {"choices": [{"index": -1, "message": None, "finish_reason": 7, "logprobs": "x"}]},
     {"choices": [{"message": {"tool_calls": [None, {"function": None}, {"function": {"arguments": 7}}]}}]}],
)  # fmt: skip
def test_a_broken_answer_is_no_fault(source: Any) -> None:
    found = read(source)
    assert (found.usage.input, found.usage.output) == (None, None)
    assert found.outcome is Outcome.COMPLETED


def test_models_read_like_dictionaries() -> None:
    source = body(
        choice({"content": "Rome.", "reasoning_content": "Hm."}),
        usage={"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    )
    assert read(ChatCompletion.model_validate(source)) == read(source)
    broken = ChatCompletion.construct(id="chatcmpl-1", choices=None, usage="much")
    assert read(broken).response_id == "chatcmpl-1"


def test_without_content_the_numbers_stay() -> None:
    found = read(
        body(choice({"content": "Rome."}, "length"), usage={"prompt_tokens": 3}), content=False
    )
    assert found.output == ()
    assert (found.finish_reasons, found.usage.input) == (("length",), 3)


# -- messages that only say something --------------------------------------------------------


class Text(str):
    __slots__ = ()


SAID: list[Any] = [
    {"content": "Rome."}, {"role": "user", "content": "Rome."}, {"role": "assistant", "content": ""}, {"role": "", "content": "Rome."},
    {"role": None, "content": "Rome."}, {"role": 7, "content": "Rome."}, {"role": "assistant", "content": "Rome.", "refusal": None},
    {"role": "assistant"}, {"role": "user", "content": None}, {"content": Text("Rome.")}, {"content": ["Rome."]}, {"content": 7},
    {"content": "Rome.", "refusal": "No."}, {"content": "Rome.", "reasoning_content": "Hm."}, {"content": "Rome.", "tool_calls": []},
    {"content": "Rome.", "tool_calls": [{"id": "c1", "function": {"name": "look", "arguments": "{}"}}]},
    {"content": "Rome.", "audio": {"data": "QUJD"}}, {"content": "Rome.", "function_call": {"name": "look", "arguments": "{}"}},
    {"content": "Rome.", "images": [{"type": "image_url", "image_url": {"url": "https://a.b/c"}}]}, {"content": "", "refusal": "No."},
    {"content": "Rome.", "unknown": 5}, {"content": "Rome.", 5: None}, {}, None, "Rome.", 7,
]  # fmt: skip


def both_ways(source: Any, reader: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The record by the short way, which is that by the long one."""
    made = []
    for way in (openai_chat._only_says, lambda *_: False):
        draft = Draft("chat")
        draft.provider = "openai"
        monkeypatch.setattr(openai_chat, "_only_says", way)
        reader(draft, source)
        made.append((draft.pieces, draft.answers, draft.seal(ContentPolicy())))
    assert made[0] == made[1]
    return made[0][2]


@pytest.mark.parametrize("said", SAID, ids=range(len(SAID)))
@pytest.mark.parametrize("index", [0, 2])
def test_a_message_is_read_alike_whether_or_not_it_says_more(
    said: Any, index: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = body({"index": index, "message": said, "finish_reason": "stop"})
    both_ways(answer, openai_chat.response, monkeypatch)
    both_ways(chunk(said, "stop", index), openai_chat.chunk, monkeypatch)
    if isinstance(said, dict) and 5 not in said:
        both_ways(ChatCompletion.construct(**answer), openai_chat.response, monkeypatch)


def test_a_message_with_a_role_and_a_text_takes_the_short_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unread(*_: Any) -> Any:
        raise AssertionError

    monkeypatch.setattr(openai_chat, "_speech", unread)
    source = body(choice({"role": "critic", "content": "Rome.", "refusal": None}))
    for made in (source, ChatCompletion.construct(**source)):
        (message,) = read(made).output
        assert message["role"] == "critic"
        assert message["parts"] == [{"type": "text", "content": "Rome."}]
    assert read_all(chunk({"content": "Ro"}), chunk({"content": "me"})).output_text == "Rome"


def test_the_last_role_of_a_stream_stays_where_none_follows() -> None:
    found = read_all(chunk({"role": "critic", "content": "Ro"}), chunk({"content": "me"}))
    assert found.output[0]["role"] == "critic"


# -- how much an answer weighs ---------------------------------------------------------------


def weighed(*choices: Any, **more: Any) -> int | None:
    return openai_chat.weigh(ChatCompletion.construct(**body(*choices, **more)))


def holding(*choices: Any) -> Any:
    """An answer that was changed after it was made."""
    made = ChatCompletion.construct(**body())
    made.choices = list(choices)
    return made


def answering(message: Any) -> Any:
    made: Any = ChatCompletion.construct(**body(choice({"content": "Rome."}))).choices[0]
    made.message.content = message
    return made


def test_an_answer_weighs_what_it_says() -> None:
    empty = weighed(choice({"role": None, "content": None}))
    assert empty is not None
    said = choice({"content": "x" * 5_000, "refusal": "y" * 300})
    once = sum(map(getsizeof, ("assistant", "x" * 5_000, "y" * 300)))
    assert weighed(said) == empty + once
    assert weighed(said, said, usage={"prompt_tokens": 3}) == empty + 2 * once
    assert weighed(choice({"role": None, "content": None, "annotations": []})) == empty
    assert weighed(choice({"role": None, "content": "\N{EURO SIGN}" * 5_000})) == empty + getsizeof("\N{EURO SIGN}" * 5_000)  # fmt: skip


@pytest.mark.parametrize(
    "said",
    [
        {"tool_calls": [{"id": "c1", "function": {"name": "look", "arguments": "{}"}}]}, {"audio": {"data": "QUJD"}},
        {"content": [{"type": "text", "text": "Rome."}]}, {"reasoning_content": "Hm."}, {"content": 7},
    ],
)  # fmt: skip
def test_an_answer_that_holds_more_than_texts_is_not_weighed_by_them(said: Any) -> None:
    assert weighed(choice(said)) is None
    assert weighed(choice({"content": "Rome."}), choice(said)) is None


@pytest.mark.parametrize(
    "source",
    [
        body(choice({"content": "Rome."})),
        ChatCompletion.construct(**body(choice({"content": "Rome."}), unknown="x" * 5_000)),
        ChatCompletion.construct(**body(choice({"content": "Rome."}, unknown="x" * 5_000))),
        ChatCompletion.construct(**body(choice({"content": "Rome."}, logprobs={"content": []}))),
        ChatCompletion.construct(**body(*[choice({"content": "Rome."})] * 9)),
        ChatCompletion.construct(**{**body(), "choices": None}),
        ChatCompletion.construct(**{**body(), "choices": ()}),
        ChatCompletion.construct(**body(None)),
        ChatCompletion.construct(**body({"index": 0, "message": None})),
        ChatCompletion.construct(**body({"index": 0, "message": "Rome."})),
        holding(choice({"content": "Rome."})),
        holding(answering("Rome."), answering(Text("Rome."))),
        ChatCompletion.__new__(ChatCompletion),
        None,
        "Rome.",
        object(),
    ],
    ids=range(16),
)
def test_what_is_no_plain_answer_is_not_weighed_by_its_texts(source: Any) -> None:
    assert openai_chat.weigh(source) is None


def test_eight_answers_are_few() -> None:
    empty = weighed(choice({"role": None, "content": None}))
    assert empty is not None
    once = getsizeof("assistant") + getsizeof("Rome.")
    assert weighed(*[choice({"content": "Rome."})] * 8) == empty + 8 * once


# -- streams ---------------------------------------------------------------------------------


def test_a_stream_joins() -> None:
    found = read_all(
        chunk({"role": "assistant", "content": ""}),
        chunk({"content": "Ro"}),
        chunk({"content": "me"}),
        chunk({}, "stop"),
        {"id": "chatcmpl-1", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
    )
    assert parts(found) == [{"type": "text", "content": "Rome"}]
    assert found.finish_reasons == ("stop",)
    assert (found.usage.input, found.usage.output) == (3, 2)


def test_the_last_usage_counts() -> None:
    found = read_all(
        chunk({"content": "a"}, usage={"prompt_tokens": 3, "completion_tokens": 1}),
        chunk({"content": "b"}, usage={"prompt_tokens": 3, "completion_tokens": 2}),
        chunk({}, "stop", usage=None),
    )
    assert (found.usage.input, found.usage.output) == (3, 2)
    groq = read_all(chunk({}, "stop", x_groq={"id": "r", "usage": {"prompt_tokens": 9}}))
    assert groq.usage.input == 9


@pytest.mark.parametrize("name", ["prompt_cache_hit_tokens", "cached_tokens", "num_cached_tokens"])
def test_cache_counts_of_other_servers(name: str) -> None:
    assert read_all(chunk({}, usage={"prompt_tokens": 9, name: 4})).usage.cache_read == 4


def call(
    index: int | None, arguments: str | None, name: str | None = None, call_id: str | None = None
) -> Any:
    made: dict[str, Any] = {
        "function": {"name": name, "arguments": arguments},
        "id": call_id,
        "type": "function",
    }
    return made if index is None else {"index": index, **made}


def calls(*groups: Any) -> Any:
    found = read_all(*(chunk({"tool_calls": list(group)}) for group in groups))
    return [(part.get("id"), part.get("name"), part.get("arguments")) for part in parts(found)]


def test_interleaved_tool_calls() -> None:
    assert calls(
        [call(0, "", "look", "c1")],
        [call(1, "", "find", "c2")],
        [call(0, '{"at": '), call(1, '{"by"')],
        [call(1, ": 2}"), call(0, "1}")],
    ) == [("c1", "look", {"at": 1}), ("c2", "find", {"by": 2})]


def test_tool_calls_that_all_have_the_same_index() -> None:
    assert calls(
        [call(0, "{", "look", "c1")],
        [call(0, "}")],
        [call(0, "{", "find", "c2")],
        [call(0, '"a":1}')],
    ) == [("c1", "look", {}), ("c2", "find", {"a": 1})]


def test_tool_calls_without_an_index() -> None:
    assert calls(
        [call(None, '{"a":', "look", "c1")], [call(None, "1}")], [call(None, "{}", "find", "c2")]
    ) == [
        ("c1", "look", {"a": 1}),
        ("c2", "find", {}),
    ]
    assert calls([call(None, "{}", "look", None)]) == [(None, "look", {})]
    assert calls([call(None, "{}", "look", "c1"), call(None, "{}", "find", "c2")]) == [
        ("c1", "look", {}),
        ("c2", "find", {}),
    ]


def test_tool_calls_of_several_choices_are_apart() -> None:
    found = read_all(
        chunk({"tool_calls": [call(0, "{", "look", "a")]}, index=0),
        chunk({"tool_calls": [call(0, "{", "find", "b")]}, index=1),
        chunk({"tool_calls": [call(0, "}")]}, index=0),
        chunk({"tool_calls": [call(0, "}")]}, index=1),
    )
    assert [parts(found, index)[0]["name"] for index in (0, 1)] == ["look", "find"]


def test_the_streamed_call_before_tools() -> None:
    found = read_all(
        chunk({"function_call": {"name": "look", "arguments": ""}}),
        chunk({"function_call": {"arguments": '{"a": 1}'}}),
        chunk({"function_call": None}, "function_call"),
    )
    assert parts(found) == [{"type": "tool_call", "name": "look", "arguments": {"a": 1}}]


def test_streamed_reasoning_refusal_and_sound() -> None:
    found = read_all(
        chunk({"reasoning_content": "Hm"}),
        chunk({"reasoning": ", well."}),
        chunk({"refusal": "I will"}),
        chunk({"refusal": " not."}),
        chunk({"audio": {"id": "audio_1", "transcript": "No"}}),
        chunk({"audio": {"data": "UklG"}}),
        chunk({"audio": {"data": "AAAA", "transcript": "!"}}),
        chunk({"audio": {"expires_at": 1}}),
    )
    assert parts(found) == [
        {"type": "reasoning", "content": "Hm, well."},
        {"type": "refusal", "content": "I will not."},
        {"type": "blob", "modality": "audio", "content": "UklGAAAA", "transcript": "No!"},
    ]


def test_streamed_logprobs() -> None:
    pieces = [
        {
            "id": "x",
            "choices": [
                {
                    "index": 0,
                    "delta": {"content": t},
                    "logprobs": {"content": [{"token": t, "logprob": -1.0}]},
                }
            ],
        }
        for t in "ab"
    ]
    assert json.loads(read_all(*pieces).extras["clearspan.response.logprobs"]) == [
        [["a", -1.0], ["b", -1.0]]
    ]


ODD = (
    {"id": "chatcmpl-1", "choices": None},
    {"id": "chatcmpl-1"},
    {"choices": [{"index": 0, "delta": None}]},
    {"choices": [{"delta": {"content": None, "tool_calls": None}}]},
    {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": None}}]}}]},
    {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": None}]}}]},
    {"choices": [{"index": "0", "delta": "text"}], "usage": "much"},
    {"choices": {}, "usage": []},
    "text", None, 7, [],
)  # fmt: skip


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_odd_chunks_disturb_nothing(odd: Any) -> None:
    found = read_all(chunk({"content": "a"}), odd, chunk({"content": "b"}, "stop"))
    assert found.output_text == "ab"
    assert found.finish_reasons == ("stop",)
    if isinstance(odd, dict):
        model = ChatCompletionChunk.construct(**odd)
        assert read_all(model, chunk({"content": "b"}, "stop")).output_text == "b"


def test_a_stream_that_was_cut_has_what_came() -> None:
    found = read_all(chunk({"content": "Ro"}), chunk({"content": "me"}))
    assert found.output_text == "Rome"
    assert found.finish_reasons == ("error",)


def test_only_content_counts_as_content() -> None:
    draft = Draft("chat")
    silent = [
        chunk({"role": "assistant", "content": ""}),
        chunk({}, "stop"),
        {"choices": [], "usage": {"prompt_tokens": 1}},
    ]
    for item in silent:
        openai_chat.chunk(draft, item)
    assert draft.pieces == 0
    for count, delta in enumerate([{"content": "a"}, {"reasoning": "a"}, {"refusal": "a"}, {"tool_calls": [call(0, "{")]}, {"audio": {"data": "A"}}], 1):  # fmt: skip
        openai_chat.chunk(draft, chunk(delta))
        assert draft.pieces == count
