"""Which calls somebody pays for."""

from __future__ import annotations

from typing import Any

import pytest

from clearspan.figures.cost.billed import billed
from clearspan.record import Cost, ErrorInfo, Invocation, Operation, Outcome, Timing, Usage
from tests.figures.cost.kit import call, priced

REFUSED: dict[str, Any] = {"outcome": Outcome.FAILED, "error": ErrorInfo("RateLimitError")}


def record(operation: str = "chat", **given: Any) -> Invocation:
    return Invocation(operation, Timing(0, 1), **given)


@pytest.mark.parametrize(
    ("expected", "given"),
    [
        (True, record()),
        (True, record(usage=Usage(input=1))),
        (True, record("embeddings", outcome=Outcome.CANCELLED)),  # the provider may have worked
        (True, record(outcome=Outcome.ABANDONED)),
        (True, record("invoke_agent")),
        (True, record("moderation", provider="mistral_ai")),
        (False, record("moderation", provider="openai")),
        (False, record("create_batch")),
        (False, record("fetch_response", usage=Usage(input=3, output=4))),
        (False, record("retrieval")),
        (False, record("execute_tool")),
        (False, record(inference_calls=2)),
        (False, record(**REFUSED)),
        (False, record(**REFUSED, usage=Usage(input=9, source="estimated"))),
        (
            False,
            record(**REFUSED, usage=Usage(input=9, source="estimated", input_source="counted")),
        ),
        (True, record(**REFUSED, usage=Usage(input=9))),
        (True, record(**REFUSED, usage=Usage(input=9, source="counted", input_source="reported"))),
        (
            True,
            record(**REFUSED, usage=Usage(output=2, source="counted")),
        ),  # broken off in its midst
    ],
)
def test_which_calls_are_billed(expected: bool, given: Invocation) -> None:
    assert billed(given) is expected


@pytest.mark.parametrize("operation", [str(operation) for operation in Operation])
def test_what_is_never_billed_is_never_priced(operation: str) -> None:
    prices = {"models": {"m": {"input": 1_000_000, "output": 0}}}
    cost = priced(call("openai", "m", operation=operation, input=1), prices)
    if not billed(record(operation, provider="acme")):
        assert cost is None
    else:
        assert cost == Cost(1.0, input=1.0, source="own prices")
