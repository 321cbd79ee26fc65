"""The process and its machine, as psutil tells of them."""

from __future__ import annotations

import gc
import importlib.util
import os
import sys
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest
from opentelemetry.semconv._incubating.attributes import (
    cpu_attributes,
    cpython_attributes,
    disk_attributes,
    network_attributes,
    system_attributes,
)
from opentelemetry.semconv._incubating.metrics import (
    cpython_metrics,
    process_metrics,
    system_metrics,
)

from clearspan import registry
from clearspan.samplers import Reading
from clearspan.samplers.process import Process, machine as machine_module
from clearspan.samplers.process.ask import Ask, amount
from clearspan.samplers.process.instruments import INSTRUMENTS
from clearspan.samplers.process.machine import Machine
from clearspan.samplers.process.own import Own
from clearspan.samplers.process.rising import Shares, Sum

CPU_TIMES = psutil.cpu_times
Figures = dict[tuple[str, Any], float]


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def figures(readings: Any) -> Figures:
    """By name and the value of the attribute, which is one at the most."""
    found: Figures = {}
    for reading in readings:
        assert len(reading.attributes) <= 1
        key = (reading.name, next(iter(reading.attributes.values()), None))
        assert key not in found
        found[key] = reading.value
    return found


def opened(clock: Any = time.monotonic) -> Process:
    process = Process(clock)
    assert process.present()
    assert process.open()
    process.read()  # shares are told from the second reading on
    return process


def tick() -> None:
    """Wait until the machine's own clocks have gone on: they are coarse."""
    before = sum(CPU_TIMES())
    while sum(CPU_TIMES()) <= before:
        time.sleep(0.005)


def names(readings: Any) -> set[str]:
    return {reading.name for reading in readings}


def test_it_is_found_by_its_name() -> None:
    assert registry.load(registry.SAMPLERS, "process") is Process
    assert Process().name == "process"


def test_the_instruments_are_those_of_the_conventions() -> None:
    modules = (process_metrics, system_metrics, cpython_metrics)
    known = {
        value: module.__dict__[f"create_{name.lower()}"]
        for module in modules
        for name, value in vars(module).items()
        if name.isupper() and f"create_{name.lower()}" in vars(module)
    }
    for row in INSTRUMENTS:
        made = Recorder()
        arguments: tuple[Any, ...] = (made, []) if row.kind == "gauge" else (made,)
        known[row.name](*arguments)
        assert made.seen == (row.name, row.kind, row.unit)


class Recorder:
    """Stands for a meter, and keeps what is made of it."""

    def __getattr__(self, method: str) -> Any:
        kinds = {
            "create_counter": "counter",
            "create_up_down_counter": "updowncounter",
            "create_observable_gauge": "gauge",
        }

        def made(*, name: str, unit: str, **_: Any) -> None:
            self.seen = (name, kinds[method], unit)

        return made


def test_attributes_are_those_of_the_conventions() -> None:
    clock = Clock()
    process = opened(clock)
    clock.now += 60
    tick()
    allowed: dict[str, set[Any]] = {
        cpu_attributes.CPU_MODE: {mode.value for mode in cpu_attributes.CpuModeValues},
        disk_attributes.DISK_IO_DIRECTION: {"read", "write"},
        network_attributes.NETWORK_IO_DIRECTION: {"receive", "transmit"},
        system_attributes.SYSTEM_MEMORY_STATE: {"used", "free", "cached", "buffers"},
        cpython_attributes.CPYTHON_GC_GENERATION: {0, 1, 2},
    }
    rows = {row.name for row in INSTRUMENTS}
    for reading in process.read():
        assert reading.name in rows
        for name, value in reading.attributes.items():
            assert value in allowed[name]


def test_the_values_are_plausible() -> None:
    found = figures(opened().read())
    assert 0 < found["process.memory.usage", None] <= found["process.memory.virtual", None]
    assert 0 < found["process.memory.utilization", None] < 1
    assert found["process.thread.count", None] >= 1
    assert found["process.unix.file_descriptor.count", None] >= 3
    assert found["process.uptime", None] > 0
    assert found["process.cpu.time", "user"] > 0
    total = psutil.virtual_memory().total
    for state in ("used", "free"):
        assert 0 < found["system.memory.usage", state] < total
        assert found["system.memory.utilization", state] == pytest.approx(
            found["system.memory.usage", state] / total
        )


