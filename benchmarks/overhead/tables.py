"""The figures as tables for people, and as a plot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.overhead.variants import OURS, VARIANTS
from benchmarks.overhead.workloads import WORKLOADS

__all__ = ["plot", "ratios", "rows"]

NO_CONTENT = " °"
"""Of such a call it keeps no content."""
PLOTTED = ("short", "60kB", "stream")


def rows(head: Iterable[str], lines: Iterable[Iterable[object]]) -> str:
    """A table in Markdown."""
    titles = list(head)
    told = [f"| {' | '.join(map(str, line))} |" for line in lines]
    return "\n".join([f"| {' | '.join(titles)} |", "| --- " * len(titles) + "|", *told])


def ratios(measure: str, results: Mapping[str, Mapping[str, Any]]) -> str:
    """Multiples of bare with their spread, a row for each workload."""
    names = [
        name
        for name in dict.fromkeys(name for found in results.values() for name in found)
        if not name.startswith("bare")
    ]
    lines = [
        [
            WORKLOADS[workload].title,
            f"{found['bare']['us']:.0f}" if "bare" in found else "",
            *(_cell(found.get(name)) for name in names),
        ]
        for workload, found in results.items()
    ]
    return rows([measure, "by hand, µs", *(VARIANTS[name].title for name in names)], lines)


def _cell(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return ""
    low, high = found["spread"]
    mark = "" if found["content"] else NO_CONTENT
    return f"{found['ratio']:.2f}{mark} ({low:.2f}-{high:.2f})"


def plot(path: Path, results: Mapping[str, Mapping[str, Any]]) -> None:
    """Bars of the calling thread's cost for some workloads, those of clearspan apart in colour."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.fonttype"] = "none"  # letters, and not their outlines
    mpl.rcParams["svg.hashsalt"] = "clearspan"
    from matplotlib import pyplot as plt

    shown = [workload for workload in PLOTTED if workload in results]
    figure, axes = plt.subplots(1, len(shown), figsize=(4 * len(shown), 3.4), squeeze=False)
    for axis, workload in zip(axes[0], shown, strict=True):
        found = results[workload]
        names = [name for name in found if name in VARIANTS and name not in ("raw", "disabled")]
        colours = ["#999999" if name == "bare" else "#1f6feb" if name in OURS else "#d29922" for name in names]  # fmt: skip
        axis.barh(
            [VARIANTS[name].title for name in names],
            [found[name]["ratio"] for name in names],
            color=colours,
        )
        axis.axvline(1, color="#999999", linewidth=0.8)
        axis.invert_yaxis()
        axis.set_xlabel("multiples of a span by hand")
        axis.set_title(WORKLOADS[workload].title)
    figure.tight_layout()
    figure.savefig(path, format="svg", metadata={"Date": None})
