"""The measures of ranked retrieval against known judgements: precision and recall at k, MRR, nDCG."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from clearspan.assess.evaluator import INFERENCE, Evaluator
from clearspan.evaluators.retrieval.found import Found, found, query
from clearspan.record import Invocation, Operation
from clearspan.score import Score

__all__ = ["MRR", "NDCG", "Judgements", "PrecisionAtK", "RecallAtK", "Relevant", "dcg"]

Judgements: TypeAlias = "Iterable[str] | Mapping[str, float]"
"""What is relevant to one question: ids (or texts), or their grades; 0 is not relevant."""

Relevant: TypeAlias = "Mapping[str, Judgements] | Callable[[Invocation], Judgements | None]"
"""Judgements by question, or a callable that has them for a call."""


class _Ranking(Evaluator):
    """What the measures have in common: documents in their order, each with its grade.

    Documents go by `id`, `document_id` or `doc_id` (of their own or in their `metadata`), or by their whole text.
    `relevant` is a mapping from question to ids or {id: grade}, or a callable that has these for a call; without
    it, a retrieval's references are what is relevant. With `of="call"`, model calls are judged by the documents that they
    carry, which have no ids: they go by their texts, and `relevant` must be given. `k` counts only the first places; a
    document that was found before is not relevant a second time. Skipped where nothing relevant is known for the question,
    or where the record shows no documents. Raises `ValueError` for `k` below 1.
    """

    requires = frozenset()

    def __init__(
        self,
        k: int | None = None,
        *,
        relevant: Relevant | None = None,
        of: Literal["retrieval", "call"] = "retrieval",
        **options: Any,
    ) -> None:
        self.operations = INFERENCE if of == "call" else frozenset({Operation.RETRIEVAL})
        super().__init__(**options)
        if of not in ("retrieval", "call") or (of == "call" and relevant is None):
            raise ValueError(
                f"clearspan: {self.name}: of is retrieval, or call together with relevant"
            )
        given: Any = k
        if given is not None and (not isinstance(given, int) or given < 1):
            raise ValueError(f"clearspan: {self.name}: k must be a whole number, 1 or more, not {given!r}")  # fmt: skip
        self.k = k
        self.relevant = relevant

    def evaluate(self, call: Any) -> Score:
        """Grade what was found, and measure."""
        grades = self._judgements(call)
        if not any(grade > 0 for grade in grades.values()):
            return Score(skipped="nothing relevant is known for this question")
        documents = found(call)
        if documents is None:
            return Score(skipped="the record shows no documents")
        if not all(document.keys for document in documents):
            return Score(skipped="a document has neither an id nor its whole text")
        return self._score([_grade(document, grades) for document in documents], grades)

    def _score(self, ranked: list[float], grades: Mapping[str, float]) -> Score:
        value = self.measure(ranked, list(grades.values()))
        if value is None:
            return Score(skipped="nothing was found, which leaves it open")
        told = {
            "retrieved": len(ranked),
            "relevant": sum(grade > 0 for grade in grades.values()),
            "hits": sum(grade > 0 for grade in ranked[: self.k]),
        }
        return Score(value=value, metadata=told if self.k is None else {"k": self.k, **told})

    @abstractmethod
    def measure(self, ranked: Sequence[float], judged: Sequence[float]) -> float | None:
        """The measure, of the grades in the order found, and of all grades that are known."""
        ...

    def _judgements(self, call: Invocation) -> dict[str, float]:
        if self.relevant is None:
            known: Judgements | None = (
                call.references if call.operation == Operation.RETRIEVAL else ()
            )
        elif callable(self.relevant):
            known = self.relevant(call)
        else:
            known = self.relevant.get(query(call))
        if isinstance(known, str):
            known = (known,)
        if isinstance(known, Mapping):
            return {str(key).strip(): float(grade) for key, grade in known.items()}
        return {str(key).strip(): 1.0 for key in known or ()}


def _grade(document: Found, grades: Mapping[str, float]) -> float:
    known = (grades[key] for key in document.keys if key in grades)
    return 0.0 if document.again else max(known, default=0.0)


class PrecisionAtK(_Ranking):
    """The share of the first `k` places that hold a relevant document; without `k`, of all that was found.

    Places that are empty because fewer were found count as not relevant, as in TREC's evaluation.
    """

    def measure(self, ranked: Sequence[float], judged: Sequence[float]) -> float | None:
        """Hits by places; without places there is none."""
        places = self.k or len(ranked)
        return sum(grade > 0 for grade in ranked[: self.k]) / places if places else None


class RecallAtK(_Ranking):
    """The share of the relevant documents that are among the first `k`; without `k`, among all that was found."""

    def measure(self, ranked: Sequence[float], judged: Sequence[float]) -> float | None:
        """Hits by all that are relevant."""
        return sum(grade > 0 for grade in ranked[: self.k]) / sum(grade > 0 for grade in judged)


class MRR(_Ranking):
    """1 by the place of the first relevant document, 0 where there is none; its mean over calls is the MRR."""

    def measure(self, ranked: Sequence[float], judged: Sequence[float]) -> float | None:
        """The reciprocal rank."""
        hits = (place for place, grade in enumerate(ranked[: self.k], 1) if grade > 0)
        return 1 / next(hits, math.inf)


class NDCG(_Ranking):
    """Normalised discounted cumulative gain (Jarvelin and Kekalainen 2002): 1 for the best order there can be.

    The gain is the grade itself, the discount log2(place + 1), as in TREC's evaluation; with `discount="original"`
    it is that of the paper, log2(place) from the second place on. The best order is that of all
    judged documents, found or not.
    """

    def __init__(self, k: int | None = None, *, discount: str = "usual", **options: Any) -> None:
        super().__init__(k, **options)
        if discount not in ("usual", "original"):
            raise ValueError(
                f"clearspan: ndcg: discount must be usual or original, not {discount!r}"
            )
        self.original = discount == "original"

    def measure(self, ranked: Sequence[float], judged: Sequence[float]) -> float | None:
        """The gain by the best gain."""
        best = sorted(judged, reverse=True)[: self.k]
        gain = dcg(ranked[: self.k], original=self.original)
        return min(1.0, gain / dcg(best, original=self.original))


def dcg(grades: Iterable[float], *, original: bool = False) -> float:
    """Discounted cumulative gain of grades in their order; grades below 0 are no gain."""
    return math.fsum(
        max(0.0, grade) / (max(1.0, math.log2(place)) if original else math.log2(place + 1))
        for place, grade in enumerate(grades, 1)
    )
