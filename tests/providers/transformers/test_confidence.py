"""How sure a model is of its tokens, worked out while it generates: exact, and without a trace in what it does."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

import clearspan
from clearspan.providers.transformers import confidence
from clearspan.providers.transformers.stamps import Steps
from clearspan.providers.transformers.tokens import Answer
from tests.providers.transformers import tiny
from tests.providers.transformers.kit import OUTPUT, only

if TYPE_CHECKING:
    from collections.abc import Callable

torch = pytest.importorskip("torch", reason="torch is not installed")
transformers = pytest.importorskip("transformers", reason="transformers is not installed")

PROMPT = torch.tensor([[5, 6, 7, 9]])
BATCH = torch.tensor([[5, 6, 7, 9], [11, 12, 13, 14], [21, 22, 23, 24]])
GREEDY: dict[str, Any] = {"max_new_tokens": 6, "do_sample": False}
SAMPLED: dict[str, Any] = {"max_new_tokens": 6, "do_sample": True}
NAME = "clearspan.confidence."
PAD, END = 2, 1


def told(span: Any) -> dict[str, Any]:
    return {
        name.removeprefix(NAME): value
        for name, value in span.attributes.items()
        if name.startswith(NAME)
    }


def teacher(model: Any, sequences: Any, prompt: int, counts: list[int], **given: Any) -> Any:
    """(log probability, entropy) of each token, by giving the model the whole text at once."""
    with torch.no_grad():
        logits = model(**given).logits.float()[:, prompt - 1 : -1]
    logs = logits.log_softmax(-1)
    chosen = logs.gather(-1, sequences[:, prompt:, None])[..., 0]
    entropy = torch.distributions.Categorical(logits=logits).entropy()
    kept = [(row, step) for row, count in enumerate(counts) for step in range(count)]
    return (
        [float(chosen[row, step]) for row, step in kept],
        [float(entropy[row, step]) for row, step in kept],
    )


def expect(span: Any, logprobs: list[float], entropies: list[float]) -> None:
    found = told(span)
    mean = sum(logprobs) / len(logprobs)
    low = [place for place, value in enumerate(logprobs) if value < math.log(0.1)]
    assert found.pop("tokens") == len(logprobs)
    assert found.pop("exact") is True
    assert found.pop("low.positions", ()) == tuple(low)
    assert found == pytest.approx(
        {
            "logprob.mean": mean,
            "logprob.min": min(logprobs),
            "perplexity": math.exp(-mean),
            "entropy": sum(entropies) / len(entropies),
            "low.share": len(low) / len(logprobs),
        },
        rel=1e-5,
        abs=1e-5,
    )


def sharp(seed: int = 0) -> Any:
    """A model that is sure of some tokens and not of others."""
    model = tiny.llama(seed)
    with torch.no_grad():
        model.lm_head.weight.mul_(30)
    return model


WAYS: dict[str, dict[str, Any]] = {
    "greedy": GREEDY,
    "sampled": {**SAMPLED, "top_k": 0},
    "warped": {**SAMPLED, "temperature": 0.3, "top_k": 5, "top_p": 0.9, "repetition_penalty": 1.5},
    "forced": {**GREEDY, "min_new_tokens": 6, "no_repeat_ngram_size": 2, "suppress_tokens": [3, 4]},
    "several": {**SAMPLED, "num_return_sequences": 3},
    "static": {**GREEDY, "cache_implementation": "static", "disable_compile": True},
    "no cache": {**GREEDY, "use_cache": False},
    "long": {**GREEDY, "max_new_tokens": 200, "eos_token_id": None},
}


@pytest.mark.parametrize("way", list(WAYS))
def test_what_is_told_is_what_the_model_says_of_the_text(
    capture: Callable[..., Any], way: str
) -> None:
    model, given = sharp(), dict(WAYS[way])
    if way == "static" and not hasattr(transformers.GenerationConfig(), "disable_compile"):
        del given["disable_compile"]
    torch.manual_seed(1)
    before = model.generate(PROMPT, **given)
    state = torch.random.get_rng_state()
    with capture(token_confidence=True) as seen:
        torch.manual_seed(1)
        after = model.generate(PROMPT, **given)
        assert torch.equal(state, torch.random.get_rng_state())
    assert torch.equal(before, after)
    ends = {END} if given.get("eos_token_id", END) else set()
    counts = [
        next((place + 1 for place, token in enumerate(row[4:].tolist()) if token in ends), len(row) - 4)
        for row in after
    ]  # fmt: skip
    expect(only(seen), *teacher(model, after, 4, counts, input_ids=after))


def test_it_is_that_of_the_raw_logits_and_of_the_librarys_own_scores(
    capture: Callable[..., Any],
) -> None:
    model = sharp()
    with capture(token_confidence=True) as seen:
        result = model.generate(
            PROMPT, output_logits=True, output_scores=True, return_dict_in_generate=True, **GREEDY
        )
    scores = model.compute_transition_scores(
        result.sequences, result.scores, normalize_logits=True
    )[0].tolist()
    found = told(only(seen))
    assert found["logprob.mean"] == pytest.approx(sum(scores) / len(scores), abs=1e-5)
    assert found["logprob.min"] == pytest.approx(min(scores), abs=1e-5)


def test_rows_that_end_early_and_rows_with_padding(capture: Callable[..., Any]) -> None:
    model = sharp()
    ids, mask = BATCH.clone(), torch.ones_like(BATCH)
    ids[1, :2], mask[1, :2] = PAD, 0
    free = model.generate(ids, attention_mask=mask, **GREEDY)
    end = int(free[2, 5])  # ends the last row after its second token
    given = {**GREEDY, "eos_token_id": end, "attention_mask": mask}
    with capture(token_confidence=True) as seen:
        result = model.generate(ids, **given)
    counts = [
        next((at + 1 for at, token in enumerate(row[4:].tolist()) if token == end), len(row) - 4)
        for row in result
    ]
    assert counts[2] == 2 < max(counts)
    span = only(seen)
    assert span.attributes[OUTPUT] == sum(counts)
    whole = torch.cat([mask, torch.ones_like(result[:, 4:])], -1)
    places = (whole.cumsum(-1) - 1).clamp(min=0)
    reference = teacher(
        model, result, 4, counts, input_ids=result, attention_mask=whole, position_ids=places
    )
    expect(span, *reference)


def test_an_encoder_with_a_decoder(capture: Callable[..., Any], t5: Any) -> None:
    given = {**GREEDY, "min_new_tokens": 3}
    before = t5.generate(PROMPT, **given)
    with capture(token_confidence=True) as seen:
        result = t5.generate(PROMPT, **given)
    assert torch.equal(before, result)
    counts = [
        next((at + 1 for at, token in enumerate(result[0, 1:].tolist()) if token == END), result.shape[1] - 1)
    ]  # fmt: skip
    reference = teacher(t5, result, 1, counts, input_ids=PROMPT, decoder_input_ids=result)
    expect(only(seen), *reference)


def test_beside_listeners_of_the_programs_own(capture: Callable[..., Any]) -> None:
    """A processor that forces a token, a criterion that stops, both in lists that stay as they were."""

    def force(input_ids: Any, scores: Any) -> Any:
        scores[:, :42] = -torch.inf
        scores[:, 43:] = -torch.inf
        return scores

    def stop(input_ids: Any, scores: Any, **kwargs: Any) -> Any:
        return torch.full((input_ids.shape[0],), input_ids.shape[1] >= 7)

    model = sharp()
    processors = transformers.LogitsProcessorList([force])
    criteria = transformers.StoppingCriteriaList([stop])
    with capture(token_confidence=True) as seen:
        result = model.generate(
            PROMPT, logits_processor=processors, stopping_criteria=criteria, **GREEDY
        )
    assert result[0, 4:].tolist() == [42] * 3
    assert (processors, criteria) == ([force], [stop])
    expect(only(seen), *teacher(model, result, 4, [3], input_ids=result))


@pytest.mark.parametrize(
    "given",
    [
        {"num_beams": 2}, {"num_beams": 2, "do_sample": True}, {"assistant_model": "other"},
        {"prompt_lookup_num_tokens": 2},
    ],
    ids=["beams", "sampled beams", "assisted", "looked up"],
)  # fmt: skip
def test_where_it_would_not_be_exact_nothing_is_told(
    capture: Callable[..., Any], given: dict[str, Any]
) -> None:
    if "assistant_model" in given:
        given = {"assistant_model": tiny.llama(2)}
    with capture(token_confidence=True) as seen:
        sharp().generate(PROMPT, **(GREEDY | given))
    span = only(seen)
    assert told(span) == {}
    assert span.attributes[OUTPUT] > 0


def test_arguments_given_by_position(capture: Callable[..., Any]) -> None:
    model = sharp()
    with capture(token_confidence=True) as seen:
        result = model.generate(PROMPT, None, None, None, **GREEDY)
    assert told(only(seen)) == {}
    assert torch.equal(result, model.generate(PROMPT, **GREEDY))


def test_criteria_that_are_no_list_stay_what_they_are(capture: Callable[..., Any]) -> None:
    def never(input_ids: Any, scores: Any, **kwargs: Any) -> Any:
        return torch.zeros(input_ids.shape[0], dtype=torch.bool)

    model = sharp()
    with capture(token_confidence=True) as seen:
        result = model.generate(PROMPT, stopping_criteria=(never,), **GREEDY)
    assert told(only(seen)) == {}
    assert torch.equal(result, model.generate(PROMPT, **GREEDY))


def test_a_result_that_is_put_together_of_several(capture: Callable[..., Any]) -> None:
    class Twice(transformers.LlamaForCausalLM):  # type: ignore[misc]
        def generate(self, inputs: Any, **more: Any) -> Any:
            return super().generate(super().generate(inputs, **more), **more)

    model = Twice(tiny.llama().config).eval()
    with capture(token_confidence=True) as seen:
        result = model.generate(PROMPT, **GREEDY)
    assert result.shape[1] == 16
    assert told(only(seen)) == {}


def test_a_result_whose_tokens_are_others(capture: Callable[..., Any]) -> None:
    class Edited(transformers.LlamaForCausalLM):  # type: ignore[misc]
        def generate(self, inputs: Any, **more: Any) -> Any:
            made = super().generate(inputs, **more).clone()
            made[:, -2] = 3
            return made

    model = Edited(tiny.llama().config).eval()
    with capture(token_confidence=True) as seen:
        result = model.generate(PROMPT, **GREEDY)
    assert result[0, -2] == 3
    assert only(seen).attributes[OUTPUT] == 6
    assert told(only(seen)) == {}


def test_within_a_decorated_function(capture: Callable[..., Any]) -> None:
    model = sharp()

    @clearspan.observe(kind="model")
    def ask() -> Any:
        return model.generate(PROMPT, **GREEDY)

    with capture(token_confidence=True) as seen:
        result = ask()
    expect(only(seen), *teacher(model, result, 4, [6], input_ids=result))


def test_with_content_off(capture: Callable[..., Any]) -> None:
    with capture(token_confidence=True, content="off") as seen:
        sharp().generate(PROMPT, **GREEDY)
    assert told(only(seen))["tokens"] == 6


def processors_of(model: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The classes of all that is asked for each step."""
    names: list[str] = []
    asked = type(model)._sample

    def sample(self: Any, *args: Any, **kwargs: Any) -> Any:
        for name in ("logits_processor", "stopping_criteria"):
            names.extend(type(item).__name__ for item in kwargs[name])
        return asked(self, *args, **kwargs)

    monkeypatch.setattr(type(model), "_sample", sample)
    return names


