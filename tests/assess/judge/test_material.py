from __future__ import annotations

from typing import Any

from clearspan.assess.judge.material import TEXTS, models, texts
from clearspan.record import ErrorInfo, Invocation, Message, Timing
from tests.assess.judge.kit import call, said, trace


def tool_call(name: str, arguments: Any) -> Message:
    return {"role": "assistant", "parts": [{"type": "tool_call", "name": name, "arguments": arguments}]}  # fmt: skip


def tool(name: str | None, given: Any, answered: Any = None, error: ErrorInfo | None = None) -> Invocation:  # fmt: skip
    return Invocation("execute_tool", Timing(0, 0), name=name, input_value=given, output_value=answered, error=error)  # fmt: skip


def test_texts_that_are_not_there_are_left_out() -> None:
    assert texts(call("Q", ""), ["answer", "question", "documents", "reference", "system", "tools"]) == {"question": "Q"}  # fmt: skip


def test_steps_without_messages_have_values() -> None:
    step = Invocation("task", Timing(0, 0), input_value={"a": 1}, output_value="done")
    assert texts(step, ["question", "answer"]) == {"question": '{"a": 1}', "answer": "done"}


def test_a_conversation_is_shown_with_its_roles() -> None:
    asked = (said("system", "S"), said("user", "Hi"), said("assistant", "Yes?"), said("user", "Q"))
    made = call(input=asked, system=({"type": "text", "content": "Be kind."}, {"type": "blob"}))
    assert TEXTS["conversation"](made) == "user: Hi\nassistant: Yes?\nuser: Q"
    assert TEXTS["system"](made) == "Be kind."


def test_the_steps_of_a_trace_are_told_in_order() -> None:
    made = trace(
        call("Q", output=(said("assistant", "I look."), tool_call("search", {"q": "x"}))),
        tool("search", {"q": "x"}, ["r"]),
        tool(None, "y", error=ErrorInfo("Timeout")),
        call("Q", "Done."),
    )
    assert TEXTS["steps"](made).splitlines() == [
        "1. said: I look.",
        '2. asked for tool search with {"q": "x"}',
        '3. tool search was given {"q": "x"} and answered ["r"]',
        "4. tool ? was given y failed: Timeout",
        "5. said: Done.",
    ]
    assert TEXTS["answer"](made) == "Done."


def test_tools_are_told_once_each() -> None:
    weather = {"name": "weather", "description": "of a city"}
    made = trace(call(tools=(weather, {"name": "time"})), call(tools=(weather,)))
    assert TEXTS["tools"](made) == "weather: of a city\ntime"


def test_what_others_wrote_is_documents_and_results_of_tools() -> None:
    result: Message = {"role": "tool", "parts": [{"type": "tool_call_response", "response": "R"}]}
    empty: Message = {"role": "tool", "parts": [{"type": "tool_call_response"}]}
    made = call("Q", documents=["D"], input=(said("user", "Q"), result, empty))
    assert TEXTS["untrusted"](made) == "[1] D\n[2] R"
    assert TEXTS["untrusted"](call("Q")) == "Q"


def test_the_models_of_a_trace_are_those_of_its_calls() -> None:
    made = trace(call(model="A", response_model="a-1"), call(), call(model="B"))
    assert models(made) == {"a", "a-1", "b"}
