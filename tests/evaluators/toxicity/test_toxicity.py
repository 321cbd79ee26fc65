from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from clearspan.assess.finding import Detector, Finding
from clearspan.assess.outcome import scored
from clearspan.evaluators.toxicity import Toxicity
from tests.assess.calls import call


def test_risk_category_and_counts_without_the_text() -> None:
    judge = Toxicity()
    score = scored(judge.evaluate(call("hi", "shut up, you lazy bitch")), judge)
    assert score.value is not None
    assert score.value > 0.8
    assert score.label == "insult"
    assert score.passed is False
    assert score.metadata == {"found": {"insult": 2}}
    assert "bitch" not in repr(score)


def test_clean_text_passes() -> None:
    judge = Toxicity()
    score = scored(judge.evaluate(call("hi", "Have a nice day.")), judge)
    assert (score.value, score.label, score.passed) == (0.0, "clean", True)


def test_the_answer_is_judged_and_the_input_where_there_is_none() -> None:
    judge = Toxicity()
    assert judge.evaluate(call("you bitch", "I am sorry.")).value == 0.0
    assert judge.evaluate(call("you bitch", "")).label == "insult"


def test_mild_words_add_up() -> None:
    judge = Toxicity()
    one, three = judge.evaluate(call("", "damn")), judge.evaluate(call("", "damn, damn, damn crap"))
    assert (one.label, three.label) == ("clean", "profanity")
    assert one.value is not None
    assert three.value is not None
    assert one.value < 0.5 < three.value


@pytest.mark.parametrize(
    "text",
    [
        "We watched great tits and long-tailed tits.",
        "Great tits, blue tits and coal tits visit the feeder.",
        "I love great tits, they sing so well.",
        "I felt a prick in my finger.",
        "The skin prick test was negative.",
        "\u0414\u043e\u0431\u0440\u044b\u0439 \u0434\u0435\u043d\u044c!",
    ],
)
def test_words_of_two_meanings_pass_in_good_company(text: str) -> None:
    judge = Toxicity()
    assert scored(judge.evaluate(call("", text)), judge).passed is True


def test_and_are_flagged_in_bad() -> None:
    judge = Toxicity()
    for text in ("She's got great tits", "He is such a prick.", "f\u03c5ck you"):
        assert scored(judge.evaluate(call("", text)), judge).passed is False


def test_what_was_found_can_be_taken_out() -> None:
    judge = Toxicity()
    text = "oh shit, go die"
    assert isinstance(judge, Detector)
    assert judge.find(text) == [Finding("profanity", 3, 7), Finding("threat", 9, 15)]
    assert judge.find("damn it") == []
    assert all(finding.end - finding.start <= judge.reach for finding in judge.find(text))


def test_without_a_threshold_everything_that_was_found_is_told() -> None:
    assert Toxicity(threshold=0.2).find("damn") == [Finding("profanity", 0, 4)]


def test_setup_reads_the_list_once() -> None:
    judge = Toxicity()
    judge.setup()
    assert judge.evaluate(call("", "fine")).value == 0.0


def test_an_engine_that_does_not_exist() -> None:
    with pytest.raises(ValueError, match="engine must be one of words, alt-profanity-check"):
        Toxicity(engine="llm")


def test_the_library_is_asked_for_a_probability(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def predict_prob(texts: list[str]) -> list[float]:
        asked.extend(texts)
        return [0.9 if "shit" in texts[0] else 0.1]

    monkeypatch.setitem(sys.modules, "profanity_check", SimpleNamespace(predict_prob=predict_prob))
    judge = Toxicity(engine="alt-profanity-check")
    judge.setup()
    rude = scored(judge.evaluate(call("", "rude shit")), judge)
    kind = scored(judge.evaluate(call("", "kind words")), judge)
    # the mean of 0.9 and of the list's 0.75, of 0.1 and of 0
    assert rude.value == pytest.approx(0.825)
    assert (rude.label, rude.passed) == ("profanity", False)
    assert (kind.value, kind.label, kind.passed) == (0.05, "clean", True)
    assert asked == ["rude shit", "kind words"]
    assert judge.version == "1+alt-profanity-check"
    assert judge.find("oh shit") == [Finding("profanity", 3, 7)]


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "profanity_check", None)
    judge: Any = Toxicity(engine="alt-profanity-check")
    with pytest.raises(ImportError, match=r"clearspan\[toxicity\]"):
        judge.setup()


def test_what_only_the_model_objects_to_is_profanity(monkeypatch: pytest.MonkeyPatch) -> None:
    library = SimpleNamespace(predict_prob=lambda texts: [0.95])
    monkeypatch.setitem(sys.modules, "profanity_check", library)
    judge = Toxicity(engine="alt-profanity-check")
    score = scored(judge.evaluate(call("", "some words")), judge)
    assert (score.value, score.label, score.passed) == (0.475, "profanity", False)
    assert judge.find("some words") == []
