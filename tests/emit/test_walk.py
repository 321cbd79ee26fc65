"""The short way through messages answers what the long way answers, or nothing."""

from __future__ import annotations

import copy
import enum
from typing import Any

import pytest
from hypothesis import example, given, strategies as st

from clearspan.core import jsonfast
from clearspan.emit import walk
from clearspan.emit.walk import EDGE, Walk, noting

LONGEST = EDGE + 20
LONG = "x" * (LONGEST + 1)
JUST = "y" * LONGEST


class Word(str):
    """A text of a class of its own."""

    __slots__ = ()


class Kind(str, enum.Enum):
    """What a model of somebody's may have for a type."""

    text = "text"


def long_way(found: Any) -> tuple[Any, list[str]]:
    seen: list[str] = []
    return walk.messages(found, Walk(lambda text: noting(text, LONGEST, seen), LONGEST)), seen


def text(content: Any, kind: Any = "text", **more: Any) -> dict[str, Any]:
    return {"type": kind, "content": content, **more}


def said(*parts: Any, **more: Any) -> dict[str, Any]:
    return {"role": "user", "parts": list(parts), **more}


TEXTS = st.text(max_size=8) | st.sampled_from([LONG, JUST, "\ud83d\ude00", "a\ud800", "text", "user"])  # fmt: skip
ODD = st.one_of(
    st.none(),
    st.integers(),
    st.floats(),
    st.binary(max_size=3),
    st.builds(Word, st.text(max_size=3)),
    st.just(Kind.text),
    st.lists(st.text(max_size=3), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
KINDS = st.sampled_from(["text", "text", "reasoning", "refusal", "blob", "tool_call"])
PARTS = st.one_of(
    st.builds(text, TEXTS, KINDS),
    st.builds(text, TEXTS, KINDS),
    st.builds(text, TEXTS | ODD, KINDS | ODD),
    st.fixed_dictionaries({"content": TEXTS, "type": KINDS}, optional={"id": TEXTS, "modality": TEXTS}),
    st.fixed_dictionaries({"type": KINDS}, optional={"id": TEXTS, "text": TEXTS}),
    ODD,
)  # fmt: skip
LISTS = st.lists(PARTS, max_size=4) | st.builds(lambda part, many: [part] * many, PARTS, st.sampled_from([64, 65]))  # fmt: skip
MESSAGES = st.one_of(
    st.fixed_dictionaries({"role": TEXTS, "parts": LISTS}, optional={"finish_reason": TEXTS}),
    st.fixed_dictionaries(
        {},
        optional={
            "role": TEXTS | ODD,
            "parts": LISTS | ODD | TEXTS,
            "finish_reason": TEXTS | ODD,
            "name": TEXTS,
            "type": TEXTS,
            "content": TEXTS,
            5: TEXTS,
        },
    ),
    PARTS,
)


@given(st.lists(MESSAGES, max_size=4))
@example([said(text("a"), text("b", "reasoning"), text("c", "refusal"), finish_reason="stop")])
@example([said(text(JUST))])
@example([said(text(LONG))])
@example([said(text("x", []))])
@example([said(text("x", {}))])
@example([])
def test_what_the_short_way_answers_is_what_the_long_way_answers(found: list[Any]) -> None:
    before = copy.deepcopy(found)
    seen: list[str] = []
    short = walk.spoken(found, LONGEST, seen)
    if short is None:
        return
    kept, looked_through = long_way(found)
    assert short == kept
    # What is of a known word is nobody's, and may be left out.
    assert set(looked_through) - {"text", "reasoning", "refusal"} <= set(seen)
    assert jsonfast.loads(jsonfast.encoded(short)) == jsonfast.loads(jsonfast.dumps(kept))
    assert found == before
    assert short is not found
    for message, given_one in zip(short, found, strict=True):
        assert message is not given_one


def test_texts_that_may_be_kept_whole_go_the_short_way() -> None:
    found = [
        said(text("a\ud800"), text("", "reasoning"), text(JUST, "refusal")),
        {"role": "assistant", "parts": [], "finish_reason": "st\ud800op"},
        {"parts": [text("b")]},
        {},
    ]
    seen: list[str] = []
    assert walk.spoken(found, LONGEST, seen) == [
        said(text("a\ufffd"), text("", "reasoning"), text(JUST, "refusal")),
        {"role": "assistant", "parts": [], "finish_reason": "st\ufffdop"},
        {"parts": [text("b")]},
        {},
    ]
    assert seen == ["user", "a\ufffd", "", JUST, "assistant", "st\ufffdop", "b"]
    assert walk.spoken([said(*[text("a")] * 64)], LONGEST, seen) is not None


@pytest.mark.parametrize(
    "message",
    [
        "a text",
        None,
        5,
        ["user"],
        text("a system part"),
        said(text("a"), name="n"),
        said(text("a"), role=None),
        said(text("a"), role=LONG),
        said(text("a"), finish_reason=Word("stop")),
        {"role": "user", "parts": "a text"},
        {"role": "user", "parts": (text("a"),)},
        {"role": "user", "parts": None},
        {"role": "user", "content": "a text"},
        said("a text"),
        said(text("a", id="1")),
        said({"type": "text"}),
        said({"type": "text", "id": "1"}),
        said({"kind": "text", "content": "a"}),
        said(text("a", "blob")),
        said(text("a", None)),
        said(text("a", [])),
        said(text(None)),
        said(text(5)),
        said(text(["a"])),
        said(text(Word("a"))),
        said(text(LONG)),
        said(*[text("a")] * 65),
    ],
    ids=lambda message: str(message)[:60],
)
def test_everything_else_goes_the_long_way(message: Any) -> None:
    assert walk.spoken([message], LONGEST, []) is None
    assert walk.spoken([said(text("a")), message], LONGEST, []) is None
