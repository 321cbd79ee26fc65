"""Rows F66 to F69: programs that call models on machines whose GPUs are absent, lost, or tell nonsense.

The whole of clearspan runs, over the real nvidia-ml-py and a stand-in for the driver's library.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.samplers.stand_in import Bench, alone, bench, gpu, machine, sliced

RUN = """
import gc, time
import clearspan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
heard = []
class Ear(logging.Handler):
    def emit(self, record):
        heard.append(record.levelname)
ear = Ear(logging.DEBUG)
log = logging.getLogger("clearspan")
log.setLevel(logging.WARNING)  # where it goes, it says at start
def call(seconds=0.0):
    with clearspan.invocation("chat", provider="acme", model="m") as made:
        made.input("hi")
        time.sleep(seconds)
def started(**given):
    global memory, reader
    memory, reader = InMemorySpanExporter(), InMemoryMetricReader()
    return clearspan.init(exporters=[memory, reader], hardware_interval=0.01, **given)
def figures(runtime):
    # By name: what a backend would get, by the metric reader.
    data = json.loads(reader.get_metrics_data().to_json())
    return {
        metric["name"]: [point.get("value") for point in metric["data"]["data_points"]]
        for resource in data["resource_metrics"] for scope in resource["scope_metrics"] for metric in scope["metrics"]
        if metric["name"].startswith("hw.")
    }
"""
ABSENT = (
    RUN
    + """
log.addHandler(ear)
level, propagates = log.level, log.propagate
log.setLevel(logging.DEBUG)
log.propagate = False
before = {thread.name for thread in threading.enumerate()}
with started() as runtime:
    call(0.05)
    flushed = runtime.flush(30)
    seen = figures(runtime)
    status = runtime.status()
    threads = sorted({thread.name for thread in threading.enumerate()} - before)
log.removeHandler(ear)
log.setLevel(level)
log.propagate = propagates
(span,) = memory.get_finished_spans()
tell = [
    flushed, seen, status.internal_errors, [name for name in threads if "hardware" in name or "beat" in name],
    sorted(set(heard) - {"DEBUG", "INFO"}), [name for name in span.attributes if "hardware" in name],
    status.hardware.get("nvml", "absent"),
]
"""
)
NOTHING = [True, {}, {}, [], [], []]


@pytest.fixture(scope="module")
def nvml(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with bench(tmp_path_factory.mktemp("nvml")) as running:
        yield running


def test_F66_without_the_library_it_is_silent_and_nothing_runs(tmp_path: Path) -> None:
    found = alone(tmp_path, None, ABSENT)
    assert found[:6] == NOTHING
    assert found[6] == "absent"


@pytest.mark.parametrize(
    "line",
    ["init_error 9", "init_error 4", "init_error 18", "init_error 999", "count 0", "fail nvmlDeviceGetCount 999",
     "fail nvmlDeviceGetHandleByIndex 4", "fail nvmlDeviceGetHandleByIndex 15", "fail nvmlDeviceGetUUID 3"],
)  # fmt: skip
def test_F66_without_driver_device_or_permission_a_program_is_as_it_was(
    nvml: Bench, line: str
) -> None:
    # The instruments of what might come are there; they have no points.
    found = nvml.run([*machine(gpu()), line], ABSENT)
    assert found[:1] == [True]
    assert all(points == [] for points in found[1].values())
    assert found[2] == {}
    assert found[4:6] == [[], []]
    assert found[6].startswith("not available")


def test_F66_a_machine_with_a_gpu_tells_of_it(nvml: Bench) -> None:
    """What the tests above would see, were there something to see."""
    found = nvml.run(machine(gpu()), ABSENT)
    assert found[1]["hw.gpu.memory.limit"] == [80_000_000_000]
    assert found[6] == "open"


def test_F67_coming_and_going_is_balanced_and_leaves_nothing(nvml: Bench) -> None:
    code = (
        RUN
        + """
def held():
    gc.collect()
    return [len(os.listdir("/proc/self/fd")), threading.active_count()]
counts = []
for number in range(8):
    with started() as runtime:
        call(0.02)
        assert runtime.flush(30)
        figures(runtime)
    counts.append([*held(), balance()[0] - balance()[1]])
tell = [balance()[0] >= 8, max(counts[4:]), max(counts[:4])]
"""
    )
    some, late, early = nvml.run(machine(gpu(), gpu(1)), code)
    assert some
    assert late <= early
    assert late[2] == 0


def test_F67_the_programs_own_use_of_nvml_outlives_ours(nvml: Bench) -> None:
    code = (
        RUN
        + """
import pynvml
pynvml.nvmlInit()
handle = pynvml.nvmlDeviceGetHandleByIndex(0)
tell = []
for number in range(3):
    with started() as runtime:
        call(0.02)
        runtime.flush(30)
        figures(runtime)
        tell.append(pynvml.nvmlDeviceGetPowerUsage(handle))
    tell.append(pynvml.nvmlDeviceGetPowerUsage(handle))
pynvml.nvmlShutdown()
"""
    )
    assert nvml.run(machine(gpu()), code) == [120_000] * 6


LOST = """
from clearspan.samplers.nvml import Nvml
clock = Clock()
nvml = Nvml(clock)
nvml.open()
FOUND = len(nvml.states())
assert FOUND
lines(*GONE)
tried, asked = library().standInTries(), library().standInCalls()
gone = 0
for _ in range(600):  # a minute, looked at ten times a second
    clock.now += 0.1
    gone += not nvml.states()
    nvml.read()
tell = [gone, library().standInTries() - tried, library().standInCalls() - asked]
lines()
for _ in range(700):
    clock.now += 0.1
    if len(nvml.states()) == FOUND:
        break