def test_what_the_process_does_shows() -> None:
    process = opened()
    gc.collect()  # what others left may hold files
    before = figures(process.read())
    held = bytearray(os.urandom(1 << 20) * 64)
    with Path(os.devnull).open("rb"), Path(os.devnull).open("rb"):
        busy = sum(number * number for number in range(3_000_000))
        gc.collect()
        after = figures(process.read())
    assert busy
    assert len(held) == 64 << 20
    assert (
        after["process.unix.file_descriptor.count", None]
        >= 2 + before["process.unix.file_descriptor.count", None]
    )
    assert after["process.memory.usage", None] > before["process.memory.usage", None]
    assert after["process.cpu.time", "user"] > before["process.cpu.time", "user"]
    assert after["cpython.gc.collections", 2] > before["cpython.gc.collections", 2]
    counters = {row.name for row in INSTRUMENTS if row.kind == "counter"}
    assert all(after[key] >= value for key, value in before.items() if key[0] in counters)


def test_shares_of_cpu_are_absent_at_first_and_then_of_the_time_between() -> None:
    process = Process(clock := Clock())
    assert process.open()
    clock.now += 60
    shares = {"process.cpu.utilization", "system.cpu.utilization"}
    assert not shares & names(process.read())
    started = time.thread_time()
    while time.thread_time() - started < 0.2:
        sum(range(1_000))
    clock.now += 10
    tick()
    found = figures(process.read())
    cpus = psutil.cpu_count() or 1
    used = found["process.cpu.utilization", "user"] + found["process.cpu.utilization", "system"]
    # By the clock given, ten seconds: so the share is what was used in those.
    assert used >= 0.15 / 10 / cpus
    modes = [value for (name, _), value in found.items() if name == "system.cpu.utilization"]
    assert sum(modes) == pytest.approx(1, abs=0.1)


def test_who_asks_at_once_again_is_told_the_same() -> None:
    clock = Clock()
    process = opened(clock)
    clock.now += 5
    tick()

    def shares() -> list[Reading]:
        return [reading for reading in process.read() if "cpu.utilization" in reading.name]

    first = shares()
    clock.now += 0.5
    assert shares() == first != []


def test_it_is_read_only_while_it_is_open() -> None:
    process = Process()
    assert process.read() == ()
    assert process.open()
    assert process.read()
    process.close()
    assert process.read() == ()
    assert process.open()
    assert "process.memory.usage" in names(process.read())


def test_without_psutil_there_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as changed:
        changed.setattr(importlib.util, "find_spec", lambda name: None)
        assert not Process().present()
    stand_in = SimpleNamespace(__spec__=None)
    monkeypatch.setitem(sys.modules, "psutil", stand_in)
    assert not Process().present()
    monkeypatch.setitem(sys.modules, "psutil", None)
    process = Process()
    assert not process.open()
    assert process.read() == ()


# --- what fails is absent alone


PARTS = {
    "Process": {
        "process.cpu.time", "process.cpu.utilization", "process.memory.usage", "process.memory.virtual",
        "process.memory.utilization", "process.thread.count", "process.unix.file_descriptor.count",
        "process.uptime", "process.disk.io",
    },
    "Process.cpu_times": {"process.cpu.time", "process.cpu.utilization"},
    "Process.memory_info": {
        "process.memory.usage", "process.memory.virtual", "process.memory.utilization",
    },
    "Process.num_threads": {"process.thread.count"},
    "Process.num_fds": {"process.unix.file_descriptor.count"},
    "Process.create_time": {"process.uptime"},
    "Process.io_counters": {"process.disk.io"},
    "cpu_times": {"system.cpu.utilization"},
    "virtual_memory": {
        "system.memory.usage", "system.memory.utilization", "process.memory.utilization",
    },
    "net_io_counters": {"system.network.io"},
    "disk_io_counters": {"system.disk.io"},
}  # fmt: skip
FAULTS = (
    psutil.AccessDenied(1),
    psutil.NoSuchProcess(1),
    psutil.ZombieProcess(1),
    OSError(5, "no device"),
    ValueError("not what the kernel should say"),
    AttributeError("not on this platform"),
    RuntimeError("not on this platform"),
)


def everything() -> set[str]:
    """What can be read here."""
    clock = Clock()
    process = opened(clock)
    clock.now += 60
    tick()
    return names(process.read())


def broken(monkeypatch: pytest.MonkeyPatch, path: str, error: BaseException) -> None:
    """Make that function of psutil raise `error`."""

    def failing(*_: Any, **__: Any) -> Any:
        raise error

    owner, _, name = path.rpartition(".")
    monkeypatch.setattr(psutil.Process if owner else psutil, name, failing, raising=False)


