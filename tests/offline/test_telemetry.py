from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

import clearspan
from clearspan.exporters.store import StoreReader
from clearspan.offline.errors import SourceError
from clearspan.offline.telemetry import OtlpFiles, Stored
from tests.cli.conftest import chat as stored_chat, record
from tests.offline.conftest import Write, chat, lines, retrieval, said, span


def test_a_trace_is_put_together_from_all_files(write: Write) -> None:
    first = write("a.json", lines(chat(1, 3, 30, "late"), retrieval(1, 1, 1, "D1", "D2"), chat(2, 1, 5, "other")))  # fmt: skip
    second = write("b.json", lines(chat(1, 2, 3, "early"), span(1, 9, 0, 99, http__route="/")))
    source = OtlpFiles([first, second])
    assert source.total() == 2
    found = list(source.items(by_session=False))
    assert [item.call.output_text or item.call.operation for item in found] == ["retrieval", "early", "late", "other"]  # fmt: skip
    assert [item.call.documents for item in found] == [("D1", "D2"), (), ("D1", "D2"), ()]
    assert [item.position for item in found] == [1, 1, 1, 2]
    assert found[0].id == f"{1:032x}:{1:016x}"
    assert found[0].trace == f"{1:032x}"
    assert found[0].whole is False


def test_what_was_sent_twice_counts_once(write: Write) -> None:
    path = write("a.json", lines(chat(1, 1, 1, "A"), chat(1, 1, 1, "A")))
    assert len(list(OtlpFiles([path]).items(by_session=False))) == 1


def test_more_lines_than_are_kept_are_read_again(write: Write) -> None:
    spans = [chat(number % 7, number, number, str(number)) for number in range(1, 200)]
    path = write("a.json", lines(*spans))
    found = list(OtlpFiles([path]).items(by_session=False))
    assert sorted(int(item.call.output_text) for item in found) == list(range(1, 200))


def test_traces_of_a_session_come_together(write: Write) -> None:
    told = [("a", 1), ("b", 2), ("a", 3)]
    path = write("a.json", lines(*(chat(trace, 1, trace, str(trace), gen_ai__conversation__id=name) for name, trace in told), chat(4, 1, 1, "4")))  # fmt: skip
    found = list(OtlpFiles([path]).items(by_session=True))
    assert [(item.session, item.call.output_text) for item in found] == [("a", "1"), ("a", "3"), ("b", "2"), (None, "4")]  # fmt: skip


def test_a_session_of_ours_goes_before_the_conversation_of_the_api(write: Write) -> None:
    path = write("a.json", lines(chat(1, 1, 1, "A", gen_ai__conversation__id="c", session__id="s")))
    (item,) = OtlpFiles([path]).items(by_session=False)
    assert item.session == "s"


def test_log_records_hold_what_their_spans_do_not(write: Write) -> None:
    bare = span(1, 1, 1, 5, gen_ai__operation__name="chat")
    record = {
        "traceId": f"{1:032x}", "spanId": f"{1:016x}", "eventName": "gen_ai.client.inference.operation.details",
        "attributes": [{"key": "gen_ai.output.messages", "value": {"stringValue": said("A", "assistant")}}],
    }  # fmt: skip
    path = write("a.json", [[3], {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}, *lines(bare), {"resourceMetrics": []}])  # fmt: skip
    (item,) = OtlpFiles([path]).items(by_session=False)
    assert item.call.output_text == "A"


def test_only_traces_since_then(write: Write) -> None:
    path = write("a.json", lines(chat(1, 1, 100, "old"), chat(2, 1, 200, "new")))
    found = OtlpFiles([path], since=150).items(by_session=False)
    assert [item.call.output_text for item in found] == ["new"]


def test_errors_and_kinds_are_kept(write: Write) -> None:
    failed = {**chat(1, 1, 1, ""), "status": {"code": 2, "message": "no"}, "kind": 3}
    (item,) = OtlpFiles([write("a.json", lines(failed))]).items(by_session=False)
    assert (item.call.kind, item.call.error and item.call.error.message) == ("client", "no")


