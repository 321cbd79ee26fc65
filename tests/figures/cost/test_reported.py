"""What the provider itself says that a call cost."""

from __future__ import annotations

from typing import Any

import pytest

import clearspan
from clearspan import semconv as sc
from clearspan.draft import Draft
from clearspan.figures.cost import PriceBook
from clearspan.formats import embeddings, openai_chat, openai_responses
from clearspan.record import Cost
from clearspan.testing import captured
from tests.figures.cost.kit import call, priced
from tests.recordings import exchange

TABLE = {"models": {"*": {"input": 1_000_000, "output": 0}}}
TOKENS = {"prompt_tokens": 5, "completion_tokens": 2}


def asked(*about: str, **facts: Any) -> Draft:
    draft = call(*about, **facts)
    draft.wants = frozenset({"cost"})
    return draft


def told(usage: dict[str, Any], provider: str = "openrouter") -> Draft:
    """A call that was answered with such a `usage`."""
    draft = asked(provider, "no-such-model")
    openai_chat.response(draft, {"usage": {**TOKENS, **usage}})
    return draft


def upstream(cost: object) -> dict[str, Any]:
    return {"upstream_inference_cost": cost}


@pytest.mark.parametrize(
    ("expected", "usage"),
    [
        (0.00093, {"cost": 0.00093}),
        (0.00093, {"cost": 0.00093, "is_byok": False, "cost_details": upstream(0.00093)}),
        (0.00093, {"cost": 0.00093, "is_byok": False, "cost_details": upstream(0.5)}),
        (0.00093, {"cost": 0.00093, "cost_details": upstream(None)}),
        (0.0160614, {"cost": 0.0160614, "cost_details": upstream(0.0001764)}),  # with searches
        (0.0, {"cost": 0, "is_byok": False}),  # a free model
        (0.00417, {"cost": 0, "is_byok": True, "cost_details": upstream(0.00417)}),
        (0.3, {"cost": 0.1, "is_byok": True, "cost_details": upstream(0.2)}),
        (19.95, {"cost": 0.95, "cost_details": upstream(19)}),
        (None, {"cost": 0.1, "is_byok": True}),  # what the provider charges is not known
        (None, {"cost": 0.1, "is_byok": True, "cost_details": upstream("0.2")}),
        (None, {"cost": -0.1}),
        (None, {"cost": 1e12}),
        (None, {"cost": "0.1"}),
        (None, {"cost": True}),
        (None, {"cost": {"total_cost": 0.1}}),
        (None, {"is_byok": True, "cost_details": upstream(0.2)}),
        (None, {}),
    ],
)
def test_what_openrouter_charged(expected: float | None, usage: dict[str, Any]) -> None:
    assert priced(told(usage)) == (None if expected is None else Cost(expected, source="reported"))


def test_what_was_charged_wins_over_what_is_worked_out() -> None:
    assert priced(told({"cost": 0.25}), TABLE) == Cost(0.25, source="reported")
    assert priced(told({"cost": 0.25, "is_byok": True}), TABLE) == Cost(
        5.0, input=5.0, output=0.0, source="own prices"
    )
    known = asked("openrouter", "openai/gpt-4o-mini", input=1_000, output=1_000)
    assert (found := priced(known)) is not None
    assert found.estimated
    openai_chat.response(known, {"usage": {"cost": 0.25}})
    known.cost = None
    assert priced(known) == Cost(0.25, source="reported")


def test_nobody_else_is_taken_at_such_a_word() -> None:
    assert priced(told({"cost": 0.25}, "openai"), {"only": True}) is None
    assert priced(told({"cost": 0.25}, "groq"), {"only": True}) is None


def test_what_the_application_says_stays() -> None:
    draft = told({"cost": 0.25})
    draft.cost = Cost(7.0)
    PriceBook()(draft)
    assert draft.cost == Cost(7.0)
    assert draft.params == {}


def test_an_answer_that_is_fetched_again_is_not_paid_again() -> None:
    draft = asked("openrouter", "m", operation="fetch_response")
    openai_chat.response(draft, {"usage": {"cost": 0.25}})
    assert priced(draft) is None


def test_streams_and_other_apis() -> None:
    draft = asked("openrouter", "m")
    for usage in (None, {"cost": 0.1}, {"cost": 0.25}, TOKENS):
        openai_chat.chunk(draft, {"choices": [], "usage": usage})
    assert priced(draft) == Cost(0.25, source="reported")
    draft = asked("openrouter", "m")
    openai_responses.response(draft, {"usage": {"input_tokens": 1, "cost": 0.25}})
    assert priced(draft) == Cost(0.25, source="reported")
    draft = asked("openrouter", "m", operation="embeddings")
    embeddings.response(draft, {"usage": {"prompt_tokens": 1, "cost": 0.25}})
    assert priced(draft) == Cost(0.25, source="reported")


def test_as_the_client_hands_it_over() -> None:
    types = pytest.importorskip("openai.types")
    usage = types.CompletionUsage.model_validate(
        {**TOKENS, "total_tokens": 7, "cost": 0.1, "is_byok": True, "cost_details": upstream(0.2)}
    )
    assert priced(told_by(usage)) == Cost(0.3, source="reported")


def told_by(usage: Any) -> Draft:
    draft = asked("openrouter", "m")
    openai_chat.response(draft, {"usage": usage})
    return draft


def test_a_function_around_the_client_takes_the_cost_over() -> None:
    around, inner = Draft("chat"), told({"cost": 0.25})
    around.absorb(inner)
    assert priced(around) == Cost(0.25, source="reported")


@pytest.mark.parametrize("pricing", [None, "off"])
def test_in_a_span(pricing: str | None) -> None:
    settings = {} if pricing is None else {"pricing": pricing}
    with (
        captured(**settings) as seen,
        clearspan.invocation("chat", provider="openrouter", model="m") as draft,
    ):
        openai_chat.response(draft, {"usage": {**TOKENS, "cost": 0.25}})
    given = seen.spans[0].attributes
    costs = {name: value for name, value in given.items() if "cost" in name or "charged" in name}
    reported = {sc.COST_TOTAL: 0.25, sc.COST_CURRENCY: "USD", sc.COST_SOURCE: "reported"}
    assert costs == ({} if pricing == "off" else reported)


def test_recorded_answers_have_the_cost_that_they_tell() -> None:
    paths = [path for path in exchange.find() if path.parent.name == "openrouter"]
    if not paths:
        pytest.skip("the recordings are not here")
    keys: list[bool] = []
    for recorded in map(exchange.load, paths):
        body: Any = recorded.response.get("body")
        usage = body.get("usage") if isinstance(body, dict) else None
        if isinstance(usage, dict) and "cost" in usage:
            draft = asked("openrouter", "m")
            (openai_chat if "choices" in body else openai_responses).response(draft, body)
            own = usage.get("is_byok") is True
            there = usage["cost_details"]["upstream_inference_cost"] if own else 0
            assert priced(draft) == Cost(usage["cost"] + there, source="reported"), recorded.name
            keys.append(own)
    assert keys.count(True) >= 3
    assert keys.count(False) >= 20
