"""What holds of every judge on the shelf."""

from __future__ import annotations

import inspect
import json
from typing import Any

import pytest

from clearspan import judges
from clearspan.assess import jsonschema_lite
from clearspan.assess.judge.client import Judge
from clearspan.assess.judge.rubric import Rubric
from clearspan.assess.judge.schema import UNKNOWN
from clearspan.assess.outcome import scored
from tests.assess.judge.kit import answering, call, said, trace

MINE = {"Example", "Guideline", "Rubric", "WinRate", "evaluation_steps", "win_rate"}
BUILT_IN = sorted(set(judges.__all__) - MINE)
RISKS = {"Bias", "Hallucination", "Injection", "Toxicity"}
SUBJECT = call(
    "What is it?", "It is a bell.", documents=["A bell."], references=["A bell"],
    output=(said("assistant", "It is a bell."), {"role": "assistant", "parts": [{"type": "tool_call", "name": "look", "arguments": {}}]}),
)  # fmt: skip


def made(name: str, judge: Judge | None = None, **options: Any) -> Rubric:
    built = getattr(judges, name)
    assert issubclass(built, Rubric)
    return built(judge=judge, **options)


def subject(one: Rubric) -> Any:
    return trace(SUBJECT) if one.level == "trace" else SUBJECT


def worst(messages: Any, schema: dict[str, Any]) -> dict[str, Any]:
    """The worst verdict that the schema allows."""
    labels = schema["properties"]["label"]["enum"]
    known = [label for label in labels if label not in (UNKNOWN, "tie", "nothing_claimed")]
    if "supported" in schema["properties"]:
        return {"supported": [], "unsupported": ["x"], "label": "unfaithful"}
    if known == ["first", "second"]:
        return {
            "label": "second" if "first>>>\nIt is a bell." in messages[1]["content"] else "first"
        }
    return {"label": known[-1]}


@pytest.mark.parametrize("name", BUILT_IN)
def test_each_works_without_options_and_needs_a_judge(name: str) -> None:
    one = made(name)
    assert one.name.startswith("judge_")
    assert one.kind == "llm"
    assert one.evaluate(subject(one)).skipped == "no_judge"


@pytest.mark.parametrize("name", BUILT_IN)
def test_risks_are_low_and_goodness_is_high(name: str) -> None:
    judge, _ = answering(worst)
    one = made(name, judge)
    score = scored(one.evaluate(subject(one)), one)
    assert score.direction == ("minimize" if name in RISKS else "maximize")
    assert score.value == (1.0 if name in RISKS else 0.0), score
    assert score.passed is False


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_known_bad_cases_are_found_bad_by_a_strict_judge(name: str) -> None:
    judge, asked = answering(worst_of_pair)
    one = made(name, judge, canary_rate=1.0)
    assert one.canaries
    score = one.evaluate(subject(one))
    assert score.error is None, score
    assert (one.known_bad.tested, one.known_bad.missed) == (1, 0)
    first = next(iter(one.canaries[0].values()))
    assert first in asked[0][1]["content"]


def worst_of_pair(messages: Any, schema: dict[str, Any]) -> dict[str, Any]:
    text = messages[1]["content"]
    if schema["properties"]["label"]["enum"][:2] == ["first", "second"]:
        capital = "The capital of France is Paris."
        return {"label": "second" if text.rfind(capital) > text.rfind("first>>>") + 60 else "first"}
    return worst(messages, schema)


@pytest.mark.parametrize("name", BUILT_IN)
def test_prompts_are_short_enough_for_small_models(name: str) -> None:
    one = made(name)
    assert 300 < len(one.system()) < 3_200
    assert len(str(one.shape().json())) < 900
    assert all(example.label in one.labels for example in one.examples)
    assert not any(b.startswith(a) for a in one.labels for b in one.labels if a != b)


@pytest.mark.parametrize("name", BUILT_IN)
def test_examples_answer_as_the_judge_is_asked_to(name: str) -> None:
    schemas: list[dict[str, Any]] = []

    def keep(messages: Any, schema: dict[str, Any]) -> Any:
        schemas.append(schema)
        return worst(messages, schema)

    one = made(name, Judge(keep, model="stand-in"))
    one.evaluate(subject(one))
    shown = one.system().split("Example\n")[1:]
    assert len(shown) == len(one.examples)
    for told, example in zip(shown, one.examples, strict=True):
        answer = told.split("\n\n")[0].splitlines()[-1]
        fields = json.loads(answer)
        assert jsonschema_lite.problems(fields, schemas[0]) == []
        assert list(fields) == list(schemas[0]["properties"])
        assert set(example.texts) <= set(one.shows)
        material = "\n".join(example.texts.values())
        assert fields.get("evidence", ["none asked for"]), "it shows no evidence"
        assert all(quote in material for quote in fields.get("evidence", ()))


@pytest.mark.parametrize("name", judges.__all__)
def test_each_is_documented_and_exported(name: str) -> None:
    assert name in dir(judges)
    assert inspect.getdoc(getattr(judges, name))


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Humour'"):
        judges.Humour  # type: ignore[attr-defined]  # noqa: B018
