"""`span` and `invocation`: what is said inside is what is recorded."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import json
from functools import partial
from typing import Any

import pytest

import clearspan
from clearspan import semconv as sc
from clearspan.capture import calls, recording, steps
from clearspan.core import fence, heed, read
from clearspan.provider import Endpoint
from clearspan.record import Outcome
from clearspan.testing import Captured, captured


def test_a_step_says_what_it_was_given_and_made(seen: Captured) -> None:
    with clearspan.span("rank", kind="task") as step:
        step.set(input={"q": "why"}, output=[1, 2], score=0.5, label="x", flag=True, count=3)
    (span,) = seen.spans
    assert (span.name, span.kind, span.status) == ("rank", "INTERNAL", "UNSET")
    assert json.loads(span.attributes[sc.INPUT]) == {"q": "why"}
    assert json.loads(span.attributes[sc.OUTPUT]) == [1, 2]
    own = {name: span.attributes[name] for name in ("score", "label", "flag", "count")}
    assert own == {"score": 0.5, "label": "x", "flag": True, "count": 3}


def test_attributes_of_every_kind(seen: Captured) -> None:
    with clearspan.span(
        "x", texts=["a", "b"], numbers=(1, 2), mixed=[1, "a"], nested={"a": [1]}, nothing=None, empty=[],
        opaque=object(), raw=b"abc", whole=float("inf"), flags=[True, False], rows=[[1], [2]],
    ):  # fmt: skip
        """Attributes may be given at once."""
    (span,) = seen.spans
    found = span.attributes
    assert found["texts"] == ("a", "b")
    assert found["numbers"] == (1, 2)
    assert found["flags"] == (True, False)
    assert json.loads(found["mixed"]) == [1, "a"]
    assert json.loads(found["nested"]) == {"a": [1]}
    assert json.loads(found["rows"]) == [[1], [2]]
    assert found["opaque"] == "<builtins.object>"
    assert found["raw"] == "<bytes of 3 bytes>"
    assert not {"nothing", "empty", "whole"} & set(found)


def test_what_is_set_twice_is_what_was_said_last(seen: Captured) -> None:
    with clearspan.span("x", input="a", label="a") as step:
        step.set(output="b")
        step.set(input="c", label="c")
    (span,) = seen.spans
    assert (span.attributes[sc.INPUT], span.attributes[sc.OUTPUT]) == ("c", "b")
    assert span.attributes["label"] == "c"


async def test_blocks_are_asynchronous_too(seen: Captured) -> None:
    async with clearspan.span("outer", kind="agent") as step:
        await asyncio.sleep(0)
        step.set(output="done")
        async with clearspan.invocation("chat", provider="acme", model="m") as draft:
            await asyncio.sleep(0)
            draft.text("hello")
    inner, outer = seen.spans
    assert (inner.name, outer.name) == ("chat m", "invoke_agent outer")
    assert inner.parent_id == outer.span_id


@pytest.mark.parametrize("block", [clearspan.span("x"), clearspan.invocation("chat")])
def test_errors_pass_and_are_told(block: Any, seen: Captured) -> None:
    raised = ValueError("bad")
    with pytest.raises(ValueError, match="bad") as caught:
        with block:
            raise raised
    assert caught.value is raised
    assert raised.__context__ is None
    (span,) = seen.spans
    assert (span.status, span.error) == ("ERROR", "bad")


async def test_a_cancelled_block_says_so(seen: Captured) -> None:
    async def work() -> None:
        async with clearspan.span("x"):
            begun.set()
            await asyncio.sleep(60)

    begun = asyncio.Event()
    task = asyncio.create_task(work())
    await begun.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    (record,) = seen.invocations
    assert record.outcome is Outcome.CANCELLED


def test_an_unknown_client(seen: Captured) -> None:
    with clearspan.invocation(
        "chat", provider="acme", model="m-1", server="models.example", port=8443
    ) as draft:
        draft.input("why?")
        draft.set(temperature=0.5, max_tokens=None)
        for piece in ("be", "cause"):
            draft.text(piece)
        draft.finish("stop")
        draft.usage(input=12, output=40)
        draft.response_id = "r-1"
        draft.response_model = "m-1-large"
        draft.extra("acme.region", "north")
    (span,) = seen.spans
    assert (span.name, span.kind) == ("chat m-1", "CLIENT")
    found = span.attributes
    assert found[sc.PROVIDER_NAME] == "acme"
    assert (found[sc.SERVER_ADDRESS], found[sc.SERVER_PORT]) == ("models.example", 8443)
    assert found[sc.REQUEST_TEMPERATURE] == 0.5
    assert sc.REQUEST_MAX_TOKENS not in found
    assert (found[sc.USAGE_INPUT_TOKENS], found[sc.USAGE_OUTPUT_TOKENS]) == (12, 40)
    assert (found[sc.RESPONSE_ID], found[sc.RESPONSE_MODEL]) == ("r-1", "m-1-large")
    assert found[sc.RESPONSE_FINISH_REASONS] == ("stop",)
    assert found["acme.region"] == "north"
    (message,) = json.loads(found[sc.OUTPUT_MESSAGES])
    assert message["parts"] == [{"type": "text", "content": "because"}]
    points = seen.metrics[sc.METRIC_TOKEN_USAGE]
    assert sorted(point["sum"] for point in points) == [12, 40]


def test_an_operation_that_the_conventions_do_not_know(seen: Captured) -> None:
    with clearspan.invocation("transmogrify", kind="internal"):
        """Custom values are admitted."""
    (span,) = seen.spans
    assert (span.name, span.kind) == ("transmogrify", "INTERNAL")


def test_a_draft_may_say_that_it_failed(seen: Captured) -> None:
    with clearspan.invocation("chat", model="m") as draft:
        draft.fail("overloaded", "try later")
    (span,) = seen.spans
    assert (span.status, span.error) == ("ERROR", "try later")
    assert span.attributes[sc.ERROR_TYPE] == "overloaded"


def test_wrong_kinds_are_told_at_once() -> None:
    with pytest.raises(ValueError, match="unknown kind 'chain'"):
        clearspan.span("x", kind="chain")
    with pytest.raises(ValueError, match="must be 'client' or 'internal', not 'server'"):
        clearspan.invocation("chat", kind="server")


def test_suppressed_blocks_run_and_leave_nothing(seen: Captured) -> None:
    with clearspan.suppressed():
        with clearspan.span("x", label="a") as step:
            step.set(input="a", output="b")
        with clearspan.invocation("chat") as draft:
            draft.text("a")
            assert not draft.content
    assert seen.spans == []
    assert seen.accounts.created == 0


def test_blocks_run_while_clearspan_is_off() -> None:
    with clearspan.span("x", label="a") as step:
        step.set(input="a", output="b", more=1)
    with clearspan.invocation("chat", model="m") as draft:
        draft.input("a")
        draft.text("a")
        draft.usage(input=1)
    assert draft.input_messages == []


def test_a_block_may_be_entered_again(seen: Captured) -> None:
    step = clearspan.span("again", label="kept")
    for number in range(2):
        with step as entered:
            entered.set(output=number)
    with pytest.raises(ValueError, match="last"):
        with step:
            raise ValueError("last")
    first, second, third = seen.spans
    assert [span.attributes.get(sc.OUTPUT) for span in seen.spans] == ["0", "1", None]
    assert [span.status for span in seen.spans] == ["UNSET", "UNSET", "ERROR"]
    assert len({first.span_id, second.span_id, third.span_id}) == 3
    assert {span.attributes["label"] for span in seen.spans} == {"kept"}


def test_a_block_may_be_entered_inside_itself(seen: Captured) -> None:
    call = clearspan.invocation("chat", provider="acme", model="m")
    with call as outer:
        outer.text("a")
        with call as inner:
            inner.text("b")
            inner.usage(input=1)
        outer.usage(input=2)
    below, above = seen.spans
    assert below.parent_id == above.span_id
    assert [span.attributes[sc.USAGE_INPUT_TOKENS] for span in (below, above)] == [1, 2]


def test_F33_what_cannot_be_set_is_left_out(
    monkeypatch: pytest.MonkeyPatch, seen: Captured, lenient: None
) -> None:
    def fail(*given: object) -> None:
        raise RuntimeError("broken")

    with clearspan.span("x") as step:
        with monkeypatch.context() as broken:
            broken.setattr(read, "plain", fail)
            step.set(label="a")
        step.set(other="b")
    (span,) = seen.spans
    assert "label" not in span.attributes
    assert span.attributes["other"] == "b"
    assert fence.failures()["step.set"] == 1
    fence.reset()


def test_F33_a_block_that_cannot_begin_again_runs_all_the_same(
    monkeypatch: pytest.MonkeyPatch, seen: Captured, lenient: None
) -> None:
    def fail(*given: object) -> Any:
        raise RuntimeError("broken")

    block = clearspan.span("x")

    def again() -> None:
        with block as step:
            step.set(output="inside")
            raise LookupError("theirs")

    with block:
        with monkeypatch.context() as broken:
            broken.setattr(steps, "new_draft", fail)
            with pytest.raises(LookupError, match="theirs"):
                again()
        block.set(again=True)
    assert fence.failures() == {"step.enter": 1}
    (span,) = seen.spans
    assert (span.error, span.attributes["again"]) == (None, True)
    with block:
        pass
    assert len(seen.spans) == 2


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The values that are read."""
    found: list[Any] = []
    real = read.plain

    def plain(value: Any, *more: Any) -> Any:
        found.append(value)
        return real(value, *more)

    monkeypatch.setattr(read, "plain", plain)
    return found


