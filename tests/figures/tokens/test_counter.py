from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from clearspan.draft import Draft
from clearspan.figures.tokens import TokenCounter
from clearspan.figures.tokens.bytepairs import BytePairs
from clearspan.figures.tokens.vocabularies import Vocabularies
from clearspan.formats import embeddings, openai_chat, openai_completions, openai_responses
from clearspan.provider import Call
from clearspan.record import ErrorInfo, Outcome
from clearspan.semconv import HTTP_STATUS

BYTES = BytePairs({bytes([i]): i for i in range(256)}, r"\w+|\W")
READERS: dict[str, Any] = {
    "chat": openai_chat,
    "text_completion": openai_completions,
    "embeddings": embeddings,
    "generate_content": openai_completions,
}
ASKED: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]}
# 3 for the message, 4 for "user", 5 for "hello", 3 that lead up to the answer: a byte is a token here.
COST = 15
PNG = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAABAAAAAQACAIAAAA"  # 1024 x 1024


@pytest.fixture(scope="module")
def count() -> TokenCounter:
    held = Vocabularies(lambda _: BYTES)
    for name in ("o200k_base", "cl100k_base", "o200k_harmony"):
        held.counter(name)
    held.settle(60)
    return TokenCounter(held)


@pytest.fixture
def rough() -> TokenCounter:
    return TokenCounter(Vocabularies(lambda _: None))


def made(operation: str = "chat", reader: Any = None, **given: Any) -> Draft:
    """A draft as the pipeline hands it to figures: the request is read, nothing came yet."""
    draft = Draft(operation)
    reader = reader or READERS[operation]
    draft.endpoint = SimpleNamespace(request=reader.request)
    draft.model = given.get("model")
    if given.get("stream"):
        draft.params["stream"] = True
    draft.call = Call(None, (), given)
    reader.request(draft, draft.call)
    return draft


def counted(figure: TokenCounter, draft: Draft) -> dict[str, Any]:
    figure(draft)
    return dict(draft.counts)


def answered(text: str = "Hi.", **given: Any) -> Draft:
    draft = made(**{**ASKED, **given})
    draft.text(text)
    draft.finish("stop")
    return draft


def test_what_was_reported_stays(count: TokenCounter) -> None:
    draft = answered()
    draft.usage(input=70, output=7)
    assert counted(count, draft) == {"input": 70, "output": 7}


def test_nothing_was_reported(count: TokenCounter) -> None:
    assert counted(count, answered()) == {"input": COST, "output": 3, "source": "counted"}


@pytest.mark.parametrize("side", ["input", "output"])
def test_one_side_was_reported(count: TokenCounter, side: str) -> None:
    draft = answered()
    draft.usage(**{side: 99})
    expected = {
        "input": COST,
        "output": 3,
        "source": "counted",
        side: 99,
        f"{side}_source": "reported",
    }
    assert counted(count, draft) == expected


def test_until_the_vocabulary_is_loaded_it_is_estimated() -> None:
    gate = threading.Event()
    held = Vocabularies(lambda _: BYTES if gate.wait(60) else None)
    figure = TokenCounter(held)
    first = counted(figure, answered())
    assert (first["source"], first["input"]) == ("estimated", 8)
    gate.set()
    held.settle(60)
    assert counted(figure, answered())["source"] == "counted"


def test_other_vendors_models_are_estimated(count: TokenCounter) -> None:
    found = counted(count, answered(model="mistral-large-latest"))
    assert found["source"] == "estimated"
    assert 0 < found["input"] < COST


def test_the_model_that_answered_decides(count: TokenCounter) -> None:
    draft = answered(model="our-deployment")
    draft.response_model = "gpt-4o-2024-08-06"
    assert counted(count, draft)["source"] == "counted"


def test_names_and_system_messages(count: TokenCounter) -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "name": "bob", "content": [{"type": "text", "text": "hello"}]},
    ]
    # 3 + 6 + 9, then 3 + 4 + 1 + 3 + 5, and 3.
    assert counted(count, made(model="gpt-4o", messages=messages))["input"] == 18 + 16 + 3


