"""Counts of servers that speak like OpenAI's, each with a way of its own."""

from __future__ import annotations

from typing import Any

import pytest

from clearspan.draft import Draft
from clearspan.formats.openai_usage import usage


def counted(said: dict[str, Any]) -> tuple[int | None, int | None]:
    draft = Draft("chat")
    usage(draft, said)
    return draft.counts.get("output"), draft.counts.get("reasoning")


def thought(tokens: int) -> dict[str, Any]:
    return {"completion_tokens_details": {"reasoning_tokens": tokens}}


@pytest.mark.parametrize(
    ("said", "output"),
    [
        ({"prompt_tokens": 12, "completion_tokens": 1, "total_tokens": 399, **thought(386)}, 387),
        ({"prompt_tokens": 12, "completion_tokens": 1, **thought(386)}, 387),
        ({"prompt_tokens": 12, "completion_tokens": 400, "total_tokens": 798, **thought(386)}, 786),
        ({"prompt_tokens": 12, "completion_tokens": 400, "total_tokens": 412, **thought(386)}, 400),
        ({"prompt_tokens": 12, "completion_tokens": 400, **thought(386)}, 400),
        ({"prompt_tokens": 12, "total_tokens": 12, **thought(386)}, None),
    ],
)
def test_reasoning_is_a_part_of_the_output(said: dict[str, Any], output: int | None) -> None:
    """As OpenAI counts; xAI has it beside the output, and in the total."""
    assert counted(said) == (output, 386)
