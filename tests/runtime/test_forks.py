"""Forked children: their spans come once, under ids of their own, and what is the parent's stays its."""

from __future__ import annotations

import os
import sys
import types
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import clearspan
from clearspan import runtime
from clearspan.runtime import exits
from clearspan.runtime.identifiers import identifiers
from tests.runtime.support import Kept, program, stored

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

HEAD = """
import os, random, sys, time
import clearspan
settings = {"store": "runs.db", "providers": (), "export_interval": 60}
clearspan.init(**settings)

@clearspan.task
def work(name):
    return name

def child(run):
    pid = os.fork()
    if pid:
        return pid
    try:
        run()
    finally:
        clearspan.flush()
        os._exit(0)
"""


def recorded(folder: Path) -> Counter[str]:
    found = stored(folder / "runs.db")
    assert len({span.span_id for span in found}) == len(found)
    return Counter(span.attributes.get("clearspan.output", span.name) for span in found)


def test_F45_a_childs_spans_come_once_and_with_new_ids(folder: Path) -> None:
    result = program(HEAD + """
random.seed(0)
work("before")
pids = []
for number in range(20):
    random.seed(0)
    pids.append(child(lambda: work(f"child {number}")))
for pid in pids:
    assert os.waitpid(pid, 0)[1] == 0
work("after")
""", folder, measured=False)  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")
    expected = Counter(["before", "after", *[f"child {number}" for number in range(20)]])
    assert recorded(folder) == expected
    assert len({span.trace_id for span in stored(folder / "runs.db")}) == 22


def test_a_span_that_is_open_in_the_parent_is_ended_there_only(folder: Path) -> None:
    result = program(HEAD + """
with clearspan.span("around"):
    pid = os.fork()
    if pid == 0:
        work("in the child")
        sys.exit(5)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert code == 5, code
""", folder, measured=False)  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")
    assert recorded(folder) == Counter(["around", "in the child"])
    spans = {span.name: span for span in stored(folder / "runs.db")}
    assert spans["work"].parent_id == spans["around"].span_id
    assert spans["around"].status == "unset"


def test_F44_children_of_a_busy_parent_all_end(folder: Path) -> None:
    result = program(HEAD + """
import threading
stop = threading.Event()
def busy():
    while not stop.is_set():
        work("parent")
        time.sleep(0)
threads = [threading.Thread(target=busy) for _ in range(4)]
for thread in threads:
    thread.start()
pids = []
for number in range(20):
    pids.append(child(lambda: (work("child"), clearspan.init(**settings), clearspan.shutdown(30))))
    time.sleep(0.001)
for pid in pids:
    assert os.waitpid(pid, 0)[1] == 0
stop.set()
for thread in threads:
    thread.join()
""", folder, variables={"PYTHONWARNINGS": "ignore"}, measured=False)  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")
    assert recorded(folder)["child"] == 20


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_of_multiprocessing_lose_nothing(method: str, folder: Path) -> None:
    result = program(f"""
import multiprocessing
import clearspan

@clearspan.task
def work(name):
    return name

def run(name):
    if {method!r} != "fork":
        clearspan.init(store="runs.db", providers=(), export_interval=60)
    work(name)

if __name__ == "__main__":
    clearspan.init(store="runs.db", providers=(), export_interval=60)
    work("parent")
    context = multiprocessing.get_context({method!r})
    processes = [context.Process(target=run, args=(f"child {{number}}",)) for number in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
""", folder, measured=False)  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")
    assert recorded(folder) == Counter(["parent", *[f"child {number}" for number in range(4)]])


def test_a_pool_that_is_closed_loses_nothing(folder: Path) -> None:
    result = program("""
import multiprocessing
import clearspan

@clearspan.task
def work(number):
    return number

if __name__ == "__main__":
    clearspan.init(store="runs.db", providers=(), export_interval=60)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(work, range(10)) == list(range(10))
        pool.close()
        pool.join()
""", folder, measured=False)  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")
    assert sum(recorded(folder).values()) == 10


