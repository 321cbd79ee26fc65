from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import clearspan
from clearspan import registry
from clearspan.assess.evaluator import Evaluator, evaluator
from clearspan.conversation import Conversation
from clearspan.offline import Report, SourceError, evaluate
from clearspan.offline.evaluating import chosen
from tests.offline.conftest import Write, brief, chat, length, lines, retrieval

ROWS = [{"id": "a", "input": "1", "output": "x"}, {"id": "b", "input": "2", "output": "long"}]


def values(report: Report, name: str) -> list[Any]:
    return [row["value"] for row in report.rows if row["name"] == name]


def errors(report: Report, name: str) -> list[str | None]:
    return [row["error"] for row in report.rows if row["name"] == name]


class Risk(Evaluator):
    """The share of its threshold that a text is long."""

    direction = "minimize"
    threshold = 0.5

    def evaluate(self, call: clearspan.Invocation) -> Any:
        return len(call.output_text) / 5, "because", "label"


def test_rows_come_in_the_order_of_the_source_and_of_the_evaluators() -> None:
    report = evaluate(ROWS, [brief, Risk])
    assert [(row["id"], row["name"], row["passed"]) for row in report.rows] == [
        ("a", "brief", True), ("a", "risk", True), ("b", "brief", False), ("b", "risk", False),
    ]  # fmt: skip
    assert report.rows[3] == {
        "id": "b", "name": "risk", "value": 0.8, "label": "because", "passed": False, "error": None, "skipped": None,
        "explanation": "label", "metadata": {},
    }  # fmt: skip
    assert report.scores[0].duration is not None


def test_one_evaluator_needs_no_list() -> None:
    assert values(evaluate(ROWS, Risk(threshold=0.1)), "risk") == [0.2, 0.8]
    assert values(evaluate(ROWS, length), "length") == [1.0, 4.0]


def test_names_are_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry._added, (registry.EVALUATORS, "of_test"), Risk)
    assert values(evaluate(ROWS, "of_test"), "of_test") == [0.2, 0.8]
    with pytest.raises(LookupError, match="did you mean 'of_test'"):
        evaluate(ROWS, ["of_tset"])


def test_what_cannot_be_evaluated_with() -> None:
    with pytest.raises(ValueError, match="name at least one evaluator"):
        chosen([])
    with pytest.raises(ValueError, match="several evaluators are called brief"):
        chosen([brief, brief])
    with pytest.raises(ValueError, match="3 is no evaluator"):
        chosen(3)


class Plain:
    """An evaluator that is derived from nothing, and can be iterated over."""

    name = "plain"

    def evaluate(self, call: Any) -> float:
        return 1.0

    def __iter__(self) -> Iterator[int]:
        return iter(())


def test_an_object_with_evaluate_is_one_evaluator() -> None:
    assert [made.name for made in chosen(Plain())] == ["plain"]


@evaluator(requires={"context"})
def grounded(call: clearspan.Invocation) -> bool:
    return call.output_text in call.documents


def test_what_is_missing_is_said() -> None:
    report = evaluate([{"output": "x"}, {"output": "x", "context": "x"}], grounded)
    assert [(row["skipped"], row["passed"]) for row in report.rows] == [("missing:context", None), (None, True)]  # fmt: skip
    assert report.summary["grounded"].skipped == {"missing:context": 1}


async def patient(call: clearspan.Invocation) -> float:
    await asyncio.sleep(0)
    return 0.5


def test_coroutines_are_awaited() -> None:
    assert values(evaluate(ROWS, patient), "patient") == [0.5, 0.5]


def test_evaluating_within_a_running_loop() -> None:
    async def main() -> Report:
        return evaluate(ROWS, [patient, brief])

    assert values(asyncio.run(main()), "patient") == [0.5, 0.5]


def raising(call: clearspan.Invocation) -> float:
    raise RuntimeError(f"no {call.output_text}")


def leaving(call: clearspan.Invocation) -> float:
    raise SystemExit(3)


def odd(call: clearspan.Invocation) -> Any:
    return float("nan") if call.output_text == "x" else object()


def slow_itself(call: clearspan.Invocation) -> float:
    raise TimeoutError


def test_failures_are_rows() -> None:
    report = evaluate(ROWS, [raising, leaving, odd, slow_itself, brief])
    assert errors(report, "raising") == ["RuntimeError", "RuntimeError"]
    assert report.rows[0]["explanation"] == "no x"
    assert errors(report, "leaving") == ["SystemExit", "SystemExit"]
    assert errors(report, "odd") == ["invalid_value", "invalid_result"]
    assert errors(report, "slow_itself") == ["timeout", "timeout"]
    assert values(report, "brief") == [1.0, 0.0]


