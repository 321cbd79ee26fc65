"""NVIDIA's GPUs, read with the real nvidia-ml-py from a stand-in for the driver's library."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.samplers.stand_in import Bench, alone, bench, gpu, machine, sliced

OPEN = """
from clearspan.samplers.nvml import Nvml
clock = Clock()
nvml = Nvml(clock)
opened = nvml.open()
"""
READ = OPEN + "tell = told(nvml)\nnvml.close()\n"
STATES = OPEN + "import dataclasses\ntell = [dataclasses.asdict(s) for s in nvml.states()]\nnvml.close()\n"  # fmt: skip
COUNTED = OPEN + "tell = [told(nvml), dict(nvml.counts())]\nnvml.close()\n"

# Which figures each function tells, by the names that `told` gives them.
FIGURES = {
    "nvmlDeviceGetUtilizationRates": ["hw.gpu.utilization 0 general"],
    "nvmlDeviceGetEncoderUtilization": ["hw.gpu.utilization 0 encoder"],
    "nvmlDeviceGetDecoderUtilization": ["hw.gpu.utilization 0 decoder"],
    "nvmlDeviceGetMemoryInfo": [
        "hw.gpu.memory.usage 0", "hw.gpu.memory.limit 0", "hw.gpu.memory.utilization 0"
    ],
    "nvmlDeviceGetPowerUsage": ["hw.power 0"],
    "nvmlDeviceGetTotalEnergyConsumption": ["hw.energy 0"],
    "nvmlDeviceGetTemperature": ["hw.temperature 0"],
    "nvmlDeviceGetTemperatureThreshold": [
        "hw.temperature.limit 0 high.critical", "hw.temperature.limit 0 throttled",
        "hw.temperature.limit 0 high.degraded",
    ],
    "nvmlDeviceGetNumFans": ["hw.fan.speed_ratio 0/fan0"],
    "nvmlDeviceGetFanSpeed_v2": ["hw.fan.speed_ratio 0/fan0"],
    "nvmlDeviceGetTotalEccErrors": ["hw.errors 0 corrected", "hw.errors 0 uncorrected"],
    "nvmlDeviceGetComputeRunningProcesses_v3": [],
    "nvmlDeviceGetGraphicsRunningProcesses_v3": [],
    "nvmlDeviceGetMigMode": [],
    "nvmlDeviceGetName": [],
    "nvmlSystemGetDriverVersion": [],
}  # fmt: skip
STATUS = {f"hw.status 0 {state}" for state in ("ok", "degraded", "failed")}
ORDINARY = (3, 4, 13)
GONE = (15, 16)


@pytest.fixture(scope="module")
def nvml(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with bench(tmp_path_factory.mktemp("nvml")) as running:
        yield running


def state(**changes: Any) -> dict[str, Any]:
    return {
        "device": "GPU-0", "utilization": 0.4, "memory": 20_000_000_000, "power": 120.0,
        "energy": 5000.0, "foreign": False, "model": "NVIDIA H100", "occupied": True,
    } | changes  # fmt: skip


def test_all_figures_of_a_gpu(nvml: Bench) -> None:
    assert nvml.run(machine(gpu()), READ) == pytest.approx({
        "hw.gpu.memory.usage 0": 20e9,
        "hw.gpu.memory.limit 0": 80e9,
        "hw.gpu.memory.utilization 0": 0.25,
        "hw.gpu.utilization 0 general": 0.4,
        "hw.gpu.utilization 0 encoder": 0.1,
        "hw.gpu.utilization 0 decoder": 0.2,
        "hw.power 0": 120.0,
        "hw.energy 0": 5000.0,
        "hw.temperature 0": 55.0,
        "hw.temperature.limit 0 high.critical": 95.0,
        "hw.temperature.limit 0 throttled": 90.0,
        "hw.temperature.limit 0 high.degraded": 85.0,
        "hw.fan.speed_ratio 0/fan0": 0.3,
        "hw.errors 0 corrected": 7.0,
        "hw.errors 0 uncorrected": 2.0,
        "hw.status 0 ok": 1.0,
        "hw.status 0 degraded": 0.0,
        "hw.status 0 failed": 0.0,
    })  # fmt: skip


def test_whose_a_figure_is(nvml: Bench) -> None:
    found = nvml.run(
        machine(gpu()),
        OPEN + "tell = {r.name: dict(r.attributes) for r in nvml.read()}\nnvml.close()\n",
    )
    whose = {
        "hw.id": "GPU-0", "hw.name": "NVIDIA H100", "hw.model": "NVIDIA H100",
        "hw.vendor": "NVIDIA", "hw.driver_version": "550.54",
    }  # fmt: skip
    assert found["hw.gpu.memory.usage"] == whose
    assert found["hw.power"] == {**whose, "hw.type": "gpu"}
    assert found["hw.temperature"] == {**whose, "hw.parent": "GPU-0", "hw.sensor_location": "gpu"}
    assert found["hw.fan.speed_ratio"]["hw.name"] == "fan 0"
    assert found["hw.fan.speed_ratio"]["hw.parent"] == "GPU-0"


def test_only_instruments_of_the_convention(nvml: Bench) -> None:
    names, known = nvml.run(
        machine(gpu()),
        OPEN + "tell = [sorted({r.name for r in nvml.read()}), sorted(i.name for i in nvml.instruments)]\n"
        "nvml.close()\n",
    )  # fmt: skip
    assert names == known


def test_the_state_of_several_gpus(nvml: Bench) -> None:
    found = nvml.run(machine(gpu(0), gpu(1, util=0, pids="none"), gpu(2, pids="1,2")), STATES)
    assert found == [
        state(),
        state(device="GPU-1", utilization=0.0, power=pytest.approx(120.001), occupied=False),
        state(device="GPU-2", power=pytest.approx(120.002), foreign=True),
    ]


def test_the_choice_of_devices_decides_what_is_read(nvml: Bench) -> None:
    code = OPEN + (
        "tell = [[s.device for s in nvml.states()], sorted({r.attributes['hw.id'] for r in nvml.read() if r.name == 'hw.power'}),"
        " nvml.ids([0]), nvml.ids([1, 0]), nvml.ids([]), nvml.ids([2]), nvml.ids([-1]), opened]\nnvml.close()\n"
    )
    three = machine(gpu(0), gpu(1), gpu(2))
    assert nvml.run(three, code, CUDA_VISIBLE_DEVICES="2,0") == [
        ["GPU-2", "GPU-0"], ["GPU-0", "GPU-2"], ["GPU-2"], ["GPU-0", "GPU-2"], [], [], [], True
    ]  # fmt: skip
    assert nvml.run(three, code, CUDA_VISIBLE_DEVICES="") == [[], [], [], [], [], [], [], False]
    mixed = machine(gpu(0), gpu(1, name="NVIDIA A100"))
    assert nvml.run(mixed, code) == [[], ["GPU-0", "GPU-1"], [], [], [], [], [], True]
    assert nvml.run(mixed, code, CUDA_DEVICE_ORDER="PCI_BUS_ID")[3] == ["GPU-1", "GPU-0"]


def test_a_slice_tells_its_memory_and_its_gpu_the_rest(nvml: Bench) -> None:
    lines = machine(sliced(0, [10_000, 20_000]))
    assert nvml.run(lines, STATES, CUDA_VISIBLE_DEVICES="MIG-01") == [
        state(device="MIG-01", utilization=None, memory=5000, power=None, energy=None,
              model="NVIDIA H100 MIG 1", occupied=False)
    ]  # fmt: skip
    found = nvml.run(lines, READ, CUDA_VISIBLE_DEVICES="MIG-01")
    assert found["hw.gpu.memory.usage MIG-01"] == 5000
    assert found["hw.power 0"] == 120
    assert found["hw.status 0 ok"] == 1
    assert {name.split()[0] for name in found if "MIG-01" in name} == {
        "hw.gpu.memory.usage", "hw.gpu.memory.limit", "hw.gpu.memory.utilization"
    }  # fmt: skip
    assert not any("MIG-00" in name for name in found)
    # Which slice CUDA shows is not certain: none is told to be a call's.
    assert nvml.run(lines, STATES) == []
    assert nvml.run(lines, COUNTED)[1] == {}


def test_a_slice_without_a_name_has_that_of_its_gpu(nvml: Bench) -> None:
    lines = [*machine(sliced(0, [10_000])), "fail nvmlDeviceGetName 3 100"]
    assert nvml.run(lines, STATES)[0]["model"] == "NVIDIA H100"
    lines = [*machine(sliced(0, [10_000])), "fail nvmlDeviceGetUUID 3 100"]
    assert nvml.run(lines, STATES) == []


@pytest.mark.parametrize("code", [*ORDINARY, *GONE, 2, 10, 25, 27, 999])
def test_a_function_that_fails_takes_its_own_figures_only(nvml: Bench, code: int) -> None:
    program = OPEN.replace("opened = nvml.open()", "") + (
        "tell = {}\n"
        f"for function in {list(FIGURES)!r}:\n"
        f"    lines(f'fail {{function}} {code}')\n"
        "    nvml = Nvml(clock)\n"
        "    tell[function] = [nvml.open(), told(nvml), dict(nvml.counts()), len(nvml.states()), told(nvml)]\n"
        "    nvml.close()\n"
    )
    whole = nvml.run(machine(gpu()), READ)
    for function, answer in nvml.run(machine(gpu()), program).items():
        opened, first, counts, states, again = answer
        assert opened, function
        assert states == 1, function
        assert first == again, function  # and it is not taken for lost
        device = function.startswith("nvmlDevice") and bool(FIGURES[function])
        untold = STATUS if device and code in GONE else set[str]()
        assert {name for name in whole if name not in first} == {*FIGURES[function], *untold}
        assert first == {name: value for name, value in whole.items() if name in first}
        quiet = code in {*ORDINARY, 25} or function.endswith("RunningProcesses_v3")
        assert quiet == (not counts), function
        assert set(counts) <= {function}


def test_a_state_without_what_fails(nvml: Bench) -> None:
    for function, field in {
        "nvmlDeviceGetUtilizationRates": "utilization",
        "nvmlDeviceGetMemoryInfo": "memory",
        "nvmlDeviceGetPowerUsage": "power",
        "nvmlDeviceGetTotalEnergyConsumption": "energy",
        "nvmlDeviceGetComputeRunningProcesses_v3": "foreign",
        "nvmlDeviceGetGraphicsRunningProcesses_v3": "foreign",
    }.items():
        for code in (3, 15, 999):
            lines = [*machine(gpu()), f"fail {function} {code}"]
            untold = {field: None} | ({"occupied": None} if "Compute" in function else {})
            assert nvml.run(lines, STATES) == [state(**untold)]


@pytest.mark.parametrize(
    ("lines", "foreign", "occupied"),
    [
        (["gpu 0 drawing own"], False, True),
        (["gpu 0 drawing 7"], True, True),
        (["gpu 0 pids none", "gpu 0 drawing 7"], True, False),
        (["gpu 0 pids 7", "fail nvmlDeviceGetGraphicsRunningProcesses_v3 3"], True, True),
    ],
)
def test_those_that_draw_are_others_too(
    nvml: Bench, lines: list[str], foreign: bool, occupied: bool
) -> None:
    found = nvml.run([*machine(gpu()), *lines], STATES)
    assert found == [state(foreign=foreign, occupied=occupied)]


def test_who_computes_there_is_looked_at_once_a_second(nvml: Bench) -> None:
    code = (
        OPEN
        + """
