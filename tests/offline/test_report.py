from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest

from clearspan.offline.report import Gate, Report, wilson
from clearspan.score import Score


def report(**gates: float) -> Report:
    return Report(
        ["risk", "talk", "never"],
        [
            ("a", Score(name="risk", value=0.2, passed=True)),
            ("b", Score(name="risk", value=0.8, passed=False, explanation="<too> much\x00\x1b[31m")),
            ("c", Score(name="risk", error="timeout", explanation="not done")),
            ("d", Score(name="risk", skipped="missing:output")),
            ("a", Score(name="talk", label="fine", metadata={"k": 1})),
            ("b", Score(name="talk", label="odd", passed=False)),
        ],
        gates,
    )  # fmt: skip


def test_rows_have_exactly_these_names() -> None:
    rows = report().rows
    names = [
        "id",
        "name",
        "value",
        "label",
        "passed",
        "error",
        "skipped",
        "explanation",
        "metadata",
    ]
    assert all(list(row) == names for row in rows)
    assert rows[4] == {"id": "a", "name": "talk", "value": None, "label": "fine", "passed": None, "error": None, "skipped": None, "explanation": None, "metadata": {"k": 1}}  # fmt: skip
    assert [score.name for score in report().scores] == ["risk"] * 4 + ["talk"] * 2


def test_sums() -> None:
    risk, talk, never = report().summary.values()
    assert (risk.n, risk.judged, risk.mean, risk.passed, risk.verdicts) == (4, 2, 0.5, 1, 2)
    assert (risk.pass_rate, risk.errors, risk.skipped) == (0.5, {"timeout": 1}, {"missing:output": 1})  # fmt: skip
    assert risk.share == pytest.approx(1 / 3)
    assert (talk.mean, talk.pass_rate) == (None, 0.0)
    assert (never.n, never.pass_rate, never.interval, never.share) == (0, None, None, None)


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [(5, 10, 0.2366, 0.7634), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (81, 263, 0.2553, 0.3662)],
)  # fmt: skip
def test_intervals_are_wilsons(hits: int, total: int, low: float, high: float) -> None:
    assert wilson(hits, total) == pytest.approx((low, high), abs=1e-4)


def test_gates() -> None:
    assert not report().failed()
    assert report().exit_code == 0
    assert not report(risk=0.33).failed()
    missed = report(risk=0.34)
    assert missed.failed()
    assert missed.exit_code == 1
    assert missed.failed({"risk": 0.1}) is False
    (gate,) = missed.gates()
    assert str(gate) == "risk: missed, 0.3333 passed, 0.34 had to; 1 with an error, which do not count as passed"  # fmt: skip
    with pytest.raises(ValueError, match="there was no evaluator odd, only risk, talk, never"):
        report().gates({"odd": 1.0})


def test_a_gate_that_nothing_could_pass_is_missed() -> None:
    assert report(never=0.0).failed()
    assert str(report(never=0.5).gates()[0]) == "never: missed, nothing was judged"
    bare = Report(["r"], [("a", Score(name="r", value=1.0))], {"r": 0.0})
    assert bare.failed()
    assert "needs a threshold" in str(bare.gates()[0])
    assert str(Gate("r", 0.5, 1.0, verdicts=3)) == "r: held, 1 passed, 0.5 had to"


def test_json_holds_everything() -> None:
    told = json.loads(json.dumps(report(risk=0.9).as_dict()))
    assert told["summary"][0]["interval"] == pytest.approx([0.0945, 0.9055], abs=1e-4)
    assert told["gates"] == [{"name": "risk", "wanted": 0.9, "share": pytest.approx(1 / 3), "missed": True}]  # fmt: skip
    assert len(told["rows"]) == 6


def test_junit_is_sound_xml_with_the_right_counts() -> None:
    root = ET.fromstring(report(risk=0.9, talk=0.0).junit())
    counts = {name: root.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "8", "failures": "3", "errors": "1", "skipped": "1"}
    suites = {suite.get("name"): suite for suite in root}
    assert list(suites) == ["risk", "talk", "never", "fail_under"]
    cases = {case.get("name"): case for case in suites["risk"]}
    assert [child.tag for case in cases.values() for child in case] == ["system-out", "failure", "error", "skipped"]  # fmt: skip
    assert cases["b"][0].text == "<too> much\ufffd\ufffd[31m"
    assert cases["b"][0].get("message") == "value 0.8"
    assert suites["talk"][0][0].text == "label fine"
    assert [case.get("name") for case in suites["fail_under"]] == ["risk", "talk"]


def test_a_verdict_alone_is_told_as_such() -> None:
    bare = Report(["r"], [("a", Score(name="r", passed=False)), ("b", Score(name="r", passed=True))])  # fmt: skip
    failure, fine = ET.fromstring(bare.junit()).iter("testcase")
    assert failure[0].get("message") == "failed"
    assert fine[0].text == "passed"


def test_the_table_says_what_there_is() -> None:
    lines = str(report(risk=0.9)).splitlines()
    assert lines[0].split() == ["evaluator", "rows", "judged", "mean", "passed", "share", "95", "%", "interval", "errors", "skipped"]  # fmt: skip
    assert lines[1].split() == [
        "risk",
        "4",
        "2",
        "0.500",
        "1",
        "0.500",
        "0.095",
        "to",
        "0.905",
        "1",
        "1",
    ]
    assert "risk: errors: timeout (1)" in lines
    assert "risk: skipped: missing:output (1)" in lines
    assert "- b risk 0.800 <too> much  [31m" in lines
    assert "- c risk error timeout not done" in lines
    assert lines[-1].startswith("gate risk: missed")
    assert "skipped" not in str(Report(["r"], [("a", Score(name="r", value=1.0))]))


def test_the_table_has_room_for_ten_examples() -> None:
    many = [(str(at), Score(name="r", value=0.1, passed=False, explanation="x" * 300)) for at in range(12)]  # fmt: skip
    lines = str(Report(["r"], many)).splitlines()
    assert sum(line.startswith("- ") for line in lines) == 10
    assert max(map(len, lines)) == 100
    assert lines[-1] == "... and 2 more that did not pass"


def test_a_report_is_short_in_a_prompt() -> None:
    assert repr(report()) == "Report(6 results of risk, talk, never)"


def test_what_judged_nothing_is_told_and_errors_alone_are_no_success() -> None:
    blind = Score(name="blind", error="judge_setting", explanation="no such judge")
    mute = Score(name="blind", skipped="missing:output")
    found = Report(["blind", "none"], [("a", mute), ("b", blind)], notes=["mind the gap"])
    assert found.warnings() == [
        "mind the gap",
        "blind judged nothing: errors: judge_setting (1); skipped: missing:output (1); the first: no such judge",
        "none judged nothing: no call was of its kind",
    ]
    assert found.as_dict()["warnings"] == found.warnings()
    assert (found.failed(), found.exit_code) == (False, 1)
    only = Report(["blind"], [("a", mute)])
    assert (only.warnings(), only.exit_code) == (["blind judged nothing: skipped: missing:output (1)"], 0)  # fmt: skip
    part = Report(["blind"], [("a", blind), ("b", Score(name="blind", value=1.0))])
    assert (part.warnings(), part.exit_code) == ([], 0)
    bare = Report(["blind"], [("a", Score(name="blind", error="timeout"))])
    assert bare.warnings() == ["blind judged nothing: errors: timeout (1)"]
    unset = Report(["j"], [("a", Score(name="j", skipped="no_judge"))])
    assert unset.warnings()[0].endswith("name a judge by CLEARSPAN_JUDGE")