def test_what_hangs_is_given_up_after_some_rows() -> None:
    asked: list[str] = []
    never = threading.Event()

    def hanging(call: clearspan.Invocation) -> bool:
        asked.append(call.output_text)
        return never.wait(60)

    rows = [{"output": str(at)} for at in range(8)]
    report = evaluate(rows, [hanging, length], timeout=0.05)
    never.set()
    assert errors(report, "hanging") == ["timeout"] * 8
    assert len(asked) == 5
    assert report.rows[-2]["explanation"] == "not asked: 5 time limits in a row before"
    assert values(report, "length") == [1.0] * 8


async def hanging_patiently(call: clearspan.Invocation) -> float:
    await asyncio.sleep(60 if call.output_text == "x" else 0)
    return 1.0


def test_a_coroutine_that_hangs_costs_its_row() -> None:
    report = evaluate(ROWS, hanging_patiently, timeout=0.2)
    assert errors(report, "hanging_patiently") == ["timeout", None]


class Preparing(Evaluator):
    """Notes what is done with it."""

    def __init__(self, *, broken: bool = False) -> None:
        super().__init__()
        self.done: list[str] = []
        self.broken = broken

    def setup(self) -> None:
        self.done.append("setup")
        if self.broken:
            raise ImportError("pip install it")

    def evaluate(self, call: Any) -> float:
        self.done.append("evaluate")
        return 1.0

    def close(self) -> None:
        self.done.append("close")


def test_evaluators_get_ready_once_and_are_let_go() -> None:
    made = Preparing()
    evaluate(ROWS, made)
    assert made.done == ["setup", "evaluate", "evaluate", "close"]


def test_an_evaluator_that_cannot_get_ready_says_so_in_each_row() -> None:
    made = Preparing(broken=True)
    report = evaluate(ROWS, [made, brief])
    assert errors(report, "preparing") == ["ImportError", "ImportError"]
    assert report.rows[0]["explanation"] == "pip install it"
    assert made.done == ["setup", "close"]
    assert values(report, "brief") == [1.0, 0.0]


def test_waiting_long_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    from clearspan.offline import running

    monkeypatch.setattr(running, "_LONGEST_WAIT", 0.001)
    go_on = threading.Event()

    def waiting(call: clearspan.Invocation) -> bool:
        return not go_on.wait(0.05)

    assert values(evaluate(ROWS, waiting), "waiting") == [1.0, 1.0]


def test_as_many_at_once_as_is_said() -> None:
    together = threading.Barrier(3)

    def meeting(call: clearspan.Invocation) -> bool:
        together.wait(30)
        return True

    report = evaluate([{"output": str(at)} for at in range(6)], meeting, concurrency=3, timeout=30)
    assert values(report, "meeting") == [1.0] * 6


def test_more_rows_than_are_kept_under_way() -> None:
    report = evaluate(({"output": "x" * (at % 5)} for at in range(300)), length)
    assert [row["id"] for row in report.rows] == list(range(1, 301))
    assert report.rows[5]["skipped"] == "missing:output"
    assert values(report, "length")[6:9] == [1.0, 2.0, 3.0]


@evaluator(level="session", requires={"input"})
def turns(talk: Conversation) -> float:
    return float(len(talk.calls))


@evaluator(level="trace", requires={"input"})
def calls(trace: Conversation) -> float:
    return float(len(trace.calls))


def test_conversations_of_rows() -> None:
    rows = [{"id": str(at), "input": "?", "session": name} for at, name in enumerate("aba")]
    report = evaluate([*rows, {"id": "2", "input": "alone"}], [turns, calls])
    assert [(row["id"], row["name"], row["value"]) for row in report.rows if row["name"] == "turns"] == [("a", "turns", 2.0), ("b", "turns", 1.0)]  # fmt: skip
    assert values(report, "calls") == [1.0] * 4


def test_conversations_are_bounded() -> None:
    @evaluator(level="session", requires={"input"})
    def kept(talk: Conversation) -> Any:
        return {"score": float(len(talk.calls)), "metadata": {"dropped": talk.dropped, "last": talk.calls[-1].question}}  # fmt: skip

    report = evaluate(({"input": str(at), "session": "s"} for at in range(1005)), kept)
    assert report.rows[0]["value"] == 1000.0
    assert report.rows[0]["metadata"] == {"dropped": 5, "last": "1004"}