tell = [nvml.states()[0].foreign]
lines("gpu 0 pids 1,2")
for wait in (0.5, 0.5):
    clock.now += wait
    tell.append(nvml.states()[0].foreign)
nvml.close()
"""
    )
    assert nvml.run(machine(gpu()), code) == [False, False, True]


@pytest.mark.parametrize(
    ("line", "lost", "counted"),
    [
        ("util 255", ["hw.gpu.utilization 0 general"], "utilization"),
        ("util 4294967295", ["hw.gpu.utilization 0 general"], "utilization"),
        ("encoder 101", ["hw.gpu.utilization 0 encoder"], "utilization"),
        ("power_mw 4294967295", ["hw.power 0"], "power"),
        ("energy_mj 18446744073709551615", ["hw.energy 0"], "energy"),
        ("memory_used 18446744073709551615", FIGURES["nvmlDeviceGetMemoryInfo"], "memory"),
        ("memory_used 80000000001", FIGURES["nvmlDeviceGetMemoryInfo"], "memory"),
        ("memory_total 18446744073709551615", FIGURES["nvmlDeviceGetMemoryInfo"], "memory"),
        ("memory_total 0", FIGURES["nvmlDeviceGetMemoryInfo"], "memory"),
        ("temperature 4294967295", ["hw.temperature 0"], "temperature"),
        ("threshold_1 0", ["hw.temperature.limit 0 throttled"], "temperature.limit"),
        ("fan_0 4294967295", ["hw.fan.speed_ratio 0/fan0"], "fan"),
        ("fans 4294967295", ["hw.fan.speed_ratio 0/fan0"], "fans"),
        ("ecc_1_1 18446744073709551615", ["hw.errors 0 uncorrected"], "errors"),
    ],
)
def test_what_cannot_be_true_is_dropped_and_counted(
    nvml: Bench, line: str, lost: list[str], counted: str
) -> None:
    whole = nvml.run(machine(gpu()), READ)
    found, counts = nvml.run([*machine(gpu()), f"gpu 0 {line}"], COUNTED)
    assert found == {name: value for name, value in whole.items() if name not in lost}
    assert counts == {counted: 1}


def test_a_count_of_devices_that_cannot_be_true_is_none(nvml: Bench) -> None:
    code = OPEN + "tell = [opened, dict(nvml.counts()), told(nvml), nvml.states()]\n"
    assert nvml.run([*machine(gpu()), "count 4294967295"], code) == [False, {"count": 1}, {}, []]


def test_a_meter_that_leaps_is_not_believed_until_it_goes_on(nvml: Bench) -> None:
    code = (
        OPEN
        + """
