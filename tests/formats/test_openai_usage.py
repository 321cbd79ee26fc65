"""Counts of servers that speak like OpenAI's, each with a way of its own."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from clearspan.draft import Draft
from clearspan.formats.openai_usage import usage


def counted(said: dict[str, Any]) -> tuple[int | None, int | None]:
    draft = Draft("chat")
    usage(draft, said)
    return draft.counts.get("output"), draft.counts.get("reasoning")


def counts(said: Any) -> dict[str, Any]:
    draft = Draft("chat")
    usage(draft, said)
    return dict(draft.counts)


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


# -- details, under whatever names -------------------------------------------------------------------------

SENT = ("prompt_tokens_details", "input_tokens_details", "input_token_details")
MADE = ("completion_tokens_details", "output_tokens_details", "output_token_details")
IN = {"cached_tokens": 1, "cache_write_tokens": 2, "text_tokens": 3, "image_tokens": 4, "audio_tokens": 5}  # fmt: skip
OUT = {"reasoning_tokens": 6, "text_tokens": 7, "image_tokens": 8, "audio_tokens": 9}
TOLD_IN = {"cache_read": 1, "cache_write": 2, "text_input": 3, "image_input": 4, "audio_input": 5}
TOLD_OUT = {"reasoning": 6, "text_output": 7, "image_output": 8, "audio_output": 9}


@pytest.mark.parametrize("group", SENT)
def test_parts_of_the_input_under_each_name(group: str) -> None:
    assert counts({group: IN}) == TOLD_IN


@pytest.mark.parametrize("group", MADE)
def test_parts_of_the_output_under_each_name(group: str) -> None:
    assert counts({group: OUT}) == TOLD_OUT


def test_of_several_groups_the_first_that_tells_of_a_count_wins() -> None:
    first, second, third = SENT
    groups: dict[str, Any] = {
        third: {**dict.fromkeys(IN, 90), "cached_tokens": 30},
        second: {"cached_tokens": 20, "text_tokens": 21, "image_tokens": -1},
        first: {"cached_tokens": 10, "text_tokens": None, "audio_tokens": "11"},
    }
    assert counts(groups) == {
        "cache_read": 10, "text_input": 21, "cache_write": 90, "image_input": 90, "audio_input": 90,
    }  # fmt: skip
    first, second, third = MADE
    assert counts({second: {"reasoning_tokens": 5}, third: OUT, first: {"text_tokens": 0}}) == {
        **TOLD_OUT, "reasoning": 5, "text_output": 0,
    }  # fmt: skip


@pytest.mark.parametrize("nothing", [None, 5, "much", [], {}, object()])
def test_a_group_that_tells_nothing_leaves_it_to_the_others(nothing: Any) -> None:
    first, second, _ = SENT
    assert counts({first: nothing}) == {}
    assert counts({first: nothing, second: IN}) == TOLD_IN
    assert counts({first: IN, second: nothing}) == TOLD_IN
    assert counts({MADE[0]: nothing, MADE[1]: nothing}) == {}


def test_a_cache_that_the_details_do_not_tell_of_is_told_elsewhere() -> None:
    said = {"cached_tokens": 7, SENT[0]: {"text_tokens": 3}, SENT[1]: {"audio_tokens": 1}}
    assert counts(said) == {"cache_read": 7, "text_input": 3, "audio_input": 1}
    assert counts({**said, SENT[1]: {"cached_tokens": 0}})["cache_read"] == 0


def test_predictions_are_told_of_the_first_group_that_has_them() -> None:
    draft = Draft("chat")
    usage(draft, {MADE[0]: {"accepted_prediction_tokens": 5}, MADE[1]: {"accepted_prediction_tokens": 8, "rejected_prediction_tokens": 1}})  # fmt: skip
    assert dict(draft.extras) == {
        "clearspan.usage.accepted_prediction_tokens": 5,
        "clearspan.usage.rejected_prediction_tokens": 1,
    }


@dataclasses.dataclass
class Details:
    cached_tokens: int
    text_tokens: int | None = None


def test_groups_of_several_kinds_are_read_alike() -> None:
    assert counts({SENT[0]: Details(1)}) == {"cache_read": 1}
    assert counts({SENT[0]: Details(1), SENT[1]: IN}) == TOLD_IN
    assert counts({SENT[1]: IN, SENT[2]: Details(9, 9)}) == TOLD_IN


class Touched(BaseException):
    pass


class Hostile(dict[str, int]):
    def touch(self, *_: Any) -> Any:
        raise Touched

    __len__ = __bool__ = __iter__ = __getitem__ = __contains__ = get = keys = items = values = touch


@pytest.mark.parametrize("groups", [SENT[:1], SENT])
def test_nothing_of_a_dictionary_of_its_own_class_is_run(groups: tuple[str, ...]) -> None:
    assert counts({group: Hostile(IN) for group in groups}) == TOLD_IN
    assert counts({group: Hostile(OUT) for group in MADE[: len(groups)]}) == TOLD_OUT
