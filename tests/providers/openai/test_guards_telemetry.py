"""What a guard keeps from the program is in no telemetry either: openai."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from clearspan.testing import Reply, ToolCall, captured
from tests.assess.guard.kit import SAYS_SECRET, SECRET, Keys, at_output, guard, passing, telemetry
from tests.providers.openai.kit import beta, method

if TYPE_CHECKING:
    from clearspan.testing import ModelServer
    from tests.providers.side import Side

ACTIONS = pytest.mark.parametrize("action", ["block", "redact"])
STREAMED = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
DIGITS = SECRET.removeprefix("sk-")
ASKED: dict[str, dict[str, Any]] = {
    "chat.completions": {"messages": [{"role": "user", "content": "Hi"}]},
    "responses": {"input": "Hi"},
    "completions": {"prompt": "Hi"},
}
ROUTES = pytest.mark.parametrize("route", ASKED)
LIKELY = [-0.5] * len(SAYS_SECRET.split())


def heard(caplog: Any, seen: Any) -> str:
    return telemetry(seen) + caplog.text


def ask(side: Side, made: Any, route: str, *, stream: bool) -> Any:
    answer = side.do(made(model="m", stream=stream, **ASKED[route]))
    return side.take(answer) if stream else answer


@ROUTES
@STREAMED
def test_without_a_guard_it_is_there(side: Side, client: Any, server: ModelServer, route: str, stream: bool) -> None:  # fmt: skip
    server.script(Reply(SAYS_SECRET, logprobs=LIKELY))
    with captured(content_target="both") as seen:
        ask(side, method(client, f"{route}.create"), route, stream=stream)
        assert SECRET in repr(seen.spans)
        assert SECRET in repr(seen.events)


@ROUTES
@STREAMED
@ACTIONS
def test_what_is_kept_from_the_program_is_told_nobody(side: Side, client: Any, server: ModelServer, route: str, stream: bool, action: str, caplog: Any) -> None:  # fmt: skip
    server.script(Reply(SAYS_SECRET, logprobs=LIKELY), Reply(SAYS_SECRET, chunks=list(SAYS_SECRET)))
    with caplog.at_level("DEBUG", "clearspan"), captured(guards=[at_output(action)], content_target="both") as seen:  # fmt: skip
        for _ in range(2):
            passing(lambda: ask(side, method(client, f"{route}.create"), route, stream=stream))
        assert [score.action for score in seen.scores] == [action, action]
        assert len(seen.spans) == 2
        assert DIGITS not in heard(caplog, seen)


@ROUTES
@STREAMED
@ACTIONS
def test_raw_responses_tell_it_nobody(side: Side, client: Any, server: ModelServer, route: str, stream: bool, action: str, caplog: Any) -> None:  # fmt: skip
    server.script(Reply(SAYS_SECRET, logprobs=LIKELY))

    def call() -> None:
        raw = method(client, f"{route}.with_raw_response.create")
        answer = side.do(side.do(raw(model="m", stream=stream, **ASKED[route])).parse())
        if stream:
            side.take(answer)

    with caplog.at_level("DEBUG", "clearspan"), captured(guards=[at_output(action)], content_target="both") as seen:  # fmt: skip
        passing(call)
        assert len(seen.spans) == 1
        assert DIGITS not in heard(caplog, seen)


@STREAMED
@ACTIONS
def test_arguments_of_tools_and_thinking_are_told_nobody(side: Side, client: Any, server: ModelServer, stream: bool, action: str) -> None:  # fmt: skip
    server.script(
        Reply(tool_calls=[ToolCall("send", {"to": f"x {SECRET}"})]),
        Reply("Fine.", reasoning=f"hm {SECRET}"),
        Reply(choices=[Reply("Fine."), Reply(SAYS_SECRET)]),
    )
    with captured(guards=[at_output(action)], content_target="both") as seen:
        for _ in range(3):
            passing(lambda: ask(side, client.chat.completions.create, "chat.completions", stream=stream))  # fmt: skip
        assert len(seen.spans) == 3
        assert DIGITS not in telemetry(seen)


@ACTIONS
def test_stream_helpers_tell_it_nobody(side: Side, client: Any, server: ModelServer, action: str) -> None:  # fmt: skip
    for route in ("chat.completions", "responses"):
        server.script(Reply(SAYS_SECRET))

        def call(route: str = route) -> None:
            helper = method(client, "responses.stream") if route == "responses" else beta(client, "stream")  # fmt: skip
            manager = helper(model="m", **ASKED[route])
            stream = side.enter(manager)
            try:
                side.take(stream)
            finally:
                side.leave(manager)

        with captured(guards=[at_output(action)], content_target="both") as seen:
            passing(call)
            assert len(seen.spans) == 1
            assert DIGITS not in telemetry(seen)


@ACTIONS
def test_transcripts_are_told_nobody(side: Side, client: Any, server: ModelServer, action: str) -> None:  # fmt: skip
    server.script(Reply(SAYS_SECRET))
    with captured(guards=[at_output(action)], content_target="both") as seen:
        passing(lambda: side.do(client.audio.transcriptions.create(model="m", file=("a.wav", b"RIFF"))))  # fmt: skip
        assert len(seen.spans) == 1
        assert DIGITS not in telemetry(seen)


@pytest.mark.parametrize("action", ["block", "redact"])
def test_the_record_of_a_request_is_what_the_program_asked(side: Side, client: Any, server: ModelServer, action: str) -> None:  # fmt: skip
    """A guard of the input changes what is sent; what is kept of it is a matter of `content` and `redact`."""
    asked = {"messages": [{"role": "user", "content": f"Keep {SECRET}"}]}
    for mode, kept in (("full", True), ("metadata", False), ("off", False)):
        with captured(guards=[guard(Keys(), "input", action)], content=mode) as seen:
            passing(lambda: side.do(client.chat.completions.create(model="m", **asked)))
            (span,) = seen.spans
            assert (SECRET in repr(span)) == kept
            assert DIGITS not in repr((seen.metrics, seen.scores, seen.events))
        assert all(SECRET not in sent.body.decode() for sent in server.requests)
