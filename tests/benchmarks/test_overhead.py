"""The benchmark of overhead: that everybody in it records what is measured, and what becomes of the figures."""

from __future__ import annotations

import subprocess
import sys
from collections import deque
from pathlib import Path
from typing import Any

import pytest

from benchmarks.overhead import __main__ as overhead, child, tables
from benchmarks.overhead.places import ROOT, Place

PATIENCE = 300


def smoke(workloads: str, variants: str) -> subprocess.CompletedProcess[str]:
    """The benchmark as it is started by hand, only to see that all is recorded."""
    command = [sys.executable, "-m", "benchmarks.overhead", "--smoke", "--workloads", workloads, "--variants", variants]  # fmt: skip
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)  # fmt: skip


@pytest.mark.parametrize("workload", [name for name in overhead.MEASURED if name != "ollama"])
def test_every_workload_is_recorded_by_hand_and_by_clearspan(workload: str) -> None:
    done = smoke(workload, "clearspan")
    assert (done.stdout, done.returncode) == ("", 0), done.stderr


def test_a_stream_of_ollama_is_recorded() -> None:
    pytest.importorskip("ollama")
    done = smoke("ollama", "clearspan")
    assert (done.stdout, done.returncode) == ("", 0), done.stderr


def test_every_mode_records_what_it_should_and_no_more() -> None:
    done = smoke("short,stream,decorator", "providers,off,unsampled,disabled,8kB")
    assert (done.stdout, done.returncode) == ("", 0), done.stderr


class Run(Place):
    """A place whose processes have run already."""

    said: deque[dict[str, Any]]

    def run(self, workload: str, measure: str) -> dict[str, Any]:
        return self.said.popleft()


def place(variant: str, said: list[dict[str, Any]], base: str = "") -> Run:
    made = Run(variant, sys.executable, base)
    object.__setattr__(made, "said", deque(said))  # it is frozen
    return made


def test_what_records_too_little_is_found_out() -> None:
    good = {"spans": 1.0, "content": True}
    assert overhead.faults([place("clearspan", [good])], ["short"]) == ([], set(), set())
    for told in ({"spans": 0.8, "content": True}, {"spans": 1.0, "content": False}, {"spans": 2.0, "content": True}):  # fmt: skip
        (wrong,) = overhead.faults([place("clearspan", [told])], ["short"]).wrong
        assert wrong.startswith("clearspan short: ")
    (wrong,) = overhead.faults([place("clearspan", [{"absent": "it broke"}])], ["short"]).wrong
    assert wrong == "clearspan short: it broke"


def test_others_may_record_more_and_cannot_do_everything() -> None:
    more, mute = {"spans": 2.0, "content": True}, {"spans": 1.0, "content": False}
    nothing = {"spans": 0.0, "content": False}
    assert overhead.faults([place("langfuse", [more])], ["short"]) == ([], set(), set())
    absent = {"absent": "it has no decorator"}
    assert overhead.faults([place("logfire", [absent])], ["short"]) == ([], set(), set())
    seen = overhead.faults([place("openlit", [nothing])], ["responses"])
    assert seen == ([], {("openlit", "responses")}, set())
    # Whoever was told to keep prompts, and keeps none of an embedding, did less than was measured of the others.
    seen = overhead.faults([place("openlit", [mute])], ["embeddings"])
    assert seen == ([], set(), {("openlit", "embeddings")})
    for lacking in (nothing, mute):
        (wrong,) = overhead.faults([place("openlit", [lacking])], ["short"]).wrong
        assert wrong.startswith("openlit short: ")


def test_ratios_are_of_medians_and_to_the_bare_of_the_same_client() -> None:
    def runs(*costs: float) -> list[dict[str, Any]]:
        return [{"us": cost, "raw_us": 200.0, "calm": 1.0} for cost in costs]

    found = overhead.measured(
        [
            place("bare", runs(90, 100, 500)),
            place("clearspan", runs(40, 60, 50)),
            place("bare", runs(10, 10, 10), "openllmetry"),
            place("openllmetry", runs(70, 80, 30), "openllmetry"),
            place("logfire", [{"absent": "no"}] * 3),
        ],
        "short", "caller", 3,
    )  # fmt: skip
    assert found["clearspan"] == {"us": 50, "ratio": 0.5, "spread": [0.4, 0.6], "raw_us": 200.0}
    assert found["openllmetry"]["ratio"] == 7
    assert "logfire" not in found


