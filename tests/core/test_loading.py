"""Loading while others fork: what a child inherits must not be a lock that nobody holds any more."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from clearspan.core import loading

SLOW = "import time\ntime.sleep(0.4)\nREADY = True\n"
PROGRAM = """
import os, sys, threading, time
sys.path.insert(0, sys.argv[1])
from clearspan.core import loading

thread = threading.Thread(target=loading.load, args=("slow_library",))
thread.start()
while "slow_library" not in sys.modules:
    time.sleep(0.001)
pid = os.fork()
if pid == 0:
    import slow_library
    loading.load("json")
    os._exit(0 if slow_library.READY else 1)
_, status = os.waitpid(pid, 0)
thread.join()
print(os.waitstatus_to_exitcode(status), loading.load("slow_library").READY)
"""


def test_a_module_and_what_importing_raises() -> None:
    assert loading.load("json") is sys.modules["json"]
    with pytest.raises(ModuleNotFoundError):
        loading.load("clearspan_has_no_such_module")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_fork_amid_loading_gives_a_child_that_can_load(tmp_path: Path) -> None:
    (tmp_path / "slow_library.py").write_text(SLOW)
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (result.stdout, result.stderr, result.returncode) == ("0 True\n", "", 0)


def test_a_fork_waits_no_longer_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a child of one that has waited in vain loads nothing more: it might wait for ever."""
    monkeypatch.setattr(loading, "_PATIENCE", 0.01)
    monkeypatch.setattr(loading, "_amid", False)
    entered, done = threading.Event(), threading.Event()

    def long() -> None:
        with loading.undisturbed():
            entered.set()
            assert done.wait(30)

    thread = threading.Thread(target=long)
    thread.start()
    assert entered.wait(30)
    loading._before()
    assert loading._held == set()
    assert loading._stuck
    loading._after()
    loading._before()  # this time it hardly waits
    loading._after()
    loading._in_child()
    assert loading.load("json") is sys.modules["json"]
    with pytest.raises(ImportError, match="forked off"):
        loading.load("clearspan_has_no_such_module")
    done.set()
    thread.join()
    loading._before()
    assert loading._held == {threading.get_ident()}
    loading._after()
    assert loading._held == set()


def test_forks_of_several_threads_give_back_only_what_they_took(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loading, "_PATIENCE", 0.01)
    loading._before()
    other = threading.Thread(target=lambda: (loading._before(), loading._after()))
    other.start()
    other.join()
    assert loading._held == {threading.get_ident()}
    loading._after()
    free = threading.Thread(target=loading.load, args=("json",))
    free.start()
    free.join(30)
    assert not free.is_alive()