def test_a_model_call_around_another_one_says_so(write: Write) -> None:
    outer, inner = chat(1, 1, 1, "A"), {**chat(1, 2, 2, "A"), "parentSpanId": f"{1:016x}"}
    found = list(OtlpFiles([write("a.json", lines(inner, outer))]).items(by_session=False))
    assert [item.call.inference_calls for item in found] == [1, 0]


def test_our_own_file_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    with clearspan.init(exporters=[f"otlp_json:{path}"], providers=()) as runtime:
        with clearspan.context(session="s-1"):
            stored_chat("m", "Q", "A")
        assert runtime.flush(60)
    (item,) = OtlpFiles([path]).items(by_session=False)
    assert (item.call.question, item.call.output_text, item.session) == ("Q", "A", "s-1")
    assert (item.call.model, item.call.usage.input) == ("m", 3)


def test_a_store(tmp_path: Path) -> None:
    def work() -> None:
        for name in ("s-1", "s-2", "s-1"):
            with clearspan.context(session=name), clearspan.span("answer", kind="workflow"):
                with clearspan.span("search", kind="retrieval") as step:
                    step.set(output=[{"content": "D"}])
                stored_chat("m", "Q", name)
        stored_chat("m", "Q", "alone")

    path = tmp_path / "s.db"
    record(path, work)
    source = Stored(StoreReader(path))
    assert source.total() == 4
    answers = [item for item in source.items(by_session=False) if item.call.operation == "chat"]
    assert [item.call.output_text for item in answers] == ["alone", "s-1", "s-2", "s-1"]
    assert [item.call.documents for item in answers] == [(), ("D",), ("D",), ("D",)]
    grouped = [item for item in source.items(by_session=True) if item.call.operation == "chat"]
    assert [item.call.output_text for item in grouped] == ["alone", "s-1", "s-1", "s-2"]
    assert grouped[1].call.timing.start_ns < grouped[2].call.timing.start_ns
    narrowed = Stored(StoreReader(path), session="s-2").items(by_session=False)
    assert {item.session for item in narrowed} == {"s-2"}


def test_a_session_of_a_trace_with_several(tmp_path: Path) -> None:
    def work() -> None:
        with clearspan.span("both", kind="workflow"):
            for name in ("s-1", "s-2"):
                with clearspan.context(session=name):
                    stored_chat("m", "Q", name)

    path = tmp_path / "s.db"
    record(path, work)
    found = Stored(StoreReader(path), session="s-1").items(by_session=True)
    assert [item.session for item in found] == [None, "s-1"]


def test_a_trace_that_is_deleted_meanwhile_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    for answer in ("A", "B"):
        record(path, lambda answer=answer: stored_chat("m", "Q", answer))  # type: ignore[misc]  # a default is no argument
    source = Stored(StoreReader(path))
    found = source.items(by_session=False)
    assert next(found).call.output_text == "B"
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM spans")
    connection.close()
    assert list(found) == []


def test_a_store_whose_content_is_in_events(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    record(path, lambda: stored_chat("m", "Q", "A"), content_target="event")
    (item,) = Stored(StoreReader(path)).items(by_session=False)
    assert item.call.output_text == "A"


@pytest.mark.parametrize("narrowed", [{"session": "none"}, {"since": time.time_ns() + 10**15}])
def test_a_store_without_such_traces(tmp_path: Path, narrowed: dict[str, Any]) -> None:
    path = tmp_path / "s.db"
    record(path, lambda: stored_chat("m", "Q", "A"))
    with pytest.raises(SourceError, match="no trace there passes the filters"):
        Stored(StoreReader(path), **narrowed).total()


def test_a_line_that_was_cut_off_does_not_take_the_others_with_it(write: Write) -> None:
    path = write("a.json", lines(chat(1, 1, 1, "A"), chat(2, 1, 1, "B")))
    with path.open("a") as file:
        file.write('{"resourceSpans": [{"sco')
    source = OtlpFiles([path])
    assert source.total() == 3
    found = list(source.items(by_session=False))
    assert [item.call.output_text for item in found] == ["A", "B", ""]
    assert (found[-1].id, found[-1].position) == ("a.json:3", 3)
    assert "is no JSON" in str(found[-1].wrong)
    path.write_text('{"resource" 1}\n[]\n')
    source = OtlpFiles([path])
    assert source.total() == 1
    assert [item.wrong is None for item in source.items(by_session=False)] == [False]
