"""Do the documents speak of what was asked?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from clearspan.assess.evaluator import INFERENCE, Evaluator
from clearspan.assess.text.common import FUNCTION_WORDS, rarity
from clearspan.assess.text.words import LONGEST, stem, tokens
from clearspan.evaluators.retrieval.found import found, query
from clearspan.record import Operation
from clearspan.score import Score

__all__ = ["ContextRelevance", "overlap"]


class ContextRelevance(Evaluator):
    """How much of the question's words the documents have: the mean over the documents, 0 to 1.

    Of each document: the share of the question's words that it has, common words weighing less, endings folded.
    `metadata` has the share of each (`documents`), the best of them, and with a threshold how many reach it.
    For retrievals and for calls with documents. A document may answer in other words, which this cannot see: pass
    `similarity`, a callable of question and document that answers 0 to 1 (such as a cosine of embeddings).
    Skipped where question or documents are not known, or the question has no words to look for.
    """

    operations = INFERENCE | {Operation.RETRIEVAL}
    requires = frozenset()

    def __init__(
        self, *, similarity: Callable[[str, str], float] | None = None, **options: Any
    ) -> None:
        super().__init__(**options)
        self.similarity = similarity

    def evaluate(self, call: Any) -> Score:
        """Hold each document against the question."""
        asked, documents = query(call), found(call)
        texts = [
            document.text for document in documents or () if document.text and not document.again
        ]
        if not asked.strip() or not texts:
            return Score(skipped="the question or the documents are not known")
        shares = [self._share(asked, text) for text in texts]
        known = [share for share in shares if share is not None]
        if not known:
            return Score(skipped="the question has no words to look for")
        told: dict[str, Any] = {
            "documents": [round(share, 4) for share in known],
            "best": max(known),
        }
        if self.threshold is not None:
            told["reached"] = sum(share >= self.threshold for share in known)
        return Score(value=sum(known) / len(known), metadata=told)

    def _share(self, asked: str, text: str) -> float | None:
        if self.similarity is not None:
            return min(1.0, max(0.0, float(self.similarity(asked, text))))
        return overlap(asked, text)


def overlap(question: str, document: str) -> float | None:
    """The share of the question's words, weighted by rarity, that the document has; `None` without words."""
    weights = {
        stem(word): rarity(word)
        for word in tokens(question[:LONGEST])
        if word not in FUNCTION_WORDS
    }
    if not weights:
        return None
    there = {stem(word) for word in tokens(document[:LONGEST])}
    return sum(weight for word, weight in weights.items() if word in there) / sum(weights.values())
