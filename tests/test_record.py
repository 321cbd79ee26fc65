"""The record: inert, and honest about what is not known."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from clearspan.record import (
    CallContext,
    ErrorInfo,
    Invocation,
    Operation,
    Outcome,
    Timing,
    TraceRef,
    Usage,
)


def record(**facts: Any) -> Invocation:
    return Invocation(operation="chat", timing=Timing(1_000_000_000, 3_500_000_000), **facts)


def test_what_is_not_known_is_none() -> None:
    empty = record()
    assert empty.usage == Usage()
    told = dataclasses.asdict(empty.usage)
    assert told.pop("source") == "reported"
    assert set(told.values()) == {None}
    assert (empty.model, empty.response_id, empty.error, empty.input, empty.finish_reasons) == (
        None, None, None, (), (),
    )  # fmt: skip
    assert empty.outcome is Outcome.COMPLETED


def test_times_are_in_seconds() -> None:
    assert record().duration == Timing(1_000_000_000, 3_500_000_000).duration == 2.5


@pytest.mark.parametrize(
    "value",
    [
        record(),
        Usage(),
        Timing(0, 0),
        TraceRef("0" * 32, "0" * 16),
        ErrorInfo("x"),
        CallContext(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_records_cannot_be_changed(value: Any) -> None:
    name = dataclasses.fields(value)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, name, "other")
    assert not hasattr(value, "__dict__")


def test_the_texts_of_a_conversation() -> None:
    say = {"type": "text", "content": "a"}
    seen = record(
        input=(
            {"role": "system", "parts": [say, {"type": "text", "content": "b"}]},
            {"role": "user", "parts": [{"type": "blob", "content": "AAAA"}, say]},
            {"role": "tool"},
        ),
        output=(
            {"role": "assistant", "parts": [{"type": "reasoning", "content": "hm"}, say]},
            {"role": "assistant", "parts": [{"type": "text", "content": "second"}]},
            {"role": "assistant", "parts": [{"type": "text"}]},
        ),
    )
    assert seen.input_text == "ab\na\n"
    assert seen.output_text == "a\nsecond\n"
    assert record().input_text == record().output_text == ""


def test_encoded_content_is_no_part_of_what_a_record_is() -> None:
    assert record(encoded={"input": "[]"}) == record()
    assert "encoded" not in repr(record(encoded={"input": "[]"}))


@pytest.mark.parametrize("kind", [Operation, Outcome])
def test_enumerations_are_their_values(kind: Any) -> None:
    for member in kind:
        assert str(member) == f"{member}" == member.value == member
