"""The long run: `python -m tests.fuzz.run [10m] [target ...]`, shared out evenly between the targets.

Half of each target's time goes to hypothesis, half to atheris, which looks for bytes that reach new code; where it
cannot be installed hypothesis has all of it. Ends with 1 at the first bytes that do harm, and prints them.
"""

from __future__ import annotations

import importlib.util
import os
import random
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

from hypothesis import HealthCheck, given, seed, settings, strategies

from tests.fuzz.targets import TARGETS, close
from tests.soak.length import seconds

__all__ = ["main"]

BATCH = 10


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def hypothesised(target: str, length: float) -> bool:
    """Batches of examples, each from a seed of its own, until the time is over; whether all was well."""
    until, count = time.monotonic() + length, 0
    while time.monotonic() < until:
        number = random.getrandbits(64)

        @seed(number)
        @settings(
            max_examples=BATCH, deadline=None, database=None, suppress_health_check=list(HealthCheck)
        )  # fmt: skip
        @given(strategies.binary(max_size=400))
        def run(data: bytes) -> None:
            nonlocal count
            count += 1
            TARGETS[target](data)

        try:
            run()
        except Exception:  # noqa: BLE001 -- whatever it is, it is the finding
            _say(f"{target:12} hypothesis FAILED (seed {number})\n{traceback.format_exc()}")
            return False
    _say(f"{target:12} hypothesis {count:8d} examples")
    return True


def guided(target: str, length: float) -> bool:
    """Atheris in a process of its own, which it never gives back; whether all was well."""
    with tempfile.TemporaryDirectory() as folder:
        options = [f"-max_total_time={int(length)}", "-max_len=400", "-timeout=120", "-print_final_stats=1", f"-artifact_prefix={folder}/"]  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "tests.fuzz.guided", target, *options],
            capture_output=True, text=True, timeout=length + 300,
            env={**os.environ, "CLEARSPAN_STRICT": os.environ.get("CLEARSPAN_STRICT", "0")},
        )  # fmt: skip
        runs = [line for line in done.stderr.splitlines() if "number_of_executed_units" in line]
        if done.returncode == 0:
            _say(f"{target:12} atheris    {runs[0].rpartition(' ')[2] if runs else '?':>8} examples")  # fmt: skip
            return True
        found = {path.name: path.read_bytes() for path in Path(folder).iterdir()}
        _say(f"{target:12} atheris FAILED {found}\n{done.stdout[-2_000:]}{done.stderr[-4_000:]}")
        return False


def main(arguments: list[str]) -> int:
    """Run, and answer the exit code."""
    timed = [text for text in arguments if text not in TARGETS]
    chosen = [name for name in TARGETS if name in arguments] or list(TARGETS)
    each = seconds(timed[0] if timed else "10m") / len(chosen)
    both = importlib.util.find_spec("atheris") is not None
    if not both:
        _say("atheris is not installed here: hypothesis alone")
    well = True
    for target in chosen:
        well = hypothesised(target, each / 2 if both else each) and well
        well = (not both or guided(target, each / 2)) and well
    close()
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
