"""Documents that speak of the question, or of something else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from clearspan.assess.outcome import scored
from clearspan.evaluators.retrieval import ContextRelevance
from clearspan.evaluators.retrieval.context import overlap
from clearspan.record import Invocation
from clearspan.score import Score
from tests.assess.calls import call
from tests.evaluators.retrieval.test_ranking import search

ASKED = "Which river flows through Vienna?"


def judged(subject: Invocation, **options: Any) -> Score:
    made = ContextRelevance(**options)
    return scored(made.evaluate(subject), made)


def test_documents_of_a_call() -> None:
    subject = call(
        ASKED, documents=("The Danube is the river that flows through Vienna.", "Cats sleep.")
    )
    score = judged(subject, threshold=0.5)
    assert (score.name, score.value, score.passed) == ("context_relevance", 0.5, True)
    assert score.metadata == {"documents": [1.0, 0.0], "best": 1.0, "reached": 1}
    assert "reached" not in judged(subject).metadata


def test_documents_of_a_retrieval() -> None:
    found = search({"id": 1, "content": "Vienna and its rivers"}, {"id": 2}, query=ASKED)
    score = judged(found)
    assert len(score.metadata["documents"]) == 1
    assert score.value is not None
    assert 0.5 < score.value < 1


def test_own_similarity_is_kept_within_bounds() -> None:
    subject = call(ASKED, documents=("a", "b"))
    values = {"a": 1.2, "b": -0.2}
    assert judged(subject, similarity=lambda asked, text: values[text]).value == 0.5


def test_what_is_not_known_is_skipped() -> None:
    assert judged(call(ASKED)).skipped == "the question or the documents are not known"
    assert judged(call("", documents=("a",))).skipped is not None
    assert judged(call("What is it?", documents=("a",))).skipped == "the question has no words to look for"  # fmt: skip


TEXT = st.text("abc ", max_size=30)


@given(TEXT, TEXT)
def test_overlap_is_a_share(asked: str, document: str) -> None:
    share = overlap(asked, document)
    if share is not None:
        assert 0 <= share <= 1
        assert overlap(asked, f"{document} {asked}") == pytest.approx(1)
