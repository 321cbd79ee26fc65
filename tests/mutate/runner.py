"""Take each guard out in turn, and see that the test which is said to keep it falls.

    python -m tests.mutate.runner [text ...]     # only rows and tests in whose line a text occurs

Works on copies of the tree, two at a time. Ends with 1 when a guard's test passes without it (it survived), fails with
it (unsound), or cannot be run (broken).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, NamedTuple

from tests.mutate.guards import ROOT, Guard, guards

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Copy", "main", "verdict"]

# One that hangs without its guard has fallen as well; with it, no test takes that long.
LONGEST = 400
WORKERS = 2
_LEFT_OUT = shutil.ignore_patterns(
    ".git", ".nox", ".hypothesis", ".*_cache", "__pycache__", "dist", "_build", "*.egg-info"
)
_COUNT = re.compile(r"(\d+) (passed|failed|errors?|skipped)")


class Copy:
    """A copy of the tree in which files may be changed; tests that run in it import what is in it."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="clearspan-mutate-")
        self.root = Path(self._folder.name) / "main"

    def __enter__(self) -> Self:
        self.root.parent.chmod(0o755)  # some tests give up their rights, and go on importing
        shutil.copytree(ROOT, self.root, ignore=_LEFT_OUT, symlinks=True)
        shared = ROOT.parent / "shared"
        if shared.exists():  # what some tests read beside the tree
            (self.root.parent / "shared").symlink_to(shared.resolve())
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def write(self, file: str, text: str) -> None:
        """Change a file."""
        (self.root / file).write_text(text, "utf-8")
        self._forget(file)

    def restore(self, file: str) -> None:
        """Make it what it was."""
        shutil.copyfile(ROOT / file, self.root / file)
        self._forget(file)

    def _forget(self, file: str) -> None:
        """Drop the bytecode: two versions of a file may be of one size and one second."""
        path = self.root / file
        for compiled in path.parent.glob(f"__pycache__/{path.stem}.*"):
            compiled.unlink()

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a Python process in the copy."""
        path = os.pathsep.join((str(self.root / "src"), str(self.root)))
        environment = {**os.environ, "PYTHONPATH": path}
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.root, env=environment, capture_output=True, text=True, timeout=LONGEST,
        )  # fmt: skip

    def outcome(self, test: str) -> str:
        """How a test ends: `passed`, `failed`, `skipped`, `hung`, or `broken` when it cannot be run."""
        try:
            done = self.python("-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", test)
        except subprocess.TimeoutExpired:
            return "hung"
        counts = {what: int(number) for number, what in _COUNT.findall(done.stdout[-400:])}
        if done.returncode == 0:
            return "passed" if counts.get("passed") else "skipped"
        return "failed" if done.returncode == 1 and counts.keys() & {"failed", "error", "errors"} else "broken"  # fmt: skip


def verdict(before: str, after: str) -> str:
    """What is to be said of a guard whose test ends so with it, and so without it."""
    if before != "passed":
        return "UNSOUND"
    return {"failed": "caught", "hung": "caught", "passed": "SURVIVED"}.get(after, "BROKEN")


class Row(NamedTuple):
    """One line of the table."""

    guard: Guard
    said: str
    seconds: float


class Run:
    """All guards, shared out between workers, each with a copy of its own."""

    def __init__(self, wanted: Iterable[Guard]) -> None:
        self._waiting: SimpleQueue[Guard] = SimpleQueue()
        for guard in wanted:
            self._waiting.put(guard)
        self._lock = threading.Lock()
        self._sound: dict[str, str] = {}
        self.rows: list[Row] = []

    def work(self) -> None:
        """Take guards until there is none left."""
        with Copy() as copy:
            while True:
                try:
                    guard = self._waiting.get_nowait()
                except Empty:
                    return
                began = time.monotonic()
                row = Row(guard, self._judge(copy, guard), time.monotonic() - began)
                with self._lock:
                    self.rows.append(row)
                    _say(f"{row.said:9} {row.seconds:6.1f} s  {guard.title}")

    def _judge(self, copy: Copy, guard: Guard) -> str:
        before = self._sound.get(guard.test) or copy.outcome(guard.test)
        self._sound[guard.test] = before
        try:
            copy.write(guard.file, guard.without((ROOT / guard.file).read_text("utf-8")))
        except (OSError, ValueError) as error:
            _say(str(error))
            return "BROKEN"
        try:
            return verdict(before, copy.outcome(guard.test) if before == "passed" else before)
        finally:
            copy.restore(guard.file)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(chosen: list[str]) -> int:
    """Run those in whose line one of the texts occurs, or all; answers the exit code."""
    wanted = [
        guard
        for guard in guards()
        if not chosen or any(text in f"{guard.source} {guard.title}" for text in chosen)
    ]
    run = Run(wanted)
    workers = [threading.Thread(target=run.work) for _ in range(min(WORKERS, len(wanted)))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    counts = Counter(row.said for row in run.rows)
    bad = [row for row in run.rows if row.said != "caught"]
    _say(f"\n{len(run.rows)} guards: {', '.join(f'{count} {said}' for said, count in counts.items())}")  # fmt: skip
    for row in sorted(bad, key=lambda row: row.guard.source):
        _say(f"{row.said:9} {row.guard.source}: {row.guard.title}")
    return 1 if bad or not run.rows else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
