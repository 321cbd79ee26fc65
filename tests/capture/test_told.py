"""The draft in an application's hands takes everything, and neither raises nor loses the record."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import Any

import pytest

import clearspan
from clearspan import semconv as sc
from clearspan.capture.steps import invocation, span
from clearspan.capture.told import Told, new_told, word
from clearspan.choice import Choice, Said
from clearspan.core import fence
from clearspan.draft import Draft
from clearspan.record import CallContext, ErrorInfo, Outcome, TokenScore
from clearspan.testing import captured


@pytest.fixture(autouse=True)
def lenient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("CLEARSPAN_STRICT", raising=False)
    fence.reset()
    yield
    fence.reset()


class Evil:
    """Raises at whatever is asked of it."""

    __hash__ = None  # type: ignore[assignment]

    @property
    def __class__(self) -> Any:
        raise LookupError("asked")

    def _bite(self, *given: Any) -> Any:
        raise LookupError("bitten")

    __iter__ = __bool__ = __eq__ = __len__ = __str__ = _bite  # type: ignore[assignment]


ODD: dict[str, Callable[[], Any]] = {
    "nothing": lambda: None,
    "evil": Evil,
    "evil inside": lambda: [Evil()],
    "number": lambda: 5,
    "nan": lambda: float("nan"),
    "set": lambda: {"a": {1}},
    "bytes": lambda: b"x",
}


@pytest.fixture(params=ODD)
def value(request: pytest.FixtureRequest) -> Any:
    return [ODD[request.param]()]  # pytest would look at the bare one


@pytest.mark.parametrize(
    ("given", "kept"), [(None, None), ("a", "a"), ("", None), (5, "5"), (0.5, "0.5")]
)
def test_names(given: Any, kept: str | None) -> None:
    assert word(given) == kept


@pytest.mark.parametrize("make", [Evil, list, object, bytes])
def test_what_is_no_name(make: Any) -> None:
    with pytest.raises(TypeError, match="no name"):
        word(make())


def test_what_is_told_rightly_is_kept() -> None:
    with captured(content="full") as seen:
        with clearspan.invocation("chat", provider="p", model="m", port=80, server="h") as draft:
            draft.set(temperature=0.5)
            draft.extra("own", "e")
            draft.input(["a", MappingProxyType({"role": "user", "content": "b"})])
            draft.system("s")
            draft.tools([{"type": "function", "name": "t"}])
            draft.reasoning("r")
            draft.text("an")
            draft.text("swer", key=None)
            draft.refusal("no", key=[1])
            draft.tool_call(id="i", name="t", arguments={"a": 1})
            draft.audio("QUJD", "abc")
            draft.part({"type": "other", "content": "o"})
            draft.logprobs([TokenScore("a", -0.1)])
            draft.stamp(draft.started_at + 1.0, content=True)
            draft.phase("load", 1)
            draft.usage(input=1, output=2)
            draft.finish("stop")
            draft.choice(0).role = "assistant"
            draft.finish_reasons = ["stop"]
            draft.response_id = "id"
            draft.value(1, 2)
        (found,) = seen.spans
    given = found.attributes
    (message,) = json.loads(given[sc.OUTPUT_MESSAGES])
    assert [part["type"] for part in message["parts"]] == [
        "reasoning", "text", "refusal", "tool_call", "blob", "other",
    ]  # fmt: skip
    assert [one["parts"][0]["content"] for one in json.loads(given[sc.INPUT_MESSAGES])] == ["a", "b"]  # fmt: skip
    assert (given["own"], given[sc.RESPONSE_ID], given[sc.SERVER_PORT]) == ("e", "id", 80)
    assert (given[sc.USAGE_INPUT_TOKENS], given[sc.USAGE_OUTPUT_TOKENS]) == (1, 2)
    assert given[sc.RESPONSE_FINISH_REASONS] == ("stop",)
    assert fence.failures() == {}


WRONG: dict[str, Callable[[Any, Any], Any]] = {
    "set": lambda draft, value: draft.set(temperature=value, stop_sequences=value),
    "extra": lambda draft, value: draft.extra(value, value),
    "input": lambda draft, value: draft.input(value),
    "inputs": lambda draft, value: draft.input([value, {"role": value, "content": value}]),
    "system": lambda draft, value: draft.system(value),
    "tools": lambda draft, value: draft.tools(value),
    "tool": lambda draft, value: draft.tools([value]),
    "value": lambda draft, value: draft.value(value, value),
    "text": lambda draft, value: draft.text(value, value, value),
    "reasoning": lambda draft, value: draft.reasoning(value),
    "refusal": lambda draft, value: draft.refusal(value),
    "call": lambda draft, value: draft.tool_call(id=value, name=value, arguments=value, key=value),
    "audio": lambda draft, value: draft.audio(value, value),
    "logprobs": lambda draft, value: draft.logprobs([value]),
    "scores": lambda draft, value: draft.logprobs(value),
    "part": lambda draft, value: draft.part(value),
    "finish": lambda draft, value: draft.finish(value),
    "choice": lambda draft, value: draft.choice(value),
    "usage": lambda draft, value: draft.usage(input=value, source=value, nonsense=value),
    "stamp": lambda draft, value: draft.stamp(value, content=value),
    "phase": lambda draft, value: draft.phase("load", value),
    "phases": lambda draft, value: draft.phase(value, 1.0),
    "model": lambda draft, value: setattr(draft, "model", value),
    "name": lambda draft, value: setattr(draft, "name", value),
    "operation": lambda draft, value: setattr(draft, "operation", value),
    "port": lambda draft, value: setattr(draft, "server_port", value),
    "reasons": lambda draft, value: setattr(draft, "finish_reasons", value),
    "content": lambda draft, value: setattr(draft, "content", value),
    "outcome": lambda draft, value: setattr(draft, "outcome", value),
    "calls": lambda draft, value: setattr(draft, "inference_calls", value),
    "error": lambda draft, value: setattr(draft, "error", value),
    "error inside": lambda draft, value: setattr(draft, "error", ErrorInfo(value, value)),
    "params": lambda draft, value: setattr(draft, "params", value),
    "param": lambda draft, value: setattr(draft, "params", {"a": value}),
    "extras": lambda draft, value: setattr(draft, "extras", value),
    "extras inside": lambda draft, value: setattr(draft, "extras", {"a": value, 5: value}),
    "messages": lambda draft, value: setattr(draft, "input_messages", value),
    "message": lambda draft, value: setattr(draft, "input_messages", [value, {"role": value}]),
    "system parts": lambda draft, value: setattr(draft, "system_parts", value),
    "system part": lambda draft, value: setattr(draft, "system_parts", ["a", value]),
    "context": lambda draft, value: setattr(draft, "context", value),
    "context inside": lambda draft, value: setattr(
        draft, "context", CallContext(session=value, tags=value)
    ),
    "input value": lambda draft, value: setattr(draft, "input_value", value),
    "answer": lambda draft, value: setattr(draft.choice(0), "finish", value),
    "role": lambda draft, value: setattr(draft.choice(0), "role", value),
    "piece": lambda draft, value: draft.choice(0).piece(value, value, value),
    "piece of a text": lambda draft, value: draft.choice(0).piece("text", value, None),
    "answer's tool": lambda draft, value: draft.choice(0).tool(value, value, value, value),
    "sound": lambda draft, value: draft.choice(0).sound(value, value),
    "whole": lambda draft, value: draft.choice(0).whole(value, value),
    "drop": lambda draft, value: draft.choice(0).drop(value),
}


@pytest.mark.parametrize("tell", WRONG.values(), ids=WRONG)
def test_what_is_told_wrongly_costs_only_itself(tell: Any, value: Any) -> None:
    with captured(content="full") as seen:
        with clearspan.invocation("chat", provider="p", model="m") as draft:
            draft.input("hello")
            tell(draft, value[0])
            draft.text("fine", 3)
            draft.usage(output=3)
        (found,) = seen.spans
    assert found.attributes[sc.USAGE_OUTPUT_TOKENS] == 3
    assert "fine" in found.attributes[sc.OUTPUT_MESSAGES]
    assert set(fence.failures().values()) <= {1, 2}


def test_a_failure_is_one_whatever_it_is_called(value: Any) -> None:
    with captured() as seen:
        with clearspan.invocation("chat") as draft:
            draft.fail(value[0], value[0])
        (found,) = seen.spans
    assert found.attributes["error.type"] in ("5", "nan", "_OTHER")


def test_what_is_told_wrongly_is_counted_once() -> None:
    draft = new_told("chat")
    draft.finish(["stop"])  # type: ignore[arg-type]
    draft.phase("load", "0.3")  # type: ignore[arg-type]
    draft.part(None)  # type: ignore[arg-type]
    draft.stamp("now", content=True)  # type: ignore[arg-type]
    draft.server_port = "many"  # type: ignore[assignment]
    assert fence.failures() == {f"draft.{name}": 1 for name in ("finish", "phase", "part", "stamp", "server_port")}  # fmt: skip
    assert draft.server_port is None


@pytest.mark.parametrize("what", ["operation", "provider", "model", "server", "port"])
def test_a_block_of_odd_names_is_recorded(what: str, value: Any) -> None:
    given: dict[str, Any] = {"operation": "chat", what: value[0]}
    with captured() as seen:
        with invocation(**given) as draft:
            draft.usage(output=1)
        (found,) = seen.spans
    assert found.attributes[sc.USAGE_OUTPUT_TOKENS] == 1


def test_a_step_of_an_odd_name_is_recorded(value: Any) -> None:
    with captured() as seen:
        with span(value[0]):
            """Nothing."""
        assert len(seen.spans) == 1


def test_leaving_a_block_twice_is_harmless() -> None:
    with captured() as seen:
        block = span("once")
        block.__enter__()
        for _ in range(3):
            block.__exit__(None, None, None)
        assert [found.name for found in seen.spans] == ["once"]
    assert fence.failures() == {}


def test_a_block_whose_draft_cannot_be_made_is_still_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*given: Any, **named: Any) -> Any:
        raise RuntimeError("broken")

    with captured() as seen:
        monkeypatch.setattr("clearspan.capture.steps.new_told", broken)
        with invocation("chat") as draft:
            draft.input("a")
            draft.choice(0).role = "b"
        assert seen.spans == []
    assert fence.failures() == {"step.make": 1}


def test_only_what_the_application_assigns_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    sites: list[str] = []
    real = fence.fenced

    def counted(site: str, *given: Any, **named: Any) -> Any:
        sites.append(site)
        return real(site, *given, **named)

    monkeypatch.setattr("clearspan.capture.told.fenced", counted)
    with captured() as seen:
        with invocation("chat", model="m") as draft:
            assert type(draft) is Told
            draft.response_id = "r"
        assert seen.spans[0].attributes[sc.RESPONSE_ID] == "r"
    assert sites == ["draft.model", "draft.response_id"]


def test_a_field_that_there_is_not_is_counted() -> None:
    draft = new_told("chat")
    draft.modle = "m"  # type: ignore[attr-defined]
    draft.usage = 7  # type: ignore[assignment, method-assign]
    assert fence.failures() == {"draft.modle": 1, "draft.usage": 1}
    draft.usage(output=1)
    assert draft.counts == {"output": 1}


SAID = {
    "content", "context", "error", "extras", "finish_reasons", "inference_calls", "input_messages", "input_value", "model",
    "name", "operation", "outcome", "output_value", "params", "provider", "response_id", "response_model", "server_address",
    "server_port", "system_parts", "tool_calls",
}  # fmt: skip
KEPT = sorted({*Draft.__slots__, *Said.__slots__, "pace", "unread", "held", "__class__"} - SAID - {"__weakref__"})  # fmt: skip


@pytest.mark.parametrize("name", KEPT)
def test_what_clearspan_keeps_in_a_draft_is_not_assigned_to(name: str) -> None:
    with captured(content="full") as seen:
        with clearspan.invocation("chat", model="m") as draft:
            draft.text("fine")
            draft.usage(output=3)
            for value in ("x", None, object(), 5):
                setattr(draft, name, value)
            delattr(draft, name)
        (found,) = seen.spans
    assert found.attributes[sc.USAGE_OUTPUT_TOKENS] == 3
    assert "fine" in found.attributes[sc.OUTPUT_MESSAGES]
    assert fence.failures() == {f"draft.{name}": 5}


def test_no_field_is_taken_away() -> None:
    with captured() as seen:
        with clearspan.invocation("chat", model="m") as draft:
            del draft.error, draft.model, draft.choice(0).finish
        (found,) = seen.spans
    assert found.attributes[sc.REQUEST_MODEL] == "m"
    assert fence.failures() == {"draft.error": 1, "draft.model": 1, "choice.finish": 1}


def raised() -> BaseException:
    try:
        raise ValueError("wrong")
    except ValueError as error:
        return error


@pytest.mark.parametrize(
    ("make", "kind", "said"),
    [
        (lambda: "timeout", "timeout", "timeout"),
        (lambda: 503, "503", "503"),
        (lambda: "", "_OTHER", None),
        (raised, "ValueError", "wrong"),
        (lambda: ErrorInfo("timeout", "it took too long"), "timeout", "it took too long"),
        (lambda: ErrorInfo("", 5), "_OTHER", None),  # type: ignore[arg-type]
    ],
)
def test_an_error_is_an_exception_or_a_text(make: Any, kind: str, said: str | None) -> None:
    with captured(content="full") as seen:
        with clearspan.invocation("chat", model="m") as draft:
            draft.error = make()
            assert draft.outcome is Outcome.FAILED
        (found,) = seen.spans
    assert found.attributes[sc.ERROR_TYPE] == kind
    assert (found.status, found.error) == ("ERROR", said)
    assert fence.failures() == {}


def test_no_error_is_no_failure() -> None:
    draft = new_told("chat")
    draft.error = None
    assert draft.outcome is None
    draft.error = [1]  # type: ignore[assignment]
    assert (draft.error, draft.outcome) == (None, None)
    assert fence.failures() == {"draft.error": 1}


def test_what_is_assigned_as_a_whole_is_read() -> None:
    draft: Any = new_told("chat")
    draft.params = MappingProxyType({"temperature": 0.5, "seed": None, "stop": ("a", "b")})
    assert draft.params == {"temperature": 0.5, "stop": ["a", "b"]}
    draft.extras = {"own": "e", "none": None, "object": {"a": [1]}, "": 1}
    assert draft.extras == {"own": "e", "object": '{"a":[1]}', "_OTHER": 1}
    draft.input_messages = ["a", {"role": "user", "content": "b"}, 5]
    assert [one["parts"][0]["content"] for one in draft.input_messages] == ["a", "b"]
    draft.system_parts = ["be", {"type": "text", "content": "brief"}]
    assert [one["content"] for one in draft.system_parts] == ["be", "brief"]
    draft.context = CallContext(session="s", tags=("t",), prompt=("p", None), metadata={"a": "b"})
    assert draft.context == CallContext(session="s", tags=("t",), prompt=("p", None), metadata={"a": "b"})  # fmt: skip
    draft.context = {"user": 5}
    assert draft.context == CallContext(user="5")
    draft.context = None
    draft.outcome = "cancelled"
    draft.inference_calls, draft.tool_calls = 2, None
    assert (draft.inference_calls, draft.tool_calls) == (2, 0)
    draft.content = False
    assert (draft.context, draft.outcome, draft.content) == (None, Outcome.CANCELLED, False)
    assert fence.failures() == {}
    before = draft.params, draft.extras
    draft.params, draft.extras, draft.context, draft.outcome, draft.content = [1], None, 5, "?", 1
    assert (draft.params, draft.extras, draft.context) == (*before, None)
    assert fence.failures() == {f"draft.{name}": 1 for name in ("params", "extras", "context", "outcome", "content")}  # fmt: skip


def test_an_answer_is_told_as_the_draft_is() -> None:
    with captured(content="full") as seen:
        with clearspan.invocation("chat", model="m") as draft:
            draft.text("of the draft; ")
            answer: Any = draft.choice(0)
            assert isinstance(answer, Choice)
            answer.piece("text", "of the answer", None)
            answer.piece("text", "", "nothing")
            answer.tool(0, "i", "t", {"a": 1})
            answer.sound("QUJD", None)
            answer.whole({"type": "other", "content": "o"}, "gone")
            answer.drop(("whole", "gone"))
            answer.finish, answer.role = "stop", None
            draft.choice(0).finish = "length"
        (found,) = seen.spans
    (message,) = json.loads(found.attributes[sc.OUTPUT_MESSAGES])
    assert [part["type"] for part in message["parts"]] == ["text", "tool_call", "blob"]
    assert message["parts"][0]["content"] == "of the draft; of the answer"
    assert (message["role"], message["finish_reason"]) == ("assistant", "length")
    assert fence.failures() == {}


def test_what_an_answer_is_told_wrongly_is_counted_once() -> None:
    answer: Any = new_told("chat").choice(0)
    answer.finish = ["stop"]
    answer.parts = answer.room = None
    answer.piece("text", [5], None)
    answer.tool(0, [], "t", None)
    answer.whole(5, None)
    answer.sound("QUJD", None)
    answer.drop([])
    assert fence.failures() == {f"choice.{name}": 1 for name in ("finish", "parts", "room", "piece", "tool", "whole", "drop")}  # fmt: skip
    assert [part["type"] for part in answer.sealed(answer.finish)["parts"]] == ["blob"]


def test_an_answer_of_which_only_the_draft_is_told_is_read_once() -> None:
    draft = new_told("chat")
    draft.text("a")
    draft.finish("stop")
    assert type(draft._choices.choice(0)) is Choice


def test_a_program_without_a_name_is_none_of_ours() -> None:
    draft = new_told("chat")
    for name in ("clearspan_of_somebody", 5, None):
        exec("draft.span = 5; draft.model = 5", {"draft": draft, "__name__": name})
    assert (draft.span, draft.model) == (None, "5")
    assert fence.failures() == {"draft.span": 3}