def test_recorded_calls_are_judged_by_those_of_their_operation(write: Write) -> None:
    @evaluator(operations={"retrieval"}, requires={"context"})
    def found(call: clearspan.Invocation) -> float:
        return float(len(call.documents))

    outer = chat(2, 1, 1, "outer")
    inner = {**chat(2, 2, 2, "inner"), "parentSpanId": f"{1:016x}"}
    path = write("t.json", lines(retrieval(1, 1, 1, "A", "B"), chat(1, 2, 20, "A"), outer, inner))
    report = evaluate(path, [found, grounded, calls])
    told = [(str(row["id"])[-3:], row["name"], row["value"], row["skipped"]) for row in report.rows]
    assert told == [
        ("001", "found", 2.0, None), ("002", "grounded", 1.0, None), ("001", "calls", 2.0, None),
        ("002", "grounded", None, "missing:context"), ("002", "calls", 2.0, None),
    ]  # fmt: skip
    target = report.scores[1].target
    assert target is not None
    assert target.trace is not None
    assert (target.trace.trace_id, target.operation) == (f"{1:032x}", "chat")


@pytest.mark.parametrize(("limit", "found"), [(1, ["a"]), (2, ["a", "b"]), (9, ["a", "b"])])
def test_a_limit_of_rows(limit: int, found: list[str]) -> None:
    assert [row["id"] for row in evaluate(ROWS, brief, limit=limit).rows] == found


def test_a_limit_of_conversations_and_of_calls_with_their_conversations() -> None:
    rows = [{"id": str(at), "input": "?", "output": "!", "session": name} for at, name in enumerate("aabbc")]  # fmt: skip
    assert [row["id"] for row in evaluate(rows, turns, limit=2).rows] == ["a", "b"]
    both = evaluate(rows, [brief, turns], limit=1)
    assert [(row["id"], row["value"]) for row in both.rows] == [("0", 1.0), ("a", 2.0)]


