"""Measure what recording costs: `python -m benchmarks.overhead [OPTIONS]`.

    --rounds N                  how often each variant has its turn (5)
    --measure caller,total      the calling thread's CPU, or the whole process's until all is exported
    --workloads short,stream    some of them only
    --variants clearspan,off    some of ours only
    --peer NAME=PYTHON          another instrumentation, and the interpreter of its environment; may be repeated
    --apart startup,memory,store,generate    what is measured beside the workloads (all of it)
    --out FILE                  where the figures go as JSON, beside the tables
    --plot FILE                 where they go as a picture (SVG)
    --smoke                     see that each records what it should, and measure nothing

Ends with 1 where something does not record what it should.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.overhead import store, tables
from benchmarks.overhead.child import CALM
from benchmarks.overhead.places import ROOT, Place, places
from benchmarks.overhead.variants import OURS, PEERS, VARIANTS
from benchmarks.overhead.workloads import WORKLOADS

AGAIN, HALF = 4, 0.5
MEASURES = ("caller", "total")
APART = ("startup", "memory", "store", "generate")
MEASURED = [name for name in WORKLOADS if name != "distinct"]


class Seen(NamedTuple):
    """What came of looking at what each records: faults; and who, of others, knows nothing of a workload, or keeps
    no content of it."""

    wrong: list[str]
    unknown: set[tuple[str, str]]
    silent: set[tuple[str, str]]


def faults(found: list[Place], workloads: list[str]) -> Seen:
    """What does not record as it should: one span to a call, the prompt told where content is on."""
    seen = Seen([], set(), set())
    for workload in workloads:
        for place in (each for each in found if each.runs(workload)):
            told, variant = place.run(workload, "checked"), VARIANTS[place.variant]
            ours = place.variant in OURS
            if "absent" in told:
                if ours:
                    seen.wrong.append(f"{place.variant} {workload}: {told['absent']}")
                continue
            wanted = {"spans": 1.0 if variant.records else 0.0, "content": variant.content}
            if place.variant == "bare" and workload == "embeddings":
                wanted["content"] = False
            # Others may make more spans than one, keep no content of some kinds of calls, and not know all of them.
            lacks = workload == "short" and (not told["spans"] or not told["content"])
            if told != wanted if ours else lacks:
                seen.wrong.append(f"{place.variant} {workload}: {told}, not {wanted}")
            if not told["spans"] and variant.records:
                seen.unknown.add((place.variant, workload))
            elif variant.content and not told["content"]:
                seen.silent.add((place.variant, workload))
    return seen


def measured(found: list[Place], workload: str, measure: str, rounds: int) -> dict[str, Any]:
    """Cost of each above the client alone, in microseconds, and as ratios to bare, with their spread."""
    times: dict[Place, list[dict[str, float]]] = {
        place: [] for place in found if place.runs(workload)
    }
    calmest: dict[str, float] = {}
    for _ in range(rounds):
        for place, own in times.items():
            told = calm(place, workload, measure, calmest)
            own.extend([told] if "us" in told else [])
    rows: dict[str, Any] = {}
    times = {place: own for place, own in times.items() if len(own) == rounds}
    for place, own in times.items():
        # What was measured before it was known how quick the client can be is looked at again.
        own[:] = [one for one in own if one["raw_us"] <= CALM * calmest[place.base]] or own
    for place, own in times.items():
        bare = [one["us"] for other, some in times.items() if (other.variant, other.base) == ("bare", place.base) for one in some]  # fmt: skip
        if not bare:
            continue
        unit = statistics.median(bare)
        cost = [one["us"] for one in own]
        name = f"bare of {place.base}" if place.variant == "bare" and place.base else place.variant
        rows[name] = {
            "us": statistics.median(cost), "ratio": statistics.median(cost) / unit,
            "spread": [min(cost) / unit, max(cost) / unit],
            "raw_us": statistics.median(one["raw_us"] for one in own),
        }  # fmt: skip
    return rows


def calm(place: Place, workload: str, measure: str, calmest: dict[str, float]) -> dict[str, Any]:
    """One measurement; again, a few times, where the client alone took much longer than at its quickest (`calmest`)."""
    found: list[dict[str, Any]] = []
    for _ in range(AGAIN):
        told = place.run(workload, measure)
        if "us" not in told:
            return told
        found.append(told)
        floor = calmest[place.base] = min(told["raw_us"], calmest.get(place.base, told["raw_us"]))
        if told["raw_us"] <= CALM * floor and told["calm"] >= HALF:
            break
    return min(found, key=lambda one: float(one["raw_us"]))


def each(found: list[Place], workload: str, measure: str, rounds: int) -> dict[str, Any]:
    """The medians of another measure, by variant."""
    told: dict[str, list[dict[str, float]]] = {}
    for _ in range(rounds):
        for place in (each for each in found if not each.base or each.variant == each.base):
            got = place.run(workload, measure)
            told.setdefault(place.variant, []).extend([got] if "absent" not in got else [])
    return {
        name: {key: statistics.median(one[key] for one in some) for key in some[0]}
        for name, some in told.items()
        if some
    }


def apart(name: str, found: list[Place], rounds: int) -> tuple[Any, str]:
    """One of the other figures, and its table."""
    if name == "startup":
        told = each(found, "short", name, rounds)
        lines = [[VARIANTS[key].title, f"{row['ms']:.0f}", f"{row['modules']:.0f}"] for key, row in told.items()]  # fmt: skip
        return told, tables.rows(["import and start", "CPU, ms", "modules"], lines)
    if name == "memory":
        told = each(found, "distinct", name, 1)
        return told, tables.rows(
            ["2,000 calls of 50 kB, the exporter stalled", "MB at most"],
            [[VARIANTS[key].title, f"{row['mb']:.0f}"] for key, row in told.items()],
        )
    if name == "store":
        rates = store.sustained(ROOT)
        lines = [[each["rate"], each["stored"], each["dropped"], f"{each['seconds']:.1f}", f"{each['late']:.2f}", "yes" if each["kept"] else "no"] for each in rates]  # fmt: skip
        heads = ["calls a second", "stored", "dropped", f"the program took, s (of {store.SECONDS:.0f})", "stored after, s", "kept up"]  # fmt: skip
        return rates, tables.rows(heads, lines)
    if missing := [each for each in ("torch", "transformers") if find_spec(each) is None]:
        return None, f"generate() is left out: it needs {' and '.join(missing)}"
    command = [sys.executable, "-m", "benchmarks.overhead.generate"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    ratio = json.loads(done.stdout.splitlines()[-1])
    line = [f"{ratio['without'] * 1e3:.1f}", f"{ratio['with'] * 1e3:.1f}", f"{ratio['ratio']:.3f}"]
    return ratio, tables.rows(["generate(), ms without", "with", "ratio"], [line])


def some_of(known: Iterable[str]) -> Callable[[str], list[str]]:
    """What reads a list of such names, which may be empty."""
    names = list(known)

    def read(text: str) -> list[str]:
        told = [name for name in text.split(",") if name]
        if strange := [name for name in told if name not in names]:
            raise argparse.ArgumentTypeError(
                f"{', '.join(strange)}: choose from {', '.join(names)}"
            )
        return told

    return read


def peer(text: str) -> tuple[str, str]:
    """A name of theirs, and an interpreter."""
    name, _, python = text.partition("=")
    if name not in PEERS or not python:
        raise argparse.ArgumentTypeError(
            f"{text}: write NAME=PYTHON, NAME one of {', '.join(PEERS)}"
        )
    return name, python


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.overhead", usage="%(prog)s [OPTIONS]", add_help=False,
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f"workloads: {', '.join(WORKLOADS)}\nvariants: {', '.join(OURS)}\npeers: {', '.join(PEERS)}",
    )  # fmt: skip
    hidden = argparse.SUPPRESS
    parser.add_argument("--help", "-h", action="help", help=hidden)
    parser.add_argument("--rounds", type=int, default=5, help=hidden)
    parser.add_argument("--measure", type=some_of(MEASURES), default=list(MEASURES), help=hidden)
    parser.add_argument("--workloads", type=some_of(WORKLOADS), default=MEASURED, help=hidden)
    parser.add_argument("--variants", type=some_of(OURS), default=list(OURS), help=hidden)
    parser.add_argument("--peer", type=peer, action="append", default=[], help=hidden)
    parser.add_argument("--apart", type=some_of(APART), default=list(APART), help=hidden)
    parser.add_argument("--out", type=Path, help=hidden)
    parser.add_argument("--plot", type=Path, help=hidden)
    parser.add_argument("--smoke", action="store_true", help=hidden)
    given = parser.parse_args(arguments)
    workloads = given.workloads
    found = places(list(dict.fromkeys(["bare", *given.variants])), dict(given.peer))
    seen = faults(found, workloads)
    for line in seen.wrong:
        print(f"does not record what it should: {line}", flush=True)
    results: dict[str, Any] = {}
    for measure in () if given.smoke else given.measure:
        results[measure] = {}
        for workload in workloads:
            able = [place for place in found if (place.variant, workload) not in seen.unknown]
            rows = measured(able, workload, measure, given.rounds)
            for name, row in rows.items():
                row["content"] = (name, workload) not in seen.silent
            results[measure][workload] = rows
            print(f"{measure} {workload}", file=sys.stderr, flush=True)
        print("\n" + tables.ratios(measure, results[measure]), flush=True)
    for name in () if given.smoke else given.apart:
        results[name], told = apart(name, found, given.rounds)
        print("\n" + told, flush=True)
    if given.out is not None:
        given.out.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    if given.plot is not None and "caller" in results:
        tables.plot(given.plot, results["caller"])
    return 1 if seen.wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