def test_F46_hooks_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    from multiprocessing import util

    for _ in range(3):
        with clearspan.init(exporters=[Kept()], providers=()):
            """Registers with multiprocessing, which is loaded here."""
    before = len(util._afterfork_registry)  # type: ignore[attr-defined]
    for _ in range(20):
        with clearspan.init(exporters=[Kept()], providers=()):
            """Not again."""
    assert len(util._afterfork_registry) == before  # type: ignore[attr-defined]


def test_a_process_of_multiprocessing_leaves_by_its_finalizers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import multiprocessing.process
    from multiprocessing import util

    monkeypatch.setattr(exits, "_hooked", [])
    monkeypatch.setattr(exits, "_finalized", set())
    registered: list[Any] = []
    monkeypatch.setattr(util, "register_after_fork", lambda key, run: registered.append((key, run)))
    finalizers: list[Any] = []
    monkeypatch.setattr(
        util,
        "Finalize",
        lambda owner, run, exitpriority: finalizers.append((owner, run, exitpriority)),
    )
    left: list[str] = []

    def leave() -> None:
        left.append("left")

    exits.when_child_ends(leave)
    exits.when_child_ends(leave)
    assert (len(registered), finalizers) == (1, [])
    monkeypatch.setattr(multiprocessing.process, "_current_process", object())
    exits.when_child_ends(leave)
    exits.when_child_ends(leave)
    assert finalizers == [(None, leave, 0)]
    key, run = registered[0]
    run(key)
    assert len(finalizers) == 2


def test_nothing_is_registered_where_multiprocessing_is_not_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exits, "_hooked", [])
    for name in ("multiprocessing.util", "multiprocessing.process", "billiard.process"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    exits.when_child_ends(lambda: None)
    assert exits._hooked == []
    assert not exits._is_child()


def test_workers_of_celery_are_heard_once(monkeypatch: pytest.MonkeyPatch) -> None:
    class Signal:
        def __init__(self) -> None:
            self.receivers: dict[str, Any] = {}

        def connect(self, receiver: Any, *, weak: bool, dispatch_uid: str) -> None:
            assert not weak
            self.receivers.setdefault(dispatch_uid, receiver)

        def disconnect(self, *, dispatch_uid: str) -> None:
            self.receivers.pop(dispatch_uid, None)

    signals = types.ModuleType("celery.signals")
    signals.worker_process_shutdown = Signal()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "celery.signals", signals)
    left: list[str] = []
    exits.when_child_ends(lambda: left.append("first"))
    exits.when_child_ends(lambda: left.append("last"))
    (receiver,) = signals.worker_process_shutdown.receivers.values()
    receiver(sender=None, pid=1)
    assert left == ["last"]


def test_what_a_fork_renews(monkeypatch: pytest.MonkeyPatch) -> None:
    """The child's side, here in the parent, so that it is seen."""
    runtime._after_fork()
    kept = Kept()
    clearspan.init(exporters=[kept], providers=())
    block = clearspan.span("the parent's")
    block.__enter__()
    with runtime._running.lock:
        runtime._after_fork()
    assert clearspan.status().accounts.created == 0
    assert clearspan.status().open_calls == 0
    block.__exit__(None, None, None)
    with clearspan.span("the child's"):
        """Recorded."""
    clearspan.flush()
    assert [span.name for span in kept.spans] == ["the child's"]
    assert clearspan.status().accounts.exported == 1


def test_ids_are_never_zero_and_do_not_follow_the_hosts_seed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import random

    random.seed(0)
    first = [identifiers.generate_span_id() for _ in range(100)]
    random.seed(0)
    second = [identifiers.generate_span_id() for _ in range(100)]
    assert not set(first) & set(second)
    drawn = iter([0, 7, 0, 9])
    monkeypatch.setattr(identifiers, "_bits", lambda size: next(drawn))
    assert identifiers.generate_span_id() == 7
    assert identifiers.generate_trace_id() == 9
