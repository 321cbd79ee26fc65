"""What judges get from a runtime: silence around them, and the prices that it knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from opentelemetry.context import get_value

import clearspan
from clearspan.assess.judge import defaults, silence
from clearspan.capture.context import silent
from clearspan.record import Usage
from clearspan.runtime.figures import Figures
from clearspan.settings import load
from clearspan.testing import captured

PRICES = {
    "currency": "USD",
    "models": {"my-model": {"input": 2.0, "output": 10.0}},
}


def price(model: str, **settings: Any) -> float | None:
    figures = Figures(load(settings, environ={}), own=False)
    return figures.price(model, Usage(input=1_000_000, output=100_000))


def test_a_judges_model_is_priced_by_the_applications_table() -> None:
    assert price("my-model", pricing=PRICES) == pytest.approx(3.0)


def test_what_nobody_has_a_price_for_has_none() -> None:
    assert price("another", pricing=PRICES) is None
    assert price("my-model", pricing="off") is None


def test_while_a_judge_is_asked_nobody_records() -> None:
    with captured(evaluators=[lambda call: True], providers=()):
        assert not silent()
        with silence.quiet():
            assert silent()
            assert get_value("suppress_instrumentation")
            assert get_value("suppress_http_instrumentation")
        assert not silent()
        assert not get_value("suppress_instrumentation")


def test_a_judge_may_be_set_for_all(tmp_path: Path) -> None:
    asked: list[object] = []

    def judge(messages: object, schema: object) -> dict[str, str]:
        asked.append(messages)
        return {"reasoning": "It says so.", "evidence": [], "label": "relevant"}  # type: ignore[dict-item]

    with clearspan.init(
        store=tmp_path / "s.db", providers=(), judge=judge, evaluators=["judge_relevance"]
    ) as runtime:
        with clearspan.invocation("chat", provider="acme", model="m") as draft:
            draft.input("Why?")
            draft.text("Because.")
        assert runtime.flush()
    assert asked
    assert defaults.current() is None


def test_what_is_no_judge_is_said_at_init() -> None:
    with pytest.raises(clearspan.SettingError, match="judge: "):
        clearspan.init(judge="gpt-4o")