def test_what_was_measured_while_the_machine_was_busy_does_not_count() -> None:
    calm, busy = child.Turn(10.0, 15.0, 11.0), child.Turn(30.0, 99.0, 31.0)
    before_it_was_busy = child.Turn(10.0, 70.0, 30.0)
    found = child.undisturbed([busy, *[calm] * 6, before_it_was_busy])
    assert found == {"raw_us": 10e6, "us": 5e6, "calm": 0.75}
    assert child.undisturbed([busy]) == {"raw_us": 30e6, "us": 69e6, "calm": 1.0}
    assert child.undisturbed([before_it_was_busy])["us"] == 60e6, "where nothing else is known"


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_the_memory_of_a_process_is_its_own_and_not_that_of_who_started_it() -> None:
    code = "from benchmarks.overhead.child import fullest; print(fullest())"
    ballast = bytearray(120_000_000)
    ballast[::4096] = b"x" * len(ballast[::4096])  # so that there is memory behind it
    assert child.fullest() > 120_000
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)  # fmt: skip
    assert int(done.stdout) < 100_000


def test_a_process_that_was_disturbed_has_another_turn() -> None:
    slow = {"us": 90.0, "raw_us": 400.0, "calm": 1.0}
    quick, broken = {**slow, "us": 50.0, "raw_us": 220.0}, {**slow, "raw_us": 210.0, "calm": 0.3}
    calmest = {"": 200.0}
    turns = place("clearspan", [slow, slow, quick, slow])
    assert overhead.calm(turns, "short", "caller", calmest) == quick
    assert list(turns.said) == [slow]
    patient = place("clearspan", [slow, broken, {**slow, "raw_us": 300.0}, slow, quick])
    assert overhead.calm(patient, "short", "caller", calmest) == broken
    assert list(patient.said) == [quick], "four times at most"
    assert overhead.calm(place("logfire", [{"absent": "no"}]), "short", "caller", calmest) == {"absent": "no"}  # fmt: skip
    first = place("bare", [{"us": 1.0, "raw_us": 150.0, "calm": 0.5}])
    assert overhead.calm(first, "short", "caller", calmest)["us"] == 1.0
    assert calmest == {"": 150.0}


def test_what_was_slow_before_it_was_known_does_not_count() -> None:
    slow = {"us": 100.0, "raw_us": 400.0, "calm": 1.0}
    quick = {**slow, "us": 50.0, "raw_us": 200.0}
    found = overhead.measured(
        [place("bare", [slow, quick]), place("clearspan", [quick, quick])], "short", "caller", 2
    )
    assert (found["bare"]["us"], found["clearspan"]["ratio"]) == (50, 1)
    assert found["bare"]["spread"] == [1, 1]


def test_the_table_has_a_row_for_each_workload_and_the_plot_a_bar_for_each(tmp_path: Path) -> None:
    row = {"us": 50.0, "ratio": 0.5, "spread": [0.4, 0.6], "raw_us": 200.0, "content": True}
    mute = {**row, "content": False}
    results = {
        "short": {"bare": {**row, "us": 100.0, "ratio": 1.0}, "clearspan": row, "openlit": mute},
        "60kB": {},
    }
    assert tables.ratios("caller", results).splitlines()[2:] == [
        "| short prompt | 100 | 0.50 (0.40-0.60) | 0.50 ° (0.40-0.60) |",
        "| 60 kB prompt |  |  |  |",
    ]
    pytest.importorskip("matplotlib")
    tables.plot(tmp_path / "plot.svg", {"short": results["short"]})
    assert "<svg" in (tmp_path / "plot.svg").read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--workloads", "shrt"], "--workloads: shrt: choose from short, "),
        (["--variants", "bare,nope"], "--variants: nope: choose from raw, bare, "),
        (["--apart", "none"], "--apart: none: choose from startup, memory, store, generate"),
        (["--measure", "all"], "--measure: all: choose from caller, total"),
        (["--peer", "logfire"], "--peer: logfire: write NAME=PYTHON, NAME one of "),
    ],
)
def test_a_name_that_nobody_has_is_told_with_those_that_there_are(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        overhead.main(arguments)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_the_help_tells_what_may_be_measured(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        overhead.main(["--help"])
    said = capsys.readouterr().out
    assert "--apart startup,memory,store,generate" in said
    assert "workloads: short, 60kB, " in said


def test_without_a_model_library_the_rest_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overhead, "find_spec", lambda name: None if name == "torch" else object())
    assert overhead.apart("generate", [], 1) == (
        None,
        "generate() is left out: it needs torch",
    )
