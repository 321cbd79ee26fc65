"""How a program ends: its exit code and its words are its own, and nothing recorded is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runtime.support import environment, names, program, stored

HEAD = """
import sys, threading, os, signal
import clearspan
clearspan.init(store="runs.db", providers=(), export_interval=60)

@clearspan.task
def work():
    return 1

work()
"""

ENDS = {
    "normally": ("", 0, ""),
    "sys.exit": ("sys.exit(3)", 3, ""),
    "sys.exit with words": ("sys.exit('the end')", 1, "the end\n"),
    "an exception": ("raise LookupError('out')", 1, "LookupError: out"),
    "an exception inside": ("""
with clearspan.span("around"):
    raise LookupError('out')
""", 1, "LookupError: out"),
    "a daemon thread at work": ("""
go = threading.Event()
def wait():
    with clearspan.span("never ended"):
        go.wait()
threading.Thread(target=wait, daemon=True).start()
while clearspan.status().open_calls == 0:
    pass
""", 0, ""),
    "a thread that works on": ("""
def later():
    threading.Event().wait(0.05)
    work()
threading.Thread(target=later).start()
""", 0, ""),
    "work at exit": ("""
import atexit
atexit.register(work)
""", 0, ""),
}  # fmt: skip


@pytest.mark.parametrize("end", ENDS)
def test_F41_F43_every_end_keeps_the_exit_code_and_the_spans(end: str, folder: Path) -> None:
    text, code, words = ENDS[end]
    result = program(HEAD + text, folder)
    assert result.returncode == code, result.stderr
    assert result.stdout == ""
    assert "clearspan" not in result.stderr.replace("clearspan.span", "")
    if "exception" in end:
        assert result.stderr.rstrip().endswith(words)
    else:
        assert result.stderr == words
    found = names(stored(folder / "runs.db"))
    assert "work" in found
    if end in ("a thread that works on", "work at exit"):
        assert found == ["work", "work"]
    if end == "an exception inside":
        assert found == ["around", "work"]
    if end == "a daemon thread at work":
        assert found == ["never ended", "work"]


WAITING = (
    HEAD
    + """
with clearspan.span("around"):
    print("ready", flush=True)
    threading.Event().wait(60)
"""
)


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize(
    ("sent", "code"), [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, -signal.SIGTERM)]
)
def test_F41_a_signal_ends_it_as_it_would(sent: signal.Signals, code: int, folder: Path) -> None:
    path = folder / "program.py"
    path.write_text(WAITING)
    process = subprocess.Popen(
        [sys.executable, str(path)], cwd=folder, env=environment(), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(sent)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == code
    if sent == signal.SIGINT:
        assert errors.rstrip().endswith("KeyboardInterrupt")
        assert errors.count("Traceback") == 1
        assert "Exception ignored" not in errors
        assert names(stored(folder / "runs.db")) == ["around", "work"]
    else:
        assert errors == ""


STUCK = """
import threading, sys
import clearspan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

class Stuck(SpanExporter):
    def export(self, spans):
        print("stuck", flush=True)
        threading.Event().wait(600)
    def shutdown(self): ...

clearspan.init(exporters=[Stuck()], providers=(), export_interval=0.01)
with clearspan.span("x"):
    pass
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_F41_ctrl_c_while_the_last_export_hangs_leaves_at_once(folder: Path) -> None:
    path = folder / "program.py"
    # The deadline of the exit is made so long that only Ctrl-C can end it.
    path.write_text(STUCK + "from clearspan import runtime\nruntime.shutdown.__defaults__ = (600,)\n"
                    "sys.stdout.flush()\n")  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, str(path)], cwd=folder, env=environment(), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "stuck\n"
    errors = ""
    for _ in range(600):
        process.send_signal(signal.SIGINT)
        try:
            _, errors = process.communicate(timeout=0.1)
            break
        except subprocess.TimeoutExpired:
            continue
    assert process.returncode is not None
    assert "runtime/__init__" not in errors.partition("Exception ignored")[2]


def test_F42_an_export_that_hangs_does_not_keep_the_program(folder: Path) -> None:
    result = program(STUCK, folder, timeout=60)
    assert (result.returncode, result.stdout, result.stderr) == (0, "stuck\n", "")


def test_a_program_that_never_starts_it_pays_nothing(folder: Path) -> None:
    result = program(
        "import clearspan, threading, sys\n"
        "@clearspan.task\ndef work(): return 1\n"
        "work()\n"
        "print(threading.active_count(), 'opentelemetry.sdk' in sys.modules)\n",
        folder,
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "1 False\n", "")
    assert [path.name for path in folder.iterdir()] == ["program.py"]


def test_F21_importing_it_opens_nothing(folder: Path) -> None:
    result = program(
        "import sys\n"
        "seen = []\n"
        "def audit(event, args):\n"
        "    if event.startswith(('socket.', '_thread.start', 'subprocess.', 'signal.')):\n"
        "        seen.append(event)\n"
        "    if event == 'open' and isinstance(args[2], int) and args[2] & 3:\n"
        "        seen.append(('open', args[0]))\n"
        "sys.dont_write_bytecode = True\n"
        "sys.addaudithook(audit)\n"
        "import clearspan\n"
        "clearspan.task, clearspan.context, clearspan.span\n"
        "print(seen)\n",
        folder,
    )
    assert (result.stdout, result.stderr) == ("[]\n", "")
