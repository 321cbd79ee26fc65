"""Where a server's time went, as Groq and Cerebras tell."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from clearspan.draft import Draft
from clearspan.formats.openai_times import times

GROQ = {
    "queue_time": 0.25,
    "prompt_tokens": 18,
    "prompt_time": 0.002,
    "completion_time": 0.5,
    "total_time": 0.502,
}


def phases(*sources: Any) -> dict[str, float]:
    draft = Draft("chat")
    for source in sources:
        times(draft, source)
    return draft.pace.phases


def test_times_of_groq() -> None:
    """Its total leaves the queue out, so it is no server's whole time and is not told as one."""
    expected = {"queue": 0.25, "prefill": 0.002, "decode": 0.5}
    assert phases(GROQ) == expected
    assert phases(GROQ, GROQ) == expected


def test_what_has_no_fields_leaves_what_is_known() -> None:
    expected = phases(GROQ)
    assert phases(GROQ, None, 5, "text", [GROQ], object(), {}) == expected


def test_times_are_read_of_models_too() -> None:
    class Counts(BaseModel):
        model_config = ConfigDict(extra="allow")
        queue_time: float = 0.25

    made = Counts.model_validate({"prompt_time": 0.002, "completion_time": 0.5})
    assert phases(made) == phases(GROQ)


@pytest.mark.parametrize(
    "source", [None, 5, {}, {"queue_time": None}, {"queue_time": "1"}, {"queue_time": -1.0}]
)
def test_times_that_are_none(source: Any) -> None:
    assert phases(source) == {}
