"""Measure what recording costs: `python -m benchmarks.overhead [OPTIONS]`.

    --rounds N                  how often each variant has its turn (5)
    --measure caller,total      the calling thread's CPU, or the whole process's until all is exported
    --workloads short,stream    some of them only
    --variants clearspan,off    some of ours only
    --peer NAME=PYTHON          another instrumentation, and the interpreter of its environment; may be repeated
    --out FILE                  where the figures go as JSON, beside the table
    --smoke                     see that each records what it should, and measure nothing

Ends with 1 where something does not record what it should.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.overhead.variants import OURS, VARIANTS
from benchmarks.overhead.workloads import WORKLOADS

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 900.0


@dataclass(frozen=True)
class Place:
    """A variant, and the interpreter that runs it. `base` names whose baseline is its own."""

    variant: str
    python: str
    base: str

    def run(self, workload: str, measure: str) -> dict[str, Any]:
        """One process."""
        environment = {**os.environ, **VARIANTS[self.variant].environment, "PYTHONPATH": str(ROOT)}
        command = [self.python, "-m", "benchmarks.overhead.child", self.variant, workload, measure]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=LIMIT
        )
        if done.returncode:
            return {"absent": (done.stderr.strip().splitlines() or ["?"])[-1]}
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found


def major(python: str) -> str:
    """The major of the openai client in an environment."""
    code = "from importlib.metadata import version; print(version('openai').partition('.')[0])"
    return subprocess.run(
        [python, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def places(ours: list[str], peers: dict[str, str]) -> list[Place]:
    """Who is measured, baselines first: one with an older client has its own."""
    here = major(sys.executable)
    found = [Place(name, sys.executable, "") for name in ours]
    for name, python in peers.items():
        own = "" if major(python) == here else name
        if own:
            found += [Place(base, python, own) for base in ("raw", "bare")]
        found.append(Place(name, python, own))
    return found


def faults(found: list[Place], workloads: list[str]) -> list[str]:
    """What does not record as it should: one span to a call, the prompt in it where content is on."""
    wrong: list[str] = []
    for workload in workloads:
        for place in found:
            variant = VARIANTS[place.variant]
            if WORKLOADS[workload].library not in variant.libraries:
                continue
            told = place.run(workload, "checked")
            if "absent" in told:
                if place.variant in OURS:
                    wrong.append(f"{place.variant} {workload}: {told['absent']}")
                continue
            wanted = (1.0 if variant.records else 0.0, variant.content)
            if place.variant in OURS and workload == "embeddings" and place.variant == "bare":
                continue  # it keeps no content of those
            if (told["spans"], told["content"]) != wanted and place.variant in OURS:
                wrong.append(f"{place.variant} {workload}: {told}, not {wanted}")
            elif told["spans"] < wanted[0]:
                wrong.append(f"{place.variant} {workload}: {told}")
    return wrong


def measured(found: list[Place], workload: str, measure: str, rounds: int) -> dict[str, Any]:
    """Cost of each above its baseline, in microseconds, and as ratios to bare, with their spread."""
    times: dict[Place, list[float]] = {place: [] for place in found}
    for _ in range(rounds):
        for place in found:
            if WORKLOADS[workload].library in VARIANTS[place.variant].libraries:
                told = place.run(workload, measure)
                if "us" in told:
                    times[place].append(told["us"])
    rows: dict[str, Any] = {}
    for place, own in times.items():
        raw, bare = (
            [us for other, all_ in times.items() if (other.variant, other.base) == (name, place.base) for us in all_]
            for name in ("raw", "bare")
        )  # fmt: skip
        if place.variant == "raw" or len(own) < rounds or not raw or not bare:
            continue
        floor = statistics.median(raw)
        unit = statistics.median(bare) - floor
        cost = [us - floor for us in own]
        rows[place.variant if place.variant != "bare" else f"bare{place.base and ' of '}{place.base}"] = {
            "us": statistics.median(cost), "ratio": statistics.median(cost) / unit,
            "spread": [min(cost) / unit, max(cost) / unit], "raw_us": floor,
        }  # fmt: skip
    return rows


def table(measure: str, results: dict[str, dict[str, Any]]) -> str:
    """The ratios, a row for each workload."""
    names = list(dict.fromkeys(name for rows in results.values() for name in rows))
    names = [name for name in names if not name.startswith("bare")]
    lines = [
        f"| {measure} | bare, µs | " + " | ".join(names) + " |",
        "| --- " * (len(names) + 2) + "|",
    ]
    for workload, rows in results.items():
        cells = [
            f"{rows[name]['ratio']:.2f} ({rows[name]['spread'][0]:.2f}-{rows[name]['spread'][1]:.2f})"
            if name in rows
            else ""
            for name in names
        ]
        bare = f"{rows['bare']['us']:.0f}" if "bare" in rows else ""
        lines.append(f"| {WORKLOADS[workload].title} | {bare} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overhead")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--measure", default="caller,total")
    parser.add_argument("--workloads", default=",".join(WORKLOADS))
    parser.add_argument("--variants", default=",".join(OURS))
    parser.add_argument("--peer", action="append", default=[])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--smoke", action="store_true")
    given = parser.parse_args(arguments)
    workloads = given.workloads.split(",")
    ours = list(dict.fromkeys(["raw", "bare", *given.variants.split(",")]))
    found = places(ours, dict(item.split("=", 1) for item in given.peer))
    wrong = faults(found, workloads)
    for line in wrong:
        print(f"does not record what it should: {line}", flush=True)
    results: dict[str, dict[str, Any]] = {}
    for measure in () if given.smoke else given.measure.split(","):
        results[measure] = {}
        for workload in workloads:
            results[measure][workload] = measured(found, workload, measure, given.rounds)
            print(f"{measure} {workload}: {json.dumps(results[measure][workload])}", file=sys.stderr, flush=True)  # fmt: skip
        print(table(measure, results[measure]), flush=True)
    if given.out is not None:
        given.out.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
