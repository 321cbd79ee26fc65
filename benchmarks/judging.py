"""What ten evaluators cost the request path: the same program without any, twice, and with them.

The openai client answers from memory after a pause like a server's. Told are the CPU of the calling thread and
the time of a call beyond that pause, as ratios to the first run without evaluators; the second run without
any shows what is noise. Medians of interleaved rounds in fresh processes.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from typing import Any

from benchmarks.overhead.answers import completion
from benchmarks.overhead.variants import spans_to

ROUNDS = 5
CALLS = 60
PAUSE = 0.1
TEN = (
    "pii", "secrets", "prompt_injection", "toxicity", "relevance", "language", "readability", "refusal",
    "repetition", "truncation",
)  # fmt: skip
VARIANTS = {"none": (), "none again": (), "ten evaluators": TEN}
PROMPTS = {"short prompt": 10, "6 kB prompt": 1_000}


def measure(variant: str, prompt: str) -> tuple[float, float]:
    """Microseconds of the calling thread's CPU, and of time beyond the pause, for one call."""
    import openai

    import clearspan

    client = openai.OpenAI(api_key="unused")
    whole = completion()

    def post(*args: Any, **kwargs: Any) -> Any:
        time.sleep(PAUSE)
        return whole

    client.chat.completions._post = post  # type: ignore[method-assign]
    messages: Any = [{"role": "user", "content": "hello " * PROMPTS[prompt]}]
    with clearspan.init(exporters=[spans_to("discard")], evaluators=VARIANTS[variant]) as runtime:
        cpu, wall = [], []
        for number in range(CALLS):
            began, used = time.perf_counter(), time.thread_time()
            client.chat.completions.create(model="gpt-4o", messages=messages)
            if number >= CALLS // 5:
                cpu.append((time.thread_time() - used) * 1e6)
                wall.append((time.perf_counter() - began - PAUSE) * 1e6)
        runtime.flush(30)
        if VARIANTS[variant] and not any(each.judged for each in runtime.status().evaluators):
            raise SystemExit("nothing was judged, so there is nothing to compare")
    return statistics.median(cpu), statistics.median(wall)


def main() -> None:
    if len(sys.argv) == 3:
        print(*measure(sys.argv[1], sys.argv[2]))
        return
    print(
        "| workload | none, µs CPU | again / none | ten / none | none, µs | again / none | ten / none |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for prompt in PROMPTS:
        found: dict[str, list[tuple[float, float]]] = {variant: [] for variant in VARIANTS}
        for _ in range(ROUNDS):
            for variant in VARIANTS:
                command = [sys.executable, "-m", "benchmarks.judging", variant, prompt]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                cpu, wall = map(float, done.stdout.split())
                found[variant].append((cpu, wall))
        cells = [prompt]
        for column in (0, 1):
            none, again, ten = (
                statistics.median(figures[column] for figures in found[variant])
                for variant in VARIANTS
            )
            cells += [f"{none:.0f}", f"{again / none:.2f}", f"{ten / none:.2f}"]
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
