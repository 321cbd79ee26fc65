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
from clearspan.core import fence
from clearspan.record import TokenScore
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