tell = []
for reading in (5_000_000, 5_100_000, 4_000_000, 4_100_000, 900_000_000_000, 900_000_100_000, 4_300_000, 4_400_000):
    lines(f"gpu 0 energy_mj {reading}")
    tell.append(nvml.states()[0].energy)
    clock.now += 0.1
tell = [tell, dict(nvml.counts())]
nvml.close()
"""
    )
    energies, counts = nvml.run(machine(gpu()), code)
    # It ran back, leapt ahead, and back: each time one reading is left out.
    assert energies == [5000, 5100, None, 4100, None, 900_000_100, None, 4400]
    assert counts == {"energy": 3}


def test_uncorrected_errors_since_the_start_are_a_degraded_state(nvml: Bench) -> None:
    found = nvml.run(machine(gpu(ecc_1_0=1)), READ)
    assert [found[f"hw.status 0 {state}"] for state in ("ok", "degraded", "failed")] == [0, 1, 0]


def test_of_a_device_that_tells_nothing_no_state_is_made_up(nvml: Bench) -> None:
    lines = ["count 1", "gpu 0 uuid GPU-0"]
    assert nvml.run(lines, READ) == {}
    assert nvml.run(lines, STATES) == [
        state(
            utilization=None,
            memory=None,
            power=None,
            energy=None,
            foreign=None,
            model=None,
            occupied=None,
        )
    ]


def test_a_name_that_is_no_text_is_none(nvml: Bench) -> None:
    code = OPEN + "tell = [opened, dict(nvml.counts())]\nnvml.close()\n"
    broken = code.replace("nvml = Nvml", "lines('gpu 0 name \\udcff')\nnvml = Nvml")
    broken = broken.replace("clock = Clock()", "clock = Clock()\nwrite = lines\n" + RAW)
    assert nvml.run(machine(gpu()), broken) == [True, {"nvmlDeviceGetName": 1}]


RAW = """
def lines(*wanted):
    with open(os.environ["CLEARSPAN_TEST_NVML_SCRIPT"], "ab") as file:
        file.write("\\n".join(wanted).encode("utf-8", "surrogateescape") + b"\\n")
