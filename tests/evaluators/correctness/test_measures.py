from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from clearspan.assess.evaluator import Evaluator, missing
from clearspan.assess.outcome import scored
from clearspan.evaluators.correctness import (
    AnswerCorrectness,
    Bleu,
    ChrF,
    Contains,
    ExactMatch,
    FuzzyMatch,
    NumericMatch,
    RougeL,
    TokenF1,
)
from clearspan.score import Score
from tests.assess.calls import call


def judged(made: Evaluator, answer: str, *references: str) -> Score:
    given: Any = made.evaluate(call("Who?", answer, references=references))
    return scored(given, made)


def value(made: Evaluator, answer: str, *references: str) -> float | None:
    return judged(made, answer, *references).value


def test_the_best_reference_counts() -> None:
    score = judged(AnswerCorrectness(), "It was Ada Lovelace.", "Grace Hopper", "Ada Lovelace")
    assert (score.name, score.value, score.passed) == ("answer_correctness", 1.0, True)
    assert judged(AnswerCorrectness(), "Nobody knows", "Ada Lovelace").passed is False


def test_without_a_reference_there_is_nothing_to_say() -> None:
    assert missing(AnswerCorrectness(), call("Who?", "Ada")) == "reference"
    assert judged(AnswerCorrectness(), "Ada", " ").skipped == "nothing_to_compare"


def test_exact_match() -> None:
    assert value(ExactMatch(), "The Beatles!", "beatles") == 1.0
    assert value(ExactMatch(), "The Beatles!", "The Rolling Stones") == 0.0
    assert value(ExactMatch(normalize=False), "The Beatles!", "beatles") == 0.0


def test_contains() -> None:
    assert value(Contains(), "They were the Beatles, I think", "Beatles") == 1.0
    assert value(Contains(), "unbeatable", "beat") == 0.0
    assert judged(Contains(), "x", "...").skipped == "nothing_to_compare"


def test_overlaps() -> None:
    assert value(TokenF1(), "the old red house", "red house") == pytest.approx(0.8)
    assert value(RougeL(), "house red", "red house") == pytest.approx(0.5)
    assert value(ChrF(), "red house", "red house") == pytest.approx(1.0)


def test_numbers() -> None:
    assert value(NumericMatch(), "about 1,500 of them", "1.5 thousand") == 1.0
    assert value(NumericMatch(), "3.2", "3.14") == 0.0
    assert value(NumericMatch(tolerance=0.1), "3.2", "3.14") == 1.0
    assert value(NumericMatch(relative=0.1), "109", "100") == 1.0
    assert value(NumericMatch(), "between 3 and 5", "3 to 5") == 1.0
    assert value(NumericMatch(last=True), "3 + 4 = 7", "3") == 0.0
    assert value(NumericMatch(), "none", "3") == 0.0
    assert judged(NumericMatch(), "3", "many").skipped == "nothing_to_compare"


def test_names_of_evaluators() -> None:
    made = [
        ExactMatch(),
        Contains(),
        TokenF1(),
        RougeL(),
        ChrF(),
        NumericMatch(),
        FuzzyMatch(),
        Bleu(),
    ]
    assert [one.name for one in made] == [
        "exact_match", "contains", "token_f1", "rouge_l", "chrf", "numeric_match", "fuzzy_match", "bleu",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: ChrF(engine="x"), "engine must be builtin or sacrebleu"),
        (lambda: FuzzyMatch(measure="x"), "measure must be one of ratio"),
        (lambda: NumericMatch(tolerance=-1), "tolerance must be 0 or more"),
        (lambda: NumericMatch(relative=float("nan")), "relative must be 0 or more"),
    ],
)
def test_wrong_options(make: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make()


def test_rapidfuzz_is_asked_once_for_its_function(monkeypatch: pytest.MonkeyPatch) -> None:
    fuzz: Any = ModuleType("rapidfuzz.fuzz")
    fuzz.partial_ratio = lambda one, other, processor: 90.0 * (processor(one) == processor(other))
    utils: Any = ModuleType("rapidfuzz.utils")
    utils.default_process = str.lower
    monkeypatch.setitem(sys.modules, "rapidfuzz", ModuleType("rapidfuzz"))
    monkeypatch.setitem(sys.modules, "rapidfuzz.fuzz", fuzz)
    monkeypatch.setitem(sys.modules, "rapidfuzz.utils", utils)
    made = FuzzyMatch()
    assert value(made, "ADA", "ada") == 0.9
    assert value(made, "ADA", "bob") == 0.0
    assert judged(made, "ADA", "ada").passed is True
    assert judged(made, "a" * 1001, "a" * 1000).skipped == "nothing_to_compare"
    assert value(made, "a" * 20_000, "a" * 50) == 0.0


def test_sacrebleu_is_asked_for_its_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    def metric(score: float) -> Any:
        return lambda **options: SimpleNamespace(
            sentence_score=lambda answer, references: SimpleNamespace(score=score * len(references))
        )

    metrics: Any = ModuleType("sacrebleu.metrics")
    metrics.BLEU, metrics.CHRF = metric(25.0), metric(100.1)
    monkeypatch.setitem(sys.modules, "sacrebleu", ModuleType("sacrebleu"))
    monkeypatch.setitem(sys.modules, "sacrebleu.metrics", metrics)
    bleu, chrf = Bleu(), ChrF(engine="sacrebleu")
    assert [value(bleu, "a", "a", "b") for _ in range(2)] == [0.5, 0.5]
    assert [value(chrf, "a", "a") for _ in range(2)] == [1.0, 1.0]


@pytest.mark.parametrize("made", [FuzzyMatch(), Bleu(), ChrF(engine="sacrebleu")])
def test_without_the_libraries_the_extra_is_named(
    made: Evaluator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("rapidfuzz", "rapidfuzz.fuzz", "sacrebleu", "sacrebleu.metrics"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r"clearspan\[text\]"):
        made.evaluate(call("Who?", "Ada", references=("Ada",)))


def test_the_libraries_themselves() -> None:
    pytest.importorskip("rapidfuzz")
    pytest.importorskip("sacrebleu")
    assert value(FuzzyMatch(measure="token_sort_ratio"), "Lovelace Ada", "ada lovelace") == 1.0
    assert value(Bleu(), "the cat sat on the mat", "the cat sat on the mat") == pytest.approx(1.0)
    ours, theirs = value(ChrF(), "the cat", "a cat sat"), value(ChrF(engine="sacrebleu"), "the cat", "a cat sat")  # fmt: skip
    assert ours == pytest.approx(theirs)


def test_of_many_numbers_the_nearest_counts() -> None:
    many = " ".join(str(number) for number in range(0, 20_000, 2))
    assert value(NumericMatch(), many, "7000 and 7002") == 1.0
    assert value(NumericMatch(), many, "7001") == 0.0
    assert value(NumericMatch(tolerance=1), many, "7001") == 1.0
