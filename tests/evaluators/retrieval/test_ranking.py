"""The measures of ranking, by hand and by their laws."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, strategies as st

from clearspan.assess.outcome import scored
from clearspan.core.marks import noted
from clearspan.evaluators.retrieval import MRR, NDCG, PrecisionAtK, RecallAtK
from clearspan.evaluators.retrieval.ranking import dcg
from clearspan.record import Invocation
from clearspan.score import Score
from tests.assess.calls import call

ASKED = "Where is Rome?"


def search(*documents: Any, query: Any = ASKED, references: tuple[str, ...] = ()) -> Invocation:
    listed = [{"id": each} if isinstance(each, str) else each for each in documents]
    return replace(
        call("", ""), operation="retrieval", input_value=query, output_value=listed, references=references,
    )  # fmt: skip


def judged(made: Any, subject: Invocation) -> Score:
    return scored(made.evaluate(subject), made)


GRADES = {"a": 3, "b": 2, "c": 1, "x": 0}
RELEVANT = {ASKED: GRADES}


def test_by_hand() -> None:
    found = search("b", "x", "a", "y")
    at = {"relevant": RELEVANT}
    assert judged(PrecisionAtK(**at), found).value == 0.5
    assert judged(PrecisionAtK(3, **at), found).value == pytest.approx(2 / 3)
    assert judged(PrecisionAtK(8, **at), found).value == 0.25
    assert judged(RecallAtK(**at), found).value == pytest.approx(2 / 3)
    assert judged(RecallAtK(1, **at), found).value == pytest.approx(1 / 3)
    assert judged(MRR(**at), found).value == 1.0
    assert judged(MRR(**at), search("x", "y", "c")).value == pytest.approx(1 / 3)
    assert judged(MRR(2, **at), search("x", "y", "c")).value == 0.0
    ideal = 3 + 2 / math.log2(3) + 1 / 2
    assert judged(NDCG(**at), found).value == pytest.approx((2 + 3 / 2) / ideal)
    assert judged(NDCG(2, **at), found).value == pytest.approx(2 / (3 + 2 / math.log2(3)))


def test_the_discount_of_the_paper() -> None:
    # Jarvelin and Kekalainen's own example: gains 3, 2, 3, 0, 0, 1, 2, 2, 3, 0 at base 2.
    gains = [3, 2, 3, 0, 0, 1, 2, 2, 3, 0]
    growing = [dcg(gains[:places], original=True) for places in range(1, 11)]
    assert growing == pytest.approx(
        [3, 5, 6.89, 6.89, 6.89, 7.28, 7.99, 8.66, 9.61, 9.61], abs=0.01
    )
    made = NDCG(relevant=RELEVANT, discount="original")
    assert judged(made, search("b", "a")).value == pytest.approx(5 / (3 + 2 + 1 / math.log2(3)))
    assert made.name == "ndcg"


def test_what_is_told_beside() -> None:
    score = judged(RecallAtK(2, relevant=RELEVANT), search("a", "x", "b"))
    assert (score.name, score.direction, score.passed) == ("recall_at_k", "maximize", None)
    assert score.metadata == {"k": 2, "retrieved": 3, "relevant": 3, "hits": 1}
    assert "k" not in judged(MRR(relevant=RELEVANT), search("a")).metadata


def test_references_of_a_retrieval_are_what_is_relevant() -> None:
    assert judged(RecallAtK(), search("a", "b", references=("a", "z"))).value == 0.5
    answer = call(documents=("a",), references=("a",))
    assert judged(RecallAtK(), answer).skipped == "nothing relevant is known for this question"
    assert RecallAtK().operations == {"retrieval"}


def test_calls_are_judged_by_the_texts_they_carry() -> None:
    made = RecallAtK(relevant=lambda subject: subject.references, of="call")
    assert judged(made, call(documents=("a",), references=("a",))).value == 1.0
    assert "chat" in (made.operations or ())
    assert "retrieval" not in (made.operations or ())


@pytest.mark.parametrize(
    "document",
    [
        {"document_id": "a"},
        {"doc_id": "a", "content": "text"},
        {"metadata": {"id": "a"}, "text": "text"},
        {"content": " a "},
        {"id": "", "page_content": "a"},
        "a",
    ],
)
def test_documents_go_by_id_or_text(document: Any) -> None:
    found = replace(search(references=("a",)), output_value=[document])
    assert judged(MRR(), found).value == 1.0


def test_numbers_may_be_ids_and_lists_may_be_wrapped() -> None:
    found = replace(search(references=("7",)), output_value={"matches": [{"id": 7}]})
    assert judged(MRR(), found).value == 1.0
    listed = replace(search(references=("7",)), output_value=[7, None])
    assert judged(MRR(1), listed).skipped == "a document has neither an id nor its whole text"


def test_questions_are_found_in_the_arguments() -> None:
    made = MRR(relevant=RELEVANT)
    assert judged(made, search("a", query={"top": 3, "query": ASKED})).value == 1.0
    assert judged(made, search("a", query={"top": 3})).skipped is not None
    chat = call(ASKED, documents=("a",))
    assert judged(made, chat).value == 1.0


def test_what_was_found_twice_counts_once() -> None:
    twice = search("a", "a", "b")
    assert judged(PrecisionAtK(relevant=RELEVANT), twice).value == pytest.approx(2 / 3)
    assert judged(RecallAtK(relevant=RELEVANT), twice).value == pytest.approx(2 / 3)


def test_a_single_text_is_a_judgement_too() -> None:
    assert judged(MRR(relevant={ASKED: "a"}), search("a")).value == 1.0


def test_what_is_not_known_is_skipped() -> None:
    known = {"relevant": RELEVANT}
    assert judged(MRR(), search("a")).skipped == "nothing relevant is known for this question"
    assert judged(MRR(**known), search("a", query="Else?")).skipped is not None
    assert judged(MRR(relevant={ASKED: {"a": 0}}), search("a")).skipped is not None
    nothing = replace(search(), output_value=None)
    assert judged(MRR(**known), nothing).skipped == "the record shows no documents"
    cut = search({"content": noted("half of it", 99)})
    assert judged(MRR(**known), cut).skipped == "a document has neither an id nor its whole text"


def test_finding_nothing_is_no_recall() -> None:
    known = {"relevant": RELEVANT}
    assert [judged(made(**known), search()).value for made in (RecallAtK, MRR, NDCG)] == [0, 0, 0]
    assert judged(PrecisionAtK(**known), search()).skipped is not None
    assert judged(PrecisionAtK(5, **known), search()).value == 0.0


def test_options_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="precision_at_k: k"):
        PrecisionAtK(0)
    for wrong in ({"of": "call"}, {"of": "trace", "relevant": RELEVANT}):
        with pytest.raises(ValueError, match="of is"):
            MRR(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="discount"):
        NDCG(discount="none")


IDS = st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=8)
JUDGED = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 3), min_size=1).filter(
    lambda grades: any(grades.values())
)


@given(IDS, JUDGED, st.integers(1, 9))
def test_every_measure_is_a_share(ids: list[str], grades: dict[str, int], k: int) -> None:
    for made in (PrecisionAtK, RecallAtK, MRR, NDCG):
        value = judged(made(k, relevant={ASKED: grades}), search(*ids)).value
        assert value is not None
        assert 0 <= value <= 1 + 1e-12


@given(JUDGED, st.integers(1, 9) | st.none())
def test_the_best_order_is_worth_1(grades: dict[str, int], k: int | None) -> None:
    best = sorted(grades, key=lambda name: -grades[name])
    for discount in ("usual", "original"):
        made = NDCG(k, relevant={ASKED: grades}, discount=discount)
        assert judged(made, search(*best)).value == pytest.approx(1)


@given(IDS, JUDGED)
def test_order_matters_to_ranks_only(ids: list[str], grades: dict[str, int]) -> None:
    known: dict[str, Any] = {"relevant": {ASKED: grades}}
    mixed = random.Random(1).sample(ids, len(ids))
    for made in (PrecisionAtK, RecallAtK):
        one, other = judged(made(**known), search(*ids)), judged(made(**known), search(*mixed))
        assert one.value == other.value


@given(IDS, JUDGED)
def test_putting_a_better_one_first_never_costs(ids: list[str], grades: dict[str, int]) -> None:
    sooner = sorted(ids, key=lambda name: -grades.get(name, 0))
    made = NDCG(relevant={ASKED: grades})
    best, as_is = judged(made, search(*sooner)).value, judged(made, search(*ids)).value
    assert best is not None
    assert as_is is not None
    assert best >= as_is - 1e-12


@given(IDS, JUDGED, st.integers(1, 7))
def test_recall_only_grows_with_k(ids: list[str], grades: dict[str, int], k: int) -> None:
    known: dict[str, Any] = {"relevant": {ASKED: grades}}
    few, more = (judged(RecallAtK(each, **known), search(*ids)).value for each in (k, k + 1))
    assert few is not None
    assert more is not None
    assert few <= more