def test_several_answers(count: TokenCounter) -> None:
    draft = answered("one")
    draft.text("three", 1)
    assert counted(count, draft)["output"] == 8


@pytest.mark.parametrize("outcome", [Outcome.CLOSED, Outcome.CANCELLED, Outcome.ABANDONED])
def test_what_came_before_it_was_broken_off(count: TokenCounter, outcome: Outcome) -> None:
    draft = made(**ASKED, stream=True)
    draft.text("Hal")
    draft.outcome = outcome
    assert counted(count, draft) == {"input": COST, "output": 3, "source": "counted"}


def test_cancelled_before_anything_came(count: TokenCounter) -> None:
    draft = made(**ASKED)
    draft.outcome = Outcome.CANCELLED
    assert counted(count, draft) == {"input": COST, "source": "counted"}


def test_timed_out(count: TokenCounter) -> None:
    draft = made(**ASKED)
    draft.fail("openai.APITimeoutError", "Request timed out.")
    assert counted(count, draft) == {"input": COST, "source": "counted"}


@pytest.mark.parametrize("cause", ["httpx.ConnectTimeout", "httpx.PoolTimeout"])
def test_what_was_never_sent_has_no_tokens(count: TokenCounter, cause: str) -> None:
    draft = made(**ASKED)
    name = "openai.APITimeoutError"
    draft.outcome, draft.error = Outcome.FAILED, ErrorInfo(name, None, None, name, cause)
    assert counted(count, draft) == {}
    draft.error = ErrorInfo(name, None, None, name, "httpx.ReadTimeout")
    assert counted(count, draft) == {"input": COST, "source": "counted"}


def test_a_timeout_under_the_providers_own_code(count: TokenCounter) -> None:
    draft = made(**ASKED)
    draft.outcome, draft.error = Outcome.FAILED, ErrorInfo("408", None, None, "httpx.ReadTimeout")
    assert "input" in counted(count, draft)


def test_a_stream_that_failed_on_its_way(count: TokenCounter) -> None:
    draft = made(**ASKED, stream=True)
    draft.text("Ha")
    draft.stamp(1.0, content=True)
    draft.fail("openai.APIError")
    assert counted(count, draft) == {"input": COST, "output": 2, "source": "counted"}


def refused(draft: Draft) -> None:
    draft.fail("insufficient_quota")


def refused_by_status(draft: Draft) -> None:
    draft.extra(HTTP_STATUS, 504)
    draft.fail("Timeout")


def unsampled(draft: Draft) -> None:
    draft.recording = False


def lost(draft: Draft) -> None:
    draft.lost = 1


def agentic(draft: Draft) -> None:
    draft.inference_calls = 2


def local(draft: Draft) -> None:
    draft.kind = "internal"


def by_hand(draft: Draft) -> None:
    draft.endpoint = None


def other(draft: Draft) -> None:
    draft.operation = "moderation"


def unreadable(draft: Draft) -> None:
    draft.call, draft.keeps = None, False


@pytest.mark.parametrize(
    "change",
    [refused, refused_by_status, unsampled, lost, agentic, local, by_hand, other, unreadable],
    ids=lambda change: change.__name__,
)
def test_nothing_is_counted_where_nothing_can_be_known(
    count: TokenCounter, change: Callable[[Draft], None]
) -> None:
    draft = answered()
    change(draft)
    assert counted(count, draft) == {}


def test_without_content_streams_are_counted_all_the_same(count: TokenCounter) -> None:
    draft = answered(stream=True)
    draft.content = False
    draft.input_messages.clear()
    assert counted(count, draft) == {"input": COST, "output": 3, "source": "counted"}
    assert draft.input_messages == []


def test_without_content_the_request_of_other_calls_is_not_there(count: TokenCounter) -> None:
    draft = answered()
    draft.content = False
    assert counted(count, draft) == {"output": 3, "source": "counted"}


def test_a_call_inside_a_function_of_the_applications(count: TokenCounter) -> None:
    outer = Draft("chat", kind="internal")
    outer.inner = answered()
    outer.absorb(outer.inner)
    assert counted(count, outer) == {"input": COST, "output": 3, "source": "counted"}


