"""Scores in a store: from evaluation events of any program to the questions about them."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace as api
from opentelemetry.trace import set_span_in_context

from clearspan import semconv as sc
from clearspan.exporters.store import (
    ScoreSummary,
    Store,
    StoredScore,
    StoreLogExporter,
    StoreReader,
    StoreSpanExporter,
    queries,
    retention,
    schema,
)
from tests.exporters.kit import CHAT, SECOND, logger, spans, tracer

BEFORE = Path(__file__).parent / "store_before_scores.sql"
NOWHERE = set_span_in_context(api.INVALID_SPAN)
FULL: dict[str, Any] = {
    sc.EVALUATION_NAME: "relevance",
    sc.EVALUATION_VALUE: 0.25,
    sc.EVALUATION_LABEL: "off",
    sc.EVALUATION_EXPLANATION: "Speaks of cats.",
    sc.EVALUATION_PASSED: False,
    sc.EVALUATION_KIND: "llm",
    sc.EVALUATION_LEVEL: "call",
    sc.EVALUATION_DIRECTION: "maximize",
    sc.EVALUATION_MIN: 0,
    sc.EVALUATION_MAX: 1,
    sc.EVALUATION_THRESHOLD: 0.5,
    sc.EVALUATION_VERSION: "2",
    sc.EVALUATION_COST: 0.001,
    sc.EVALUATION_DURATION: 1.5,
    sc.EVALUATION_METADATA: '{"votes":[1,0]}',
    sc.EVALUATION_KEY: "ticket-7",
    sc.GUARD_ACTION: "warn",
    sc.RESPONSE_ID: "r-1",
    sc.CONVERSATION_ID: "s-1",
    sc.REQUEST_MODEL: "gpt-4o",
}


class Shop:
    """A store with a writer of spans and one of evaluation events."""

    def __init__(self, path: Path, **limits: Any) -> None:
        self.store = Store(path, **limits)
        self.tracer = tracer(StoreSpanExporter(self.store))
        self.log = logger(StoreLogExporter(self.store))
        self.reader = StoreReader(path)

    def call(self, response: str | None = None, *, at: int = 1, **given: Any) -> api.SpanContext:
        """A span of its own trace, which starts `at` (nanoseconds) and lasts a second."""
        attributes = {**CHAT, **given, **({sc.RESPONSE_ID: response} if response else {})}
        span = self.tracer.start_span("chat", start_time=at, attributes=attributes)
        span.end(end_time=at + SECOND)
        context: api.SpanContext = span.get_span_context()
        return context

    def score(
        self, name: str = "relevance", about: api.SpanContext | None = None, *, at: int = 5, **given: Any
    ) -> None:  # fmt: skip
        """An evaluation event; what is given by short names is of the evaluation, the rest as it is."""
        context = NOWHERE
        if about is not None:
            context = set_span_in_context(api.NonRecordingSpan(about))
        self.log.emit(
            event_name=sc.EVENT_EVALUATION,
            timestamp=at,
            context=context,
            attributes={
                sc.EVALUATION_NAME: name,
                **{LONG.get(short, short): value for short, value in given.items()},
            },
        )


LONG = {
    "value": sc.EVALUATION_VALUE,
    "passed": sc.EVALUATION_PASSED,
    "label": sc.EVALUATION_LABEL,
    "error": sc.ERROR_TYPE,
    "skipped": sc.EVALUATION_SKIPPED,
    "identity": sc.EVALUATION_IDENTITY,
    "response": sc.RESPONSE_ID,
    "session": sc.SESSION_ID,
    "key": sc.EVALUATION_KEY,
    "action": sc.GUARD_ACTION,
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.db"


@pytest.fixture
def shop(path: Path) -> Any:
    shop = Shop(path)
    yield shop
    shop.store.close()


def trace_id(context: api.SpanContext) -> str:
    return f"{context.trace_id:032x}"


def names(found: list[StoredScore]) -> list[str]:
    return [score.name for score in found]


def test_an_evaluation_event_is_a_score_with_all_that_it_says(shop: Shop) -> None:
    about = shop.call()
    context = set_span_in_context(api.NonRecordingSpan(about))
    shop.log.emit(event_name=sc.EVENT_EVALUATION, timestamp=7, context=context, attributes=FULL)
    assert shop.reader.scores() == [
        StoredScore(
            id=1, time_ns=7, name="relevance", trace_id=trace_id(about), span_id=f"{about.span_id:016x}",
            response_id="r-1", session="s-1", key="ticket-7", value=0.25, label="off", passed=False, kind="llm",
            level="call", direction="maximize", threshold=0.5, min=0, max=1, explanation="Speaks of cats.",
            error=None, skipped=None, version="2", cost=0.001, duration=1.5, model="gpt-4o", identity=None,
            metadata={"votes": [1, 0]}, guard_action="warn", service="shop",
        )
    ]  # fmt: skip
    # It is an event still.
    assert [event.name for event in shop.reader.events(trace_id(about))] == [sc.EVENT_EVALUATION]


def test_what_is_unknown_is_nothing(shop: Shop) -> None:
    shop.score("bare")
    (score,) = shop.reader.scores()
    known = {name for name in StoredScore.__slots__ if getattr(score, name) is not None}
    assert known == {"id", "time_ns", "name", "metadata", "service"}
    assert score.metadata == {}


def test_a_column_takes_its_own_type_only(shop: Shop) -> None:
    shop.score(
        "odd",
        **{
            "value": "high", "label": 5, "passed": "yes", sc.EVALUATION_MAX: float("inf"), sc.EVALUATION_COST: True,
            sc.EVALUATION_METADATA: "[1, 2]", sc.RESPONSE_MODEL: "m-answered", sc.REQUEST_MODEL: "m-asked",
        },
    )  # fmt: skip
    (score,) = shop.reader.scores()
    assert (score.value, score.label, score.passed, score.max, score.cost) == (None,) * 5
    assert (score.metadata, score.model) == ({}, "m-answered")


def test_metadata_may_come_as_an_object(shop: Shop) -> None:
    shop.score(**{sc.EVALUATION_METADATA: {"entities": [{"start": 1}]}})
    (score,) = shop.reader.scores()
    assert score.metadata == {"entities": [{"start": 1}]}


def test_an_event_that_names_no_evaluation_is_no_score(shop: Shop) -> None:
    shop.score("")
    shop.score("fine")
    shop.log.emit(event_name="other", attributes=FULL, timestamp=1)
    shop.log.emit(body="gen_ai.evaluation.result", timestamp=1)
    assert names(shop.reader.scores()) == ["fine"]
    assert shop.reader.counts().events == 4


def test_the_events_name_may_be_an_attribute(shop: Shop) -> None:
    shop.log.emit(attributes={**FULL, "event.name": sc.EVENT_EVALUATION}, timestamp=1)
    assert names(shop.reader.scores()) == ["relevance"]


def test_what_is_said_again_takes_the_place_of_what_was_said(shop: Shop) -> None:
    shop.score("user_rating", at=5, value=1, identity="i-1")
    shop.score("user_rating", at=6, value=0, identity="i-2")
    seen = shop.reader.last_score_id()
    shop.score("user_rating", at=7, value=0.5, identity="i-1")
    shop.score("user_rating", at=7, value=0.75, identity="i-1")
    shop.score("user_rating", at=4, value=0.1, identity="i-1")  # an old one that came late
    assert [(score.identity, score.value) for score in shop.reader.scores()] == [
        ("i-2", 0),
        ("i-1", 0.75),
    ]
    assert [score.value for score in shop.reader.tail_scores(seen)] == [0.75]


def test_scores_without_an_identity_are_all_kept(shop: Shop) -> None:
    for _ in range(3):
        shop.score(value=1)
    assert len(shop.reader.scores()) == 3


def test_scores_are_found_by_what_they_are_about(shop: Shop) -> None:
    first, second = shop.call("r-1", **{"session.id": "s-1"}), shop.call("r-2")
    shop.score("a", first, at=1)
    shop.score("b", second, at=2, session="s-2")
    shop.score("c", at=3, response="r-1")
    shop.score("d", at=4, response="r-9", key="mine")
    shop.score("e", at=5, session="s-1")
    reader = shop.reader
    assert names(reader.scores()) == ["a", "b", "c", "d", "e"]
    assert names(reader.scores(trace_id(first))) == ["a", "c"]
    assert names(reader.scores(trace_id(first), f"{first.span_id:016x}")) == ["a", "c"]
    assert names(reader.scores(span_id=f"{second.span_id:016x}")) == ["b"]
    assert names(reader.scores(trace_id(first), f"{second.span_id:016x}")) == []
    assert names(reader.scores(response_id="r-9")) == ["d"]
    assert names(reader.scores(key="mine")) == ["d"]
    assert names(reader.scores(session="s-1")) == ["a", "c", "e"]
    assert names(reader.scores(session="s-2")) == ["b"]
    assert names(reader.scores(name="d")) == ["d"]
    assert names(reader.scores(since=4)) == ["d", "e"]
    assert names(reader.scores(limit=2)) == ["d", "e"]
    assert names(reader.tail_scores(2, limit=2)) == ["c", "d"]


def test_a_span_whose_attributes_are_no_json_is_no_obstacle(shop: Shop, path: Path) -> None:
    about = shop.call("r-1")
    shop.score("a", response="r-1")
    with sqlite3.connect(path) as change:
        change.execute("UPDATE spans SET attributes = 'broken'")
    change.close()
    assert shop.reader.scores(trace_id(about)) == []
    assert shop.reader.passed([trace_id(about)]) == {}
    assert names(shop.reader.scores(response_id="r-1")) == ["a"]


def test_a_summary_has_a_line_for_each_name(shop: Shop) -> None:
    about = shop.call("r-1", **{"session.id": "s-1"})
    shop.score("toxicity", about, at=1, value=0.25, passed=True)
    shop.score("toxicity", about, at=2, value=0.75, passed=False)
    shop.score("toxicity", about, at=3, error="TimeoutError")
    shop.score("toxicity", at=4, skipped="missing:output")
    shop.score("language", at=5, label="de")
    reader = shop.reader
    assert reader.score_summary() == [
        ScoreSummary("language", 1, None, None, 0, 0),
        ScoreSummary("toxicity", 2, 0.5, 0.5, 1, 1),
    ]
    assert reader.score_summary(name="language") == [ScoreSummary("language", 1, None, None, 0, 0)]
    assert [each.count for each in reader.score_summary(trace_id(about))] == [2]
    assert [each.count for each in reader.score_summary(session="s-1")] == [2]
    assert [each.name for each in reader.score_summary(since=5)] == ["language"]


def test_the_share_passed_is_told_of_each_trace(shop: Shop) -> None:
    first, second, third = shop.call("r-1"), shop.call("r-2"), shop.call()
    shop.score("a", first, passed=True)
    shop.score("b", first, passed=False)
    shop.score("c", first, value=0.5)
    shop.score("d", passed=True, response="r-1")
    shop.score("d", passed=False, response="r-2")
    shop.score("e", third, error="Boom")
    wanted = [trace_id(each) for each in (first, second, third)]
    assert shop.reader.passed([*wanted, "0" * 32]) == {wanted[0]: (2, 3), wanted[1]: (0, 1)}
    assert shop.reader.passed([]) == {}


def test_a_response_that_two_spans_tell_of_counts_once(shop: Shop) -> None:
    with shop.tracer.start_as_current_span("agent", attributes={sc.RESPONSE_ID: "r-1"}) as outer:
        shop.tracer.start_span("chat", attributes={sc.RESPONSE_ID: "r-1"}).end()
    shop.score(passed=True, response="r-1")
    of = trace_id(outer.get_span_context())
    assert shop.reader.passed([of]) == {of: (1, 1)}
    assert len(shop.reader.scores(of)) == 1


def test_a_late_score_makes_no_trace_younger(shop: Shop) -> None:
    about = shop.call(at=10 * SECOND)
    shop.score(about=about, at=99 * SECOND)
    assert [each.trace_id for each in shop.reader.traces(since=10 * SECOND)] == [trace_id(about)]
    assert shop.reader.traces(since=50 * SECOND) == []


def test_a_score_may_come_before_its_trace(shop: Shop) -> None:
    span = shop.tracer.start_span("chat", start_time=10 * SECOND)
    about = span.get_span_context()
    shop.score(about=about, at=5 * SECOND, passed=True)
    assert shop.reader.traces() == []
    span.end(end_time=20 * SECOND)
    (trace,) = shop.reader.traces(since=15 * SECOND)
    assert shop.reader.passed([trace.trace_id]) == {trace.trace_id: (1, 1)}


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Age is looked at after each batch, and no pass runs out of time."""
    monkeypatch.setattr(retention, "_INTERVAL", 0.0)
    monkeypatch.setattr(retention, "_BUDGET", 60.0)


