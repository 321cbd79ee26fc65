"""What a guard keeps from the program is in no telemetry either: huggingface_hub."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from clearspan.testing import Json, Reply, ToolCall, captured
from tests.assess.guard.kit import SAYS_SECRET, SECRET, at_output, passing, telemetry
from tests.providers.huggingface_hub.kit import made, release

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clearspan.testing import ModelServer
    from tests.providers.side import Side

ACTIONS = pytest.mark.parametrize("action", ["block", "redact"])
STREAMED = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
DIGITS = SECRET.removeprefix("sk-")
CHAT: dict[str, Any] = {"messages": [{"role": "user", "content": "Hi"}]}
ROUTES = pytest.mark.parametrize(
    ("route", "given"),
    [
        ("chat_completion", CHAT),
        ("text_generation", {"prompt": "Hi"}),
        ("text_generation", {"prompt": "Hi", "details": True}),
    ],
    ids=["chat", "text", "details"],
)


@pytest.fixture
def client(server: ModelServer, side: Side) -> Iterator[Any]:
    opened = made(server.origin, asynchronous=side.asynchronous)
    yield opened
    side.do(release(opened))


def ask(side: Side, client: Any, route: str, given: Any, *, stream: bool) -> Any:
    answer = side.do(getattr(client, route)(**given, stream=stream))
    return side.take(answer) if stream else answer


@ROUTES
@STREAMED
def test_without_a_guard_it_is_there(side: Side, client: Any, server: ModelServer, route: str, given: Any, stream: bool) -> None:  # fmt: skip
    server.script(Reply(SAYS_SECRET))
    with captured(content_target="both") as seen:
        ask(side, client, route, given, stream=stream)
        assert SECRET in repr(seen.spans)
        assert SECRET in repr(seen.events)


@ROUTES
@STREAMED
@ACTIONS
def test_what_is_kept_from_the_program_is_told_nobody(side: Side, client: Any, server: ModelServer, route: str, given: Any, stream: bool, action: str, caplog: Any) -> None:  # fmt: skip
    server.script(Reply(SAYS_SECRET), Reply(SAYS_SECRET, chunks=list(SAYS_SECRET)))
    with caplog.at_level("DEBUG", "clearspan"), captured(guards=[at_output(action)], content_target="both") as seen:  # fmt: skip
        for _ in range(2):
            passing(lambda: ask(side, client, route, given, stream=stream))
        assert [score.action for score in seen.scores] == [action, action]
        assert len(seen.spans) == 2
        assert DIGITS not in telemetry(seen) + caplog.text


@STREAMED
@ACTIONS
def test_arguments_of_tools_are_told_nobody(side: Side, client: Any, server: ModelServer, stream: bool, action: str) -> None:  # fmt: skip
    server.script(Reply(tool_calls=[ToolCall("f", {"to": SECRET})]))
    with captured(guards=[at_output(action)], content_target="both") as seen:
        passing(lambda: ask(side, client, "chat_completion", CHAT, stream=stream))
        assert len(seen.spans) == 1
        assert DIGITS not in telemetry(seen)


@ACTIONS
def test_single_tasks_tell_it_nobody(side: Side, client: Any, server: ModelServer, action: str) -> None:  # fmt: skip
    server.script(Json([{"summary_text": SECRET}]))
    with captured(guards=[at_output(action)], content_target="both") as seen:
        passing(lambda: side.do(client.summarization("Hi")))
        assert len(seen.spans) == 1
        assert DIGITS not in telemetry(seen)