def test_unseen_thoughts_are_not_guessed(count: TokenCounter) -> None:
    # A thinking model's request costs one token less.
    assert counted(count, answered(model="o3-mini")) == {"input": COST - 1, "source": "counted"}


def test_without_thinking_the_answer_of_such_a_model_is_estimated(count: TokenCounter) -> None:
    draft = answered(model="gpt-5.1", reasoning_effort="none")
    assert counted(count, draft) == {
        "input": COST - 1, "output": 3, "source": "estimated", "input_source": "counted",
    }  # fmt: skip


def test_open_models_show_their_thoughts(count: TokenCounter) -> None:
    draft = answered(model="gpt-oss:20b")
    draft.reasoning("hm")
    found = counted(count, draft)
    assert found == {"input": COST - 1 + 62, "output": 5, "source": "estimated"}
    assert "output" not in counted(count, answered(model="gpt-oss:20b"))


def test_tools_and_calls_are_estimated(count: TokenCounter) -> None:
    messages = [
        *ASKED["messages"],
        {
            "role": "assistant",
            "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "1", "content": "42"},
        {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "43"}]},
    ]
    tools = [{"type": "function", "function": {"name": "f"}}]
    draft = made(model="gpt-4o", messages=messages, tools=tools)
    draft.tool_call(0, 0, name="f", arguments='{"a":1}')
    draft.finish("tool_calls")
    # A call: its name, 7 around it, its arguments; the tool's definition: 7 + len("f:") + 12.
    call = 1 + 7 + 7
    asked = COST + (3 + 9 + call) + 2 * (3 + 4 + 2) + (7 + 2 + 12)
    assert counted(count, draft) == {"input": asked, "output": call, "source": "estimated"}


def test_an_answer_that_ended_beside_tools_has_its_end_counted(count: TokenCounter) -> None:
    draft = answered(tools=[{"type": "function", "function": {"name": "f"}}])
    assert counted(count, draft)["output"] == 4
    draft = answered(tools=[{"type": "function", "function": {"name": "f"}}])
    draft.choice(0).finish = "length"
    assert counted(count, draft)["output"] == 3
    assert counted(count, answered(model="gpt-4.1-mini"))["output"] == 4


@pytest.mark.parametrize("given", ["a text", None, {"a": 1}, [1, 2]])
def test_what_a_tool_answered(count: TokenCounter, given: Any) -> None:
    messages = [{"role": "tool", "tool_call_id": "1", "content": given}]
    length = {"str": 6, "NoneType": 0, "dict": 7, "list": 5}[type(given).__name__]
    assert counted(count, made(model="gpt-4o", messages=messages))["input"] == 3 + 4 + length + 3


def test_a_picture_that_a_tool_gave_is_unknown(count: TokenCounter) -> None:
    content = [{"type": "input_image", "image_url": PNG}]
    messages = [{"role": "tool", "tool_call_id": "1", "content": content}]
    assert counted(count, made(model="gpt-4o", messages=messages)) == {}


def test_the_form_of_an_answer_is_estimated(count: TokenCounter) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}
    draft = made(**ASKED, response_format=form)
    length = len('{"type":"object"}')
    assert counted(count, draft) == {"input": COST + length + 3, "source": "estimated"}
    draft = made(**ASKED, response_format={"type": "json_object"})
    assert counted(count, draft) == {"input": COST, "source": "estimated"}


def seen(url: str, *, model: str = "gpt-4o", **more: Any) -> Draft:
    parts = [{"type": "image_url", "image_url": {"url": url, **more}}]
    return made(model=model, messages=[{"role": "user", "content": parts}])


def test_pictures(count: TokenCounter) -> None:
    bare = 3 + 4 + 3
    assert counted(count, seen(PNG)) == {"input": bare + 765, "source": "estimated"}
    assert counted(count, seen(PNG, detail="low"))["input"] == bare + 85
    assert counted(count, seen("https://a.invalid/a.png", detail="low"))["input"] == bare + 85
    assert counted(count, seen(PNG, model="gpt-4.1-mini"))["input"] == bare + 1659