def test_gates(write: Write) -> None:
    assert evaluate(ROWS, [brief, Risk], fail_under=0.5).exit_code == 0
    report = evaluate(ROWS, [brief, Risk], fail_under={"risk": 0.75})
    assert (report.exit_code, [gate.name for gate in report.gates()]) == (1, ["risk"])
    for wrong, said in (({"rsk": 1}, "there is no evaluator rsk here, only risk"), (1.5, "must be 0 to 1")):  # fmt: skip
        with pytest.raises(ValueError, match=said):
            evaluate(ROWS, Risk, fail_under=wrong)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ({"limit": 0}, "limit must be 1 or more"),
        ({"concurrency": 0}, "concurrency must be 1 or more"),
        ({"timeout": 0.0}, "timeout must be more than 0"),
    ],
)
def test_wrong_options(option: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        evaluate(ROWS, brief, **option)


def test_nothing_to_evaluate(write: Write) -> None:
    with pytest.raises(SourceError, match="holds no call"):
        evaluate(iter(()), brief)
    with pytest.raises(SourceError, match="holds no call"):
        evaluate(write("t.json", [{"resourceSpans": []}]), brief)


class Counting(Evaluator):
    """Counts how often it is asked; raises where it is told to."""

    threshold = 0.5

    def __init__(self, *, bad: str = "", **options: Any) -> None:
        super().__init__(**options)
        self.asked: list[str] = []
        self.bad = bad

    def evaluate(self, call: clearspan.Invocation) -> float:
        self.asked.append(call.output_text)
        if call.output_text == self.bad:
            raise RuntimeError
        return 1.0


def test_going_on_where_it_stopped(write: Write, tmp_path: Path) -> None:
    source, out = write("r.jsonl", ROWS), tmp_path / "out.jsonl"
    first, second, third = Counting(bad="long"), Counting(), Counting()
    assert evaluate(source, first, out=out).summary["counting"].errors == {"RuntimeError": 1}
    report = evaluate(source, second, out=out)
    assert (first.asked, second.asked) == (["x", "long"], ["long"])
    assert evaluate(source, third, out=out).rows == report.rows
    assert third.asked == []
    assert [json.loads(line)["error"] for line in out.read_text().splitlines()] == [None, "RuntimeError", None]  # fmt: skip
    stricter, anew = Counting(threshold=0.9), Counting()
    evaluate(source, stricter, out=out)
    assert len(stricter.asked) == 2
    evaluate(source, anew, out=out, resume=False)
    assert len(anew.asked) == len(out.read_text().splitlines()) == 2


def test_a_row_that_has_changed_is_judged_again(write: Write, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    evaluate(write("r.jsonl", ROWS), Counting(), out=out)
    made = Counting()
    report = evaluate(write("r.jsonl", [*ROWS[:1], {"id": "b", "output": "new"}]), made, out=out)
    assert made.asked == ["new"]
    assert [row["id"] for row in report.rows] == ["a", "b"]


def test_the_source_is_not_written_to(write: Write) -> None:
    path = write("r.jsonl", ROWS)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="is the source itself"):
        evaluate(path, brief, out=path)
    assert path.read_bytes() == before


def test_what_is_done_when_it_breaks_is_kept(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    third_is_asked, go_on = threading.Event(), threading.Event()

    def rows() -> Iterator[dict[str, str]]:
        yield {"output": "slow"}
        yield {"output": "fast"}
        yield {"output": "third"}
        # There are two places. The first row holds one, so the second row is done now.
        assert third_is_asked.wait(60)
        raise KeyboardInterrupt

    def judging(call: clearspan.Invocation) -> bool:
        if call.output_text == "third":
            third_is_asked.set()
        return call.output_text == "fast" or go_on.wait(60)

    with pytest.raises(KeyboardInterrupt):
        evaluate(rows(), judging, out=out, concurrency=2, timeout=60)
    go_on.set()
    assert [json.loads(line)["id"] for line in out.read_text().splitlines()] == [2]


@pytest.mark.parametrize("level", ["call", "session"])
def test_a_broken_row_is_an_error_of_every_evaluator(tmp_path: Path, level: str) -> None:
    path, out = tmp_path / "r.jsonl", tmp_path / "out.jsonl"
    path.write_text(
        '{"id": "a", "output": 5}\n{"id": [], "output": "x"}\n{"output": "x"}\n{"id": "d", "output": \n'
    )

    class Whole(Evaluator):
        name = "whole"

        def evaluate(self, call: Any) -> float:
            return 1.0

    whole = Whole()
    whole.level = level  # type: ignore[assignment]
    report = evaluate(path, [brief, whole], out=out)
    wrong = [row for row in report.rows if row["error"] is not None]
    assert [(row["id"], row["name"], row["error"]) for row in wrong] == [
        (id_, name, "invalid_row") for id_ in ("a", 2, 4) for name in ("brief", "whole")
    ]
    assert f"{path}:1: output must be a text or a message" in wrong[0]["explanation"]
    assert f"{path}:4: is no JSON" in wrong[-1]["explanation"]
    assert report.summary["brief"].errors == {"invalid_row": 3}
    assert report.summary["brief"].judged == 1
    assert len(out.read_text().splitlines()) == len(report.rows)
    again = evaluate(path, [brief, whole], out=out)
    assert again.rows == report.rows


def test_broken_rows_count_for_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text('{"output": 5}\n{"output": "x"}\n{"output": "y"}\n')
    assert [row["id"] for row in evaluate(path, brief, limit=2).rows] == [1, 2]


@pytest.mark.parametrize("count", [1, 1_500])
def test_a_source_without_a_readable_row_is_refused(tmp_path: Path, count: int) -> None:
    path, out = tmp_path / "r.jsonl", tmp_path / "out.jsonl"
    path.write_text('{"output": 5}\n' * count)
    with pytest.raises(SourceError, match=r"r\.jsonl:1: output must be a text"):
        evaluate(path, brief, out=out)
    assert out.read_text() == ""


def test_metadata_are_what_json_can_hold() -> None:
    def odd(call: Any) -> Any:
        return {"value": 0.5, "metadata": {"s": {1}, "o": object(), "n": float("nan"), "t": (1, 2)}}

    (row,) = evaluate([{"output": "x"}], odd).rows
    assert json.loads(json.dumps(row, allow_nan=False)) == row
    assert (row["metadata"]["s"], row["metadata"]["n"], row["metadata"]["t"]) == ([1], None, [1, 2])


def test_progress_is_told() -> None:
    told: list[tuple[int, int | None]] = []
    evaluate(ROWS, [brief, length], progress=lambda done, total: told.append((done, total)))
    assert told == [(0, 2), (1, 2), (1, 2), (2, 2), (2, 2)]


def test_a_limit_is_all_that_there_is_to_do(write: Write) -> None:
    told: list[tuple[int, int | None]] = []
    path = write("rows.jsonl", [{"output": "x"}] * 5)
    evaluate(path, brief, limit=2, progress=lambda done, total: told.append((done, total)))
    assert told == [(0, 2), (1, 2), (2, 2)]
    told.clear()
    path.write_text('\n\n{"output": "x"}\n{"output": "x"}\n')
    evaluate(path, brief, limit=2, progress=lambda done, total: told.append((done, total)))
    assert told == [(0, 2), (2, 2), (2, 2)]
    told.clear()
    evaluate(iter(ROWS), brief, limit=1, progress=lambda done, total: told.append((done, total)))
    assert told == [(0, None), (1, None)]


def test_no_bar_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    evaluate(ROWS, brief)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("progress", "drawn"), [(None, True), (False, False)])
def test_a_bar_on_terminals_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], progress: Any, drawn: bool
) -> None:  # fmt: skip
    import sys

    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    evaluate(ROWS, brief, progress=progress)
    out, err = capsys.readouterr()
    assert out == ""
    assert ("2/2" in err) is drawn
