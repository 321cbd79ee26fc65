from __future__ import annotations

import pytest

from clearspan.assess.judge.failure import JudgeFailure
from clearspan.assess.judge.steps import evaluation_steps
from tests.assess.judge.kit import answering


def test_a_judge_writes_steps_once() -> None:
    judge, asked = answering({"steps": ["Read it. ", "", *map(str, range(9))]})
    assert evaluation_steps(judge, "Is it kind?") == ("Read it.", "0", "1", "2", "3", "4")
    assert len(asked) == 1
    assert "Is it kind?" in asked[0][1]["content"]


def test_a_judge_may_be_described() -> None:
    assert evaluation_steps(lambda messages, schema: {"steps": ["One."]}, "c") == ("One.",)


def test_no_answer_is_told() -> None:
    judge, _ = answering("nothing")
    with pytest.raises(JudgeFailure, match="no whole JSON object"):
        evaluation_steps(judge, "c")