"""


# -- nothing there -------------------------------------------------------------------------------

ABSENT = """
from clearspan.samplers.nvml import Nvml
nvml = Nvml()
tell = [nvml.present(), nvml.open(), nvml.open(), list(nvml.read()), list(nvml.states()), list(nvml.ids([0])), threading.active_count()]
nvml.close()
"""


def test_without_the_library(tmp_path: Path) -> None:
    assert alone(tmp_path, None, ABSENT)[1:] == [False, False, [], [], [], 1]


@pytest.mark.parametrize(
    "line",
    ["init_error 9", "init_error 4", "init_error 18", "init_error 999", "count 0", "fail nvmlDeviceGetCount 999",
     "fail nvmlDeviceGetHandleByIndex 4", "fail nvmlDeviceGetHandleByIndex 15", "fail nvmlDeviceGetUUID 3"],
)  # fmt: skip
def test_without_a_driver_permission_or_device(nvml: Bench, line: str) -> None:
    code = ABSENT + "tell.append(balance()[0] - balance()[1])"
    assert nvml.run([*machine(gpu()), line], code) == [True, False, False, [], [], [], 1, 0]


def test_without_the_binding(nvml: Bench) -> None:
    code = (
        "kept = sys.modules.pop('pynvml', None)\nsys.modules['pynvml'] = None\n"
        + ABSENT
        + """