@pytest.mark.parametrize("settings", [{}, {"token_confidence": True, "sample_rate": 0.0}])
def test_nothing_is_there_unless_it_is_asked_for_and_recorded(
    capture: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    model = sharp()
    names = processors_of(model, monkeypatch)
    with capture(**settings):
        model.generate(PROMPT, **GREEDY)
    assert "_Seen" not in names
    assert "_Chosen" not in names


def test_it_stands_before_all_that_the_library_puts_in(
    capture: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = sharp()
    names = processors_of(model, monkeypatch)
    with capture(token_confidence=True):
        model.generate(PROMPT, **WAYS["warped"])
    assert names[0] == "_Seen"
    assert len(names) > 5


WAITS = ("item", "tolist", "cpu", "numpy", "__bool__", "__int__", "__float__", "__index__")


def test_no_step_waits_for_the_device(
    capture: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, waits = sharp(), [0]

    def counted(name: str) -> Any:
        real = getattr(torch.Tensor, name)

        def wait(self: Any, *args: Any, **kwargs: Any) -> Any:
            waits[0] += 1
            return real(self, *args, **kwargs)

        return wait

    for name in WAITS:
        monkeypatch.setattr(torch.Tensor, name, counted(name))
    found: list[int] = []
    for settings in ({}, {"token_confidence": True}):
        with capture(**settings):
            waits[0] = 0
            model.generate(PROMPT, **GREEDY)
            found.append(waits[0])
    assert found[0] == found[1] > 0


def test_a_step_that_fails_is_the_last_one(
    capture: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """For want of memory, say: the program goes on as if nothing had been asked for."""
    monkeypatch.delenv("CLEARSPAN_STRICT", raising=False)
    model, tried = sharp(), [0]
    before = model.generate(PROMPT, **GREEDY)

    def fail(*args: Any, **kwargs: Any) -> Any:
        tried[0] += 1
        raise RuntimeError("out of memory")

    with capture(token_confidence=True) as seen:
        with monkeypatch.context() as patched:
            patched.setattr(torch.Tensor, "log_softmax", fail)
            result = model.generate(PROMPT, **GREEDY)
        assert told(only(seen)) == {}
    assert tried == [1]
    assert torch.equal(before, result)


# -- one row of steps -----------------------------------------------------------------------------------


def logits(*shape: int) -> Any:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("steps", [1, 3, 4, 9])
def test_steps_are_gathered_so_that_few_tensors_are_held(
    monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    monkeypatch.setattr(confidence, "_GATHERED", 4)
    heard = Steps()
    scores = heard.scores = confidence.Scores()
    ids, seen = torch.tensor([[1], [2]]), logits(steps, 2, 7)
    for step in range(steps):
        scores.attempt(scores.see, seen[step])
        ids = torch.cat([ids, torch.tensor([[3], [4]])], -1)
        scores.attempt(scores.choose, ids)
    chosen = seen.log_softmax(-1)[:, [0, 1], [3, 4]]
    found = scores.fetch()
    assert torch.allclose(torch.tensor(found)[..., 0], chosen, atol=1e-6)
    made = confidence.told(
        heard, 1, [Answer([3] * steps, "length"), Answer([4] * (steps - 1), "stop")]
    )
    assert made is not None
    assert made.tokens == 2 * steps - 1
    assert made.mean == pytest.approx(
        float(chosen[:, 0].sum() + chosen[:-1, 1].sum()) / (2 * steps - 1), abs=1e-5
    )


def test_words_that_cannot_come_have_no_part_in_the_entropy() -> None:
    scores = confidence.Scores()
    scores.attempt(scores.see, torch.tensor([[0.0, 0.0, -torch.inf]]))
    scores.attempt(scores.choose, torch.tensor([[5, 1]]))
    assert scores.fetch()[0][0] == pytest.approx([math.log(0.5), math.log(2)])


@pytest.mark.parametrize(
    ("shape", "ids"),
    [((2, 3, 7), (2, 3)), ((2, 7), (3, 4)), ((2, 7), (2, 3, 4)), (None, (2, 3))],
    ids=["channels", "other rows", "codes", "nothing seen"],
)
def test_what_has_another_form_is_lost(shape: Any, ids: Any) -> None:
    heard = Steps()
    scores = heard.scores = confidence.Scores()
    if shape is not None:
        scores.attempt(scores.see, logits(*shape))
    scores.attempt(scores.choose, torch.ones(ids, dtype=torch.int64))
    scores.attempt(scores.see, logits(2, 7))
    assert scores.lost
    assert confidence.told(heard, 1, [Answer([1], None)]) is None


def test_scores_that_are_asked_for_twice_are_lost() -> None:
    scores = confidence.Scores()
    scores.attempt(scores.see, logits(2, 7))
    scores.attempt(scores.see, logits(2, 7))
    assert scores.lost


@pytest.mark.parametrize(
    ("start", "answers"),
    [
        (None, [Answer([1], None)]), (1, None), (1, []), (1, [Answer([1], None)] * 2), (2, [Answer([1], None)]),
        (1, [Answer([2], None)]), (1, [Answer([1, 1], None)]),
    ],
)  # fmt: skip
def test_only_the_very_tokens_that_were_chosen_are_told_of(start: Any, answers: Any) -> None:
    heard = Steps()
    scores = heard.scores = confidence.Scores()
    assert confidence.told(heard, 1, [Answer([1], None)]) is None  # not a step yet
    scores.attempt(scores.see, logits(1, 7))
    scores.attempt(scores.choose, torch.ones((1, 2), dtype=torch.int64))
    assert confidence.told(heard, 1, [Answer([1], None)]) is not None
    assert confidence.told(heard, start, answers) is None
