"""How far an answer is about what was asked."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

from clearspan.assess.evaluator import Evaluator
from clearspan.assess.text.common import FUNCTION_WORDS
from clearspan.assess.text.subject import answer_of, question_of
from clearspan.assess.text.vectors import cosine, dense_cosine, vector
from clearspan.assess.text.words import stem, tokens
from clearspan.evaluators.relevance.embeddings import EmbeddingEndpoint
from clearspan.evaluators.relevance.form import agreement
from clearspan.record import Invocation
from clearspan.score import Score

__all__ = ["EmbeddingEndpoint", "Relevance"]

Vectors: TypeAlias = "Sequence[Sequence[float]]"
Embed: TypeAlias = "Callable[[list[str]], Vectors | Awaitable[Vectors]]"
"""Makes a vector of each text; may be a coroutine function."""

_FORM = 0.03
_HALF = 0.09
_FEW = 4


class Relevance(Evaluator):
    """How far the answer is about the question, 0 to 1.

    Without `embed` it compares words: s = cosine of the hashed TF-IDF vectors of question and answer, plus
    0.03 * (1 + f), where f in [-1, 1] tells whether the answer has the form that was asked for (a list, verse,
    code); the value is s / (s + 0.09), so that 0.5 is where related and unrelated answers part. It cannot
    see that other words mean the same. An answer of fewer than four words that say anything, none of them in the
    question, is skipped as `answer_too_short`: "Paris." may be to the point or not, its words do not tell.

    With `embed`, the value is the cosine of the embeddings, 0 where that is negative, and the threshold 0.25; which
    threshold suits a model of embeddings is to be found out with answers of your own. `embed` is called with
    [question, answer]: any function, such as `EmbeddingEndpoint`, or a coroutine function.

    Raises `ValueError` for an `embed` that cannot be called.
    """

    name = "relevance"
    version = "1"
    requires = frozenset({"input", "output"})
    direction = "maximize"
    threshold = 0.5

    def __init__(self, *, embed: Embed | None = None, **options: Any) -> None:
        if embed is not None and not callable(embed):
            raise ValueError(f"clearspan: Relevance: embed must be a function of texts, not {embed!r}")  # fmt: skip
        self._embed = embed
        if embed is not None:
            self.version = f"{self.version}+embed"
            self.threshold = 0.25
            options.setdefault("timeout", 15.0)
        super().__init__(**options)

    def evaluate(self, call: Invocation) -> Score | Awaitable[Score]:
        """Judge the answer by the last question."""
        question, answer = question_of(call), answer_of(call)
        if not question.strip() or not answer.strip():
            return Score(skipped="nothing_to_compare")
        if self._embed is None:
            return _by_words(question, answer)
        made = self._embed([question, answer])
        return self._later(made) if inspect.isawaitable(made) else _by_vectors(made)

    async def _later(self, made: Awaitable[Vectors]) -> Score:
        return _by_vectors(await made)


def _by_words(question: str, answer: str) -> Score:
    asked, told = vector(question), vector(answer)
    if not asked or not told:
        return Score(skipped="nothing_to_compare")
    if _too_short(question, answer):
        return Score(skipped="answer_too_short")
    alike = cosine(asked, told)
    form = agreement(question, answer)
    said = alike + _FORM * (1.0 + form)
    return Score(value=said / (said + _HALF), metadata={"cosine": round(alike, 4), "form": form})


def _too_short(question: str, answer: str) -> bool:
    told = _telling(answer)
    return len(told) < _FEW and told.isdisjoint(_telling(question))


def _telling(text: str) -> set[str]:
    return {stem(word) for word in tokens(text) if word not in FUNCTION_WORDS}


def _by_vectors(vectors: Vectors) -> Score:
    if len(vectors) != 2:
        return Score(error="invalid_embeddings", explanation=f"2 texts, {len(vectors)} embeddings")
    alike = dense_cosine(*vectors)
    if alike is None:
        return Score(error="invalid_embeddings", explanation="an embedding has no length")
    return Score(value=max(0.0, alike), metadata={"cosine": round(alike, 4)})
