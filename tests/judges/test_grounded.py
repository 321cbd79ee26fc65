from __future__ import annotations

from typing import Any

import pytest

from clearspan.assess.outcome import scored
from clearspan.judges import Faithfulness, Hallucination
from clearspan.score import Score
from tests.assess.judge.kit import Messages, answering, call

DOCUMENTS = ["The tower is 87 metres high.", "It was built in 1902."]


def judged(*answers: Any, **options: Any) -> tuple[Score, list[Messages]]:
    judge, asked = answering(*answers)
    made = Faithfulness(judge=judge, **options)
    return scored(made.evaluate(call(answer="A.", documents=DOCUMENTS)), made), asked


def listed(good: list[str], bad: list[str], label: str = "partly") -> dict[str, Any]:
    return {"reasoning": "R", "supported": good, "unsupported": bad, "label": label}


@pytest.mark.parametrize(
    ("good", "bad", "value", "label", "passed"),
    [
        (["a", "b"], [], 1.0, "faithful", True),
        (["a", "b", "c"], ["d"], 0.75, "partly", False),
        ([], ["d"], 0.0, "unfaithful", False),
    ],
)
def test_the_value_is_the_share_of_supported_claims(
    good: list[str], bad: list[str], value: float, label: str, passed: bool
) -> None:
    score, asked = judged(listed(good, bad, label), votes=1)
    assert (score.value, score.label, score.passed) == (value, label, passed)
    assert (score.metadata["claims"], score.metadata["unsupported"]) == (len(good + bad), len(bad))
    assert ("Unsupported: d" in str(score.explanation)) is bool(bad)
    assert len(asked) == 1
    assert all(text in asked[0][1]["content"] for text in DOCUMENTS)


def test_a_label_without_a_list_is_taken_at_its_word() -> None:
    score, _ = judged(listed([], [], "partly"))
    assert (score.value, score.metadata["claims"]) == (0.5, 0)


@pytest.mark.parametrize(
    ("label", "reason"), [("unknown", "judge_unknown"), ("nothing_claimed", "no_claims")]
)
def test_where_there_is_nothing_to_say_nothing_is_said(label: str, reason: str) -> None:
    assert judged(listed([], [], label))[0].skipped == reason


def test_a_blank_text_is_no_claim() -> None:
    score, _ = judged(listed(["", "a"], [" "], "faithful"), votes=1)
    assert (score.value, score.metadata["claims"], score.metadata["unsupported"]) == (1.0, 1, 0)
    assert judged(listed([""], ["\n"], "nothing_claimed"))[0].skipped == "no_claims"


CONTRADICTIONS = [
    (["a"], ["b"], "faithful"),
    (["a"], [], "partly"),
    ([], ["b"], "partly"),
    (["a"], [], "unfaithful"),
    (["a"], [], "nothing_claimed"),
    ([], ["b"], "nothing_claimed"),
]


@pytest.mark.parametrize(("good", "bad", "label"), CONTRADICTIONS)
def test_a_label_that_contradicts_the_lists_is_asked_for_again(
    good: list[str], bad: list[str], label: str
) -> None:
    score, asked = judged(listed(good, bad, label), listed(["a"], [], "faithful"), votes=1)
    assert (score.value, score.label, len(asked)) == (1.0, "faithful", 2)
    assert "contradicts the lists" in asked[1][3]["content"]
    assert judged(listed(good, bad, label))[0].error == "judge_parse"


def test_few_supported_claims_beside_others_may_be_unfaithful() -> None:
    score, _ = judged(listed(["a"], ["b", "c", "d"], "unfaithful"), votes=1)
    assert (score.value, score.label) == (0.25, "partly")


def test_a_near_thing_is_voted_on() -> None:
    score, asked = judged(
        listed(["a", "b", "c"], ["d"]),
        listed(["a"], [], "faithful"),
        listed(["a"], [], "faithful"),
    )
    assert len(asked) == 3
    assert score.label == "faithful"
    assert score.value == 1.0


def test_in_two_calls_claims_are_listed_first_without_the_documents() -> None:
    claims = {"claims": ["It is 87 metres high.", "It was built in 1950.", "It is nice.", " "]}
    score, asked = judged(claims, {"reasoning": "R", "verdicts": ["yes", "no", "unknown"]}, calls=2)
    assert (score.value, score.label) == (0.5, "partly")
    assert score.explanation == "R\nUnsupported: It was built in 1950."
    assert DOCUMENTS[0] not in asked[0][1]["content"]
    assert DOCUMENTS[0] in asked[1][1]["content"]
    assert "2. It was built in 1950." in asked[1][1]["content"]
    assert score.metadata["judge_calls"] == 2


def test_in_two_calls_each_claim_has_its_verdict_or_it_is_an_error() -> None:
    claims = {"claims": ["a", "b"]}
    score, asked = judged(claims, {"verdicts": ["yes"]}, {"verdicts": ["yes"]}, calls=2)
    assert score.error == "judge_parse"
    assert len(asked) == 3


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([{"claims": []}], "no_claims"),
        ([{"claims": [""]}], "no_claims"),
        ([{"claims": ["a"]}, {"verdicts": ["unknown"]}], "judge_unknown"),
    ],
)
def test_in_two_calls_nothing_may_come_of_it(answers: list[Any], reason: str) -> None:
    assert judged(*answers, calls=2)[0].skipped == reason


def test_the_two_ways_have_versions_of_their_own() -> None:
    assert Faithfulness().version != Faithfulness(calls=2).version


def test_other_numbers_of_calls_are_refused() -> None:
    with pytest.raises(ValueError, match="calls must be 1 or 2"):
        Faithfulness(calls=3)


def test_an_answer_must_be_faithful_even_if_the_judge_may_not_doubt() -> None:
    labels = Faithfulness(unknown=False).shape().json()["properties"]["label"]["enum"]
    assert "unknown" not in labels


def test_hallucination_is_judged_by_what_there_is() -> None:
    judge, asked = answering({"label": "made_up", "reasoning": "R"})
    made = Hallucination(judge=judge)
    score = scored(made.evaluate(call(documents=DOCUMENTS, references=["87 m"])), made)
    assert (score.value, score.passed) == (1.0, False)
    assert DOCUMENTS[0] in asked[0][1]["content"]
    assert "87 m" in asked[0][1]["content"]
    assert made.evaluate(call()).label == "made_up"
