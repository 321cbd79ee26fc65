"""`captured()`: what happens in a block, seen in memory, whatever else is going on."""

from __future__ import annotations

import gc
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import clearspan
from clearspan import semconv as sc
from clearspan.capture import inlet
from clearspan.testing import Captured, captured
from clearspan.testing.server import ModelServer, Reply
from tests.runtime.support import Kept, names, use, work


@pytest.fixture(autouse=True)
def nothing_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    yield
    clearspan.shutdown()
    assert inlet.current() is None
    deadline = time.monotonic() + 30
    while any("clearspan" in thread.name for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert list(tmp_path.iterdir()) == []


def test_without_init() -> None:
    with captured(providers=()) as seen:
        work()
        assert names(seen.spans) == ["work"]
    work()
    assert names(seen.spans) == ["work"]


def test_before_init() -> None:
    kept = Kept()
    with captured(providers=()) as seen:
        work()
    with clearspan.init(exporters=[kept], providers=()):
        work()
        use()
    assert (names(seen.spans), names(kept.spans)) == (["work"], ["execute_tool use", "work"])


def test_inside_init() -> None:
    kept = Kept()
    with clearspan.init(exporters=[kept], providers=()):
        use()
        with captured(providers=()) as seen:
            work()
        use()
    assert (names(seen.spans), names(kept.spans)) == (["work"], ["execute_tool use"] * 2)


def test_init_inside_it_does_not_take_over() -> None:
    """As when the program under test starts clearspan itself."""
    kept = Kept()
    with captured(providers=()) as seen:
        clearspan.init(exporters=[kept], providers=())
        work()
        assert names(seen.spans) == ["work"]
    use()
    clearspan.shutdown()
    assert names(kept.spans) == ["execute_tool use"]


def test_shutdown_inside_it_does_not_end_it() -> None:
    kept = Kept()
    clearspan.init(exporters=[kept], providers=())
    with captured(providers=()) as seen:
        work()
        clearspan.shutdown()
        work()
    assert names(seen.spans) == ["work"] * 2
    assert inlet.current() is None
    assert kept.spans == []


def test_nested() -> None:
    with captured(providers=()) as outer:
        work()
        with captured(providers=(), content="off") as inner:
            use()
        work()
    assert (names(outer.spans), names(inner.spans)) == (["work"] * 2, ["execute_tool use"])


def test_an_error_passes_and_it_is_undone() -> None:
    kept: list[Captured] = []

    def run() -> None:
        with captured(providers=()) as seen:
            kept.append(seen)
            work()
            raise LookupError("out")

    with pytest.raises(LookupError, match="out"):
        run()
    assert names(kept[0].spans) == ["work"]


def test_a_setting_that_cannot_be_used_leaves_nothing() -> None:
    with pytest.raises(clearspan.SettingError, match="redact"):
        with captured(providers=(), redact=["mail"]):
            """Never reached."""
    with pytest.raises(clearspan.SettingError, match="no provider named 'opanai'"):
        with captured(providers=["opanai"]):
            """Never reached."""
    with pytest.raises(TypeError, match="unknown setting"):
        with captured(provider=()):
            """Never reached."""


def test_the_environment_does_not_reach_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEARSPAN_CONTENT", "off")
    monkeypatch.setenv("CLEARSPAN_SAMPLE_RATE", "0")
    monkeypatch.setenv("CLEARSPAN_DISABLED", "1")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    with captured(providers=()) as seen:
        work(3)
        assert seen.span("work").attributes[sc.OUTPUT] == "3"


def fail_inside() -> None:
    with clearspan.span("outer", label="a"):
        use(1)
        raise ValueError("bad")


def test_a_span_tells_everything() -> None:
    with captured(providers=()) as seen:
        with pytest.raises(ValueError, match="bad"):
            fail_inside()
    inner, outer = seen.spans
    assert (outer.name, outer.kind, outer.status, outer.error) == (
        "outer",
        "INTERNAL",
        "ERROR",
        "bad",
    )
    assert outer.attributes["label"] == "a"
    assert [len(outer.trace_id), len(outer.span_id)] == [32, 16]
    assert (outer.parent_id, inner.parent_id) == (None, outer.span_id)
    assert inner.trace_id == outer.trace_id
    assert [child.name for child in outer.children()] == ["execute_tool use"]
    assert inner.children() == []
    assert outer.start_ns <= inner.start_ns <= inner.end_ns
    assert abs(outer.start_ns - time.time_ns()) < 3600 * 10**9
    (exception,) = outer.exceptions
    assert exception[sc.EXCEPTION_TYPE] == "ValueError"
    assert "Captured" not in repr(outer)


def test_a_span_by_name_and_what_it_says_when_there_is_none() -> None:
    with captured(providers=()) as seen:
        with pytest.raises(LookupError, match="0 spans are named 'work'; the spans are: none"):
            seen.span("work")
        work()
        work()
        use()
        assert seen.span("execute_tool use").name == "execute_tool use"
        with pytest.raises(LookupError) as caught:
            seen.span("work")
        assert str(caught.value) == (
            "2 spans are named 'work'; the spans are: 'work', 'work', 'execute_tool use'"
        )


def talk() -> None:
    with clearspan.invocation("chat", provider="acme", model="m") as draft:
        draft.input("why?")
        draft.text("because")
        draft.usage(input=3, output=4)
        draft.finish("stop")


def test_events() -> None:
    with captured(providers=(), content_target="event") as seen:
        talk()
        (event,) = seen.events
        (span,) = seen.spans
    assert event.name == sc.EVENT_DETAILS
    assert (event.trace_id, event.span_id) == (span.trace_id, span.span_id)
    assert event.attributes[sc.REQUEST_MODEL] == "m"
    assert event.attributes[sc.OUTPUT_MESSAGES][0]["parts"][0]["content"] == "because"
    assert sc.OUTPUT_MESSAGES not in span.attributes
    assert event.severity == "DEBUG"


def test_metrics_of_both_kinds() -> None:
    with captured(providers=()) as seen:
        talk()
        talk()
        found = seen.metrics
        tokens = {
            point["attributes"][sc.TOKEN_TYPE]: point for point in found[sc.METRIC_TOKEN_USAGE]
        }
        assert {kind: (point["count"], point["sum"]) for kind, point in tokens.items()} == {
            "input": (2, 6), "output": (2, 8),
        }  # fmt: skip
        assert tokens["input"]["unit"] == "{token}"
        assert tokens["input"]["bounds"] == list(sc.TOKEN_BUCKETS)
        assert sum(tokens["input"]["buckets"]) == 2
        assert (tokens["input"]["min"], tokens["input"]["max"]) == (3, 3)
        assert seen.metrics.keys() == found.keys()
    assert seen.metrics.keys() == found.keys(), "also when the block is over"


def test_a_counter_has_a_value() -> None:
    from clearspan.testing.capture import _point

    class Point:
        attributes = {"a": 1}
        value = 7

    assert _point(Point(), "1") == {"attributes": {"a": 1}, "unit": "1", "value": 7}


def test_nothing_recorded_is_nothing_seen() -> None:
    with captured(providers=()) as seen:
        assert (seen.spans, seen.events, seen.metrics, seen.invocations) == ([], [], {}, [])
        assert seen.accounts.created == 0


def test_invocations_and_accounts() -> None:
    with captured(providers=()) as seen:
        talk()
        with clearspan.span("open"):
            (record,) = seen.invocations
            assert (record.model, record.usage.input, record.output_text) == ("m", 3, "because")
            assert seen.open_calls == 1
            assert (seen.accounts.created, seen.accounts.exported, seen.accounts.pending) == (
                2,
                1,
                1,
            )
        assert seen.open_calls == 0
        assert seen.accounts.pending == 0


def test_what_is_open_at_the_end_of_the_block_is_abandoned() -> None:
    """A stream of openai's is a circle: left in a loop, it is there until the collector runs."""
    openai = pytest.importorskip("openai")
    gc.disable()
    try:
        with ModelServer() as server, captured() as seen:
            server.respond(Reply(chunks=["In ", "Italy", "."]))
            client = openai.OpenAI(base_url=server.url, api_key="unused")
            for chunk in client.chat.completions.create(
                model="gpt-4o", messages=[{"role": "user", "content": "Where?"}], stream=True
            ):
                if "In " in str(chunk):
                    break
            assert (seen.open_calls, seen.spans) == (1, [])
        client.close()
    finally:
        gc.enable()
    (record,) = seen.invocations
    assert (str(record.outcome), record.output_text) == ("abandoned", "In ")
    assert record.timing.first_content is not None
    assert seen.accounts.pending == 0
    gc.collect()
    assert len(seen.spans) == 1


def test_reading_waits_for_threads_work() -> None:
    with captured(providers=()) as seen:
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(seen.spans) == 8


def test_reading_gives_up_at_a_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    def slow(text: str) -> str:
        release.wait(30)
        return text

    monkeypatch.setattr("clearspan.testing.capture._DEADLINE", 0.05)
    with captured(providers=(), redact=[slow]) as seen:
        with clearspan.span("x", input="text"):
            """Its completion hangs in the redactor."""
        with pytest.raises(TimeoutError, match=r"not complete after 0\.05 s"):
            seen.spans  # noqa: B018 -- reading is what waits
        release.set()
        monkeypatch.setattr("clearspan.testing.capture._DEADLINE", 30)
        assert names(seen.spans) == ["x"]


def test_its_names_are_lazy() -> None:
    import clearspan.testing as kit

    assert kit.Captured is Captured
    assert kit.ModelServer.__name__ == "ModelServer"
    with pytest.raises(AttributeError, match=r"'clearspan\.testing' has no attribute 'Nothing'"):
        kit.Nothing  # noqa: B018 -- asked for to fail
    for name in kit.__all__:
        assert getattr(kit, name) is not None


def test_calls_are_those_that_ask_a_model_wherever_it_is() -> None:
    with captured(providers=()) as seen:
        with clearspan.invocation("chat", model="pipeline", kind="internal") as outer:
            assert seen.open_model_calls == 1
            outer.inference_calls = 1
        with clearspan.invocation("embeddings", model="local", kind="internal") as draft:
            draft.usage(input=3)
        with clearspan.span("step"):
            assert seen.open_model_calls == 0
        talk()
    assert [record.model for record in seen.calls] == ["local", "m"]
