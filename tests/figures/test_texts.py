"""How many tokens a character takes, and when that cannot be said."""

from __future__ import annotations

from typing import Any

import pytest

from clearspan.draft import Draft
from clearspan.figures.texts import density
from clearspan.record import Outcome

NAME = "clearspan.text.output.tokens_per_character"


def draft(*texts: str, **counts: Any) -> Draft:
    """An answer in each of `texts`, with these counts."""
    made = Draft("chat")
    for index, text in enumerate(texts):
        made.text(text, index)
    made.usage(**counts)
    return made


def told(made: Draft) -> float | None:
    density(made)
    found: float | None = made.extras.get(NAME)
    return found


def test_of_an_answer() -> None:
    assert told(draft("Rome is in Italy", output=4)) == 0.25


def test_characters_are_not_bytes() -> None:
    assert told(draft("日本の首都", output=5)) == 1.0


def test_all_answers_together() -> None:
    assert told(draft("One.", "Two.", output=4)) == 0.5


def test_thinking_is_not_text() -> None:
    assert told(draft("Rome", output=22, reasoning=20)) == 0.5
    shown = draft("Rome", output=22, reasoning=20)
    shown.reasoning("Let me see.")
    assert told(shown) == 0.5


def test_counted_tokens_will_do() -> None:
    assert told(draft("Rome", output=2, source="counted")) == 0.5


@pytest.mark.parametrize(
    "counts",
    [
        {}, {"input": 7}, {"output": 0}, {"output": 3, "source": "estimated"}, {"output": 3, "reasoning": 3},
        {"output": 3, "reasoning": 4}, {"output": 9, "audio_output": 5}, {"output": 9, "image_output": 5},
    ],
)  # fmt: skip
def test_counts_that_are_not_those_of_the_text(counts: dict[str, Any]) -> None:
    assert told(draft("Rome", **counts)) is None


def test_thinking_whose_tokens_are_not_told_apart() -> None:
    made = draft("Rome", output=9)
    made.reasoning("Let me see.")
    assert told(made) is None


def test_answers_that_are_not_only_text() -> None:
    called = draft("Rome", output=9)
    called.tool_call(name="look", arguments="{}")
    refused = draft(output=9)
    refused.refusal("No.")
    assert (told(called), told(refused)) == (None, None)


def test_pieces_and_wholes_are_text_alike() -> None:
    made = draft("Ro", output=4)
    made.texts(["m", "e"])
    made.part({"type": "text", "content": "Oslo"})
    assert told(made) == 0.5


def test_an_answer_without_characters_has_no_density() -> None:
    empty, opaque = draft(output=2), draft(output=2)
    empty.finish("stop")
    opaque.part({"type": "text", "content": ["not", "text"]})
    assert (told(empty), told(opaque)) == (None, None)


def test_a_part_of_no_kind_is_not_text() -> None:
    made = draft("Rome", output=2)
    made.part({"no": "type"})
    assert told(made) is None


def test_text_that_was_cut() -> None:
    made = Draft("chat")
    made.longest = 3
    made.text("Rome")
    made.usage(output=2)
    assert told(made) is None


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.CLOSED, Outcome.ABANDONED])
def test_answers_that_were_broken_off(outcome: Outcome) -> None:
    made = draft("Rome", output=2)
    made.outcome = outcome
    assert told(made) is None


def test_text_that_was_lost_or_not_kept() -> None:
    lost, unkept, unrecorded = draft("Rome", output=2), Draft("chat"), draft("Rome", output=2)
    lost.lost = 1
    unkept.keeps = False
    unkept.text("Rome")
    unkept.usage(output=2)
    unrecorded.recording = False
    around = draft("Rome", output=2)
    around.inner = lost
    assert [told(made) for made in (lost, unkept, unrecorded, around)] == [None] * 4


def test_what_a_tokenizer_said_stands() -> None:
    made = draft("Rome", output=2)
    made.outcome = Outcome.COMPLETED
    made.extra(NAME, 0.75)
    assert told(made) == 0.75