@pytest.mark.usefixtures("always")
def test_scores_go_with_their_trace(path: Path) -> None:
    shop, now = Shop(path), time.time_ns()
    old, new = (shop.call(r, at=now - age * SECOND) for r, age in (("r-1", 7200), ("r-2", 60)))
    shop.score("in old", old, at=now)
    shop.score("in new", new, at=now)
    shop.score("on old", at=now, response="r-1")
    shop.score("on new", at=now, response="r-2")
    shop.score("elsewhere", at=now, response="r-3")
    shop.score("long ago", at=now - 7200 * SECOND, response="r-4")
    shop.store.close()
    aging = Store(path, max_age=3600)
    StoreSpanExporter(aging).export(spans(1, start=now))
    aging.close()
    assert names(shop.reader.scores()) == ["in new", "on new", "elsewhere"]


def test_scores_of_no_trace_are_bounded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_BUDGET", 60.0)
    shop = Shop(path, max_bytes=1_000_000)
    for number in range(300):
        shop.score(at=number + 1, **{sc.EVALUATION_EXPLANATION: "x" * 5_000})
    shop.store.close()
    kept = [score.time_ns for score in shop.reader.scores()]
    assert 10 < len(kept) < 300
    assert kept[-1] == 300
    assert sum(file.stat().st_size for file in path.parent.glob("x.db*")) <= 1_000_000


