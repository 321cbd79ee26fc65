"""How many calls a second the embedded store takes in from one process: content on, prompts of 2 kB.

Calls come evenly, at a rate that rises until it cannot be kept: then some are dropped, or the program falls behind.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

__all__ = ["sustained"]

RATES = (500, 1_000, 2_000, 3_000, 4_000, 6_000)
SECONDS = 10.0
TURN = 0.01
LATE = 1.0
"""Seconds after the last call by which all must be in the file."""


def sustained(root: Path) -> list[dict[str, Any]]:
    """What became of each rate, until one could not be kept."""
    found: list[dict[str, Any]] = []
    for rate in RATES:
        command = [sys.executable, "-m", "benchmarks.overhead.store", str(rate)]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
        found.append(json.loads(done.stdout.splitlines()[-1]))
        if not found[-1]["kept"]:
            break
    return found


def at(rate: int) -> dict[str, Any]:
    """Calls at this rate for some seconds."""
    import clearspan
    from benchmarks.overhead.workloads import chat

    with tempfile.TemporaryDirectory() as folder:
        runtime = clearspan.init(store=Path(folder) / "store.db", hardware="off")
        call = chat(2_000)(None).call
        call()
        clearspan.flush(60)
        began = time.perf_counter()
        for turn in range(int(SECONDS / TURN)):
            time.sleep(max(0.0, began + turn * TURN - time.perf_counter()))
            for _ in range(int(rate * TURN)):
                call()
        took = time.perf_counter() - began
        clearspan.flush(60)
        late = time.perf_counter() - began - took
        accounts = runtime.status().accounts
        clearspan.shutdown(60)
    dropped = sum(accounts.dropped.values())
    kept = not dropped and took < SECONDS + LATE and late < LATE
    return {
        "rate": rate, "kept": kept, "stored": accounts.stored, "dropped": dropped,
        "seconds": took, "late": late,
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(at(int(sys.argv[1]))))