def test_F64_nothing_is_read_for_a_step_whose_content_nobody_wants(looked: list[Any]) -> None:
    with captured(providers=(), content="off") as seen:
        with clearspan.span("x") as step:
            step.set(input="canary", output="canary", label="kept")
        assert seen.span("x").attributes["label"] == "kept"
    assert "canary" not in looked


@pytest.mark.parametrize("how", ["off", "content off", "unsampled", "silent"])
def test_F64_nothing_is_read_of_what_a_block_is_given_where_nobody_wants_it(
    how: str, looked: list[Any]
) -> None:
    given = {"a": ["canary"]}
    with contextlib.ExitStack() as around:
        if how != "off":
            around.enter_context(
                captured(
                    providers=(),
                    content="off" if how == "content off" else "full",
                    sample_rate=0 if how == "unsampled" else 1,
                )
            )
        if how == "silent":
            around.enter_context(clearspan.suppressed())
        with clearspan.span("x", input=given, output=given):
            pass
    assert given not in looked


def test_F30_what_a_block_is_given_is_read_before_it_runs(seen: Captured) -> None:
    given = {"q": "before"}
    with clearspan.span("x", input=given, note=[given]):
        given["q"] = "after"
    assert json.loads(seen.span("x").attributes[sc.INPUT]) == {"q": "before"}
    assert json.loads(seen.span("x").attributes["note"]) == [{"q": "before"}]