def test_questions_about_scores_have_an_index(shop: Shop, path: Path) -> None:
    shop.store.open()
    of_span, of_session = queries.ScoreFilter(), queries.ScoreFilter()
    of_span.of("t", "s")
    of_session.session("s")
    asked = {
        queries.scores(of_span): 5,
        queries.scores(of_session): 4,
        queries.PASSED: 2,
        queries.UNSCORE: 1,
        "SELECT * FROM scores WHERE key = ?": 1,
        "SELECT * FROM scores WHERE name = ? AND time_ns >= 5": 1,
    }
    with sqlite3.connect(path) as reading:
        plans = [
            [row[3] for row in reading.execute(f"EXPLAIN QUERY PLAN {query}", ("[]",) * count)]
            for query, count in asked.items()
        ]
    reading.close()
    whole = [step for plan in plans for step in plan if step.split()[:2] in SCANS]
    assert whole == []


SCANS = [["SCAN", table] for table in ("scores", "s", "spans", "p", "TABLE")]


@pytest.fixture
def before(path: Path) -> Path:
    """A store of the version that had no scores: a trace with a span, and events."""
    with sqlite3.connect(path) as made:
        made.executescript(BEFORE.read_text(encoding="utf-8"))
    made.close()
    return path


def test_a_store_from_before_there_were_scores_can_be_read(before: Path) -> None:
    reader = StoreReader(before)
    assert [trace.name for trace in reader.traces()] == ["chat m"]
    assert (reader.scores(), reader.score_summary(), reader.passed(["x"])) == ([], [], {})
    assert (reader.tail_scores(), reader.last_score_id()) == ([], 0)


def test_a_store_from_before_gets_scores_of_its_events(before: Path) -> None:
    Store(before).open()
    reader = StoreReader(before)
    of = f"{0xABC:032x}"
    assert [(each.name, each.value, each.trace_id, each.service) for each in reader.scores()] == [
        ("relevance", 0.5, of, "shop"),
        ("thumb", 1, None, "shop"),
    ]
    assert names(reader.scores(of)) == ["relevance", "thumb"]
    counts = reader.counts()
    assert (counts.spans, counts.events) == (1, 5)
    shop = Shop(before)
    shop.score("later", value=1)
    assert names(reader.scores()) == ["relevance", "thumb", "later"]
    shop.store.close()


def test_an_upgraded_store_is_as_a_new_one(before: Path, tmp_path: Path) -> None:
    Store(before).open()
    new = tmp_path / "new.db"
    Store(new).open()
    described = []
    for file in (before, new):
        with sqlite3.connect(file) as reading:
            described.append(
                reading.execute(
                    "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name"
                ).fetchall()
            )
            version = reading.execute("PRAGMA user_version").fetchone()
            assert version == (len(schema.SCHEMA.migrations),)
        reading.close()
    assert described[0] == described[1]
