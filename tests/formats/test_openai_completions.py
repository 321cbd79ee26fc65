from __future__ import annotations

import json
from typing import Any

import pytest

from clearspan.formats import openai_completions
from clearspan.record import Outcome
from tests.formats.kit import answered, called, record, streamed


def request(**arguments: Any) -> Any:
    return record(called(openai_completions.request, **arguments))


def body(*choices: Any, **more: Any) -> dict[str, Any]:
    return {
        "id": "cmpl-1",
        "object": "text_completion",
        "model": "davinci",
        "choices": list(choices),
        **more,
    }


@pytest.mark.parametrize(
    ("prompt", "texts"),
    [
        ("Once", ["Once"]),
        (["Once", "Twice"], ["Once", "Twice"]),
        ([1, 2, 3], []),
        ([[1, 2], [3]], []),
        (None, []),
        ("", []),
        (iter(["Once"]), []),
    ],
)
def test_prompts(prompt: Any, texts: list[str]) -> None:
    found = request(prompt=prompt, max_tokens=5, stop=["\n"], temperature=0)
    assert [message["parts"] for message in found.input] == [
        [{"type": "text", "content": text}] for text in texts
    ]
    assert dict(found.params) == {"max_tokens": 5, "stop_sequences": ["\n"], "temperature": 0.0}


def test_an_answer() -> None:
    logprobs = {
        "tokens": [" a", " b"],
        "token_logprobs": [None, -0.5],
        "top_logprobs": None,
        "text_offset": [0, 2],
    }
    found = record(
        answered(
            openai_completions.response,
            body(
                {"index": 1, "text": " two", "finish_reason": "length"},
                {
                    "index": 0,
                    "text": " a b",
                    "finish_reason": "stop",
                    "logprobs": logprobs,
                    "reasoning": "Hm.",
                },
                usage={"prompt_tokens": 1, "completion_tokens": 4, "total_tokens": 5},
            ),
        )
    )
    assert [message["parts"] for message in found.output] == [
        [{"type": "reasoning", "content": "Hm."}, {"type": "text", "content": " a b"}],
        [{"type": "text", "content": " two"}],
    ]
    assert found.finish_reasons == ("stop", "length")
    assert (found.usage.input, found.usage.output) == (1, 4)
    assert json.loads(found.extras["clearspan.response.logprobs"]) == [[[" a", None], [" b", -0.5]]]


def test_a_stream() -> None:
    chunks = [
        body({"index": 0, "text": "On"}),
        body({"index": 0, "text": "ce", "finish_reason": None}),
        {"choices": None},
        body({"index": 0, "text": "", "finish_reason": "stop"}),
        body(usage={"prompt_tokens": 1, "completion_tokens": 2}),
    ]
    found = record(streamed(openai_completions.chunk, chunks))
    assert found.output_text == "Once"
    assert found.finish_reasons == ("stop",)
    assert found.usage.output == 2


@pytest.mark.parametrize(
    "source",
    ["text", None, {}, {"choices": "none"}, {"choices": [None, {"text": 7, "logprobs": 7}]}],
)
def test_a_broken_answer_is_no_fault(source: Any) -> None:
    found = record(answered(openai_completions.response, source))
    assert (found.outcome, found.output_text.strip()) == (Outcome.COMPLETED, "")


def test_an_error_in_a_good_answer() -> None:
    found = record(
        answered(openai_completions.response, {"error": {"code": "gone", "message": "No."}})
    )
    assert found.error is not None
    assert (found.outcome, found.error.type) == (Outcome.FAILED, "gone")
