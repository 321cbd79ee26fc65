"""From an answer to bytes: status, headers, pieces, pauses and faults, in the order scripted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeAlias

from clearspan.testing._answers import (
    Answer,
    Cut,
    Delay,
    Error,
    Hang,
    Json,
    Raw,
    Reply,
    Sse,
    StreamError,
)
from clearspan.testing._listener import Channel
from clearspan.testing._wire import Call, Endpoint, Event, WireForm, dump

# A pause in seconds, or bytes to flush.
Step: TypeAlias = "float | bytes"

_SSE = "text/event-stream; charset=utf-8"
_REFUSED = {"x-should-retry": "false"}


@dataclass(frozen=True)
class _Sent:
    """Everything about an answer that is ready to go out."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    steps: Iterator[Step] | None = None
    before: float = 0.0


@dataclass(frozen=True)
class Performance:
    """One answer played to one call."""

    form: WireForm
    call: Call
    endpoint: Endpoint | None
    channel: Channel

    def unscripted(self) -> Answer:
        """The server's own answer, or its refusal."""
        request = self.call.request
        if self.endpoint is None:
            message = f"Unknown request URL: {request.method} {request.path}."
            return Error(404, message, "unknown_url", "invalid_request_error")
        for name in self.endpoint.required:
            if name not in self.call.body:
                message = f"Missing required parameter: '{name}'."
                return Error(400, message, "missing_required_parameter", param=name)
        return self.endpoint.serve(self.call)

    def play(self, answer: Answer, cut: int | None = None) -> None:
        """Send the answer, up to a cut if there is one."""
        if isinstance(answer, Delay):
            self.channel.pause(answer.seconds)
            self.play(answer.answer, cut)
        elif isinstance(answer, Hang):
            self.channel.pause(answer.seconds)
            self.channel.drop(reset=False)
        elif isinstance(answer, Cut):
            if answer.after is None:
                self.channel.drop(reset=True)
            else:
                self.play(answer.answer, answer.after)
        else:
            self._send(self._prepare(answer), cut)

    def _prepare(self, answer: Reply | Json | Sse | Raw | Error | StreamError) -> _Sent:
        if isinstance(answer, Json):
            return self._json(answer.body, answer.status, answer.headers)
        if isinstance(answer, Error):
            body = self.form.error(answer)
            return self._json(body, answer.status, answer.headers)
        if isinstance(answer, Raw):
            return _raw(answer)
        if isinstance(answer, Sse):
            steps = split_steps(_raw_events(answer), answer.split)
            return self._stream(steps, answer.headers, _SSE)
        return self._reply(answer)

    def _reply(self, answer: Reply | StreamError) -> _Sent:
        reply = answer.reply if isinstance(answer, StreamError) else answer
        endpoint = self.endpoint
        if endpoint is None or endpoint.plain is None:
            where = f"{self.call.request.method} {self.call.request.path}"
            return self._refused(f"A Reply cannot answer {where}: script Json, Sse or Raw.")
        if self.call.streaming and endpoint.stream is not None:
            events = endpoint.stream(self.call, reply)
            if isinstance(answer, StreamError):
                events = self._failing(endpoint, events, answer)
            steps = split_steps(_steps(events), reply.split)
            return self._stream(steps, reply.headers, self.form.stream_type)
        if isinstance(answer, StreamError):
            error = Error(500, answer.message, answer.code, answer.type)
            return replace(self._prepare(error), before=reply.first_delay)
        body = endpoint.plain(self.call, reply)
        if isinstance(body, str):
            sent = _Sent(200, self._headers("text/plain; charset=utf-8", reply.headers))
            return replace(sent, body=body.encode(), before=reply.first_delay)
        return replace(self._json(body, 200, reply.headers), before=reply.first_delay)

    def _failing(
        self, endpoint: Endpoint, events: Iterator[Event], answer: StreamError
    ) -> Iterator[Event]:
        yield from islice(events, answer.after)
        if endpoint.failure is not None:
            yield endpoint.failure(self.call, answer.message, answer.code, answer.type)

    def _refused(self, message: str) -> _Sent:
        return self._prepare(Error(500, message, "bad_script", headers=_REFUSED))

    def _headers(self, kind: str, own: Mapping[str, str]) -> Mapping[str, str]:
        given = {name.lower(): value for name, value in own.items()}
        return {"content-type": kind, **self.form.headers(self.call), **given}

    def _json(self, body: object, status: int, headers: Mapping[str, str]) -> _Sent:
        return _Sent(status, self._headers("application/json", headers), dump(body).encode())

    def _stream(self, steps: Iterator[Step], headers: Mapping[str, str], kind: str) -> _Sent:
        base = self._headers(kind, headers)
        return _Sent(200, {"cache-control": "no-cache", **base}, steps=steps)

    def _send(self, sent: _Sent, cut: int | None) -> None:
        self.channel.pause(sent.before)
        if sent.steps is not None:
            self.channel.begin(sent.status, sent.headers)
            self._flow(sent.steps, cut)
        elif cut is None:
            self.channel.whole(sent.status, sent.headers, sent.body)
        else:
            self.channel.part(sent.status, sent.headers, sent.body[:cut], len(sent.body))
            self.channel.drop(reset=True)

    def _flow(self, steps: Iterator[Step], cut: int | None) -> None:
        flushed = 0
        held: bytes | None = None
        # One piece is looked ahead, without waiting, so that the last one is known as such.
        for step in steps:
            if not isinstance(step, bytes) and not step:
                continue
            if held is not None:
                self._flush(held, flushed, cut)
                flushed, held = flushed + 1, None
            if isinstance(step, bytes):
                held = step
            else:
                self.channel.pause(step)
        if cut is not None:
            if held is not None:
                self._flush(held, flushed, cut)
            self.channel.drop(reset=True)
        self.channel.piece(held or b"", last=True)

    def _flush(self, piece: bytes, flushed: int, cut: int | None) -> None:
        if cut is not None and flushed >= cut:
            self.channel.drop(reset=True)
        self.channel.piece(piece)


def _raw(answer: Raw) -> _Sent:
    if isinstance(answer.body, bytes):
        return _Sent(answer.status, answer.headers, answer.body, before=answer.delay)
    return _Sent(answer.status, answer.headers, steps=_pieces(answer.body, answer.delay))


def _pieces(pieces: Sequence[bytes], delay: float) -> Iterator[Step]:
    for piece in filter(None, pieces):
        yield delay
        yield piece


def _steps(events: Iterator[Event]) -> Iterator[Step]:
    for event in events:
        yield event.pause
        yield event.encode()


def _raw_events(answer: Sse) -> Iterator[Step]:
    lines: list[str] = []
    for event in answer.events:
        if isinstance(event, str):
            lines.append(event)
        else:
            lines += [f"data: {dump(event)}", ""]
        if not lines[-1]:
            yield answer.delay
            yield "".join(f"{line}\n" for line in lines).encode()
            lines.clear()
    if lines:
        yield answer.delay
        yield "".join(f"{line}\n" for line in [*lines, ""]).encode()


def split_steps(steps: Iterator[Step], size: int | None) -> Iterator[Step]:
    """The same bytes in pieces of `size`; a pause lets out what stands before it."""
    if size is None:
        yield from steps
        return
    pending = b""
    for step in steps:
        if isinstance(step, bytes):
            pending += step
        elif step:
            yield from _sliced(pending, size)
            yield step
            pending = b""
    yield from _sliced(pending, size)


def _sliced(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))
