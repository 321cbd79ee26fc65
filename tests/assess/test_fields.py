"""What detectors look through of a call: arguments of tools as whoever gets them reads them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from clearspan.assess import fields
from clearspan.evaluators.pii import PII
from clearspan.evaluators.secrets import Secrets
from clearspan.record import Invocation, Timing

TOKEN = "ghp_" + "aB3dE5gH7j" * 3 + "aB3dE5"


def calling(arguments: Any) -> Invocation:
    part: Any = {"type": "tool_call", "name": "write", "id": "c", "arguments": arguments}
    message: Any = {"role": "assistant", "parts": [part]}
    return Invocation("chat", Timing(1, 2), output=(message,))


@pytest.mark.parametrize("parsed", [True, False])
def test_arguments_are_read(parsed: bool) -> None:
    given = {"content": f"# mine\n{TOKEN}\nal@example.com"}
    call = calling(given if parsed else json.dumps(given))
    (text,) = [made.text for field, made in fields.texts(call).items() if field == "tool_calls"]
    assert f"mine\n{TOKEN}\n" in text
    score: Any = Secrets().evaluate(call)
    (found,) = score.metadata["entities"]
    assert text[found["start"] : found["end"]] == TOKEN
    score = PII().evaluate(call)
    (found,) = score.metadata["entities"]
    assert text[found["start"] : found["end"]] == "al@example.com"


def test_arguments_that_hide_letters_are_read_too() -> None:
    score: Any = Secrets().evaluate(calling('{"a": "\\u0067hp_' + TOKEN[4:] + '"}'))
    assert score.metadata["counts"] == {"GITHUB_TOKEN": 1}


def test_what_tools_were_given_and_answered_is_a_field_and_known() -> None:
    call = Invocation(
        "chat",
        Timing(0, 0),
        input=(
            {"role": "user", "parts": [{"type": "text", "content": "Who?"}]},
            {"role": "assistant", "parts": [{"type": "tool_call", "name": "f", "arguments": {"of": "Ann"}}]},
            {"role": "tool", "parts": [{"type": "tool_call_response", "response": "Bob"}]},
        ),
        documents=("Cleo",),
    )  # fmt: skip
    assert fields.texts(call)["tool_results"].text == '{"of": "Ann"}\nBob'
    assert fields.known(call) == 'Who?\n\n\n{"of": "Ann"}\nBob\nCleo'