del sys.modules['pynvml']
if kept is not None:
    sys.modules['pynvml'] = kept
"""
    )
    assert nvml.run(machine(gpu()), code)[1:3] == [False, False]


def test_a_function_that_the_binding_lacks_is_absent(nvml: Bench) -> None:
    code = (
        "import pynvml\nkept = pynvml.nvmlDeviceGetPowerUsage\ndel pynvml.nvmlDeviceGetPowerUsage\n"
    )
    found = nvml.run(machine(gpu()), code + READ + "pynvml.nvmlDeviceGetPowerUsage = kept\n")
    assert "hw.power 0" not in found
    assert "hw.energy 0" in found


def test_loading_the_module_loads_nothing(tmp_path: Path) -> None:
    code = "import clearspan, clearspan.samplers.nvml\ntell = [n for n in ('pynvml', 'psutil') if n in sys.modules]"
    assert alone(tmp_path, machine(gpu()), code) == []


# -- lost and back -------------------------------------------------------------------------------


def test_a_lost_device_is_told_and_found_again(nvml: Bench) -> None:
    code = (
        OPEN
        + """
waits, quiet = [], []
nvml.states()
lines(*GONE)
told(nvml)
tried = library().standInTries()
last = clock.now
for _ in range(4000):
    clock.now += 0.1
    before = library().standInCalls()
    status, states = told(nvml), nvml.states()
    assert states == [], states
    assert status == {"hw.status 0 ok": 0, "hw.status 0 degraded": 0, "hw.status 0 failed": 1}, status
    if library().standInTries() > tried:
        tried = library().standInTries()
        waits.append(round(clock.now - last))
        last = clock.now
    else:
        quiet.append(library().standInCalls() - before)
lines()
for _ in range(700):
    clock.now += 0.1
    found = nvml.states()
    if found:
        break
tell = [waits, max(quiet), [s.device for s in found], told(nvml)["hw.status 0 ok"], list(nvml.ids([0]))]
lines(*GONE)
told(nvml)
clock.now += 1.1
lines()
tell.append(len(nvml.states()))
nvml.close()
tell.append(balance()[0] - balance()[1])
"""
    )
    for gone in (
        [f"fail {function} 15" for function in FIGURES],
        ["fail nvmlDeviceGetHandleByIndex 15", *(f"fail {function} 15" for function in FIGURES)],
        ["count 0", *(f"fail {function} 999" for function in FIGURES)],
        ["init_error 9", *(f"fail {function} 9" for function in FIGURES)],
        [*(f"fail {function} 27" for function in FIGURES)],
    ):
        found = nvml.run(machine(gpu()), f"GONE = {gone!r}\n" + code)
        assert found[0] == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60], gone
        assert found[1:] == [0, ["GPU-0"], 1.0, ["GPU-0"], 1, 0], gone


def test_one_lost_gpu_leaves_the_others_as_they_are(nvml: Bench) -> None:
    code = (
        OPEN
        + """
lines(*[f"fail {function} 15 1" for function in FUNCTIONS])
tell = []
for _ in range(30):
    found = told(nvml)
    tell.append([sorted(name for name in found if "status" in name and found[name]), sorted(name for name in found if "power" in name)])
    tell.append([s.device for s in nvml.states()])
    tell.append(list(nvml.ids([0, 1, 2])))
    clock.now += 0.7
    if len(tell) == 60:
        lines("count 1")  # as if the two that follow had gone altogether
nvml.close()
"""
    )
    code = f"FUNCTIONS = {list(FIGURES)!r}\n" + code
    told = nvml.run(machine(gpu(0), gpu(1), gpu(2)), code)
    statuses = [
        ["hw.status 0 ok", "hw.status 1 failed", "hw.status 2 ok"],
        ["hw.power 0", "hw.power 2"],
    ]
    assert told[0] == statuses
    assert told[:60] == [statuses, ["GPU-0", "GPU-2"], ["GPU-0", "GPU-1", "GPU-2"]] * 20
    # Their numbers stay, since a process that uses CUDA keeps its own.
    last = [["hw.status 0 ok", "hw.status 1 failed", "hw.status 2 failed"], ["hw.power 0"]]
    assert told[-3:] == [last, ["GPU-0"], ["GPU-0", "GPU-1", "GPU-2"]]


def test_a_lost_slice_is_told_by_its_gpu(nvml: Bench) -> None:
    code = (
        OPEN
        + f"lines(*[f'fail {{name}} 15' for name in {list(FIGURES)!r}])\n"
        + """
