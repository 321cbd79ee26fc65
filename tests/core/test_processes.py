"""What belongs to one process alone, and who is alive."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from clearspan.core import processes
from clearspan.core.processes import PerProcess, alive, machine


def test_a_value_is_made_once_and_again_when_it_was_taken() -> None:
    made: list[object] = []

    def make() -> object:
        made.append(object())
        return made[-1]

    own = PerProcess(make)
    assert own.take() is None
    assert own() is own() is made[0]
    assert own.take() is made[0]
    assert own() is made[1]
    assert len(made) == 2


def test_another_process_has_another_and_leaves_the_parents(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = PerProcess(object)
    first = own()
    monkeypatch.setattr(os, "getpid", lambda: 1_000_000)
    assert own.take() is None
    assert own() is not first
    monkeypatch.undo()
    assert own() is first


def test_who_ran_and_is_gone_is_not_alive() -> None:
    assert alive(os.getpid())
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert not alive(gone.pid)
    assert alive(1)  # somebody else's, perhaps
    assert alive(2**70)  # no number of a process: nobody can say that it is not


def test_a_system_on_which_asking_would_kill_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(os, "kill", pytest.fail)
    assert alive(4)


def test_a_machine_has_a_name_where_containers_show_and_where_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert machine() == machine() != ""
    monkeypatch.setattr(processes, "_NAMESPACE", tmp_path / "missing")
    alone = machine()
    link = tmp_path / "pid"
    link.symlink_to("pid:[4026531836]")
    monkeypatch.setattr(processes, "_NAMESPACE", link)
    assert machine() == f"{alone} pid:[4026531836]"


def test_what_the_system_does_not_tell_is_not_guessed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert len(processes.born(os.getpid())) == 16
    monkeypatch.setattr(processes, "_BOOT", tmp_path / "missing")
    assert processes.born(os.getpid()) == ""
    monkeypatch.setattr(processes, "_STAT", str(tmp_path / "missing-{}"))
    assert processes.born(os.getpid()) == ""
    assert alive(os.getpid())  # in doubt


def test_who_was_killed_and_is_not_asked_for_is_not_alive() -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as killed:
        killed.kill()
        os.waitid(os.P_PID, killed.pid, os.WEXITED | os.WNOWAIT)
        assert not alive(killed.pid)
