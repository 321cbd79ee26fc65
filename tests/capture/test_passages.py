"""Where a library answers requests of other processes, or hands work to threads of its own."""

from __future__ import annotations

import asyncio
import contextvars
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from opentelemetry import trace

import clearspan
from clearspan.provider import Call, Passage, Provider, Server
from clearspan.testing import captured

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SENT = {"traceparent": f"00-{TRACE}-{PARENT}-01", "baggage": "clearspan.session=s-1"}
LIBRARY = '''
    import queue, threading

    class Handler:
        def plain(self, request, work):
            return work()

        async def handle(self, request, work):
            return work()

    class Worker:
        """A thread that runs what it is given."""

        def submit(self, function, *args):
            answers = queue.Queue()
            thread = threading.Thread(target=lambda: answers.put(function(*args)))
            thread.start()
            thread.join()
            return answers.get()
'''


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "acme_serving.py").write_text(textwrap.dedent(LIBRARY))
    import acme_serving  # type: ignore[import-not-found]

    yield acme_serving
    del sys.modules["acme_serving"]


def headers(call: Call) -> Mapping[str, str] | None:
    found: Mapping[str, str] | None = call.args[0]
    return found


PASSAGES = (
    Passage(
        tuple(f"acme_serving:Handler.{name}" for name in ("plain", "handle")),
        headers=headers,
    ),
    Passage(("acme_serving:Worker.submit",), handed=0),
)


PROVIDER = Provider(
    "acme", "acme-serving", "1.0", (), lambda instance: Server("acme"), passages=PASSAGES
)


def work() -> str | None:
    with clearspan.span("work"):
        return clearspan.current().trace_id


def test_what_a_request_starts_belongs_to_its_trace(library: Any) -> None:
    with captured(providers=[PROVIDER]) as seen:
        assert library.Handler().plain(SENT, work) == TRACE
        assert asyncio.run(library.Handler().handle(SENT, work)) == TRACE
        assert not trace.get_current_span().get_span_context().is_valid
        assert work() != TRACE
    assert [span.parent_id for span in seen.spans] == [PARENT, PARENT, None]
    assert [call.context.session for call in seen.invocations if call.context] == [
        "s-1", "s-1", None,
    ]  # fmt: skip


def test_a_trace_that_is_going_on_is_not_left(library: Any) -> None:
    with captured(providers=[PROVIDER]) as seen:
        with clearspan.span("request"):
            here = clearspan.current()
            assert library.Handler().plain(SENT, work) == here.trace_id
    assert seen.spans[0].parent_id == here.span_id


@pytest.mark.parametrize("sent", [None, {}, {"traceparent": "nonsense"}])
def test_without_a_trace_one_begins(library: Any, sent: Any) -> None:
    with captured(providers=[PROVIDER]) as seen:
        assert library.Handler().plain(sent, work) is not None
    assert seen.spans[0].parent_id is None


def test_errors_pass_and_leave_nothing_behind(library: Any) -> None:
    def fail() -> None:
        raise KeyError("host's")

    with captured(providers=[PROVIDER]):
        with pytest.raises(KeyError, match="host's"):
            library.Handler().plain(SENT, fail)
        with pytest.raises(KeyError, match="host's"):
            asyncio.run(library.Handler().handle(SENT, fail))
        assert work() != TRACE


def test_a_request_that_is_left_from_elsewhere_does_no_harm(
    library: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """A coroutine that is closed by another task, or by the collector, ends in its context."""

    class Pause:
        def __await__(self) -> Iterator[None]:
            yield

    async def pausing(self: Any, request: Any) -> None:
        await Pause()

    library.Handler.handle = pausing
    with captured(providers=[PROVIDER]):
        waiting = library.Handler().handle(SENT)
        contextvars.copy_context().run(waiting.send, None)
        waiting.close()
        assert work() != TRACE
    assert not caplog.records


def test_work_for_a_thread_goes_in_the_context_of_who_hands_it_over(library: Any) -> None:
    with captured(providers=[PROVIDER]):
        with clearspan.span("request"):
            here = clearspan.current().trace_id
            assert library.Worker().submit(work) == here
            assert library.Worker().submit(lambda text: text.upper(), "a") == "A"
        with pytest.raises(TypeError):
            library.Worker().submit()
        with clearspan.span("request"):
            assert library.Worker().submit(function=work) is not None


def test_functions_that_were_taken_before_the_end_pass_everything_through(library: Any) -> None:
    with captured(providers=[PROVIDER]):
        handle, submit = library.Handler().plain, library.Worker().submit
    assert handle(SENT, lambda: "answer") == "answer"
    assert submit(lambda: "answer") == "answer"
    assert type(vars(library.Worker)["submit"]).__name__ == "function"


def test_headers_that_cannot_be_read_are_no_reason_to_fail(
    library: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLEARSPAN_STRICT", raising=False)
    with captured(providers=[PROVIDER]) as seen:
        assert library.Handler().plain({"traceparent": object()}, work) is not None
        assert library.Handler().plain(7, work) is not None
    assert [span.parent_id for span in seen.spans] == [None, None]


def test_a_target_must_be_written_as_one() -> None:
    with pytest.raises(ValueError, match=r"module:Class\.method"):
        Passage(("acme_serving.Handler.handle",))
