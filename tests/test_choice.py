"""Answers while they are put together: so much of them as there is room for."""

from __future__ import annotations

from typing import Any

import pytest

from clearspan.choice import Answers
from clearspan.draft import Draft
from clearspan.emit.content import ContentPolicy
from clearspan.record import TokenScore


def parts(answers: Answers) -> list[Any]:
    return [part for answer in answers.raw() for part in answer["parts"]]


def test_what_comes_whole_and_is_too_large_is_named_with_its_size() -> None:
    answers = Answers(100)
    choice = answers.choice(0)
    choice.whole({"type": "blob", "modality": "image", "content": "x" * 1_000}, None)
    choice.whole({"type": "other", "more": ["x" * 1_000]}, None)
    blob, other = parts(answers)
    assert blob == {"type": "blob", "modality": "image", "content": "", "omitted": 1_000}
    assert (other["type"], other["omitted"] > 1_000) == ("other", True)
    assert answers.room.cut == 2


def test_half_a_recording_is_none() -> None:
    answers = Answers(100)
    answers.choice(0).sound("x" * 200, "y" * 200)
    (sound,) = parts(answers)
    assert (sound["content"], sound["omitted"]) == ("", 200)
    assert sound["transcript"] == "y" * 100 + "…[100 more]"


def test_what_is_dropped_leaves_its_room_to_others() -> None:
    answers = Answers(100)
    choice = answers.choice(0)
    for _ in range(20):
        choice.piece("text", "x" * 90, 1)
        choice.tool(1, "id", "name", {"a": "b"})
        choice.whole({"type": "other"}, 1)
        for key in list(choice.parts):
            choice.drop(key)
    choice.drop(("text", "unknown"))
    assert (answers.room.taken, answers.room.cut) == (0, 0)


def test_arguments_that_are_cut_stay_a_text() -> None:
    answers = Answers(10)
    answers.choice(0).tool(0, None, None, '{"a": "' + "b" * 20 + '"}')
    answers.choice(0).tool(1, None, None, {"a": "b" * 500})
    text, gone = parts(answers)
    assert text["arguments"] == '{"a": "bbb…[19 more]'
    assert "arguments" not in gone


def test_there_is_an_end_to_parts_and_choices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clearspan.choice._CHOICES", 2)
    answers = Answers()
    answers.room.parts = 1
    for index in range(3):
        choice = answers.choice(index)
        choice.piece("text", "a", None)
        choice.tool(0, None, None, None)
        choice.sound("a", None)
        choice.whole({"type": "other"}, None)
    assert (len(answers.raw()), len(parts(answers))) == (2, 1)
    assert answers.room.cut > 0


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("<think>" + "a" * 20, [("reasoning", "aaa…[17 more]")]),
        ("<think>a</think>bc", [("reasoning", "a"), ("text", "b…[1 more]")]),
    ],
)
def test_thinking_that_was_cut_says_so(said: str, told: list[tuple[str, str]]) -> None:
    answers = Answers(10 if "/" not in said else 17)
    answers.choice(0).piece("text", said, None)
    answers.choice(0).think_apart()
    assert [(part["type"], part["content"]) for part in parts(answers)] == told


def test_log_probabilities_beyond_a_bound_are_forgotten_as_a_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("clearspan.draft._SCORES", 3)
    draft = Draft("chat")
    for _ in range(3):
        draft.logprobs([TokenScore("a", -0.1)] * 2)
    assert draft.scores is None
    draft.forget_output()
    draft.logprobs([TokenScore("a", -0.1)])
    assert len(draft.scores[0]) == 1


def test_a_draft_that_lets_its_content_go_keeps_the_numbers() -> None:
    draft = Draft("chat")
    draft.input("question")
    draft.text("answer")
    draft.finish("stop")
    draft.usage(output=3)
    draft.transport = {"http_response": object(), "status": 200}
    assert draft.held > 0
    assert draft.longest > 0
    assert not draft.cut
    draft.lighten()
    assert draft.transport == {"status": 200}
    record = draft.seal(ContentPolicy())
    assert (record.input, record.usage.output, record.finish_reasons) == ((), 3, ("stop",))
