"""What the program and its models do with their arguments and results is as without us, and told as it was."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.providers.transformers import tiny
from tests.providers.transformers.kit import INPUT, OUTPUT, REASONS, only, said, usage

if TYPE_CHECKING:
    from collections.abc import Callable

torch = pytest.importorskip("torch", reason="torch is not installed")
transformers = pytest.importorskip("transformers", reason="transformers is not installed")

GIVEN: dict[str, Any] = {"max_new_tokens": 4, "do_sample": False}


def overriding() -> Any:
    """A model whose own `generate` puts in a processor where none is given, and adds to one that is."""

    def force(input_ids: Any, scores: Any) -> Any:
        forced = torch.full_like(scores, -1e9)
        forced[:, 42] = 0.0
        return forced

    class Mine(transformers.LlamaForCausalLM):  # type: ignore[misc]
        def generate(self, inputs: Any, logits_processor: Any = None, **more: Any) -> Any:
            if logits_processor is None:
                logits_processor = transformers.LogitsProcessorList([force])
            else:
                logits_processor.append(lambda input_ids, scores: scores)
            return super().generate(inputs, logits_processor=logits_processor, **more)

    return Mine(tiny.llama().config).eval()


def test_an_overriding_method_gets_what_it_was_given(capture: Callable[..., Any]) -> None:
    model, prompt = overriding(), torch.tensor([[5, 6, 7]])
    before = model.generate(prompt, **GIVEN)
    with capture() as seen:
        after = model.generate(prompt, **GIVEN)
        listed = transformers.LogitsProcessorList()
        model.generate(prompt, logits_processor=listed, **GIVEN)
    assert torch.equal(before, after)
    assert after[0, 3:].tolist() == [42] * 4
    assert len(listed) == 1
    assert [usage(span) for span in seen.spans] == [(3, 4), (3, 4)]
    assert all(span.attributes["clearspan.phase.prefill"] > 0 for span in seen.spans)


@pytest.mark.parametrize("count", [3, 4])
def test_arguments_given_by_position(capture: Callable[..., Any], llama: Any, count: int) -> None:
    prompt = torch.tensor([[5, 6, 7]])
    with capture() as seen:
        result = llama.generate(prompt, *([None] * (count - 1)), **GIVEN)
    assert torch.equal(result, llama.generate(prompt, **GIVEN))
    assert usage(only(seen)) == (3, 4)


def test_in_inference_mode_what_is_changed_afterwards_is_counted_as_it_was(
    capture: Callable[..., Any], llama: Any
) -> None:
    with capture() as seen, torch.inference_mode():
        prompt = torch.tensor([[5, 6, 7]])
        result = llama.generate(prompt, **GIVEN)
        result[:, 3:] = 1
        prompt.fill_(2)
    counted = usage(only(seen))
    assert counted[0] == 3
    assert counted[1] in (None, 4)


def test_what_the_program_changes_afterwards_is_not_counted(
    capture: Callable[..., Any], llama: Any
) -> None:
    with capture() as seen:
        prompt = torch.tensor([[5, 6, 7]])
        llama.generate(prompt, **GIVEN)
        prompt.fill_(2)
        result = llama.generate(torch.tensor([[5, 6, 7]]), **GIVEN)
        result[:, 3:] = 1
    changed, kept = seen.spans
    assert changed.attributes.get(INPUT) in (None, 3)
    assert changed.attributes.get(OUTPUT) in (None, 4)
    assert kept.attributes[INPUT] == 3
    assert kept.attributes.get(OUTPUT) in (None, 4)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_one_that_fails_was_asked_all_the_same(
    capture: Callable[..., Any], tokenizer: Any, error: type[BaseException]
) -> None:
    model = tiny.llama()

    def stop(*args: Any) -> None:
        raise error("enough")

    model.register_forward_pre_hook(stop)
    with capture() as seen:
        with pytest.raises(error, match="enough"):
            model.generate(**tokenizer("hello world", return_tensors="pt"), **GIVEN)
    span = only(seen)
    assert span.attributes["error.type"] == error.__name__
    assert span.attributes[INPUT] == len(tokenizer("hello world")["input_ids"])
    assert said(span, "input") == ["hello world"]
    assert OUTPUT not in span.attributes


def test_the_time_of_an_encoding_is_told_once(
    capture: Callable[..., Any], llama: Any, tokenizer: Any
) -> None:
    with capture() as seen:
        encoded = tokenizer("hello world", return_tensors="pt")
        for _ in range(2):
            llama.generate(**encoded, **GIVEN)
    told = ["clearspan.phase.tokenize" in span.attributes for span in seen.spans]
    assert told == [True, False]
    assert [said(span, "input") for span in seen.spans] == [["hello world"]] * 2


def test_a_time_limit_is_neither_a_stop_nor_a_length(
    capture: Callable[..., Any], llama: Any
) -> None:
    with capture() as seen:
        llama.generate(torch.tensor([[5, 6, 7]]), max_new_tokens=100, max_time=0.0, do_sample=False)
    assert REASONS not in only(seen).attributes


@pytest.mark.parametrize(
    ("given", "name"),
    [(str(Path("/") / "secret" / "tiny"), "tiny"), ("./tiny", "tiny"), ("org/tiny", "org/tiny"),
     ("C:\\models\\tiny", "tiny"), ("~/tiny/", "tiny"), ("a/b/tiny", "tiny"), ("tiny", "tiny")],
)  # fmt: skip
def test_where_a_model_lies_is_nobody_elses_business(
    capture: Callable[..., Any], given: str, name: str
) -> None:
    model = tiny.llama()
    model.name_or_path = given
    with capture() as seen:
        model.generate(torch.tensor([[5, 6, 7]]), **GIVEN)
    assert only(seen).name == f"text_completion {name}"
    assert "secret" not in repr(seen.spans)


def test_words_that_are_not_what_the_ids_say_are_left_out(
    capture: Callable[..., Any], llama: Any, tokenizer: Any
) -> None:
    with capture() as seen:
        short = tokenizer("you are how three", return_tensors="pt", truncation=True, max_length=2)
        llama.generate(**short, **GIVEN)
    assert said(only(seen), "input") == [tokenizer.decode(short["input_ids"][0])]


def test_a_conversations_pictures_are_not_kept_alive(
    capture: Callable[..., Any], tokenizer: Any
) -> None:
    import gc
    import weakref

    class Picture:
        """Stands for a large one."""

    picture = Picture()
    gone = weakref.ref(picture)
    with capture():
        tokenizer.apply_chat_template(
            [{"role": "user", "content": "x", "image": picture}], tokenize=False
        )
        del picture
        gc.collect()
        assert gone() is None


def test_a_pipeline_that_another_reads_from_is_a_call_of_its_own(
    capture: Callable[..., Any],
) -> None:
    def judge() -> Any:
        return transformers.pipeline(
            "text-classification",
            model=tiny.bert(),
            tokenizer=tiny.tokenizer("right"),
            device="cpu",
        )

    outer, inner, texts = judge(), judge(), ["hello world", "one two three"]

    def alone() -> Any:
        with capture() as seen:
            list(outer(text for text in texts))
        return only(seen).attributes[INPUT]

    def source() -> Any:
        for text in texts:
            inner(text)
            yield text

    wanted = alone()
    with capture() as seen:
        list(outer(source()))
    spans = sorted(seen.spans, key=lambda span: span.start_ns)
    assert [span.parent_id for span in spans] == [None, spans[0].span_id, spans[0].span_id]
    assert spans[0].attributes[INPUT] == wanted == sum(span.attributes[INPUT] for span in spans[1:])
