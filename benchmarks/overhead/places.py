"""Who is measured with which interpreter, each figure by a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.overhead.variants import VARIANTS
from benchmarks.overhead.workloads import WORKLOADS

__all__ = ["ROOT", "Place", "places"]

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 300.0


@dataclass(frozen=True)
class Place:
    """A variant, and the interpreter that runs it. `base` names whose baseline is its own."""

    variant: str
    python: str
    base: str

    def run(self, workload: str, measure: str) -> dict[str, Any]:
        """One process; `absent` tells why there is no figure."""
        environment = {
            **os.environ,
            **VARIANTS[self.variant].environment,
            "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "src"))),
        }
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # compiling is no part of starting
        command = [self.python, "-m", "benchmarks.overhead.child", self.variant, workload, measure]
        try:
            done = subprocess.run(
                command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:  # with an exporter that stalls some do not go on
            return {"absent": f"it took more than {LIMIT:.0f} s"}
        if done.returncode:
            return {"absent": (done.stderr.strip().splitlines() or ["?"])[-1]}
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found

    def runs(self, workload: str) -> bool:
        """Whether it records that library."""
        known = VARIANTS[self.variant].libraries if not self.base else ("openai",)
        return WORKLOADS[workload].library in known


def places(ours: list[str], peers: dict[str, str]) -> list[Place]:
    """Baselines first: one that holds the client back to an older major has its own."""
    here = major(sys.executable)
    found = [Place(name, sys.executable, "") for name in ours]
    for name, python in peers.items():
        own = "" if major(python) == here else name
        if own:
            found.append(Place("bare", python, own))
        found.append(Place(name, python, own))
    return found


def major(python: str) -> str:
    """The major of the openai client in an environment."""
    code = "from importlib.metadata import version; print(version('openai').partition('.')[0])"
    return subprocess.run(
        [python, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
