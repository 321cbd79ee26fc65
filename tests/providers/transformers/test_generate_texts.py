"""Texts are in the record where it is certain which tokenizer made the ids, and only there."""

from __future__ import annotations

import contextvars
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.providers.transformers.kit import only, said

if TYPE_CHECKING:
    from collections.abc import Callable

torch = pytest.importorskip("torch", reason="torch is not installed")
transformers = pytest.importorskip("transformers", reason="transformers is not installed")

CHAT = [
    {"role": "system", "content": "be short"},
    {"role": "user", "content": "how are you"},
]
GIVEN: dict[str, Any] = {"max_new_tokens": 4, "do_sample": False}


def roles(span: Any) -> list[str]:
    return [message["role"] for message in json.loads(span.attributes["gen_ai.input.messages"])]


def ids(encoded: Any) -> Any:
    """The ids of what a tokenizer gave, whatever it gave."""
    return encoded if isinstance(encoded, (list, torch.Tensor)) else encoded["input_ids"]


def test_a_prompt(capture: Callable[..., Any], llama: Any, tokenizer: Any) -> None:
    with capture() as seen:
        given = tokenizer("hello world", return_tensors="pt")
        result = llama.generate(**given, **GIVEN)
    span = only(seen)
    assert span.name == "text_completion tiny"
    assert said(span, "input") == ["hello world"]
    assert said(span) == [tokenizer.decode(result[0, 2:], skip_special_tokens=True)]


def test_a_batch_of_prompts(capture: Callable[..., Any], llama: Any, tokenizer: Any) -> None:
    texts = ["hello world", "one"]
    with capture() as seen:
        llama.generate(**tokenizer(texts, return_tensors="pt", padding=True), **GIVEN)
    assert said(only(seen), "input") == texts
    assert len(said(only(seen))) == 2


def test_the_time_that_the_tokenizer_took(
    capture: Callable[..., Any], llama: Any, tokenizer: Any
) -> None:
    with capture() as seen:
        llama.generate(**tokenizer("hello world", return_tensors="pt"), **GIVEN)
        llama.generate(torch.tensor([[5, 6, 7]]), **GIVEN)
        transformers.pipeline("text-generation", model=llama, tokenizer=tokenizer)("hello", **GIVEN)
    known, unknown, inside, around = seen.spans
    assert 0 < known.attributes["clearspan.phase.tokenize"] < 10
    assert "clearspan.phase.tokenize" not in unknown.attributes
    assert "clearspan.phase.tokenize" not in inside.attributes, "the pipeline's to tell"
    assert around.attributes["clearspan.phase.tokenize"] > 0


@pytest.mark.parametrize("way", ["at once", "as ids", "by text"])
def test_a_conversation(capture: Callable[..., Any], llama: Any, tokenizer: Any, way: str) -> None:
    chat = [dict(message) for message in CHAT]
    with capture() as seen:
        if way == "by text":
            text = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
            given = tokenizer(text, return_tensors="pt")["input_ids"]
        else:
            given = tokenizer.apply_chat_template(
                chat, return_tensors="pt", return_dict=way == "at once", add_generation_prompt=True
            )
            given = ids(given)
        chat.append({"role": "assistant", "content": "later"})
        llama.generate(given, **GIVEN)
    span = only(seen)
    assert span.name == "chat tiny"
    assert roles(span) == ["system", "user"]
    assert said(span, "input") == ["be short", "how are you"]


def test_tools_of_a_conversation(capture: Callable[..., Any], llama: Any, tokenizer: Any) -> None:
    tools = [{"type": "function", "function": {"name": "look", "description": "look up"}}]
    with capture() as seen:
        given = tokenizer.apply_chat_template(CHAT, tools=tools, return_tensors="pt")
        llama.generate(ids(given), **GIVEN)
    (tool,) = json.loads(only(seen).attributes["gen_ai.tool.definitions"])
    assert tool["name"] == "look"


@pytest.mark.parametrize("copied", ["another tensor", "from a list", "encoded"])
def test_equal_ids_will_do(
    capture: Callable[..., Any], llama: Any, tokenizer: Any, copied: str
) -> None:
    with capture() as seen:
        if copied == "another tensor":
            given = tokenizer("hello world", return_tensors="pt")["input_ids"].clone()
        elif copied == "from a list":
            given = torch.tensor([tokenizer("hello world")["input_ids"]])
        else:
            given = torch.tensor([tokenizer.encode("hello world")])
        llama.generate(given, **GIVEN)
    assert said(only(seen), "input") == ["hello world"]