@pytest.mark.parametrize("error", FAULTS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("path", PARTS)
def test_what_fails_is_absent_and_the_rest_stands(
    monkeypatch: pytest.MonkeyPatch, path: str, error: Exception
) -> None:
    whole = everything()
    broken(monkeypatch, path, error)
    clock = Clock()
    process = opened(clock)
    clock.now += 60
    tick()
    assert names(process.read()) == whole - PARTS[path]
    assert process.counts()[path.rpartition(".")[2]] >= 1


@pytest.mark.parametrize("path", PARTS)
def test_what_a_platform_does_not_have_is_absent(
    monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    whole = everything()
    owner, _, name = path.rpartition(".")
    monkeypatch.delattr(psutil.Process if owner else psutil, name, raising=False)
    process = opened(clock := Clock())
    clock.now += 60
    tick()
    assert names(process.read()) == whole - PARTS[path]
    assert set(process.counts()) == {name}


def test_a_system_without_affinity_has_failed_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(psutil.Process, "cpu_affinity", raising=False)
    assert "process.cpu.utilization" in everything()
    assert "cpu_affinity" not in opened().counts()


def test_a_garbage_collector_that_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = everything()
    monkeypatch.delattr(gc, "get_stats")
    assert everything() == {name for name in whole if not name.startswith("cpython.")}


def test_figures_come_back_when_they_can_be_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    process = opened()
    with monkeypatch.context() as changed:
        broken(changed, "Process.num_threads", psutil.AccessDenied(1))
        assert "process.thread.count" not in names(process.read())
    assert "process.thread.count" in names(process.read())


# --- a scripted psutil


class Scripted:
    """A psutil that tells what it is told to; `None` for what it does not know."""

    def __init__(self, **told: Any) -> None:
        self.told = told

    def Process(self, pid: int) -> Scripted:
        assert pid == os.getpid()
        return self

    def __getattr__(self, name: str) -> Any:
        def answer(*_: Any, **__: Any) -> Any:
            found = self.told.get(name)
            if found is None:
                raise RuntimeError("not on this platform")
            return found

        return answer


def own(**told: Any) -> tuple[Own, Scripted, Clock]:
    library, clock = Scripted(**told), Clock()
    made = Own(library, Ask(), clock)
    list(made.read())  # shares need two readings
    return made, library, clock


def machine(**told: Any) -> tuple[Machine, Scripted, Clock]:
    library, clock = Scripted(**told), Clock()
    made = Machine(library, Ask(), clock)
    list(made.read())
    return made, library, clock


def times(**spent: float) -> SimpleNamespace:
    return SimpleNamespace(**spent)


def test_the_share_of_cpu_is_by_the_cpus_that_it_may_use() -> None:
    process, library, clock = own(cpu_times=times(user=10.0, system=2.0), cpu_affinity=[0, 3])
    clock.now += 4
    library.told["cpu_times"] = times(user=14.0, system=3.0)
    assert figures(process.read()) == {
        ("process.cpu.time", "user"): 14.0,
        ("process.cpu.time", "system"): 3.0,
        ("process.cpu.utilization", "user"): 0.5,
        ("process.cpu.utilization", "system"): 0.125,
    }


def test_without_affinity_all_cpus_count_and_without_a_count_there_is_no_share() -> None:
    process, library, clock = own(cpu_times=times(user=0.0, system=0.0), cpu_count=4)
    clock.now += 10
    library.told["cpu_times"] = times(user=20.0, system=0.0)
    assert figures(process.read())["process.cpu.utilization", "user"] == 0.5
    library.told["cpu_count"] = None
    assert "process.cpu.utilization" not in names(process.read())


def test_more_than_all_is_all() -> None:
    process, library, clock = own(cpu_times=times(user=0.0, system=0.0), cpu_count=1)
    clock.now += 1
    library.told["cpu_times"] = times(user=1.02, system=0.0)
    assert figures(process.read())["process.cpu.utilization", "user"] == 1.0


def test_time_used_never_falls() -> None:
    process, library, _ = own(cpu_times=times(user=10.0, system=2.0))
    library.told["cpu_times"] = times(user=9.99, system=2.5)
    found = figures(process.read())
    assert (found["process.cpu.time", "user"], found["process.cpu.time", "system"]) == (10.0, 2.5)


def test_uptime_does_not_mind_a_wall_clock_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 5_000.0)
    process, _, clock = own(create_time=4_900.0)
    monkeypatch.setattr(time, "time", lambda: 90.0)
    clock.now += 11
    assert figures(process.read()) == {("process.uptime", None): 111.0}


def test_a_start_in_the_future_is_no_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 5_000.0)
    assert list(own(create_time=5_001.0)[0].read()) == []