tell += [len(nvml.states()) == FOUND, dict(nvml.counts()) != {}]
nvml.close()
"""
FUNCTIONS = (
    "nvmlDeviceGetUtilizationRates", "nvmlDeviceGetEncoderUtilization", "nvmlDeviceGetDecoderUtilization",
    "nvmlDeviceGetMemoryInfo", "nvmlDeviceGetPowerUsage", "nvmlDeviceGetTotalEnergyConsumption", "nvmlDeviceGetTemperature",
    "nvmlDeviceGetTemperatureThreshold", "nvmlDeviceGetNumFans", "nvmlDeviceGetFanSpeed_v2", "nvmlDeviceGetTotalEccErrors",
    "nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetGraphicsRunningProcesses_v3", "nvmlDeviceGetMigMode",
    "nvmlDeviceGetName",
)  # fmt: skip


@pytest.mark.parametrize("code", [1, 10, 15, 16, 18, 27, 28, 999])
@pytest.mark.parametrize(
    ("gpus", "visible"), [([gpu()], "0"), ([gpu(), gpu(1)], "0,1"), ([sliced(0, [10_000, 20_000])], "MIG-01")],
    ids=["one", "two", "slice"],
)  # fmt: skip
def test_F68_what_is_lost_is_let_rest_and_found_again(
    nvml: Bench, code: int, gpus: list[list[str]], visible: str
) -> None:
    gone = [f"fail {function} {code}" for function in FUNCTIONS]
    lost, tries, asked, again, _ = nvml.run(
        machine(*gpus), f"GONE = {gone!r}\n" + LOST, CUDA_VISIBLE_DEVICES=visible
    )
    assert lost == 600
    # 1, 2, 4, 8, 16 and 32 seconds: it never spins.
    assert tries <= 6
    assert asked <= 600
    assert again


def test_F68_a_program_whose_gpu_goes_and_comes_calls_on(nvml: Bench) -> None:
    code = (
        RUN
        + f"""
GONE = {[f"fail {function} 15" for function in FUNCTIONS]!r}
with started() as runtime:
    call(0.05)
    assert runtime.flush(30)
    figures(runtime)
    lines(*GONE)
    for _ in range(5):
        call(0.02)
    assert runtime.flush(30)
    lost = figures(runtime)
    lines()
    deadline = time.monotonic() + 30
    while "hw.gpu.memory.usage" not in figures(runtime) or not figures(runtime)["hw.gpu.memory.usage"]:
        assert time.monotonic() < deadline
        call(0.02)
    accounts = runtime.status().accounts
    errors = runtime.status().internal_errors
tell = [errors, lost.get("hw.gpu.memory.usage", []), len(memory.get_finished_spans()) >= 7]
"""
    )
    assert nvml.run(machine(gpu()), code) == [{}, [], True]


GARBAGE = """
import math
import pynvml
from clearspan.samplers.nvml import Nvml
class Odd:
    def __getattr__(self, name):
        raise RuntimeError("read")
    def __float__(self):
        raise RuntimeError("converted")
values = {
    "minus one": -1, "all bits": 2**64 - 1, "all bits of 32": 2**32 - 1, "none": None, "nan": math.nan, "inf": math.inf,
    "-inf": -math.inf, "text": "40", "bytes": b"40", "complex": 40j, "true": True, "huge": 10**400, "list": [40], "object": Odd(),
}
kept = getattr(pynvml, FUNCTION)
whole = None
tell = {}
try:
    for name, value in {"": kept, **values}.items():
        if name:
            setattr(pynvml, FUNCTION, lambda *given, told=value: told)
        nvml = Nvml(Clock())
        assert nvml.open()
        found, states, counts = told(nvml), nvml.states(), dict(nvml.counts())
        nvml.close()
        whole = whole or found
        made_up = {key: one for key, one in found.items() if whole.get(key) != one and not key.startswith("hw.status")}
        tell[name] = [len(whole) - len(found), made_up, len(states), bool(counts) or value is None, str(FIELD and getattr(states[0], FIELD))]
finally:
    setattr(pynvml, FUNCTION, kept)
"""


@pytest.mark.parametrize(
    ("function", "field"),
    [
        ("nvmlDeviceGetPowerUsage", "power"),
        ("nvmlDeviceGetTotalEnergyConsumption", "energy"),
        ("nvmlDeviceGetTemperature", ""),
    ],
)
def test_F69_a_figure_that_cannot_be_true_is_absent_and_counted(
    nvml: Bench, function: str, field: str
) -> None:
    found: dict[str, Any] = nvml.run(
        machine(gpu()), f"FUNCTION, FIELD = {function!r}, {field!r}\n" + GARBAGE
    )
    assert found.pop("") == [0, {}, 1, False, {"power": "120.0", "energy": "5000.0", "": ""}[field]]
    if field == "energy":
        found.pop("all bits of 32")  # so many millijoules a GPU may have used
    for name, (fewer, made_up, states, counted, told) in found.items():
        assert (fewer, made_up, states) == (1, {}, 1), name
        assert counted, name
        assert told == ("None" if field else ""), name


@pytest.mark.parametrize(
    "line",
    [
        "count 4294967295",
        "count 300",
        "driver \u00ff",
        "gpu 0 name " + "x" * 300,
        "gpu 0 mig 7",
        "gpu 0 slices 99",
    ],
)
def test_F69_a_machine_that_tells_nonsense_of_itself_harms_no_program(
    nvml: Bench, line: str
) -> None:
    found = nvml.run([*machine(gpu()), line], ABSENT)
    assert found[0] is True
    assert found[2] == {}
    assert found[4] == []