told(nvml)
tell = [sorted(told(nvml)), nvml.states()]
nvml.close()
"""
    )
    assert nvml.run(machine(sliced(0, [10_000])), code) == [sorted(STATUS), []]


# -- what it takes is given back -----------------------------------------------------------------


def test_a_thousand_times_open_and_closed(nvml: Bench) -> None:
    code = """
from clearspan.samplers.nvml import Nvml
def held():
    return len(os.listdir("/proc/self/fd"))
first, start, cpu = None, balance(), 0
nvml = Nvml()
for turn in range(1000):
    assert nvml.open()
    if turn % 100 == 0:
        nvml.states()
    nvml.close()
    nvml.close()
    first = first or held()
end = balance()
tell = [end[0] - start[0], end[1] - start[1], held() - first, threading.active_count()]
"""
    bare = ["count 1", "gpu 0 uuid GPU-0"]
    assert nvml.run(bare, code) == [1000, 1000, 0, 1]


def test_the_programs_own_use_goes_on(nvml: Bench) -> None:
    code = """
import pynvml
pynvml.nvmlInit()
from clearspan.samplers.nvml import Nvml
nvml = Nvml()
nvml.open(), nvml.open(), nvml.read(), nvml.close(), nvml.close()
tell = pynvml.nvmlDeviceGetCount()
pynvml.nvmlShutdown()
other = Nvml()
other.open()
pynvml.nvmlInit()
pynvml.nvmlShutdown()
tell = [tell, len(other.states())]
other.close()
tell.append(balance()[0] - balance()[1])
"""
    assert nvml.run(machine(gpu(0), gpu(1)), code) == [2, 2, 0]


def test_a_program_that_ends_nvml_once_too_often(nvml: Bench) -> None:
    code = (
        OPEN
        + """
import pynvml
pynvml.nvmlShutdown()
nvml.states()
clock.now += 1.0
tell = [[s.device for s in nvml.states()]]
pynvml.nvmlShutdown()
nvml.close()
tell.append(balance()[0] - balance()[1])
"""
    )
    assert nvml.run(machine(gpu()), code) == [["GPU-0"], 0]


def test_a_forked_child_starts_its_own_and_ends_only_that(nvml: Bench) -> None:
    code = (
        OPEN
        + """
import json
def child(what):
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            what(theirs)
        finally:
            os._exit(0)
    os.close(theirs)
    os.waitpid(pid, 0)
    with os.fdopen(ours) as file:
        return json.loads(file.read())
def reads(pipe):
    states = [[s.device for s in nvml.states()], [s.device for s in nvml.states()]]
    between = balance()
    nvml.close()
    os.write(pipe, json.dumps([*states, between[0] - start[0], balance()[1] - start[1]]).encode())
def closes(pipe):
    nvml.close()
    os.write(pipe, json.dumps([balance()[0] - start[0], balance()[1] - start[1], nvml.open()]).encode())
start = balance()
tell = [child(reads), child(closes), [s.device for s in nvml.states()]]
assert balance() == start
nvml.close()
"""
    )
    assert nvml.run(machine(gpu()), code) == [[["GPU-0"], ["GPU-0"], 1, 1], [0, 0, True], ["GPU-0"]]


# -- a real one ----------------------------------------------------------------------------------


def test_on_a_real_gpu() -> None:
    from clearspan.samplers.nvml import Nvml

    nvml = Nvml()
    if not nvml.present() or not nvml.open():
        pytest.skip("no NVIDIA GPU that this process may use")
    try:
        states, readings = nvml.states(), nvml.read()
        assert readings
        assert {reading.attributes["hw.vendor"] for reading in readings} == {"NVIDIA"}
        for state in states:
            assert state.device.startswith(("GPU-", "MIG-"))
            assert state.power is None or 1 < state.power < 2000
            assert state.utilization is None or 0 <= state.utilization <= 1
            assert state.memory is None or 0 <= state.memory < 2**40
        assert nvml.ids(range(len(states))) == tuple(state.device for state in states)
        failed = [r for r in readings if r.attributes.get("hw.state") == "failed"]
        assert not any(reading.value for reading in failed)
    finally:
        nvml.close()
