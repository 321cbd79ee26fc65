from __future__ import annotations

from clearspan.assess.text.subject import answer_of, input_of, question_of
from clearspan.assess.text.words import LONGEST
from tests.assess.calls import call


def test_messages_come_first() -> None:
    one = call("Where?", "Here.", output_value="no", input_value="no")
    assert (answer_of(one), question_of(one), input_of(one)) == ("Here.", "Where?", "Where?")


def test_values_of_steps_are_read_as_text() -> None:
    one = call("", "", output_value={"n": "\u00e9"}, input_value="asked")
    assert (answer_of(one), question_of(one), input_of(one)) == (
        '{"n": "\u00e9"}',
        "asked",
        "asked",
    )


def test_a_value_that_json_cannot_hold_is_read_as_python_writes_it() -> None:
    assert answer_of(call("", "", output_value={1})) == "{1}"


def test_what_is_not_there_is_empty() -> None:
    assert (answer_of(call("", "")), question_of(call("", ""))) == ("", "")


def test_the_rest_of_a_long_text_is_left_out() -> None:
    assert len(answer_of(call("", "x" * (LONGEST + 1)))) == LONGEST
