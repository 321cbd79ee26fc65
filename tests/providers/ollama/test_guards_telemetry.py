"""What a guard keeps from the program is in no telemetry either: ollama."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import clearspan
from clearspan.testing import Reply, ToolCall, captured
from tests.assess.guard.kit import SAYS_SECRET, SECRET, Keys, at_output, guard, passing, telemetry
from tests.providers.ollama.kit import THINKS, sent
from tests.providers.waiting import weighed

if TYPE_CHECKING:
    from clearspan.testing import ModelServer
    from tests.providers.side import Side

ACTIONS = pytest.mark.parametrize("action", ["block", "redact"])
STREAMED = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
LONG = " word" * 40_000
DIGITS = SECRET.removeprefix("sk-")
ASKED: dict[str, dict[str, Any]] = {
    "chat": {"messages": [{"role": "user", "content": "Hi"}]},
    "generate": {"prompt": "Hi"},
}
ROUTES = pytest.mark.parametrize("route", ASKED)


@ROUTES
@STREAMED
def test_without_a_guard_it_is_there(side: Side, client: Any, server: ModelServer, route: str, stream: bool) -> None:  # fmt: skip
    server.script(Reply(SAYS_SECRET))
    with captured(content_target="both") as seen:
        sent(side, client, route, model="m", stream=stream, **ASKED[route])
        assert SECRET in repr(seen.spans)
        assert SECRET in repr(seen.events)


@ROUTES
@STREAMED
@ACTIONS
def test_what_is_kept_from_the_program_is_told_nobody(side: Side, client: Any, server: ModelServer, route: str, stream: bool, action: str, caplog: Any) -> None:  # fmt: skip
    server.script(Reply(SAYS_SECRET), Reply(SAYS_SECRET, chunks=list(SAYS_SECRET)))
    with caplog.at_level("DEBUG", "clearspan"), captured(guards=[at_output(action)], content_target="both") as seen:  # fmt: skip
        for _ in range(2):
            passing(lambda: sent(side, client, route, model="m", stream=stream, **ASKED[route]))
        assert [score.action for score in seen.scores] == [action, action]
        assert len(seen.spans) == 2
        assert DIGITS not in telemetry(seen) + caplog.text


@STREAMED
@ACTIONS
def test_arguments_of_tools_and_thinking_are_told_nobody(side: Side, client: Any, server: ModelServer, stream: bool, action: str) -> None:  # fmt: skip
    server.script(
        Reply("Fine.", tool_calls=[ToolCall("f", {"to": SECRET})]),
        Reply("Fine.", reasoning=f"hm {SECRET}"),
    )
    with captured(guards=[at_output(action)], content_target="both") as seen:
        for _ in range(2):
            passing(lambda: sent(side, client, "chat", model="m", stream=stream, **THINKS, **ASKED["chat"]))  # fmt: skip
        assert len(seen.spans) == 2
        assert DIGITS not in telemetry(seen)


@ROUTES
def test_what_a_withheld_answer_cost_is_told(side: Side, client: Any, server: ModelServer, route: str) -> None:  # fmt: skip
    server.script(Reply(SAYS_SECRET), Reply(SAYS_SECRET))
    sent(side, client, route, model="m", **ASKED[route])
    with captured(guards=[at_output("block")], content_target="both") as seen:
        passing(lambda: sent(side, client, route, model="m", **ASKED[route]))
        (span,) = seen.spans
        assert span.attributes["gen_ai.usage.output_tokens"] == len(SAYS_SECRET.split())
        assert span.attributes["gen_ai.usage.input_tokens"] > 0
        assert DIGITS not in telemetry(seen)


def test_what_a_guard_keeps_from_the_program_weighs_as_long_as_it_waits(side: Side, client: Any, server: ModelServer) -> None:  # fmt: skip
    exporter = InMemorySpanExporter()
    clearspan.init(exporters=[exporter], hardware="off", guards=[at_output("block")])
    server.script(Reply(SAYS_SECRET + LONG))
    with weighed() as weights:
        passing(lambda: sent(side, client, "chat", model="m", **ASKED["chat"]))
    clearspan.shutdown()
    (weight,) = weights
    assert len(LONG) <= weight <= len(LONG) + 16_000
    (span,) = exporter.get_finished_spans()
    assert span.attributes is not None
    assert span.attributes["gen_ai.usage.output_tokens"] == len((SAYS_SECRET + LONG).split())
    assert "key is" not in repr(span.attributes)


@ROUTES
@STREAMED
def test_what_was_never_sent_cost_nothing(side: Side, client: Any, server: ModelServer, route: str, stream: bool) -> None:  # fmt: skip
    given = {"prompt": SECRET} if route == "generate" else {"messages": [{"role": "user", "content": SECRET}]}  # fmt: skip
    for reply in (None, "No."):
        with captured(guards=[guard(Keys(), "input", reply=reply)]) as seen:
            passing(lambda: sent(side, client, route, model="m", stream=stream, **given))
            (span,) = seen.spans
            assert [name for name in span.attributes if "usage" in name] == []
    assert server.requests == []
