"""The gate before compiled code that does not bear to be unwound: nobody is inside when the interpreter goes down."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from clearspan.core.shapes import credentials
from clearspan.core.unwound import Gate, gate

ROUNDS = 8
ENDING = """
import threading, time
from clearspan.core.shapes import credentials
text = "there is nothing in it " * 200_000

def look():
    while True:
        credentials.likely(text)

for _ in range(2):
    threading.Thread(target=look, daemon=True).start()
time.sleep(0.05)
"""


def test_who_is_inside_is_waited_for_and_nobody_comes_in_any_more() -> None:
    made, turns = Gate(), []

    def sleep(seconds: float) -> None:
        turns.append(seconds)
        if len(turns) == 2:
            raise KeyboardInterrupt
        if len(turns) == 3:
            made.leave()

    assert made.enter()
    made.close(60, sleep)
    assert len(turns) == 3
    assert not made.enter()
    made.close(60, sleep)
    assert len(turns) == 3, "nobody was inside"
    made.open_again()
    assert made.enter()


def test_who_does_not_come_out_is_not_waited_for_for_ever() -> None:
    made = Gate()
    made.enter()
    made.close(0.0)
    assert not made.enter()


def test_without_the_library_the_same_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["", "nothing", "sk-abc and AKIA", "password: x", "é\ud800 ghp_1"]
    wanted = [(credentials.likely(text), credentials.likely(text, sent=True)) for text in texts]
    assert any(found for found, _ in wanted)
    monkeypatch.setattr(gate, "_closed", True)
    assert [(credentials.likely(text), credentials.likely(text, sent=True)) for text in texts] == wanted  # fmt: skip


def test_threads_that_look_for_credentials_when_a_program_ends_do_not_abort_it() -> None:
    for _ in range(ROUNDS):
        done = subprocess.run(
            [sys.executable, "-c", ENDING], capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_does_not_wait_for_threads_of_its_parent() -> None:
    assert gate.enter()
    try:
        seen: list[int] = []

        def child() -> None:
            pid = os.fork()
            if pid == 0:
                os._exit(len(gate._inside))
            seen.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))

        thread = threading.Thread(target=child)
        thread.start()
        thread.join()
        assert seen == [0]
    finally:
        gate.leave()