def test_ids_from_elsewhere_are_no_text(
    capture: Callable[..., Any], llama: Any, tokenizer: Any
) -> None:
    with capture() as seen:
        tokenizer("hello world")
        llama.generate(torch.tensor([[21, 22, 23]]), **GIVEN)
    span = only(seen)
    assert "gen_ai.input.messages" not in span.attributes
    assert said(span) == []
    assert span.attributes["gen_ai.usage.output_tokens"] == 4


def test_ids_that_were_changed_are_no_longer_those(
    capture: Callable[..., Any], llama: Any, tokenizer: Any
) -> None:
    with capture() as seen:
        given = tokenizer("hello world", return_tensors="pt")["input_ids"]
        given[0, 0] = 21
        llama.generate(given, **GIVEN)
    assert "gen_ai.input.messages" not in only(seen).attributes


def test_another_context_knows_nothing_of_it(
    capture: Callable[..., Any], llama: Any, tokenizer: Any
) -> None:
    with capture() as seen:
        given = contextvars.Context().run(tokenizer, "nobody else says this", return_tensors="pt")
        llama.generate(**given, **GIVEN)
    assert "gen_ai.input.messages" not in only(seen).attributes


def test_only_the_last_few_are_remembered(
    capture: Callable[..., Any], llama: Any, tokenizer: Any
) -> None:
    with capture() as seen:
        given = tokenizer("hello world", return_tensors="pt")
        for text in ("a", "b", "c", "d"):
            tokenizer(text)
        llama.generate(**given, **GIVEN)
    assert "gen_ai.input.messages" not in only(seen).attributes


def test_without_content_there_are_counts_only(
    capture: Callable[..., Any], llama: Any, tokenizer: Any
) -> None:
    with capture(content="off") as seen:
        given = tokenizer.apply_chat_template(CHAT, return_tensors="pt")
        llama.generate(ids(given), **GIVEN)
    span = only(seen)
    assert span.name == "chat tiny"
    assert not [name for name in span.attributes if name.endswith("messages")]
    assert span.attributes["gen_ai.usage.output_tokens"] == 4
    assert "be short" not in repr([seen.spans, seen.events, seen.invocations])


class Collected(transformers.TextStreamer):  # type: ignore[misc, name-defined]  # no types
    """Keeps what it is to print."""

    def __init__(self, tokenizer: Any) -> None:
        super().__init__(tokenizer, skip_prompt=True, skip_special_tokens=True)
        self.texts: list[str] = []

    def on_finalized_text(self, text: str, stream_end: bool = False) -> None:
        self.texts.append(text)


def test_a_streamer_gets_what_it_would_get(
    capture: Callable[..., Any], llama: Any, tokenizer: Any
) -> None:
    given = torch.tensor([[21, 22, 23]])
    before, after = Collected(tokenizer), Collected(tokenizer)
    llama.generate(given, streamer=before, **GIVEN)
    with capture() as seen:
        result = llama.generate(given, streamer=after, **GIVEN)
    assert after.texts == before.texts
    span = only(seen)
    assert said(span) == [tokenizer.decode(result[0, 3:], skip_special_tokens=True)]
    assert said(span, "input") == [tokenizer.decode(given[0])]
    assert span.attributes["clearspan.phase.detokenize"] > 0


def test_a_streamer_read_by_another_thread(
    capture: Callable[..., Any], llama: Any, tokenizer: Any
) -> None:
    with capture() as seen:
        given = tokenizer("hello world", return_tensors="pt")
        streamer = transformers.TextIteratorStreamer(
            tokenizer, skip_prompt=True, skip_special_tokens=True, timeout=60
        )
        thread = threading.Thread(
            target=llama.generate, kwargs={**given, **GIVEN, "streamer": streamer}
        )
        thread.start()
        heard = "".join(streamer)
        thread.join()
    span = only(seen)
    assert said(span) == [heard]
    assert said(span, "input") == ["hello world"]


def test_a_tokenizer_given_for_the_call(
    capture: Callable[..., Any], llama: Any, tokenizer: Any
) -> None:
    given = torch.tensor([[2, 22, 23]])
    with capture() as seen:
        llama.generate(given, tokenizer=tokenizer, pad_token_id=2, **GIVEN)
    assert said(only(seen), "input") == [tokenizer.decode(given[0, 1:])]
