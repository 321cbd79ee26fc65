"""Calls as they are recorded of a real client: what its evaluators find in them."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from clearspan.evaluators.confidence import TokenConfidence
from clearspan.evaluators.structure import MatchesSchema, ValidJson
from clearspan.evaluators.tools import ToolCallValid, Trajectory
from clearspan.evaluators.wording import Refusal, Truncation
from clearspan.record import Invocation
from clearspan.testing import ModelServer, captured
from clearspan.testing.server import Reply, ToolCall

TOOL: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


def recorded(reply: Reply, *, tool_schemas: bool = True, **request: Any) -> Invocation:
    with ModelServer() as server, captured(tool_schemas=tool_schemas) as seen:
        server.script(reply)
        with openai.OpenAI(base_url=server.url, api_key="sk-none", max_retries=0) as client:
            answer = client.chat.completions.create(
                model="gpt-4o-mini", messages=[{"role": "user", "content": "Rome?"}], **request
            )
            if request.get("stream"):
                list(answer)
    return seen.invocations[0]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("arguments", "value"), [('{"city": "Rome"}', 1.0), ('{"town": 3}', 0.0), ('{"ci', 0.0)])  # fmt: skip
def test_tool_calls(stream: bool, arguments: str, value: float) -> None:
    call = recorded(Reply(tool_calls=[ToolCall("weather", arguments)]), tools=[TOOL], stream=stream)
    assert ToolCallValid().evaluate(call).value == value
    assert MatchesSchema().evaluate(call).value == value
    assert Trajectory(["weather"], level="call").evaluate(call).value == 1.0
    assert Truncation().evaluate(call).label == "complete"


def test_without_schemas_the_definitions_are_given_here() -> None:
    asked = Reply(tool_calls=[ToolCall("weather", {"city": 1})])
    call = recorded(asked, tool_schemas=False, tools=[TOOL])
    assert ToolCallValid().evaluate(call).skipped is not None
    assert ToolCallValid(tools=[TOOL]).evaluate(call).value == 0.0


def test_json_that_was_asked_for() -> None:
    call = recorded(Reply(text='{"a": '), response_format={"type": "json_object"})
    assert ValidJson(only_asked=True).evaluate(call).value == 0.0


def test_refusals_and_limits() -> None:
    assert Refusal().evaluate(recorded(Reply(refusal="No."))).metadata == {"by": "part"}
    cut = recorded(Reply(text="It is", finish_reason="length"))
    assert Truncation().evaluate(cut).value == 1.0


def test_confidence() -> None:
    call = recorded(Reply(text="It is old."), logprobs=True)
    value = TokenConfidence().evaluate(call).value
    assert value is not None
    assert 0 < value <= 1
