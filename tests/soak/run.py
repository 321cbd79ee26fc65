"""Mixed load for a while, and whether anything grows: `python -m tests.soak.run [30m]`.

Memory (RSS), what Python has allocated (tracemalloc), threads and open files are read every few seconds. The first
two fifths are warm-up. Afterwards a straight line is laid through each: it may rise by so much an hour and not more,
since a leak of one small object for each call would rise by more than that.
"""

from __future__ import annotations

import gc
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import psutil

import clearspan
from tests.soak.length import seconds
from tests.soak.load import Load, server
from tests.support.otlp_sink import Sink, http_sink

__all__ = ["main", "slope"]

WARM_UP = 0.4
EVERY = 2.0
# A leak of 200 bytes at each of 100 calls a second would be 69 MiB an hour. The allocator's own unrest shows more in
# short runs, so those may also rise by a fixed amount over what is measured.
RSS_AN_HOUR, RSS_AT_ALL = 48.0, 10.0
TRACED_AN_HOUR, TRACED_AT_ALL = 24.0, 3.0
MIB = 1_048_576


class Sample(NamedTuple):
    """What was read at one moment: seconds since the start, MiB, and counts."""

    at: float
    rss: float
    traced: float
    threads: int
    files: int
    calls: int


def slope(points: Sequence[tuple[float, float]]) -> float:
    """The rise of the straight line through points with the least squares, in units of y by units of x."""
    n = len(points)
    mean_x, mean_y = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


def sample(process: psutil.Process, began: float, load: Load) -> Sample:
    """Read everything once, after a collection: what only waits for one has not leaked."""
    gc.collect()
    return Sample(
        time.monotonic() - began,
        process.memory_info().rss / MIB,
        tracemalloc.get_traced_memory()[0] / MIB,
        process.num_threads(),
        process.num_fds(),
        sum(load.done.values()),
    )


def verdicts(samples: Sequence[Sample]) -> list[tuple[str, str, bool]]:
    """What each line rose by, what it may, and whether it kept to that. Both limits must be passed to fail."""
    span = samples[-1].at - samples[0].at
    found: list[tuple[str, str, bool]] = []
    for name, an_hour, at_all in (
        ("rss", RSS_AN_HOUR, RSS_AT_ALL),
        ("traced", TRACED_AN_HOUR, TRACED_AT_ALL),
    ):
        rise = slope([(each.at, getattr(each, name)) for each in samples])
        told = f"{rise * 3_600:+8.1f} MiB/h, {rise * span:+6.2f} MiB here (limit {an_hour:.0f} MiB/h, or {at_all:.0f} MiB)"
        found.append((name, told, rise * 3_600 <= an_hour or rise * span <= at_all))
    half = len(samples) // 2
    for name in ("threads", "files"):
        first = max(getattr(each, name) for each in samples[:half])
        second = max(getattr(each, name) for each in samples[half:])
        # One thread or connection more at a peak is chance; a leak of them has no end.
        found.append((name, f"at most {first}, then {second} (limit: 8 more)", second <= first + 8))
    return found


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def grown(before: tracemalloc.Snapshot, after: tracemalloc.Snapshot) -> None:
    """Name the lines that hold more than after the warm-up: where a leak would be looked for."""
    rows = [row for row in after.compare_to(before, "lineno") if row.size_diff > 0]
    for row in sorted(rows, key=lambda row: -row.size_diff)[:8]:
        frame = row.traceback[0]
        place = "/".join(Path(frame.filename).parts[-3:])
        _say(f"  {row.size_diff / 1_024:+9.1f} KiB {row.count_diff:+7d}  {place}:{frame.lineno}")


def hiccup(sink: Sink, number: int) -> None:
    """Every so often the receiver refuses, breaks off, or is slow to say yes."""
    if number % 5 == 0:
        sink.script.extend([503, "reset", 500])
    del sink.arrived[:]  # the receiver is not to be what grows
    del sink.taken[:]


def soak(length: float, folder: Path) -> list[Sample]:
    """Load for `length` seconds; answers what was read after the warm-up."""
    process = psutil.Process()
    samples: list[Sample] = []
    warm: tracemalloc.Snapshot | None = None
    with server() as model, http_sink() as sink:
        runtime = clearspan.init(
            endpoint=sink.url, protocol="http/protobuf", store=folder / "soak.db", max_bytes="20MB",
            evaluators=["valid_json", "refusal", "repetition", lambda call: len(call.output_text) > 3],
            guards=["pii:redact"], exit_signals=False, export_interval=0.5, metric_interval=1.0,
        )  # fmt: skip
        load = Load(model.url)
        tracemalloc.start()
        began = time.monotonic()
        load.start()
        try:
            while time.monotonic() - began < length and not load.failed:
                time.sleep(EVERY)
                hiccup(sink, len(samples))
                model._requests.clear()
                samples.append(sample(process, began, load))
                if warm is None and samples[-1].at >= length * WARM_UP:
                    warm = tracemalloc.take_snapshot()
                if len(samples) % max(1, int(length / EVERY / 15)) == 0:
                    _say("{:7.0f} s {:8.1f} MiB rss {:8.2f} MiB traced {:4d} threads {:4d} files {:8d} calls".format(*samples[-1]))  # fmt: skip
        finally:
            load.stop()
        clearspan.flush(30.0)
        gc.collect()
        _say(f"{runtime.status().accounts}; open {runtime.status().open_calls}")
        _say(", ".join(f"{name} {count}" for name, count in sorted(load.done.items())))
        for error in load.failed:
            raise error
        if warm is not None:
            grown(warm, tracemalloc.take_snapshot())
        clearspan.shutdown()
    return [each for each in samples if each.at >= length * WARM_UP]


def main(arguments: list[str]) -> int:
    """Run, print the table, answer the exit code."""
    length = seconds(arguments[0] if arguments else "30m")
    with tempfile.TemporaryDirectory() as folder:
        samples = soak(length, Path(folder))
    rows = verdicts(samples)
    for name, told, kept in rows:
        _say(f"{name:8} {told}  {'level' if kept else 'RISES'}")
    return 0 if all(kept for _, _, kept in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