def test_what_is_set_before_a_block_is_entered_is_kept(seen: Captured) -> None:
    step = clearspan.span("x", input="a", output="b", label="a", other="a")
    step.set(input="c", label="c")
    with step:
        pass
    found = seen.span("x").attributes
    assert [found[name] for name in (sc.INPUT, sc.OUTPUT, "label", "other")] == ["c", "b", "c", "a"]


@pytest.mark.parametrize("what", ["block", "decorated", "client"])
def test_F33_a_beginning_that_fails_is_counted_once(
    what: str, monkeypatch: pytest.MonkeyPatch, seen: Captured
) -> None:
    """Also where failures of ours are raised again, as while clearspan is tested."""

    def fail(*given: object) -> Any:
        raise RuntimeError("broken")

    monkeypatch.setenv("CLEARSPAN_STRICT", "1")
    fence.reset()
    monkeypatch.setattr(recording, "start", fail)
    monkeypatch.setattr(recording, "begin", fail)
    monkeypatch.setattr(calls, "_draft", fail)
    unused: Any = None
    endpoint = Endpoint("chat", (), unused, unused)
    begin = {
        "block": clearspan.span("x").__enter__,
        "decorated": clearspan.task(lambda: 1),
        "client": lambda: heed.begun(partial(calls.begin, unused, endpoint, None), (), {}),
    }[what]
    with pytest.raises(RuntimeError, match="broken"):
        begin()
    assert sum(fence.failures().values()) == 1
    fence.reset()


