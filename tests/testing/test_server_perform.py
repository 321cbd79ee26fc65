"""What an answer does to its channel, step by step: pieces, pauses and ends in their order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from clearspan.testing._openai import OPENAI
from clearspan.testing._perform import Performance
from clearspan.testing._wire import Endpoint, Event, State, call_of
from clearspan.testing.server import (
    Answer,
    Cut,
    Delay,
    Error,
    Hang,
    Json,
    Raw,
    Reply,
    Request,
    Sse,
    StreamError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

STREAMED = {"model": "m", "messages": [], "stream": True}
PLAIN = {"model": "m", "messages": []}


class OverError(Exception):
    """The channel was dropped."""


@dataclass
class Tape:
    """A channel that only writes down what it is told."""

    seen: list[object] = field(default_factory=list)

    def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.seen.append(status)

    def part(self, status: int, headers: Mapping[str, str], body: bytes, length: int) -> None:
        self.seen += [status, body, len(body) < length]

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        self.seen.append("begin")

    def piece(self, data: bytes, *, last: bool = False) -> None:
        self.seen += [data] if data else []
        self.seen += ["end"] if last else []

    def pause(self, seconds: float) -> None:
        self.seen += [seconds] if seconds else []

    def drop(self, *, reset: bool) -> None:
        self.seen.append("reset" if reset else "close")
        raise OverError


def played(answer: Answer, body: dict[str, object]) -> list[object]:
    """The tape of one answer; pieces of a chat stream shortened to what they say."""
    request = Request("POST", "/v1/chat/completions", {}, {}, b"", body)
    found = OPENAI.find(request.method, request.path)
    assert found is not None
    tape = Tape()
    call = call_of(request, 1, {}, State())
    try:
        Performance(OPENAI, call, found[0], tape).play(answer)
    except OverError:
        tape.seen.append("over")
    return [said(step) if isinstance(step, bytes) else step for step in tape.seen]


def said(step: bytes) -> str:
    for word in ("role", "one", "two", "error", "stop", "[DONE]"):
        if word.encode() in step:
            return word
    return step.decode()


@pytest.mark.parametrize(
    ("answer", "steps"),
    [
        (Reply("one two"), ["begin", "role", "one", "two", "stop", "[DONE]", "end"]),
        (
            Reply("one two", first_delay=2.0, chunk_delay=0.5),
            ["begin", "role", 2.0, "one", 0.5, "two", "stop", "[DONE]", "end"],
        ),
        (
            Delay(1.0, Reply("one", chunk_delay=0.5)),
            [1.0, "begin", "role", "one", "stop", "[DONE]", "end"],
        ),
        (Hang(3.0), [3.0, "close", "over"]),
        (Cut(Reply("one two")), ["reset", "over"]),
        (Cut(Reply("one two"), after=0), ["begin", "reset", "over"]),
        (Cut(Reply("one two"), after=2), ["begin", "role", "one", "reset", "over"]),
        (
            Cut(Reply("one two", chunk_delay=0.5), after=3),
            ["begin", "role", "one", 0.5, "two", "reset", "over"],
        ),
        (
            Cut(Reply("one"), after=4),
            ["begin", "role", "one", "stop", "[DONE]", "reset", "over"],
        ),
        (
            Delay(1.0, Cut(Delay(2.0, Reply("one")), after=1)),
            [1.0, 2.0, "begin", "role", "reset", "over"],
        ),
        (StreamError(Reply("one two"), after=2), ["begin", "role", "one", "error", "end"]),
        (StreamError(Reply("one two"), after=0), ["begin", "error", "end"]),
        (Sse(["one", "", "two"], delay=0.5), ["begin", 0.5, "one", 0.5, "two", "end"]),
        (Raw(body=[b"one", b"two"], delay=0.5), ["begin", 0.5, "one", 0.5, "two", "end"]),
        (Raw(body=[]), ["begin", "end"]),
        (Cut(Raw(body=[]), after=3), ["begin", "reset", "over"]),
        (
            Sse(["a", "", "two"], delay=0.5, split=2),
            ["begin", 0.5, "a\n", "\n", 0.5, "tw", "o\n", "\n", "end"],
        ),
    ],
)
def test_streams(answer: Answer, steps: list[object]) -> None:
    assert played(answer, STREAMED) == steps


def test_an_endpoint_that_cannot_tell_errors_just_ends() -> None:
    mute = Endpoint(lambda _: Json({}), lambda *_: {}, lambda *_: iter([Event("one")] * 2))
    request = Request("POST", "/v1/x", {"stream": "1"}, {}, b"", None)
    tape = Tape()
    call = call_of(request, 1, {}, State())
    Performance(OPENAI, call, mute, tape).play(StreamError(Reply(), after=1))
    assert tape.seen == ["begin", b"data: one\n\n", "end"]


@pytest.mark.parametrize(
    ("answer", "steps"),
    [
        (Reply("one", first_delay=2.0, chunk_delay=0.5), [2.0, 200]),
        (Delay(1.0), [1.0, 200]),
        (Error(418), [418]),
        (Delay(1.0, Error(418)), [1.0, 418]),
        (Cut(Raw(body=b"one two"), after=3), [200, "one", True, "reset", "over"]),
        (Cut(Raw(body=b"one"), after=3), [200, "one", False, "reset", "over"]),
        (StreamError(Reply(first_delay=2.0)), [2.0, 500]),
        (Raw(202, body=b"", delay=0.5), [0.5, 202]),
    ],
)
def test_whole_answers(answer: Answer, steps: list[object]) -> None:
    assert played(answer, PLAIN) == steps
