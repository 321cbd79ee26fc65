from __future__ import annotations

import asyncio
import inspect
from collections.abc import Sequence
from typing import Any

import pytest

from clearspan.assess.outcome import scored
from clearspan.evaluators.relevance import Relevance
from clearspan.score import Score
from tests.assess.calls import call

QUESTION = "What does photosynthesis do for a plant?"
ABOUT = "Photosynthesis turns light into sugar, which feeds the plant."
BESIDE = "The match ended two to one after extra time."


def judged(question: str, answer: str, **options: Any) -> Score:
    judge = Relevance(**options)
    answer_: Any = judge.evaluate(call(question, answer))
    return scored(answer_, judge)


def test_an_answer_to_the_question_passes_and_another_does_not() -> None:
    about, beside = judged(QUESTION, ABOUT), judged(QUESTION, BESIDE)
    assert about.value is not None
    assert beside.value is not None
    assert about.value > 0.6
    assert beside.value < 0.5
    assert (about.passed, beside.passed) == (True, False)
    assert set(about.metadata) == {"cosine", "form"}


def test_the_last_question_counts() -> None:
    value = judged(QUESTION, ABOUT).value
    assert value is not None
    assert value == judged(QUESTION, ABOUT, threshold=0.9).value


@pytest.mark.parametrize(("question", "answer"), [("what is it", "Rome"), ("Rome", "\u2026"), (" ", "Rome"), ("Rome", " ")])  # fmt: skip
def test_there_may_be_nothing_to_compare(question: str, answer: str) -> None:
    score = judged(question, answer)
    assert (score.value, score.skipped) == (None, "nothing_to_compare")


def embed(texts: list[str]) -> list[list[float]]:
    return [[1.0, float("Rome" in text), 0.5] for text in texts]


def test_embeddings_are_compared_where_they_are_given() -> None:
    score = judged("Where is Rome?", "Rome is in Italy", embed=embed)
    assert score.value == pytest.approx(1.0)
    assert (score.threshold, score.version) == (0.25, "1+embed")
    assert judged("Where is Rome?", "x", embed=embed, threshold=0.99).passed is False


def test_vectors_that_point_apart_are_worth_nothing() -> None:
    score = judged("a", "b", embed=lambda texts: [[1.0, 0.0], [-1.0, 0.0]])
    assert (score.value, score.metadata) == (0.0, {"cosine": -1.0})


def test_embeddings_may_come_from_a_coroutine() -> None:
    async def later(texts: list[str]) -> Sequence[Sequence[float]]:
        await asyncio.sleep(0)
        return embed(texts)

    judge = Relevance(embed=later)
    made = judge.evaluate(call("Where is Rome?", "Rome"))
    assert inspect.isawaitable(made)

    async def wait() -> Score:
        assert inspect.isawaitable(made)
        return await made

    assert asyncio.run(wait()).value == pytest.approx(1.0)


@pytest.mark.parametrize("vectors", [[[1.0]], [[0.0, 0.0], [1.0, 0.0]]])
def test_embeddings_that_are_none(vectors: list[list[float]]) -> None:
    assert judged("a", "b", embed=lambda texts: vectors).error == "invalid_embeddings"


def test_embed_must_be_callable() -> None:
    with pytest.raises(ValueError, match="embed must be a function"):
        Relevance(embed="http://localhost")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("question", "answer"),
    [("What is the capital of France?", "Paris."), ("Who wrote Hamlet?", "Shakespeare"), ("Name three fruits", "Apple, banana, cherry")],
)  # fmt: skip
def test_answers_of_a_few_words_are_not_judged_by_them(question: str, answer: str) -> None:
    score = judged(question, answer)
    assert (score.value, score.skipped) == (None, "answer_too_short")


def test_a_short_answer_that_shares_a_word_is_judged() -> None:
    value = judged("Which pigment is green?", "Green is chlorophyll.").value
    assert value is not None
    assert value > 0.5