@pytest.mark.parametrize(
    ("url", "model"),
    [
        ("https://a.invalid/a.png", "gpt-4o"),
        (PNG, "pixtral-12b"),
        ("https://a.invalid/a.png", "o4-mini"),
    ],
)
def test_pictures_that_nobody_can_count(count: TokenCounter, url: str, model: str) -> None:
    assert counted(count, seen(url, model=model, detail="high")) == {}


def test_details_belong_to_their_pictures(count: TokenCounter) -> None:
    parts = [
        {"type": "image_url", "image_url": {"url": PNG, "detail": detail}}
        for detail in ("low", "high")
    ]
    draft = made(model="gpt-4o", messages=[{"role": "user", "content": parts}])
    assert counted(count, draft)["input"] == 3 + 4 + 3 + 85 + 765


def test_sound_and_documents_are_unknown(count: TokenCounter) -> None:
    for part in (
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
        {"type": "file", "file": {"file_id": "file-1"}},
    ):
        draft = made(model="gpt-4o", messages=[{"role": "user", "content": [part]}])
        assert counted(count, draft) == {}


def test_spoken_answers_are_unknown(count: TokenCounter) -> None:
    draft = made(**ASKED)
    draft.audio("AAAA", "Hello.")
    assert counted(count, draft) == {"input": COST, "source": "counted"}


def test_earlier_thoughts_are_not_sent_to_openais_models(count: TokenCounter) -> None:
    messages = [{"role": "assistant", "content": "ok", "reasoning_content": "long thoughts"}]
    assert counted(count, made(model="gpt-4o", messages=messages))["input"] == 3 + 9 + 2 + 3
    shown = counted(count, made(model="deepseek-chat", messages=messages))
    silent = counted(
        count, made(model="deepseek-chat", messages=[{"role": "assistant", "content": "ok"}])
    )
    assert shown["input"] > silent["input"]


def responded(**given: Any) -> Draft:
    return made("chat", openai_responses, **{"model": "gpt-4o", "input": "hello", **given})


def test_responses(count: TokenCounter) -> None:
    draft = responded(instructions="Be brief.")
    draft.text("Hi.", key=(0, 0))
    draft.finish("stop")
    # The end of the answer is counted here.
    assert counted(count, draft) == {"input": COST + 3 + 6 + 9, "output": 4, "source": "counted"}


@pytest.mark.parametrize(
    "given",
    [
        {"previous_response_id": "resp_1"},
        {"conversation": "conv_1"},
        {"prompt": {"id": "pmpt_1"}},
        {"tools": [{"type": "web_search"}]},
        {"input": []},
    ],
    ids=lambda given: next(iter(given)),
)
def test_what_the_provider_adds_is_unknown(count: TokenCounter, given: dict[str, Any]) -> None:
    assert counted(count, responded(**given)) == {}


def test_completions(count: TokenCounter) -> None:
    draft = made("text_completion", model="davinci-002", prompt=["one", "three"])
    draft.text("four")
    assert counted(count, draft) == {"input": 8, "output": 4, "source": "counted"}
    draft = made("text_completion", model="davinci-002", prompt=[1, 2, 3])
    assert counted(count, draft) == {}


def test_embeddings(count: TokenCounter) -> None:
    for given, cost in (("hello", 5), (["hello", "you"], 8)):
        draft = made("embeddings", model="text-embedding-3-small", input=given)
        draft.text("never said")
        assert counted(count, draft) == {"input": cost, "source": "counted"}
    for odd in ([1, 2], ["hello", [1, 2]]):
        assert counted(count, made("embeddings", model="text-embedding-3-small", input=odd)) == {}


def test_generated_content_is_counted_where_it_is_text(count: TokenCounter) -> None:
    draft = made("generate_content", model="gpt-4o", prompt="hello")
    draft.text("four")
    assert counted(count, draft) == {"input": 5, "output": 4, "source": "counted"}
    assert counted(count, made("generate_content", model="gpt-4o", prompt="hello")) == {}
    draft = made("generate_content", model="gpt-4o", prompt="hello")
    draft.part({"type": "blob", "modality": "image", "content": "AAAA"})
    assert counted(count, draft) == {}