def test_F63_blocks_work_over_spans_that_record_nothing() -> None:
    with captured(providers=(), sample_rate=0) as seen:
        with clearspan.span("x", label="a") as step:
            step.set(output="b")
            assert clearspan.current().traceparent is not None
            assert clearspan.current().traceparent.endswith("-00")  # type: ignore[union-attr]
        assert seen.spans == []
        assert seen.accounts.dropped == {"unsampled": 1}


def test_messages_may_have_the_form_of_most_vendors(seen: Captured) -> None:
    with clearspan.invocation("chat") as draft:
        draft.input([{"role": "user", "content": "hi"}, "there"])  # type: ignore[typeddict-unknown-key]
        draft.input({"role": "user", "parts": [{"type": "text", "content": "whole"}]})
        draft.input({"role": "user", "content": [{"type": "image_url"}]})  # type: ignore[typeddict-unknown-key]
    (span,) = seen.spans
    hi, there, whole, other = json.loads(span.attributes[sc.INPUT_MESSAGES])
    assert hi == {"role": "user", "parts": [{"type": "text", "content": "hi"}]}
    assert there == {"role": "user", "parts": [{"type": "text", "content": "there"}]}
    assert whole == {"role": "user", "parts": [{"type": "text", "content": "whole"}]}
    assert other == {"role": "user", "content": [{"type": "image_url"}]}


def test_F26_what_is_told_wrongly_costs_only_itself(
    seen: Captured, caplog: pytest.LogCaptureFixture
) -> None:
    given: Any = clearspan.invocation("chat", model="m")
    with given as draft:
        draft.input(3)
        draft.input([4, None])
        draft.system(5)
        draft.text(6)
        draft.text("told")
        draft.usage(prompt_tokens=7, input=8)
        draft.extra("own.object", object())
        draft.extra("own.mixed", [1, "a"])
        draft.extra("own.nested", {"a": [1]})
        draft.extra("own.list", (1, 2))
        draft.extra("own.empty", {})
    (span,) = seen.spans
    (message,) = json.loads(span.attributes[sc.OUTPUT_MESSAGES])
    assert message["parts"] == [{"type": "text", "content": "told"}]
    assert sc.INPUT_MESSAGES not in span.attributes
    assert sc.SYSTEM_INSTRUCTIONS not in span.attributes
    assert span.attributes[sc.USAGE_INPUT_TOKENS] == 8
    own = {name: value for name, value in span.attributes.items() if name.startswith("own.")}
    assert own == {
        "own.object": "<builtins.object>", "own.mixed": '[1,"a"]', "own.nested": '{"a":[1]}', "own.list": (1, 2),
    }  # fmt: skip
    assert caplog.records == []


def holding(name: str) -> Any:
    with clearspan.span(name):
        yield clearspan.current().span_id
        yield clearspan.current().span_id


def test_blocks_of_generators_that_take_turns_leave_nothing_behind(seen: Captured) -> None:
    outside = clearspan.current().span_id
    for _ in zip(holding("a"), holding("b"), holding("c"), strict=True):
        """`zip` ends the first while the others are still inside."""
    gc.collect()
    assert clearspan.current().span_id == outside
    with clearspan.span("after"):
        """A trace of its own."""
    assert seen.span("after").parent_id == outside
    assert sorted(span.name for span in seen.spans) == ["a", "after", "b", "c"]


def test_blocks_left_in_any_order(seen: Captured) -> None:
    outside = clearspan.current().span_id
    for order in itertools.permutations("abc"):
        made = {name: holding(name) for name in "abc"}
        ids = {name: next(one) for name, one in made.items()}
        inside = list("abc")
        for name in order:
            made[name].close()
            inside.remove(name)
            now = clearspan.current().span_id
            # The innermost that is open is the current one, until something outside it was left first.
            assert now in {outside, *ids.values()}
        assert clearspan.current().span_id == outside
    assert len(seen.spans) == 18


async def test_a_block_that_another_task_leaves_harms_neither(
    seen: Captured, caplog: pytest.LogCaptureFixture
) -> None:
    async def steps() -> Any:
        with clearspan.span("inside"):
            yield 1
            yield 2

    made = steps()
    await made.__anext__()
    await asyncio.create_task(made.aclose())
    assert caplog.records == []
    assert recording.active() is None