def test_bytes_of_windows_are_not_those_of_disks(monkeypatch: pytest.MonkeyPatch) -> None:
    process, _, _ = own(io_counters=SimpleNamespace(read_bytes=3, write_bytes=-1))
    assert figures(process.read()) == {("process.disk.io", "read"): 3}
    monkeypatch.setattr(sys, "platform", "win32")
    assert list(process.read()) == []


def test_memory_is_told_as_far_as_it_is_known() -> None:
    process, library, _ = own(memory_info=SimpleNamespace(rss=0, vms=7))
    assert figures(process.read()) == {("process.memory.virtual", None): 7}
    library.told["memory_info"] = SimpleNamespace(rss=5, vms=0)
    assert figures(process.read()) == {("process.memory.usage", None): 5}


@pytest.mark.parametrize("count", [0, -1, True, "7", 2.5])
def test_counts_that_cannot_be_true_are_absent(count: Any) -> None:
    assert list(own(num_threads=count, num_fds=count)[0].read()) == []


@pytest.mark.parametrize("value", [None, True, "1", -1, float("nan"), float("inf")])
def test_an_amount_is_a_number(value: Any) -> None:
    assert amount(SimpleNamespace(field=value), "field") is None
    assert amount(SimpleNamespace(), "field") is None


def test_modes_of_the_machine_add_up_to_its_time() -> None:
    computer, library, clock = machine(
        cpu_times=times(user=10.0, nice=0.0, system=5.0, idle=80.0, iowait=1.0, irq=1.0, softirq=1.0, steal=0.0, guest=4.0)
    )  # fmt: skip
    clock.now += 30
    library.told["cpu_times"] = times(
        user=14.0, nice=0.0, system=7.0, idle=92.0, iowait=0.5, irq=2.0, softirq=2.0, steal=0.0, guest=8.0
    )  # fmt: skip
    found = {mode: share for (_, mode), share in figures(computer.read()).items()}
    # 4 + 2 + 12 - 0.5 + 2 seconds; a time that falls is nothing.
    assert found == pytest.approx(
        {"user": 4 / 19.5, "nice": 0, "system": 2 / 19.5, "idle": 12 / 19.5, "iowait": 0, "interrupt": 2 / 19.5, "steal": 0}
    )  # fmt: skip


def test_clocks_that_stand_still_give_no_shares() -> None:
    computer, _, clock = machine(cpu_times=times(user=10.0, idle=80.0))
    clock.now += 30
    assert list(computer.read()) == []


def test_memory_adds_up_to_the_whole() -> None:
    told = SimpleNamespace(total=1_000, available=600, free=100, cached=450, buffers=80, used=1)
    found = figures(machine(virtual_memory=told)[0].read())
    assert found == {
        ("system.memory.usage", "used"): 370,
        ("system.memory.usage", "free"): 100,
        ("system.memory.usage", "cached"): 450,
        ("system.memory.usage", "buffers"): 80,
        ("system.memory.utilization", "used"): 0.37,
        ("system.memory.utilization", "free"): 0.1,
        ("system.memory.utilization", "cached"): 0.45,
        ("system.memory.utilization", "buffers"): 0.08,
    }


def test_states_that_a_platform_does_not_have_are_absent() -> None:
    told = SimpleNamespace(total=1_000, free=100)
    found = figures(machine(virtual_memory=told)[0].read())
    assert found == {
        ("system.memory.usage", "free"): 100,
        ("system.memory.usage", "used"): 900,
        ("system.memory.utilization", "free"): 0.1,
        ("system.memory.utilization", "used"): 0.9,
    }


def test_memory_that_cannot_be_true_is_absent() -> None:
    more = SimpleNamespace(total=1_000, cached=2_000, buffers=100)
    found = figures(machine(virtual_memory=more)[0].read())
    assert set(found) == {
        ("system.memory.usage", "buffers"),
        ("system.memory.utilization", "buffers"),
    }
    assert list(machine(virtual_memory=SimpleNamespace(total=0, free=0))[0].read()) == []


def moved(first: int, second: int) -> SimpleNamespace:
    return SimpleNamespace(
        bytes_recv=first, bytes_sent=second, read_bytes=first, write_bytes=second
    )


