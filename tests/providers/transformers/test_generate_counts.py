"""Tokens are counted as the tensors have them, and generation is the same to the last token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.providers.transformers import tiny
from tests.providers.transformers.kit import REASONS, made, only, usage

if TYPE_CHECKING:
    from collections.abc import Callable

torch = pytest.importorskip("torch", reason="torch is not installed")
transformers = pytest.importorskip("transformers", reason="transformers is not installed")

PADDED = ["hello world how are you", "one"]
PROMPT = torch.tensor([[11, 12, 13, 14]])
NEVER = 10_000  # no token of the vocabulary


def both(capture: Callable[..., Any], model: Any, **given: Any) -> tuple[Any, Any]:
    """The ids of a call, the same as without clearspan, and its span."""

    def call() -> Any:
        torch.manual_seed(7)
        return model.generate(**given)

    before = call()
    with capture() as seen:
        after = call()
    assert type(after) is type(before)
    before, after = (getattr(result, "sequences", result) for result in (before, after))
    assert torch.equal(before, after)
    return after, only(seen)


def greedy(model: Any, ids: Any, length: int) -> list[int]:
    """What the model would say if nothing ended it."""
    row = model.generate(ids, max_new_tokens=length, eos_token_id=None, do_sample=False)[0]
    return list(row[ids.shape[1] :].tolist())


SETTINGS: dict[str, dict[str, Any]] = {
    "greedy": {"do_sample": False},
    "sampling": {"do_sample": True, "temperature": 0.7, "top_k": 20},
    "beams": {"num_beams": 3},
    "several beams": {"num_beams": 4, "num_return_sequences": 3},
    "several samples": {"do_sample": True, "num_return_sequences": 3},
    "a dictionary": {"return_dict_in_generate": True, "output_scores": True},
    "beams in a dictionary": {"num_beams": 2, "return_dict_in_generate": True},
    "penalties": {"repetition_penalty": 1.5, "no_repeat_ngram_size": 2, "min_new_tokens": 3},
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_padded_batch(
    capture: Callable[..., Any], llama: Any, settings: dict[str, Any], side: str
) -> None:
    given = tiny.tokenizer(side)(PADDED, padding=True, return_tensors="pt")
    ends = greedy(llama, given["input_ids"][:1], 6)[3:4]
    result, span = both(
        capture, llama, **given, **settings, max_new_tokens=9, eos_token_id=ends, pad_token_id=2
    )
    lengths = made(result, given["input_ids"].shape[1], set(ends))
    rows = 2 * settings.get("num_return_sequences", 1)
    assert len(lengths) == rows
    assert usage(span) == (int(given["attention_mask"].sum()), sum(lengths))
    assert span.attributes["clearspan.usage.source"] == "counted"
    reasons = ["length" if length == 9 and not set(row.tolist()[-1:]) & set(ends) else "stop"
               for length, row in zip(lengths, result, strict=True)]  # fmt: skip
    assert list(span.attributes[REASONS]) == reasons


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_an_encoder_and_decoder(
    capture: Callable[..., Any], t5: Any, settings: dict[str, Any]
) -> None:
    given = tiny.tokenizer("right")(PADDED, padding=True, return_tensors="pt")
    result, span = both(capture, t5, **given, **settings, max_new_tokens=6)
    lengths = made(result, 1, {t5.config.eos_token_id})
    assert usage(span) == (int(given["attention_mask"].sum()), sum(lengths))


@pytest.mark.parametrize("several", [False, True], ids=["one", "several"])
def test_a_row_that_ends_early(capture: Callable[..., Any], llama: Any, several: bool) -> None:
    said = greedy(llama, PROMPT, 8)
    end = next(
        token for place, token in enumerate(said) if place >= 2 and token not in said[:place]
    )
    ends = [NEVER, end] if several else end
    result, span = both(capture, llama, inputs=PROMPT, max_new_tokens=8, eos_token_id=ends)
    assert usage(span) == (4, said.index(end) + 1)
    assert result.shape[1] == 4 + said.index(end) + 1
    assert span.attributes[REASONS] == ("stop",)


def test_the_padding_token_may_be_the_one_that_ends(
    capture: Callable[..., Any], llama: Any
) -> None:
    batch = torch.tensor([[11, 12, 13, 14], [21, 22, 23, 24]])
    first, second = greedy(llama, batch[:1], 9), greedy(llama, batch[1:], 9)
    end = next(token for token in first[1:] if token not in second[: first.index(token) + 1])
    result, span = both(
        capture, llama, input_ids=batch, attention_mask=torch.ones_like(batch),
        max_new_tokens=9, eos_token_id=end, pad_token_id=end,
    )  # fmt: skip
    lengths = made(result, 4, {end})
    assert lengths[0] < lengths[1]
    assert usage(span) == (8, sum(lengths))


def test_without_a_mask_padding_is_what_generate_takes_for_it(
    capture: Callable[..., Any], llama: Any
) -> None:
    batch = torch.tensor([[2, 2, 13, 14], [21, 22, 23, 24]])
    _, inferred = both(capture, llama, inputs=batch, max_new_tokens=2, pad_token_id=2)
    _, unknown = both(capture, llama, inputs=batch, max_new_tokens=2, pad_token_id=1)
    assert usage(inferred)[0] == 6
    assert usage(unknown)[0] == 8


def test_embeddings_leave_no_prompt_in_the_result(capture: Callable[..., Any], llama: Any) -> None:
    with torch.no_grad():
        embedded = llama.get_input_embeddings()(PROMPT)
    result, span = both(
        capture, llama, inputs_embeds=embedded, max_new_tokens=5, eos_token_id=NEVER
    )
    assert result.shape == (1, 5)
    assert usage(span) == (4, 5)


def test_nothing_to_begin_with(capture: Callable[..., Any], llama: Any) -> None:
    _, span = both(capture, llama, max_new_tokens=5, eos_token_id=NEVER)
    assert usage(span) == (1, 5)


def test_a_configuration_and_arguments_are_merged(capture: Callable[..., Any], llama: Any) -> None:
    config = transformers.GenerationConfig(
        max_new_tokens=8, eos_token_id=[11, 12, 13], temperature=0.25, do_sample=True, top_k=5
    )
    result, span = both(
        capture, llama, inputs=PROMPT, generation_config=config, suppress_tokens=[11, 12]
    )
    asked = {name.rpartition(".")[2]: value for name, value in span.attributes.items()
             if name.startswith("gen_ai.request.")}  # fmt: skip
    assert usage(span) == (4, made(result, 4, {11, 12, 13})[0])
    assert asked == {"model": "tiny", "temperature": 0.25, "max_tokens": 8, "top_k": 5}
    assert span.attributes["clearspan.request.decoding"] == "sampling"


def test_a_whole_length_instead_of_new_tokens(capture: Callable[..., Any], llama: Any) -> None:
    _, span = both(capture, llama, inputs=PROMPT, max_length=10, eos_token_id=NEVER)
    assert usage(span) == (4, 6)
    assert span.attributes[REASONS] == ("length",)
    assert "gen_ai.request.max_tokens" not in span.attributes


class Enough(transformers.StoppingCriteria):  # type: ignore[misc, name-defined]  # no types
    """Ends every row after so many tokens."""

    def __init__(self, length: int) -> None:
        self.length = length

    def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
        return torch.full((input_ids.shape[0],), input_ids.shape[1] >= self.length)


def test_a_criterion_of_the_program_s_own(capture: Callable[..., Any], llama: Any) -> None:
    criteria = transformers.StoppingCriteriaList([Enough(7)])
    _, span = both(
        capture,
        llama,
        inputs=PROMPT,
        max_new_tokens=9,
        eos_token_id=NEVER,
        stopping_criteria=criteria,
    )
    assert usage(span) == (4, 3)
    assert span.attributes[REASONS] == ("stop",)
    assert len(criteria) == 1


class Half(transformers.StoppingCriteria):  # type: ignore[misc, name-defined]  # no types
    """Ends the first row at once."""

    def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
        return torch.arange(input_ids.shape[0]) == 0


def test_a_row_filled_up_after_a_criterion_is_not_counted(
    capture: Callable[..., Any], llama: Any
) -> None:
    """Whether the model made that padding itself cannot be told from the ids."""
    _, span = both(
        capture, llama, inputs=torch.cat([PROMPT, PROMPT]), attention_mask=torch.ones(2, 4),
        max_new_tokens=5, eos_token_id=NEVER, stopping_criteria=[Half()],
    )  # fmt: skip
    assert usage(span) == (8, None)


def test_a_stop_string(capture: Callable[..., Any], llama: Any, tokenizer: Any) -> None:
    said = greedy(llama, PROMPT, 6)
    stop = next(text for text in map(tokenizer.decode, said[2:]) if text.isascii() and text)
    _, span = both(
        capture, llama, inputs=PROMPT, attention_mask=torch.ones_like(PROMPT), max_new_tokens=20,
        eos_token_id=NEVER, stop_strings=[stop], tokenizer=tokenizer,
    )  # fmt: skip
    assert span.attributes[REASONS] == ("stop",)
    assert span.attributes["gen_ai.request.stop_sequences"] == (stop,)


@pytest.mark.parametrize("proposed", ["model", "prompt"])
def test_assisted_decoding(capture: Callable[..., Any], llama: Any, proposed: str) -> None:
    how = (
        {"assistant_model": tiny.llama(seed=3)}
        if proposed == "model"
        else {"prompt_lookup_num_tokens": 3}
    )
    ids = torch.tensor([[11, 12, 13, 14, 11, 12]])
    result, span = both(
        capture, llama, inputs=ids, attention_mask=torch.ones_like(ids), max_new_tokens=8,
        eos_token_id=NEVER, do_sample=False, **how,
    )  # fmt: skip
    assert result.tolist()[0][6:] == greedy(llama, ids, 8)
    assert usage(span) == (6, 8)
    assert span.attributes["clearspan.request.decoding"] == "assisted"
