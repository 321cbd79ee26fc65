"""Who watches the pipeline: calls inside of calls, and times of streams of which chunks were dropped."""

from __future__ import annotations

import threading
from typing import Any

import openai
import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider

import clearspan
from clearspan.capture import inlet
from clearspan.core.ledger import Ledger
from clearspan.core.worker import Worker
from clearspan.draft import Draft
from clearspan.emit.content import ContentPolicy
from clearspan.emit.telemetry import Telemetry
from clearspan.pipeline import Pipeline
from clearspan.provider import Endpoint
from clearspan.record import Gaps, Invocation, Outcome
from clearspan.testing import Error, ModelServer, captured

LONG = 30.0
CHAT: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Where?"}]}


class Watched:
    """A watch that keeps what is going on, and how many were at the most."""

    def __init__(self) -> None:
        self.open: list[Draft] = []
        self.most = 0

    def begin(self, draft: Draft) -> None:
        self.open.append(draft)
        self.most = max(self.most, len(self.open))

    def end(self, draft: Draft) -> None:
        self.open.remove(draft)  # raises for one that never began, or ended twice

    def renew(self) -> None:
        self.open.clear()


def pipeline(**options: Any) -> Pipeline:
    return Pipeline(
        Telemetry(
            TracerProvider(shutdown_on_exit=False).get_tracer("x"),
            MeterProvider(shutdown_on_exit=False).get_meter("x"),
            LoggerProvider(shutdown_on_exit=False).get_logger("x"),
        ),
        ContentPolicy(),
        Ledger(),
        **options,
    )


@pytest.mark.parametrize("fails", [False, True], ids=["answers", "raises"])
def test_a_call_within_a_call_begins_and_ends(
    monkeypatch: pytest.MonkeyPatch, *, fails: bool
) -> None:
    watch = Watched()
    within: list[int] = []
    with ModelServer() as server, captured() as seen:
        monkeypatch.setattr(inlet.current(), "_watch", watch)
        if fails:
            server.respond(Error(500, "No."))

        @clearspan.model
        def ask() -> Any:
            within.append(len(watch.open))
            with openai.OpenAI(base_url=server.url, api_key="none", max_retries=0) as client:
                try:
                    return client.chat.completions.create(**CHAT)
                finally:
                    within.append(len(watch.open))

        if fails:
            with pytest.raises(openai.InternalServerError):
                ask()
        else:
            ask()
        assert seen.open_calls == 0
    # The client's call joins the function's while it runs, and has parted when it is over.
    assert (within, watch.most, watch.open) == ([1, 1], 2, [])
    assert len(seen.spans) == 1


@pytest.mark.parametrize("nested", [False, True], ids=["plain", "nested"])
def test_without_some_of_its_chunks_a_stream_has_no_times(*, nested: bool) -> None:
    records: list[Invocation] = []
    go = threading.Event()

    def worker(handle: Any) -> Worker[Any]:
        def held(batch: list[Any]) -> None:
            assert go.wait(LONG)
            handle(batch)

        return Worker("watch", held, max_items=100, max_bytes=8192, linger=0.0)

    made = pipeline(worker=worker, consumers=(records.append,))
    outer = Draft("chat")
    assert made.open(outer)
    stream = Draft("chat") if nested else outer
    if nested:
        outer.inner = stream
    stream.endpoint = Endpoint(
        "chat", (), request=lambda *_: None, response=lambda *_: None, chunk=Draft.text
    )
    stream.started_at = 1.0
    stream.usage(output=3)
    for _ in range(100):  # the first ones find no room
        stream.unread.add(2.0, "a")
    made.chunks(stream, over=True)
    stream.unread.add(3.0, "b")
    stream.unread.add(4.0, "c")
    made.chunks(stream, over=True)
    made.close(outer)
    go.set()
    assert made.worker is not None
    assert made.worker.close(LONG)
    (record,) = records
    timing = record.timing
    assert record.extras["clearspan.content.lost"] == 100
    assert timing.chunks == 102
    assert (timing.first_chunk, timing.first_content, timing.output_rate) == (None, None, None)
    assert timing.gaps == Gaps()


def test_a_stream_that_was_left_takes_as_long_as_its_chunks_tell() -> None:
    """Where chunks were missed, nobody knows when the last one came."""
    records: list[Invocation] = []
    made = pipeline(consumers=[records.append])
    for missed in (0, 1):
        draft = Draft("chat")
        draft.endpoint = Endpoint("chat", (), lambda *_: None, lambda *_: None)
        assert made.open(draft)
        draft.unread.add(draft.started_at + 1.5, "a")
        made.chunks(draft, over=True)
        draft.pace.missed = missed
        draft.outcome = Outcome.ABANDONED
        draft.end_ns = draft.start_ns + 60 * 10**9
        made.close(draft)
    assert [record.duration for record in records] == pytest.approx([1.5, 60.0])
