"""What log probabilities say of an answer: by hand-made numbers, and over whole calls."""

from __future__ import annotations

import math
from typing import Any

import openai
import pytest
from hypothesis import given, strategies as st

import clearspan
from clearspan.draft import Draft
from clearspan.figures.confidence import LOW, POSITIONS, measure, summary
from clearspan.record import Confidence, TokenScore
from clearspan.testing import ModelServer, captured
from clearspan.testing.server import Reply

NAME = "clearspan.confidence."
HALF, TENTH = math.log(0.5), math.log(0.1)


def measured(*choices: list[TokenScore], **params: Any) -> Confidence | None:
    draft = Draft("chat")
    draft.params.update(params)
    for index, tokens in enumerate(choices):
        draft.logprobs(tokens, index)
    measure(draft)
    return draft.confidence


def scores(*logprobs: float | None, alternatives: tuple[float, ...] = ()) -> list[TokenScore]:
    return [TokenScore("x", logprob, alternatives) for logprob in logprobs]


def told(span: Any) -> dict[str, Any]:
    """The figures in a span's attributes."""
    return {
        name.removeprefix(NAME): value
        for name, value in span.attributes.items()
        if name.startswith(NAME)
    }


def test_a_row_of_tokens() -> None:
    found = measured(scores(HALF, HALF, math.log(0.02), 0.0))
    assert found is not None
    mean = (2 * HALF + math.log(0.02)) / 4
    assert (found.tokens, found.low, found.low_positions) == (4, 0.25, (2,))
    assert found.mean == pytest.approx(mean)
    assert found.least == pytest.approx(math.log(0.02))
    assert found.perplexity == pytest.approx(math.exp(-mean))
    assert (found.entropy, found.exact) == (None, None)


def test_a_coin_has_a_perplexity_of_two_and_an_entropy_of_one_bit() -> None:
    found = measured(scores(HALF, HALF, alternatives=(HALF, HALF)))
    assert found is not None
    assert found.perplexity == pytest.approx(2)
    assert found.entropy == pytest.approx(math.log(2))


@pytest.mark.parametrize("choices", [(), ([],), (scores(None, math.nan),)])
def test_without_log_probabilities_there_are_no_figures(choices: tuple[Any, ...]) -> None:
    assert measured(*choices) is None


def test_tokens_without_a_log_probability_keep_their_places() -> None:
    found = measured(scores(None, -0.5, math.nan, -5.0, None))
    assert found == summary([None, -0.5, math.nan, -5.0, None])
    assert found is not None
    assert (found.tokens, found.mean, found.low, found.low_positions) == (2, -2.75, 0.5, (3,))


def test_choices_are_one_row_after_the_other() -> None:
    found = measured(scores(-0.5, -5.0), scores(-5.0, -0.5))
    assert found is not None
    assert (found.tokens, found.low_positions) == (4, (1, 2))


def test_below_a_tenth_is_low_and_a_tenth_is_not() -> None:
    assert LOW == 0.1
    found = measured(scores(TENTH, math.nextafter(TENTH, -1e9)))
    assert found is not None
    assert found.low_positions == (1,)


def test_only_the_first_positions_are_told() -> None:
    found = measured(scores(*[-5.0] * (POSITIONS + 9)))
    assert found is not None
    assert found.low_positions == tuple(range(POSITIONS))
    assert found.low == 1.0


@pytest.mark.parametrize("unlikely", [-9999.0, -3.4e38, -math.inf])
def test_what_is_very_unlikely_is_low_and_has_no_value(unlikely: float) -> None:
    found = measured(scores(-0.5, unlikely, -1.5))
    assert found == Confidence(
        3, mean=-1.0, least=-1.5, perplexity=math.e, low=1 / 3, low_positions=(1,)
    )
    assert measured(scores(unlikely)) == Confidence(1, low=1.0, low_positions=(0,))


def test_a_mean_that_has_no_perplexity() -> None:
    found = measured(scores(-2000.0))
    assert found == Confidence(1, mean=-2000.0, least=-2000.0, low=1.0, low_positions=(0,))


def test_a_little_more_than_certain_is_certain() -> None:
    assert measured(scores(1e-6, 0.0)) == Confidence(
        2, mean=0.0, least=0.0, perplexity=1.0, low=0.0
    )


@pytest.mark.parametrize(
    "tokens",
    [scores(-0.5, 3.2), scores(math.inf), scores(-0.5, alternatives=(-0.5, 2.0))],
    ids=["token", "infinite", "alternative"],
)
def test_numbers_that_are_no_log_probabilities_are_not_used(tokens: list[TokenScore]) -> None:
    assert measured(tokens) is None


@pytest.mark.parametrize(
    ("alternatives", "entropy"),
    [
        ((), None), ((-0.5,), None), ((-0.5, math.nan), None), ((-math.inf, -math.inf), None), ((-9999.0, -9999.0), None),
        ((0.0, -math.inf), 0.0), ((0.0, -9999.0), 0.0), ((-3.0,) * 5, math.log(5)),
        ((math.log(0.6), math.log(0.2)), 0.75 * math.log(4 / 3) + 0.25 * math.log(4)),
    ],
)  # fmt: skip
def test_the_entropy_of_the_alternatives(
    alternatives: tuple[float, ...], entropy: float | None
) -> None:
    found = measured(scores(-0.5, alternatives=alternatives))
    assert found is not None
    assert found.entropy == (None if entropy is None else pytest.approx(entropy, abs=1e-9))


