"""Questions put to a store."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode, set_span_in_context

import clearspan
from clearspan.exporters.store import (
    AmbiguousTrace,
    Store,
    StoreError,
    StoreLogExporter,
    StoreNotFound,
    StoreReader,
    StoreSpanExporter,
    TraceNotFound,
    opened,
)
from tests.exporters.kit import CHAT, SECOND, logger, spans, tracer, unprivileged

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.db"


class Writer:
    """Builds traces with times and attributes as given."""

    def __init__(self, path: Path) -> None:
        self.store = Store(path)
        self.tracer = tracer(StoreSpanExporter(self.store))

    def trace(self, name: str, at: int, *children: dict[str, Any], **given: Any) -> str:
        """A trace that starts `at` (seconds) and lasts one; answers its id."""
        root = self.tracer.start_span(name, start_time=at * SECOND, attributes=given)
        inside = set_span_in_context(root)
        for child in children:
            span = self.tracer.start_span(
                child.get("name", "chat"),
                context=inside,
                start_time=at * SECOND + 1,
                attributes={key: value for key, value in child.items() if "." in key},
            )
            if "error" in child:
                span.set_status(StatusCode.ERROR, child["error"])
            span.end(end_time=at * SECOND + 2)
        root.end(end_time=(at + 1) * SECOND)
        return f"{root.get_span_context().trace_id:032x}"


@pytest.fixture
def filled(path: Path) -> tuple[StoreReader, dict[str, str]]:
    writer = Writer(path)
    ids = {
        "first": writer.trace("ask", 10, CHAT, **{"session.id": "s-1"}),
        "agent": writer.trace(
            "invoke_agent x",
            20,
            CHAT,
            {**CHAT, "gen_ai.request.model": "o1", "gen_ai.response.model": "o1"},
            **{
                "session.id": "s-1",
                "user.id": "u-1",
                "gen_ai.operation.name": "invoke_agent",
                # The agent repeats what its calls used.
                "gen_ai.usage.input_tokens": 24,
                "gen_ai.usage.output_tokens": 6,
            },
        ),
        "broken": writer.trace(
            "ask",
            30,
            {"name": "chat", "error": "100% _of_ it\nfailed", "gen_ai.operation.name": "chat"},
            **{"session.id": "s-2"},
        ),
        "plain": writer.trace("job", 40, note='the "quoted" Wörd'),
    }
    writer.store.close()
    return StoreReader(path), ids


def found(reader: StoreReader, ids: dict[str, str], **filters: Any) -> list[str]:
    names = {trace_id: name for name, trace_id in ids.items()}
    return [names[summary.trace_id] for summary in reader.traces(**filters)]


def test_traces_are_listed_newest_first(filled: Any) -> None:
    assert found(*filled) == ["plain", "broken", "agent", "first"]
    assert found(*filled, limit=2) == ["plain", "broken"]


def test_outlines_have_the_attributes_that_were_asked_for(filled: Any) -> None:
    reader, ids = filled
    wanted = ("gen_ai.response.model", "gen_ai.response.finish_reasons", "session.id", "no.such")
    outlines = reader.outlines([ids["first"], ids["plain"], "0" * 32], wanted)
    assert set(outlines) == {ids["first"], ids["plain"]}
    for trace_id, told in outlines.items():
        whole = reader.trace(trace_id)
        assert [outline[:6] for outline in told] == [
            (each.span_id, each.parent_id, each.name, each.start_ns, each.end_ns, each.status)
            for each in whole
        ]
        assert [outline.attributes for outline in told] == [
            {name: each.attributes[name] for name in wanted if name in each.attributes}
            for each in whole
        ]
    assert outlines[ids["first"]][1].attributes["gen_ai.response.finish_reasons"] == ["stop"]


def test_outlines_of_one_attribute_and_of_none(filled: Any) -> None:
    reader, ids = filled
    (root, call) = reader.outlines([ids["first"]], ["session.id"])[ids["first"]]
    assert (root.attributes, call.attributes) == ({"session.id": "s-1"}, {})
    assert [each.attributes for each in reader.outlines([ids["first"]], [])[ids["first"]]] == [
        {},
        {},
    ]
    assert reader.outlines([], ["session.id"]) == {}


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"since": 31 * SECOND}, ["plain", "broken"]),
        ({"since": 31 * SECOND + 1}, ["plain"]),
        ({"until": 20 * SECOND}, ["first"]),
        ({"since": 15 * SECOND, "until": 35 * SECOND}, ["broken", "agent"]),
        ({"session": "s-1"}, ["agent", "first"]),
        ({"session": "s-1", "model": "o1"}, ["agent"]),
        ({"model": "gpt-4o"}, ["agent", "first"]),
        ({"model": "gpt-4o-2024-08-06"}, ["agent", "first"]),
        ({"model": "gpt"}, []),
        ({"operation": "invoke_agent"}, ["agent"]),
        ({"provider": "openai"}, ["agent", "first"]),
        ({"service": "shop"}, ["plain", "broken", "agent", "first"]),
        ({"service": "other"}, []),
        ({"errors_only": True}, ["broken"]),
        ({"text": "INVOKE"}, ["agent"]),
        ({"text": "100% _of_"}, ["broken"]),
        ({"text": "100%_of"}, []),
        ({"text": 'the "quoted" Wörd'}, ["plain"]),
        ({"text": "' OR 1=1 --"}, []),
    ],
)
def test_traces_are_filtered(filled: Any, filters: Any, expected: list[str]) -> None:
    assert found(*filled, **filters) == expected


def test_a_summary_adds_up_model_calls_once(filled: Any) -> None:
    reader, ids = filled
    by_id = {summary.trace_id: summary for summary in reader.traces()}
    agent, plain, broken = (by_id[ids[name]] for name in ("agent", "plain", "broken"))
    assert (agent.name, agent.spans, agent.errors) == ("invoke_agent x", 3, 0)
    assert agent.models == ("gpt-4o-2024-08-06", "o1")
    assert (agent.input_tokens, agent.output_tokens) == (24, 6)
    assert (agent.session, agent.user, agent.service) == ("s-1", "u-1", "shop")
    assert (agent.start_ns, agent.duration_ns) == (20 * SECOND, SECOND)
    assert (plain.models, plain.input_tokens, plain.session) == ((), None, None)
    assert broken.errors == 1


def test_a_trace_whose_root_is_missing_is_named_by_its_earliest_span(path: Path) -> None:
    source = Writer(path)
    root = source.tracer.start_span("never ends", start_time=1)
    inside = set_span_in_context(root)
    for name, start in (("later", 9), ("earlier", 5)):
        source.tracer.start_span(name, context=inside, start_time=start).end(end_time=10)
    source.store.close()
    (summary,) = StoreReader(path).traces()
    assert (summary.name, summary.start_ns) == ("earlier", 5)


def test_a_trace_that_arrives_at_once_reaches_from_first_to_last(path: Path) -> None:
    memory = InMemorySpanExporter()
    source = tracer(memory)
    root = source.start_span("root", start_time=5)
    for start, end in ((6, 7), (5, 90), (8, 9)):
        source.start_span("step", context=set_span_in_context(root), start_time=start).end(
            end_time=end
        )
    root.end(end_time=50)
    store = Store(path)
    StoreSpanExporter(store).export(memory.get_finished_spans())
    store.close()
    reader = StoreReader(path)
    assert [len(reader.traces(since=90)), len(reader.traces(since=91))] == [1, 0]
    assert [len(reader.traces(until=6)), len(reader.traces(until=5))] == [1, 0]


def test_a_trace_is_found_by_the_beginning_of_its_id(filled: Any) -> None:
    reader, ids = filled
    whole = reader.trace(ids["agent"])
    assert [span.name for span in whole] == ["invoke_agent x", "chat", "chat"]
    assert [span.start_ns for span in whole] == sorted(span.start_ns for span in whole)
    unique = next(
        ids["agent"][:length]
        for length in range(1, 33)
        if sum(each.startswith(ids["agent"][:length]) for each in ids.values()) == 1
    )
    assert reader.trace(f" {unique.upper()} ") == whole


def test_a_trace_that_is_not_there_is_said_so(filled: Any) -> None:
    reader, ids = filled
    absent = next(
        prefix
        for prefix in (f"{number:08x}" for number in range(10))
        if not any(each.startswith(prefix) for each in ids.values())
    )
    with pytest.raises(TraceNotFound, match=f"begins with '{absent}'"):
        reader.trace(absent)
    for wrong in ("", "xyz", "%", "a" * 33):
        with pytest.raises(TraceNotFound, match="is not a trace id"):
            reader.trace(wrong)


def test_an_ambiguous_beginning_lists_some(path: Path) -> None:
    store = Store(path)
    StoreSpanExporter(store).export(spans(40))
    store.close()
    reader = StoreReader(path)
    first = [span.trace_id[0] for span in reader.tail()]
    common = max(first, key=first.count)
    with pytest.raises(AmbiguousTrace, match=f"several traces begin with '{common}': {common}"):
        reader.resolve(common)


def test_events_of_a_trace_are_in_order_and_those_alone_make_no_trace(path: Path) -> None:
    store = Store(path)
    log = logger(StoreLogExporter(store))
    unsampled = tracer().start_span("unsampled")
    context = set_span_in_context(unsampled)
    for at in (9, 5):
        log.emit(event_name=f"at {at}", timestamp=at, context=context)
    store.close()
    reader = StoreReader(path)
    events = reader.events(f"{unsampled.get_span_context().trace_id:032x}")
    assert [event.name for event in events] == ["at 5", "at 9"]
    assert reader.traces() == []
    assert (reader.counts().traces, reader.counts().events) == (0, 2)
    with pytest.raises(TraceNotFound):
        reader.trace(events[0].trace_id or "")


def test_sessions_are_summed_up(filled: Any) -> None:
    reader, _ = filled
    second, first = reader.sessions()
    assert (second.session, second.traces, second.input_tokens) == ("s-2", 1, None)
    assert (first.session, first.traces, first.spans, first.errors) == ("s-1", 2, 2, 0)
    assert (first.start_ns, first.end_ns) == (10 * SECOND, 21 * SECOND)
    assert reader.sessions(limit=1) == [second]


def test_tail_goes_on_where_it_was(path: Path) -> None:
    store = Store(path)
    exporter = StoreSpanExporter(store)
    exporter.export(spans(3))
    reader = StoreReader(path)
    seen = reader.tail(limit=2)
    assert [span.id for span in seen] == [1, 2]
    assert [span.id for span in reader.tail(seen[-1].id)] == [3]
    mark = reader.last_id()
    assert reader.tail(mark) == []
    exporter.export(spans(2))
    assert [span.id for span in reader.tail(mark)] == [4, 5]
    store.close()


def test_numbers_are_not_used_again_after_all_was_deleted(path: Path) -> None:
    store = Store(path)
    exporter = StoreSpanExporter(store)
    exporter.export(spans(3))
    with sqlite3.connect(path) as other:
        other.execute("DELETE FROM spans")
    other.close()
    reader = StoreReader(path)
    mark = reader.last_id()
    exporter.export(spans(1))
    store.close()
    assert (mark, [span.id for span in reader.tail(mark)]) == (3, [4])


def test_counts_tell_the_size_on_disk(filled: Any, path: Path) -> None:
    reader, _ = filled
    counts = reader.counts()
    assert (counts.traces, counts.spans, counts.events, counts.metric_points) == (4, 8, 0, 0)
    assert counts.bytes == path.stat().st_size + sum(
        side.stat().st_size for side in path.parent.glob("x.db-*")
    )


def test_an_empty_store_answers_with_nothing(path: Path) -> None:
    store = Store(path)
    store.open()
    reader = StoreReader(path)
    assert (reader.traces(), reader.sessions(), reader.metric_points()) == ([], [], [])
    assert (reader.tail(), reader.last_id(), reader.counts().spans) == ([], 0, 0)
    store.close()


def test_no_store_is_said_so_and_none_is_created(path: Path) -> None:
    reader = StoreReader(path)
    with pytest.raises(StoreNotFound, match="does not exist"):
        reader.traces()
    assert not path.exists()
    path.touch()
    with pytest.raises(StoreNotFound, match="is empty"):
        reader.traces()
    writer = Writer(path)
    writer.trace("now", 1)
    writer.store.close()
    assert [summary.name for summary in reader.traces()] == ["now"]


def test_what_is_no_database_is_said_so(path: Path) -> None:
    path.write_bytes(b"text " * 1000)
    with pytest.raises(StoreError, match="not an SQLite database"):
        StoreReader(path).traces()


def test_damage_found_while_reading_is_said_so(filled: Any, path: Path) -> None:
    reader, _ = filled
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * (size - 8192))
    with pytest.raises(StoreError, match="damaged"):
        reader.traces()


def test_a_store_that_somebody_holds_is_said_so(
    filled: Any, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opened, "_TIMEOUT", 0.05)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match=r"cannot be read \(database is locked\)"):
        filled[0].counts()
    holder.close()


def test_reading_leaves_no_change(filled: Any, path: Path) -> None:
    before = path.read_bytes()
    filled[0].traces()
    filled[0].counts()
    assert path.read_bytes() == before


def test_a_reader_sees_what_is_written_meanwhile(path: Path) -> None:
    store = Store(path)
    exporter = StoreSpanExporter(store)
    reader = StoreReader(path)
    seen = []
    for _ in range(5):
        exporter.export(spans(2))
        seen.append(reader.counts().spans)
    store.close()
    assert seen == [2, 4, 6, 8, 10]


def test_a_store_in_a_folder_that_cannot_be_written_can_be_read(filled: Any, path: Path) -> None:
    content = path.read_bytes()
    with unprivileged() as folder:
        copy = folder / "archive.db"
        copy.write_bytes(content)
        copy.chmod(0o400)
        folder.chmod(0o500)
        assert len(StoreReader(copy).traces()) == 4
        assert [found.name for found in folder.iterdir()] == ["archive.db"]


def test_a_store_that_may_not_be_read_is_said_so(filled: Any, path: Path) -> None:
    content = path.read_bytes()
    with unprivileged() as folder:
        copy = folder / "secret.db"
        copy.write_bytes(content)
        copy.chmod(0o000)
        with pytest.raises(StoreError, match="cannot be read"):
            StoreReader(copy).traces()


def test_a_store_that_was_moved_is_read_at_its_new_place(filled: Any, path: Path) -> None:
    moved = path.with_name("moved #1?.db")
    shutil.move(path, moved)
    assert len(StoreReader(moved).traces()) == 4


def test_a_file_is_not_begun_for_the_machine_alone(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    with clearspan.init(store=str(path), providers=(), hardware="process") as runtime:
        assert runtime.flush(30)
        assert not path.exists()
        with clearspan.span("step"):
            pass
        assert runtime.flush(30)
        assert path.exists()


def test_a_question_that_a_fork_interrupts_is_asked_once_more(filled: Any, path: Path) -> None:
    reader = StoreReader(path)
    endless = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    )
    asked: list[str] = []

    real = StoreReader._asked

    def ask(self: Any, query: str, values: Any, since: int) -> list[Any]:
        asked.append(query)
        return real(self, endless if len(asked) == 1 else query, values, since)

    found: list[Any] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(StoreReader, "_asked", ask)
        thread = threading.Thread(target=lambda: found.append(reader.counts()))
        thread.start()
        while thread.is_alive():
            reader.interrupt()
            thread.join(0.01)
    assert found == [reader.counts()]
    assert len(asked) == 2
