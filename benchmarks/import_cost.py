"""What `import clearspan` costs: CPU time over a bare interpreter that has imported the OTel API.

Every figure is the least CPU time of several fresh interpreters, so that other work on the
machine disturbs it little. Bytecode is compiled before the first measurement.
"""

from __future__ import annotations

import subprocess
import sys

RUNS = 15
API = "import opentelemetry.trace, opentelemetry.metrics, opentelemetry._logs"
CPU = "import time; print(time.process_time() * 1000)"


def cpu_ms(code: str) -> float:
    """Least CPU milliseconds of an interpreter that runs `code`."""

    def once() -> float:
        command = [sys.executable, "-c", f"{code}; {CPU}"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return float(done.stdout)

    once()
    return min(once() for _ in range(RUNS))


def main() -> None:
    bare, api, ours = cpu_ms("pass"), cpu_ms(API), cpu_ms(f"{API}; import clearspan")
    print(f"bare interpreter            {bare:6.1f} ms")
    print(f"with the OpenTelemetry API  {api:6.1f} ms")
    print(f"with clearspan as well      {ours:6.1f} ms")
    print(f"clearspan alone             {ours - api:+6.1f} ms  (limit 60 ms)")


if __name__ == "__main__":
    main()