@pytest.fixture
def devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the place of `/sys`."""
    monkeypatch.setattr(machine_module, "SYSTEM", tmp_path)
    monkeypatch.setattr(sys, "platform", "linux")
    return tmp_path


def test_all_interfaces_but_loopback_are_summed(devices: Path) -> None:
    told = {
        "lo": moved(900, 900), "lo0": moved(900, 900), "Loopback Pseudo-Interface 1": moved(900, 900),
        "eth0": moved(10, 1), "eth1": moved(20, 2),
    }  # fmt: skip
    found = figures(machine(net_io_counters=told)[0].read())
    assert found == {("system.network.io", "receive"): 30, ("system.network.io", "transmit"): 3}


def test_where_there_is_hardware_what_passes_it_is_not_counted_again(devices: Path) -> None:
    (devices / "class" / "net" / "eth0" / "device").mkdir(parents=True)
    told = {"docker0": moved(5, 5), "veth1": moved(5, 5), "eth0": moved(10, 1)}
    found = figures(machine(net_io_counters=told)[0].read())
    assert found == {("system.network.io", "receive"): 10, ("system.network.io", "transmit"): 1}


def test_partitions_and_disks_made_of_disks_are_not_counted_again(devices: Path) -> None:
    for name in ("sda", "cciss!c0d0"):
        (devices / "block" / name / "device").mkdir(parents=True)
    told = {name: moved(4, 2) for name in ("sda", "sda1", "dm-0", "loop0", "cciss/c0d0")}
    found = figures(machine(disk_io_counters=told)[0].read())
    assert found == {("system.disk.io", "read"): 8, ("system.disk.io", "write"): 4}


def test_elsewhere_disks_are_disks(devices: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    found = figures(machine(disk_io_counters={"disk0": moved(4, 2)})[0].read())
    assert found == {("system.disk.io", "read"): 4, ("system.disk.io", "write"): 2}


@pytest.mark.parametrize("told", [{}, [1], {"eth0": None}, {"eth0": moved(-1, -1)}])
def test_no_device_is_no_figure(devices: Path, told: Any) -> None:
    (devices / "block" / "eth0" / "device").mkdir(parents=True)
    assert list(machine(net_io_counters=told, disk_io_counters=told)[0].read()) == []


def test_sums_over_devices_never_fall() -> None:
    total = Sum()
    assert total.of({"a": 100, "b": 50}) == 150
    assert total.of({"a": 110}) == 160, "b has gone, and what it moved was moved"
    assert total.of({"a": 110, "b": 50}) == 160, "it was there before"
    assert total.of({"a": 5, "b": 60}) == 175, "a has started anew"
    assert total.of({"a": 5, "b": 60, "c": 7}) == 182


def test_of_devices_that_come_and_go_few_are_remembered() -> None:
    total = Sum()
    for number in range(1_000):
        total.of({f"veth{number}": 1})
    assert len(total._seen) == 256
    many = {f"nic{number}": 1 for number in range(500)}
    assert total.of(many) == total.of(many) == 1_500
    assert len(total._seen) == 500


def test_a_part_that_was_not_there_before_has_no_share() -> None:
    shares = Shares(clock := Clock())
    assert shares.of({"user": 1.0}, 10.0) == {}
    clock.now += 2
    assert shares.of({"user": 2.0, "steal": 9.0}, 20.0) == {"user": 0.1}


def test_counts_that_psutil_keeps_for_the_program_are_left_as_they_are() -> None:
    asked: list[bool] = []

    class Watching(Scripted):
        def net_io_counters(self, *, pernic: bool, nowrap: bool) -> dict[str, Any]:
            asked.append(nowrap)
            return {"eth0": moved(1, 1)} if pernic else {}

        def disk_io_counters(self, *, perdisk: bool, nowrap: bool) -> dict[str, Any]:
            asked.append(nowrap)
            return {"disk0": moved(1, 1)} if perdisk else {}

    assert list(Machine(Watching(), Ask(), Clock()).read())
    assert asked == [False, False]


# --- forks


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # of threads of other tests
def test_a_forked_child_tells_of_itself() -> None:
    process = opened()
    parent = figures(process.read())
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            found = figures(process.read())
            told = (
                found["process.uptime", None] <= parent["process.uptime", None]
                and found["process.cpu.time", "user"] <= parent["process.cpu.time", "user"]
                and process._own is not None
                and process._own._process.pid == os.getpid()
            )
            os.write(writer, b"own" if told else b"parent's")
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader) as pipe:
        assert pipe.read() == "own"


def test_nothing_names_a_user_a_program_or_a_path() -> None:
    clock = Clock()
    process = opened(clock)
    clock.now += 60
    tick()
    readings = process.read()
    words = {str(value) for reading in readings for value in reading.attributes.values()}
    assert all(word.isalnum() and len(word) <= 9 for word in words)
    assert max(Counter(reading.name for reading in readings).values()) <= 8