def test_the_entropy_is_the_mean_over_those_tokens_that_have_one() -> None:
    found = measured(
        [TokenScore("a", HALF, (HALF, HALF)), TokenScore("b", -0.1), TokenScore("c", -0.1, (0.0, -99.0))]
    )  # fmt: skip
    assert found is not None
    assert found.entropy == pytest.approx(math.log(2) / 2)


def test_the_prompts_tokens_are_not_the_answers() -> None:
    assert measured(scores(-0.5), echo=True) is None


def test_what_is_not_recorded_is_not_worked_out() -> None:
    draft = Draft("chat")
    draft.recording = False
    draft.logprobs(scores(-0.5))
    measure(draft)
    assert draft.confidence is None


def test_what_a_local_model_said_stands() -> None:
    exact, inner, draft = Confidence(1, exact=True), Draft("chat"), Draft("chat")
    inner.confidence, draft.inner = exact, inner
    draft.logprobs(scores(-0.5, -0.5))
    measure(draft)
    assert draft.confidence is exact
    draft.inner = Draft("chat")
    measure(draft)
    assert draft.confidence is exact


@given(
    st.lists(
        st.none() | st.floats(max_value=0.0) | st.sampled_from([math.nan, -9999.0, 1e-9]),
        max_size=100,
    ),
    st.lists(st.floats(max_value=0.0), max_size=5),
)
def test_figures_hold_together(logprobs: list[float | None], others: list[float]) -> None:
    found = measured(scores(*logprobs, alternatives=tuple(others)))
    usable = [value for value in logprobs if value is not None and not math.isnan(value)]
    if not usable:
        assert found is None
        return
    assert found is not None
    assert found.tokens == len(usable)
    assert found.low == sum(value < TENTH for value in usable) / len(usable)
    assert all(logprobs[place] < TENTH for place in found.low_positions)  # type: ignore[operator]
    if found.mean is not None:
        assert found.least is not None
        assert found.least <= found.mean + 1e-9 <= 1e-9
    if found.perplexity is not None:
        assert found.perplexity >= 1
        assert math.isfinite(found.perplexity)
    if found.entropy is not None:
        assert 0 <= found.entropy <= math.log(len(others)) + 1e-9


# -- whole calls ------------------------------------------------------------------------------


ASKED: Any = {"model": "m", "messages": [{"role": "user", "content": "Where is Rome?"}]}


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("content", ["full", "off"])
def test_a_chat_with_and_without_content(stream: bool, content: str) -> None:
    with ModelServer() as server, captured(content=content) as seen:
        server.respond(Reply("In Italy now", logprobs=[-0.25, -3.0, -0.5]))
        client = openai.OpenAI(base_url=server.url, api_key="none")
        answer = client.chat.completions.create(
            **ASKED, logprobs=True, top_logprobs=2, stream=stream
        )
        if stream:
            list(answer)
        (span,) = seen.spans
    odds = 1 / (1 + math.exp(-1))  # the server's second choice is always one less likely
    entropy = -(odds * math.log(odds) + (1 - odds) * math.log(1 - odds))
    found = told(span)
    assert found.pop("low.positions") == (1,)
    assert found == pytest.approx(
        {
            "tokens": 3, "logprob.mean": -1.25, "logprob.min": -3.0, "perplexity": math.exp(1.25),
            "entropy": entropy, "low.share": 1 / 3,
        }
    )  # fmt: skip
    assert ("clearspan.response.logprobs" in span.attributes) is (content == "full")


def test_a_call_within_a_decorated_function() -> None:
    with ModelServer() as server, captured() as seen:
        server.respond(Reply("In Italy", logprobs=[-0.25, -0.75]))
        client = openai.OpenAI(base_url=server.url, api_key="none")

        @clearspan.observe(kind="model")
        def ask() -> Any:
            return client.chat.completions.create(**ASKED, logprobs=True)

        ask()
        (span,) = seen.spans
    assert told(span)["logprob.mean"] == -0.5


def test_a_call_without_log_probabilities_has_no_figures() -> None:
    with ModelServer() as server, captured() as seen:
        client = openai.OpenAI(base_url=server.url, api_key="none")
        client.chat.completions.create(**ASKED)
        (span,) = seen.spans
    assert told(span) == {}


def test_a_prompt_that_is_echoed() -> None:
    with ModelServer() as server, captured() as seen:
        client = openai.OpenAI(base_url=server.url, api_key="none")
        for echo in (False, True):
            client.completions.create(model="m", prompt="Rome is", logprobs=1, echo=echo)
        plain, echoed = seen.spans
    assert told(plain)["tokens"] > 0
    assert told(echoed) == {}
    assert "clearspan.response.logprobs" in echoed.attributes
