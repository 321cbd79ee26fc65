"""Log probabilities of tokens, as different servers give them."""

from __future__ import annotations

import math
from typing import Any

import pytest

from clearspan.draft import Draft
from clearspan.formats import openai_chat, openai_completions, openai_responses, token_scores
from clearspan.record import TokenScore

TOP = [{"token": "a", "logprob": -0.5}, {"token": "b", "logprob": -1.5, "bytes": [98]}]


def test_a_row_of_objects() -> None:
    given = [
        {"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": TOP},
        {"token": "b", "logprob": -9999.0, "top_logprobs": []},
        {"token": "c", "logprob": None},
    ]
    assert token_scores.rows(given) == [
        TokenScore("a", -0.5, (-0.5, -1.5)),
        TokenScore("b", -9999.0),
        TokenScore("c", None),
    ]


def test_columns() -> None:
    given = {
        "tokens": ["a", "b", "c"],
        "token_logprobs": [None, -0.5, -1],
        "top_logprobs": [None, {"b": -0.5, "d": -2}],
        "text_offset": [0, 1, 2],
    }
    assert token_scores.columns(given) == [
        TokenScore("a", None),
        TokenScore("b", -0.5, (-0.5, -2.0)),
        TokenScore("c", -1.0),
    ]


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({"tokens": ["a", "b"], "token_logprobs": [-1.0]}, [TokenScore("a", -1.0)]),
        ({"tokens": ["a"], "token_logprobs": [-1.0, -2.0]}, [TokenScore("a", -1.0)]),
        ({"tokens": ["a"], "token_logprobs": None}, []),
        ({"tokens": [], "token_logprobs": [], "top_logprobs": [{"a": -1.0}]}, []),
        ({"tokens": [7], "token_logprobs": ["x"], "top_logprobs": ["x"]}, [TokenScore("", None)]),
        ("text", []), (None, []),
    ],
)  # fmt: skip
def test_columns_that_do_not_fit(given: Any, made: list[TokenScore]) -> None:
    assert token_scores.columns(given) == made


@pytest.mark.parametrize(
    "given",
    [
        [None], [7], ["text"], [{"token": 7, "logprob": "x", "top_logprobs": 3}],
        [{"logprob": True, "top_logprobs": [None, {"logprob": math.nan}, {}]}],
        [{"logprob": -math.inf, "top_logprobs": [{"logprob": math.inf}]}],
    ],
)  # fmt: skip
def test_broken_ones_say_nothing(given: list[Any]) -> None:
    assert token_scores.rows(given) == [TokenScore("", None)]


def test_of_a_chat_and_of_its_chunks() -> None:
    tokens = [{"token": "a", "logprob": -0.5, "top_logprobs": TOP}]
    told = {"content": tokens, "refusal": [{"token": "No", "logprob": -2.0}]}
    expected = [TokenScore("a", -0.5, (-0.5, -1.5)), TokenScore("No", -2.0)]
    whole, streamed = Draft("chat"), Draft("chat")
    openai_chat.response(whole, {"choices": [{"message": {"content": "a"}, "logprobs": told}]})
    for _ in range(2):
        piece = {"index": 1, "delta": {"content": "a"}, "logprobs": told}
        openai_chat.chunk(streamed, {"choices": [piece]})
    assert whole.scores == {0: expected}
    assert streamed.scores == {1: expected * 2}


def test_of_a_response_its_parts_are_one_answer() -> None:
    part = {"type": "output_text", "text": "a", "logprobs": [{"token": "a", "logprob": -0.5, "top_logprobs": TOP}]}  # fmt: skip
    draft = Draft("chat")
    item = {"type": "message", "content": [part, {"type": "output_text", "text": "x"}, part]}
    openai_responses.response(draft, {"output": [item, item], "status": "completed"})
    assert draft.scores == {0: [TokenScore("a", -0.5, (-0.5, -1.5))] * 4}


def test_of_a_completion() -> None:
    draft = Draft("text_completion")
    columns = {"tokens": ["a"], "token_logprobs": [-0.5], "top_logprobs": [{"a": -0.5, "b": -1.5}]}
    openai_completions.response(draft, {"choices": [{"text": "a", "logprobs": columns}]})
    assert draft.scores == {0: [TokenScore("a", -0.5, (-0.5, -1.5))]}


def test_without_content_the_numbers_stay() -> None:
    draft = Draft("chat")
    draft.content = False
    draft.logprobs(token_scores.rows([{"token": "a", "logprob": -0.5, "top_logprobs": TOP}]))
    assert draft.scores == {0: [TokenScore("", -0.5, (-0.5, -1.5))]}
