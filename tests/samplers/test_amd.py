"""AMD's GPUs, by a stand-in for amdsmi with the names and the oddities of the real one."""

from __future__ import annotations

import itertools
import logging
import os
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from clearspan.samplers import amd
from clearspan.samplers.amd import Amd

NOT_SUPPORTED, IO, NO_PERMISSION = 2, 12, 10
GPU = "b0ff74a1-0000-1000-80f0-000000000001"
SECOND = "b0ff74a1-0000-1000-80f0-000000000002"


class LibraryError(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.err_code = code


class Card:
    """What amdsmi answers for one GPU; an int instead of an answer is an error's code."""

    def __init__(self, uuid: str = GPU, hip_id: Any = 0) -> None:
        self.lost = False
        self.uuid = uuid
        self.enumeration: Any = {"hip_id": hip_id, "hip_uuid": "GPU-x"}
        self.asic: Any = {"market_name": "AMD Instinct MI300X"}
        self.driver: Any = {"driver_name": "amdgpu", "driver_version": "6.12.12"}
        self.activity: Any = {"gfx_activity": 40, "umc_activity": 3, "mm_activity": "N/A"}
        self.vram: Any = {"vram_total": 196_592, "vram_used": 1_024}
        self.power: Any = {
            "socket_power": 139,
            "current_socket_power": 139,
            "average_socket_power": "N/A",
        }
        self.energy: Any = {
            "energy_accumulator": 2_000_000,
            "counter_resolution": 15.259,
            "timestamp": 1,
        }
        self.heat: Any = {("EDGE", "CURRENT"): NOT_SUPPORTED, ("HOTSPOT", "CURRENT"): 45,
                          ("HOTSPOT", "CRITICAL"): 100, ("VRAM", "CURRENT"): 38, ("VRAM", "CRITICAL"): 0}  # fmt: skip
        self.fan: Any = NOT_SUPPORTED
        self.fan_most: Any = 255
        self.ecc: Any = {"correctable_count": 4, "uncorrectable_count": 0, "deferred_count": 0}
        self.processes: Any = []


class Library(ModuleType):
    """The module; `cards` is the machine."""

    def __init__(self) -> None:
        super().__init__("amdsmi")
        self.cards = [Card()]
        self.driver: Any = None
        self.balance = [0, 0]
        self.asked: list[str] = []
        self.AmdSmiTemperatureType = SimpleNamespace(EDGE="EDGE", HOTSPOT="HOTSPOT", VRAM="VRAM")
        self.AmdSmiTemperatureMetric = SimpleNamespace(CURRENT="CURRENT", CRITICAL="CRITICAL")

    def _told(self, card: Card, answer: Any, *, live: bool = True) -> Any:
        self.asked.append(card.uuid)
        if card.lost and live:
            raise LibraryError(IO)
        if type(answer) is int and answer in (NOT_SUPPORTED, NO_PERMISSION, IO):
            raise LibraryError(answer)
        return answer

    def amdsmi_init(self) -> None:
        if self.driver is not None:
            raise self.driver
        self.balance[0] += 1

    def amdsmi_shut_down(self) -> None:
        self.balance[1] += 1

    def amdsmi_get_processor_handles(self) -> list[Card]:
        return list(self.cards)

    def amdsmi_get_gpu_device_uuid(self, card: Card) -> str:
        return card.uuid

    def amdsmi_get_gpu_enumeration_info(self, card: Card) -> Any:
        return self._told(card, card.enumeration, live=False)

    def amdsmi_get_gpu_asic_info(self, card: Card) -> Any:
        return self._told(card, card.asic, live=False)

    def amdsmi_get_gpu_driver_info(self, card: Card) -> Any:
        return self._told(card, card.driver, live=False)

    def amdsmi_get_gpu_activity(self, card: Card) -> Any:
        return self._told(card, card.activity)

    def amdsmi_get_gpu_vram_usage(self, card: Card) -> Any:
        return self._told(card, card.vram)

    def amdsmi_get_power_info(self, card: Card) -> Any:
        return self._told(card, card.power)

    def amdsmi_get_energy_count(self, card: Card) -> Any:
        return self._told(card, card.energy)

    def amdsmi_get_temp_metric(self, card: Card, kind: str, metric: str) -> Any:
        return self._told(card, card.heat.get((kind, metric), NOT_SUPPORTED))

    def amdsmi_get_gpu_fan_speed(self, card: Card, sensor: int) -> Any:
        assert sensor == 0
        return self._told(card, card.fan)

    def amdsmi_get_gpu_fan_speed_max(self, card: Card, sensor: int) -> Any:
        assert sensor == 0
        return self._told(card, card.fan_most)

    def amdsmi_get_gpu_total_ecc_count(self, card: Card) -> Any:
        return self._told(card, card.ecc)

    def amdsmi_get_gpu_process_list(self, card: Card) -> Any:
        return self._told(card, card.processes, live=False)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    found = Library()
    monkeypatch.setitem(sys.modules, "amdsmi", found)
    monkeypatch.setattr(amd, "_loads", lambda name: name == "libamd_smi.so")
    for name in ("HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)
    return found


@pytest.fixture
def clock() -> Clock:
    return Clock()


def opened(clock: Clock) -> Amd:
    sampler = Amd(clock)
    assert sampler.open()
    return sampler


def told(sampler: Amd) -> dict[str, float]:
    keys = ("hw.gpu.task", "hw.sensor_location", "hw.limit_type", "error.type", "hw.state")
    return {
        " ".join([found.name, *(found.attributes[key] for key in keys if key in found.attributes)]): found.value
        for found in sampler.read()
    }  # fmt: skip


def use(pid: int, memory: Any = 1_000) -> dict[str, Any]:
    return {"name": "N/A", "pid": pid, "memory_usage": {"vram_mem": memory}}


def test_all_figures_in_the_units_of_the_conventions(library: Library, clock: Clock) -> None:
    library.cards[0].fan = 51
    found = told(opened(clock))
    assert found == pytest.approx({
        "hw.gpu.utilization general": 0.4,
        "hw.gpu.memory.usage": 1_024 * 2**20,
        "hw.gpu.memory.limit": 196_592 * 2**20,
        "hw.gpu.memory.utilization": 1_024 / 196_592,
        "hw.power": 139.0,
        "hw.energy": 2_000_000 * 15.259e-6,
        "hw.temperature hotspot": 45.0,
        "hw.temperature.limit hotspot high.critical": 100.0,
        "hw.temperature vram": 38.0,
        "hw.fan.speed_ratio": 0.2,
        "hw.errors corrected": 4.0,
        "hw.errors uncorrected": 0.0,
        "hw.status ok": 1.0,
        "hw.status degraded": 0.0,
        "hw.status failed": 0.0,
    })  # fmt: skip


def test_whose_figures_they_are(library: Library, clock: Clock) -> None:
    library.cards[0].fan = 51
    found = {reading.name: reading.attributes for reading in opened(clock).read()}
    about = {
        "hw.id": GPU, "hw.name": "AMD Instinct MI300X", "hw.model": "AMD Instinct MI300X",
        "hw.vendor": "AMD", "hw.driver_version": "6.12.12",
    }  # fmt: skip
    assert found["hw.gpu.memory.usage"] == about
    assert found["hw.power"] == {**about, "hw.type": "gpu"}
    assert found["hw.fan.speed_ratio"] == {
        **about, "hw.id": f"{GPU}/fan0", "hw.name": "fan 0", "hw.parent": GPU
    }  # fmt: skip


def test_the_state_that_calls_are_attributed_by(
    library: Library, clock: Clock, everybody: None
) -> None:
    library.cards[0].processes = [use(os.getpid())]
    (state,) = opened(clock).states()
    assert (state.device, state.model) == (GPU, "AMD Instinct MI300X")
    assert (state.utilization, state.memory, state.power) == (0.4, 1_024 * 2**20, 139.0)
    assert state.energy == pytest.approx(30.518)
    assert state.foreign is False


def test_what_is_not_known_is_absent(library: Library, clock: Clock) -> None:
    card = library.cards[0]
    card.asic, card.driver = NOT_SUPPORTED, {"driver_version": "N/A"}
    card.activity = {"gfx_activity": "N/A"}
    card.vram = card.ecc = card.energy = card.processes = NOT_SUPPORTED
    card.power = {
        "socket_power": "N/A",
        "current_socket_power": "N/A",
        "average_socket_power": "N/A",
    }
    card.heat = {("EDGE", "CURRENT"): 40}
    sampler = opened(clock)
    assert set(told(sampler)) == {
        "hw.temperature edge", "hw.status ok", "hw.status degraded", "hw.status failed"
    }  # fmt: skip
    (state,) = sampler.states()
    assert (state.utilization, state.memory, state.power, state.energy) == (None,) * 4
    assert (state.foreign, state.model) == (None, None)
    assert sampler.counts() == {}
    assert "hw.model" not in sampler.read()[0].attributes


def test_a_guest_that_may_ask_nothing_is_not_lost(library: Library, clock: Clock) -> None:
    card = library.cards[0]
    card.activity = card.vram = card.power = card.energy = card.ecc = NO_PERMISSION
    card.heat, card.fan_most = {}, NOT_SUPPORTED
    sampler = opened(clock)
    assert told(sampler) == {}  # nor is it said to be well
    assert len(sampler.states()) == 1


def test_fields_of_earlier_releases(library: Library, clock: Clock) -> None:
    card = library.cards[0]
    card.power = {"current_socket_power": 65_535, "average_socket_power": 90, "power_limit": 300}
    card.energy = {"power": 1_000_000, "counter_resolution": 15.3, "timestamp": 1}
    del library.AmdSmiTemperatureType
    found = told(opened(clock))
    assert found["hw.power"] == 90.0
    assert found["hw.energy"] == pytest.approx(15.3)
    assert not any(name.startswith("hw.temperature") for name in found)


@pytest.mark.parametrize(
    ("about", "answer", "absent", "counted"),
    [
        ("activity", {"gfx_activity": 65_535}, "hw.gpu.utilization general", "utilization"),
        ("activity", {"gfx_activity": True}, "hw.gpu.utilization general", "utilization"),
        ("vram", {"vram_total": 10, "vram_used": 11}, "hw.gpu.memory.usage", "memory"),
        ("vram", {"vram_total": 0, "vram_used": 0}, "hw.gpu.memory.limit", "memory"),
        ("power", {"socket_power": 4_294_967_295}, "hw.power", "power"),
        ("power", {"socket_power": -1}, "hw.power", "power"),
        ("energy", {"energy_accumulator": float("nan"), "counter_resolution": 15.3}, "hw.energy", "energy"),
    ],
)  # fmt: skip
def test_what_cannot_be_true_is_dropped_and_counted(
    library: Library, clock: Clock, about: str, answer: Any, absent: str, counted: str
) -> None:
    setattr(library.cards[0], about, answer)
    sampler = opened(clock)
    assert absent not in told(sampler)
    assert sampler.counts() == {counted: 1}


def test_energy_that_runs_back_or_leaps_is_dropped(library: Library, clock: Clock) -> None:
    card = library.cards[0]
    card.energy["counter_resolution"] = 1e6  # a step is a joule
    sampler = opened(clock)

    def after(seconds: float, joules: int) -> float | None:
        clock.now += seconds
        card.energy["energy_accumulator"] = joules
        return told(sampler).get("hw.energy")

    assert after(1, 5_000) == 5_000
    assert after(1, 4_000) is None
    assert after(1, 4_100) == 4_100  # it goes on from there
    assert after(1, 4_000_000) is None
    assert after(1, 4_000_500) == 4_000_500
    assert sampler.counts() == {"energy": 2}


def test_a_counter_without_a_unit_says_nothing(library: Library, clock: Clock) -> None:
    library.cards[0].energy = {"energy_accumulator": 5, "counter_resolution": 0.0}
    assert "hw.energy" not in told(opened(clock))


def test_uncorrected_errors_degrade(library: Library, clock: Clock) -> None:
    library.cards[0].ecc = {"correctable_count": 0, "uncorrectable_count": 2}
    found = told(opened(clock))
    assert found["hw.errors uncorrected"] == 2.0
    assert (found["hw.status ok"], found["hw.status degraded"]) == (0.0, 1.0)


@pytest.fixture
def everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clearspan.samplers.amd.is_root", lambda: True)
    monkeypatch.setattr("clearspan.samplers.amd.sees_all", lambda: True)


@pytest.mark.parametrize(
    ("processes", "foreign"),
    [
        ([use(os.getpid())], False),
        ([use(1)], True),  # a single one, and not this process
        ([use(1), use(2)], True),
        ([use(os.getpid()), use(2, 0)], False),  # has it open, no more
        ([use(1), use(2, "N/A")], True),
        ([], False),
        ([object()], None),  # handles, as the first releases answered
        (NOT_SUPPORTED, None),
    ],
)
def test_whether_others_compute_there(
    library: Library, clock: Clock, processes: Any, foreign: bool | None, everybody: None
) -> None:
    library.cards[0].processes = processes
    assert opened(clock).states()[0].foreign is foreign


@pytest.mark.parametrize(("root", "first"), [(False, True), (True, False)])
def test_where_processes_may_be_hidden_nobody_is_known_to_be_alone(
    library: Library, clock: Clock, monkeypatch: pytest.MonkeyPatch, root: bool, first: bool
) -> None:
    monkeypatch.setattr("clearspan.samplers.amd.is_root", lambda: root)
    monkeypatch.setattr("clearspan.samplers.amd.sees_all", lambda: first)
    library.cards[0].processes = [use(os.getpid())]
    (state,) = opened(clock).states()
    assert (state.foreign, state.occupied) == (None, True)


def test_others_are_looked_for_once_a_second(
    library: Library, clock: Clock, everybody: None
) -> None:
    card = library.cards[0]
    sampler = opened(clock)
    assert sampler.states()[0].foreign is False
    card.processes = [use(1), use(2)]
    clock.now += 0.5
    assert sampler.states()[0].foreign is False
    clock.now += 0.5
    assert sampler.states()[0].foreign is True


def test_numbers_are_those_of_hip(library: Library, clock: Clock) -> None:
    library.cards = [Card(GPU, 1), Card(SECOND, 0)]
    sampler = opened(clock)
    assert sampler.ids((0, 1)) == (SECOND, GPU)
    assert sampler.ids((2,)) == sampler.ids((-1,)) == ()


@pytest.mark.parametrize("numbers", [(0, 0), (0, 2), ("N/A", "N/A"), (None, 0)])
def test_numbers_that_are_not_certain(library: Library, clock: Clock, numbers: Any) -> None:
    library.cards = [Card(GPU, numbers[0]), Card(SECOND, numbers[1])]
    sampler = opened(clock)
    assert sampler.ids((0,)) == ()
    assert len(sampler.states()) == 2


def test_a_single_one_is_number_zero(library: Library, clock: Clock) -> None:
    library.cards[0].enumeration = NOT_SUPPORTED  # before ROCm 6.4
    assert opened(clock).ids((0,)) == (GPU,)


@pytest.mark.parametrize(
    "name", ["HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES"]
)
def test_with_a_choice_of_devices_no_call_is_told_of_them(
    library: Library, clock: Clock, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "0")
    sampler = opened(clock)
    assert sampler.states() == []
    assert sampler.ids((0,)) == ()
    assert told(sampler)["hw.power"] == 139.0


def test_a_device_that_is_lost_and_comes_back(library: Library, clock: Clock) -> None:
    library.cards.append(Card(SECOND, 1))
    lost = library.cards[0]
    sampler = opened(clock)
    assert len(sampler.states()) == 2
    lost.lost = True
    assert [state.device for state in sampler.states()] == [SECOND]
    status = {
        found.attributes["hw.id"]: found.attributes["hw.state"]
        for found in sampler.read()
        if found.name == "hw.status" and found.value == 1.0
    }
    assert status == {GPU: "failed", SECOND: "ok"}
    library.asked.clear()
    sampler.states()
    assert GPU not in library.asked  # it is not asked meanwhile
    lost.lost = False
    clock.now += 1
    assert len(sampler.states()) == 2
    assert library.balance == [2, 1]
    assert sampler.ids((0, 1)) == (GPU, SECOND)
    sampler.states()
    sampler.close()
    assert library.balance == [2, 2]


def test_what_stays_lost_is_tried_ever_more_rarely(library: Library, clock: Clock) -> None:
    sampler = opened(clock)
    library.cards[0].lost = True
    tried: list[float] = []
    for _ in range(1_000):
        before = library.balance[0]
        assert told(sampler) == {"hw.status ok": 0, "hw.status degraded": 0, "hw.status failed": 1}
        if library.balance[0] > before:
            tried.append(clock.now)
        clock.now += 0.25
    waits = [after - before for before, after in itertools.pairwise(tried)]
    assert waits[:7] == [2, 4, 8, 16, 32, 60, 60]


def test_a_driver_that_has_gone_is_a_device_that_is_lost(library: Library, clock: Clock) -> None:
    sampler = opened(clock)
    library.cards[0].lost = True
    assert sampler.states() == []
    library.driver = LibraryError(34)
    clock.now += 5
    assert sampler.states() == []  # begins to wait
    clock.now += 5
    assert sampler.states() == []
    assert told(sampler)["hw.status failed"] == 1.0
    library.driver, library.cards[0].lost = None, False
    clock.now += 60
    assert len(sampler.states()) == 1


def test_one_failure_is_counted_and_the_rest_stands(library: Library, clock: Clock) -> None:
    library.cards[0].power = IO
    sampler = opened(clock)
    found = told(sampler)
    assert "hw.power" not in found
    assert found["hw.gpu.utilization general"] == 0.4
    assert sampler.counts() == {"amdsmi_get_power_info": 1}


@pytest.mark.parametrize("error", [LibraryError(34), KeyError("libamd_smi.so"), OSError("no")])
def test_without_a_driver_there_is_nothing_to_read(
    library: Library, clock: Clock, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    library.driver = error
    with caplog.at_level(logging.INFO, logger="clearspan"):
        assert Amd(clock).open() is False
    assert caplog.records == []
    assert library.balance == [0, 0]


def test_without_devices_it_is_ended_again(library: Library, clock: Clock) -> None:
    library.cards = []
    assert Amd(clock).open() is False
    assert library.balance == [1, 1]


def test_without_the_library_nothing_is_imported_or_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], clock: Clock
) -> None:
    monkeypatch.setenv("ROCM_PATH", "rocm")
    monkeypatch.delenv("ROCM_HOME", raising=False)
    tried: list[str] = []

    def refuse(name: str) -> None:
        tried.append(name)
        raise OSError("cannot open shared object file")

    monkeypatch.setattr("ctypes.CDLL", refuse)
    monkeypatch.setitem(sys.modules, "amdsmi", None)
    sampler = Amd(clock)
    assert sampler.present() is False
    assert sampler.open() is False
    assert tried[:2] == ["libamd_smi.so", "rocm/lib/libamd_smi.so"]
    assert capsys.readouterr() == ("", "")


def test_it_is_there_if_its_library_can_be_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda name: name)
    assert Amd().present() is True


def test_a_forked_child_does_not_end_what_is_the_parents(
    library: Library, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sampler = opened(clock)
    monkeypatch.setattr("os.getpid", lambda: -1)
    sampler.close()
    assert library.balance == [1, 0]
    assert sampler.open()
    sampler.close()
    assert library.balance == [2, 1]


def test_it_may_be_closed_and_opened_again(library: Library, clock: Clock) -> None:
    sampler = opened(clock)
    sampler.close()
    sampler.close()
    assert (sampler.read(), sampler.states(), sampler.ids((0,))) == ([], [], ())
    assert sampler.open()
    assert told(sampler)["hw.power"] == 139.0
    sampler.close()
    assert library.balance == [2, 2]
