"""Calls on a scripted machine: which are looked at, when the thread reads, what each call is told."""

from __future__ import annotations

import gc
import sys
import threading
import weakref
from types import SimpleNamespace
from typing import Any

import pytest

from clearspan import semconv as sc
from clearspan.core import fence
from clearspan.draft import Draft
from clearspan.figures import hardware
from clearspan.figures.hardware import Attribution
from clearspan.record import HardwareUse
from tests.figures.hardware.scripted import Device, Machine, energy, local


def server(address: str | None) -> Draft:
    draft = Draft("chat")
    draft.provider, draft.endpoint, draft.server_address = "ollama", object(), address
    return draft


def test_a_call_is_told_what_the_device_did_meanwhile() -> None:
    machine = Machine([Device(power=200.0, utilization=0.75, memory=5_000_000)])
    draft = machine.call(0.0, 2.0, tokens=100)
    assert draft.hardware is not None
    numbers = ("utilization", "utilization_peak", "memory_peak", "energy", "energy_per_token")
    found = [getattr(draft.hardware, name) for name in numbers]
    assert found == pytest.approx([0.75, 0.75, 5_000_000, 400.0, 4.0])
    assert draft.hardware.devices == ("GPU-0",)
    assert draft.hardware.allocator_peak is None
    assert draft.hardware.attribution == "exclusive"


@pytest.mark.parametrize(
    "address",
    ["localhost", "LOCALHOST.", "ollama.localhost", "127.0.0.1", "127.8.8.8", "::1", "[::1]", "0.0.0.0"],
)  # fmt: skip
def test_a_server_on_this_machine_is_looked_at(address: str) -> None:
    machine = Machine()
    draft = machine.begin(server(address))
    machine.run(machine.now + 1)
    assert energy(machine.finish(draft)) == pytest.approx(100.0)


@pytest.mark.parametrize("address", ["api.openai.com", "10.0.0.5", "127.example.com", "", None])
def test_a_server_elsewhere_is_not(address: str | None) -> None:
    machine = Machine()
    draft = machine.begin(server(address))
    machine.run(machine.now + 1)
    assert machine.finish(draft).hardware is None
    assert (machine.started, machine.reads) == (0, 0)


def test_a_server_is_never_alone_and_counts_where_somebody_computes() -> None:
    machine = Machine([Device("A", 50.0, occupied=False), Device("B", 70.0)])
    draft = machine.begin(server("localhost"))
    machine.run(machine.now + 1)
    machine.finish(draft)
    assert draft.hardware is not None
    assert (draft.hardware.devices, draft.hardware.attribution) == (("B",), "shared")
    assert energy(draft) == pytest.approx(70.0)


@pytest.mark.parametrize("kind", [server("localhost"), local()])
def test_where_several_devices_are_at_work_none_is_said_to_be_the_calls(kind: Draft) -> None:
    machine = Machine([Device("A", 80.0), *(Device(name, 700.0) for name in "BCDEFGH")])
    draft = machine.begin(kind)
    known = machine.begin(local(devices=(0,)))
    machine.run(machine.now + 10)
    assert machine.finish(draft, 100).hardware is None
    machine.finish(known, 100)
    assert known.hardware is not None
    assert (known.hardware.devices, known.hardware.attribution) == (("A",), "shared")
    assert 0 < energy(known) <= 800.0


def test_a_model_whose_answer_says_that_it_ran_in_a_cloud_was_not_here() -> None:
    machine = Machine()
    draft, beside = machine.begin(server("localhost")), machine.begin(local(devices=(0,)))
    machine.run(machine.now + 1)
    draft.response_model = "gpt-oss:120b-cloud"
    assert machine.finish(draft, 10).hardware is None
    machine.finish(beside, 10)
    assert beside.hardware is not None
    assert beside.hardware.attribution == "exclusive"
    assert energy(beside) == pytest.approx(100.0)


@pytest.mark.parametrize(
    ("occupied", "devices"),
    [([None], ("0",)), ([False], None), ([None, None], None), ([None, False], None), ([None, True], ("1",))],
)  # fmt: skip
def test_where_processes_are_hidden_only_a_single_device_is_a_servers(
    occupied: list[bool | None], devices: tuple[str, ...] | None
) -> None:
    machine = Machine([Device(str(i), occupied=told) for i, told in enumerate(occupied)])
    draft = machine.begin(server("localhost"))
    machine.run(machine.now + 1)
    machine.finish(draft)
    assert (draft.hardware and draft.hardware.devices) == devices


@pytest.mark.parametrize(
    ("provider", "model", "seen"),
    [
        ("ollama", "llama3", True), ("hugging_face", "tgi", True), ("openai", "gpt-4o", False),
        ("ollama", "gpt-oss:120b-cloud", False), ("ollama", "minimax-m2:cloud", False),
    ],
)  # fmt: skip
def test_a_gateway_on_this_machine_is_no_local_model(provider: str, model: str, seen: bool) -> None:
    machine = Machine()
    draft = server("localhost")
    draft.provider, draft.model = provider, model
    machine.begin(draft)
    machine.run(machine.now + 1)
    assert (machine.finish(draft).hardware is not None) is seen


@pytest.mark.parametrize("own", [True, False])
def test_only_a_worker_waits_for_the_ledger(own: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine()
    draft = machine.begin()
    machine.run(machine.now + 1)
    machine.end(draft)
    asked: list[float] = []
    taken = SimpleNamespace(acquire=lambda *, timeout: asked.append(timeout), release=lambda: None)
    monkeypatch.setattr(machine.attribution, "_lock", taken)
    if own:
        thread = threading.Thread(target=machine.complete, args=(draft,))
        thread.start()
        thread.join()
    else:
        machine.complete(draft)
    assert draft.hardware is None
    assert [wait > 0 for wait in asked] == [own]


def test_steps_and_calls_that_run_no_model_are_not() -> None:
    machine = Machine()
    for draft in (
        local(endpoint=None),
        local(provider=None),
        local(operation="create_batch"),
        local(operation="fetch_response"),
    ):
        machine.begin(draft)
        machine.run(machine.now + 1)
        assert machine.finish(draft).hardware is None
    assert machine.started == 0


def test_a_model_on_the_cpu_uses_no_accelerator() -> None:
    machine = Machine()
    draft = machine.begin()
    machine.run(machine.now + 1)
    draft.extra(sc.MODEL_DEVICE, "cpu")
    assert machine.finish(draft).hardware is None


def test_a_model_on_the_cpu_takes_nothing_from_one_beside_it() -> None:
    machine = Machine()
    slow = machine.begin()
    slow.extra(sc.MODEL_DEVICE, "cpu")
    fast = machine.begin(local(devices=(0,)))
    machine.run(machine.now + 2)
    machine.finish(fast, 10)
    assert energy(fast) == pytest.approx(200.0)
    assert fast.hardware is not None
    assert fast.hardware.attribution == "exclusive"


def test_a_model_that_is_spread_is_where_its_parts_are() -> None:
    machine = Machine([Device("A", 50.0), Device("B", 70.0), Device("C", 90.0)])
    draft = local(devices=(0, 2))
    draft.extra(sc.MODEL_DEVICE, "meta")
    machine.begin(draft)
    machine.run(machine.now + 1)
    machine.finish(draft)
    assert draft.hardware is not None
    assert draft.hardware.devices == ("A", "C")
    assert energy(draft) == pytest.approx(140.0)
    assert draft.hardware.memory_peak == 2_000


def test_over_several_devices_there_are_sums_and_means() -> None:
    machine = Machine([Device("A", 50.0, utilization=0.2), Device("B", 70.0, utilization=0.6)])
    draft = machine.call(0, 1, devices=(0, 1))
    assert draft.hardware is not None
    assert draft.hardware.devices == ("A", "B")
    assert draft.hardware.utilization == pytest.approx(0.4)
    assert draft.hardware.utilization_peak == 0.6
    assert energy(draft) == pytest.approx(120.0)


def test_a_device_that_cannot_be_found_again_is_unknown() -> None:
    machine = Machine()
    assert machine.call(0, 1, devices=(7,)).hardware == machine.call(0, 1).hardware


def test_where_a_call_is_may_become_known_only_at_its_end() -> None:
    machine = Machine([Device("A", 50.0), Device("B", 70.0)])
    draft = machine.begin()
    machine.run(machine.now + 1)
    draft.devices = (1,)
    machine.finish(draft)
    assert draft.hardware is not None
    assert draft.hardware.devices == ("B",)
    assert energy(draft) == pytest.approx(70.0)


def test_a_call_above_others_leaves_its_numbers_to_them() -> None:
    machine = Machine()
    around = machine.begin()
    machine.run(machine.now + 1)
    below = machine.begin()
    around.inference_calls += 1
    machine.run(machine.now + 1)
    machine.finish(below, 10)
    machine.run(machine.now + 1)
    machine.finish(around, 10)
    assert around.hardware is None
    assert energy(below) == pytest.approx(100.0)
    assert below.hardware is not None
    assert below.hardware.attribution == "exclusive"


def test_a_call_above_others_from_the_start_is_never_on_the_device() -> None:
    machine = Machine()
    around, below = machine.begin(), machine.begin()
    around.inference_calls += 1
    machine.run(machine.now + 1)
    machine.finish(around)
    machine.finish(below)
    assert around.hardware is None
    assert energy(below) == pytest.approx(100.0)
    assert below.hardware is not None
    assert below.hardware.attribution == "exclusive"


def test_a_call_above_others_is_known_for_one_even_late() -> None:
    machine = Machine()
    around = machine.begin()
    below = machine.begin()
    machine.run(machine.now + 1)  # both are on the device before anybody knows
    around.inference_calls += 1
    machine.finish(below)
    machine.finish(around)
    assert energy(below) == pytest.approx(100.0)
    assert below.hardware is not None
    assert below.hardware.attribution == "exclusive"
    assert around.hardware is None


def test_a_record_around_a_client_is_told_what_the_client_used() -> None:
    machine = Machine()
    inner = machine.begin()
    machine.run(machine.now + 1)
    machine.end(inner)
    outer = local(provider=None, inner=inner)
    machine.complete(outer, 50)
    assert energy(outer) == pytest.approx(100.0)
    assert outer.hardware is not None
    assert outer.hardware.energy_per_token == pytest.approx(2.0)


def test_other_processes_make_it_shared() -> None:
    machine = Machine([Device(foreign=lambda now: now > 100.5)])
    draft = machine.call(0, 1)
    assert draft.hardware is not None
    assert draft.hardware.attribution == "shared"


def test_whether_others_use_the_device_may_be_unknown() -> None:
    machine = Machine([Device(foreign=None)])
    draft = machine.call(0, 1)
    assert draft.hardware is not None
    assert draft.hardware.attribution is None


def test_calls_that_meet_share_and_calls_that_follow_do_not() -> None:
    machine = Machine()
    first, second = machine.begin(), machine.begin()
    machine.run(machine.now + 1)
    machine.finish(first)
    machine.run(machine.now + 1)
    machine.finish(second)
    third = machine.call(0, 1)
    found = [draft.hardware and draft.hardware.attribution for draft in (first, second, third)]
    assert found == ["shared", "shared", "exclusive"]


def test_what_cannot_be_read_is_absent_and_the_rest_stands() -> None:
    machine = Machine([Device(power=None, utilization=None, memory=700)])
    draft = machine.call(0, 1, tokens=5)
    assert draft.hardware == HardwareUse(
        devices=("GPU-0",), memory_peak=700, attribution="exclusive", share=1.0, shares=(1.0,)
    )


def test_nothing_at_all_is_no_figure() -> None:
    machine = Machine([Device(power=None, utilization=None, memory=None)])
    assert machine.call(0, 1).hardware is None


def test_a_sum_over_devices_of_which_one_is_silent_is_none() -> None:
    machine = Machine([Device("A"), Device("B", power=None)])
    draft = machine.call(0, 1, devices=(0, 1))
    assert draft.hardware is not None
    assert draft.hardware.energy is None
    assert draft.hardware.memory_peak == 2_000


def test_a_device_that_is_lost_meanwhile_tells_no_energy_and_none_is_made_up() -> None:
    machine = Machine()
    draft = machine.begin()
    machine.run(machine.now + 1)
    machine.devices[0].there = False
    machine.run(machine.now + 5)
    machine.finish(draft)
    assert draft.hardware is not None
    assert draft.hardware.energy is None
    assert draft.hardware.utilization is None
    assert draft.hardware.memory_peak == 1_000
    machine.devices[0].there = True
    assert energy(machine.call(0, 1)) == pytest.approx(100.0)


def test_a_running_total_bridges_the_time_without_readings() -> None:
    machine = Machine([Device(energy=lambda now: 1e6 + 150.0 * now)])
    draft = machine.begin()
    machine.run(machine.now + 1)
    machine.devices[0].there = False
    machine.run(machine.now + 5)
    machine.devices[0].there = True
    machine.run(machine.now + 1)
    assert energy(machine.finish(draft)) == pytest.approx(1_050.0)


def test_without_devices_there_is_no_second_thread_for_a_while() -> None:
    machine = Machine([])
    assert machine.call(0, 1).hardware is None
    assert (machine.started, machine.reads, machine.alive()) == (1, 1, False)
    machine.call(10, 11)
    assert machine.started == 1
    machine.devices.append(Device())
    assert energy(machine.call(60, 61)) == pytest.approx(100.0)


def test_devices_that_another_thread_is_asking_are_not_taken_for_absent() -> None:
    machine = Machine(busy=True)
    assert machine.call(0, 1).hardware is None
    machine.busy = False
    assert energy(machine.call(0.1, 1.1)) == pytest.approx(100.0)
    assert machine.started == 1


def test_it_reads_once_an_interval_while_calls_go_on_and_ends_after() -> None:
    machine = Machine()
    machine.run(machine.now + 100)
    assert machine.reads == 0
    drafts = [machine.begin() for _ in range(20)]
    machine.run(machine.now + 1.0)
    assert machine.reads in (10, 11)
    for draft in drafts:
        machine.finish(draft)
    machine.run(machine.now + 1.0)
    assert machine.alive()
    machine.run(machine.now + 2.0)
    assert not machine.alive()
    assert (machine.started, machine.reads) == (1, 12)
    machine.call(0, 0.05)
    assert machine.started == 2


def test_a_call_within_the_grace_is_read_at_once() -> None:
    machine = Machine()
    machine.call(0, 1)
    machine.run(machine.now + 1.0)
    before = machine.reads
    machine.begin()
    machine.run(machine.now)
    assert (machine.reads, machine.started) == (before + 1, 1)


def test_a_call_shorter_than_the_interval_is_interpolated() -> None:
    machine = Machine([Device(power=lambda now: 100 * (now - 100))])
    machine.run(101.0)
    short = machine.call(0.0, 0.03)
    assert energy(short) == pytest.approx(3.0, rel=0.02)
    machine.run(101.2)
    between = machine.begin()
    machine.run(101.24)
    machine.end(between)
    machine.run(101.5)
    assert energy(machine.complete(between)) == pytest.approx(122 * 0.04, rel=0.02)


def test_an_end_without_a_beginning_and_a_second_end_do_nothing() -> None:
    machine = Machine()
    stranger = local()
    machine.end(stranger)
    assert machine.complete(stranger).hardware is None
    draft = machine.call(0, 1)
    found, draft.hardware = draft.hardware, None
    machine.end(draft)
    assert found is not None
    assert machine.complete(draft).hardware is None


def test_an_end_nobody_told_of_is_that_of_the_draft() -> None:
    machine = Machine()
    draft = machine.begin()
    machine.run(machine.now + 1)
    draft.end_ns = draft.start_ns + 1_000_000_000
    assert energy(machine.complete(draft)) == pytest.approx(100.0)


def test_a_call_completed_before_the_first_reading_is_not_known() -> None:
    machine = Machine()
    draft = machine.begin()
    machine.now += 0.5
    assert machine.finish(draft).hardware is None
    machine.run(machine.now + 1)
    assert energy(machine.call(0, 1)) == pytest.approx(100.0)


def test_drafts_are_let_go_of() -> None:
    machine = Machine()
    ended = machine.begin()
    machine.run(machine.now + 1)
    machine.end(ended)
    left = machine.begin()
    machine.run(machine.now + 1)
    refs = [weakref.ref(ended), weakref.ref(left)]
    del ended, left
    gc.collect()
    assert [ref() for ref in refs] == [None, None]
    machine.run(machine.now + 0.1)
    after = machine.call(0, 1)
    assert energy(after) == pytest.approx(100.0)
    assert after.hardware is not None
    assert after.hardware.attribution == "exclusive"
    machine.run(machine.now + 5)
    assert not machine.alive()
    assert machine.claims == 0


@pytest.mark.parametrize("read", [0.0, 2.0])
def test_one_whose_neighbours_record_was_lost_was_not_alone(read: float) -> None:
    machine = Machine()
    machine.call(0, 1)
    machine.run(machine.now + 1)
    machine.begin(kept := local())
    lost = machine.begin()
    machine.run(machine.now + 0.03 + read)
    machine.end(lost)
    del lost
    gc.collect()
    start = machine.now
    machine.run(start + 2)
    machine.finish(kept)
    assert kept.hardware is not None
    assert kept.hardware.attribution == "shared"
    assert energy(kept) == pytest.approx(200.0 + 50.0 * (0.03 + read), rel=0.01)
    machine.run(machine.now + 5)
    assert machine.claims == 0


def test_a_lost_record_is_no_neighbour_on_other_devices() -> None:
    machine = Machine([Device("A"), Device("B")])
    machine.call(0, 1, devices=(0,))
    kept, lost = machine.begin(local(devices=(0,))), machine.begin(local(devices=(1,)))
    machine.run(machine.now + 1)
    machine.end(lost)
    del lost
    gc.collect()
    machine.run(machine.now + 1)
    machine.finish(kept)
    assert kept.hardware is not None
    assert kept.hardware.attribution == "exclusive"
    assert energy(kept) == pytest.approx(200.0)


def test_one_beside_a_call_that_found_the_ledger_taken_was_not_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine = Machine()
    first, second = machine.begin(), machine.begin()
    machine.run(machine.now + 2)
    with monkeypatch.context() as during:
        taken = SimpleNamespace(acquire=lambda *, timeout: timeout > 1, release=lambda: None)
        during.setattr(machine.attribution, "_lock", taken)
        assert machine.finish(first, 100).hardware is None
    del first
    gc.collect()
    machine.run(machine.now + 2)
    machine.finish(second, 100)
    assert second.hardware is not None
    assert second.hardware.attribution == "shared"
    assert second.hardware.share == pytest.approx(0.75)


def test_a_lost_record_whose_work_is_told_below_it_leaves_that_alone() -> None:
    machine = Machine()
    around, below = machine.begin(), machine.begin()
    machine.run(machine.now + 1)
    around.inference_calls += 1
    machine.end(around)
    del around
    gc.collect()
    machine.run(machine.now + 1)
    machine.finish(below)
    assert below.hardware is not None
    assert below.hardware.attribution == "exclusive"
    assert energy(below) == pytest.approx(200.0)


def test_a_lost_record_that_is_over_after_the_last_reading_is_let_go_of_at_rest() -> None:
    machine = Machine()
    machine.run(machine.now + 1)
    lost = machine.begin()
    machine.run(machine.now + 0.55)
    lost.end_ns = lost.start_ns + 5_000_000_000
    machine.attribution.end(lost)  # by a clock that runs ahead
    del lost
    gc.collect()
    machine.run(machine.now + 1)
    assert machine.claims == 1
    machine.run(machine.now + 5)
    assert (machine.claims, machine.alive()) == (0, False)


def test_a_stream_that_was_left_is_over_with_its_last_chunk() -> None:
    machine = Machine()
    left = machine.begin()
    machine.run(machine.now + 3)
    last = left.start_ns + 2_050_000_000
    after = machine.begin()
    machine.run(machine.now + 5)
    machine.end(left)
    left.end_ns = last  # as it turns out when its chunks were read
    machine.complete(left, 100)
    machine.run(machine.now + 0.1)
    machine.finish(after, 100)
    assert energy(left) == pytest.approx(205.0)
    assert energy(after) == pytest.approx(510.0, rel=0.01)
    found = [draft.hardware and draft.hardware.attribution for draft in (left, after)]
    assert found == ["exclusive", "exclusive"]


def test_a_call_that_never_ends_is_forgotten_at_last() -> None:
    machine = Machine(interval=60.0)
    draft = machine.begin()
    machine.run(machine.now + 5 * 3600)
    assert machine.alive()
    machine.run(machine.now + 2 * 3600)
    assert not machine.alive()
    assert machine.finish(draft).hardware is None


def test_a_forked_child_starts_anew() -> None:
    machine = Machine()
    draft = machine.begin()
    machine.run(machine.now + 1)
    machine.attribution.renew()
    assert not machine.alive()
    assert machine.finish(draft).hardware is None
    assert energy(machine.call(0, 1)) == pytest.approx(100.0)
    assert machine.started == 2


def test_after_close_nothing_is_looked_at() -> None:
    machine = Machine()
    draft = machine.begin()
    machine.run(machine.now + 1)
    machine.attribution.close()
    assert machine.finish(draft).hardware is None
    assert machine.call(0, 1).hardware is None
    assert machine.started == 1


def test_a_collection_in_the_middle_of_it_finds_the_door_closed() -> None:
    machine = Machine()
    outer, inner = machine.begin(), machine.begin()
    machine.run(machine.now + 1)
    machine.end(outer)
    machine.end(inner)
    ledger = machine.ledger
    settle = ledger.settle

    def interrupted(*args: Any) -> Any:
        ledger.settle = settle
        machine.complete(inner)
        return settle(*args)

    ledger.settle = interrupted
    machine.complete(outer)
    assert inner.hardware is None
    assert energy(outer) == pytest.approx(50.0)


def test_one_that_cannot_have_the_ledger_goes_without(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine()
    draft = machine.begin()
    machine.run(machine.now + 1)
    machine.end(draft)
    taken = SimpleNamespace(acquire=lambda *, timeout: timeout > 1, release=lambda: None)
    monkeypatch.setattr(machine.attribution, "_lock", taken)
    machine.run(machine.now + 3)
    assert not machine.alive()  # and the thread ends all the same
    assert machine.complete(draft).hardware is None


def test_a_source_that_fails_is_one_without_devices(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("CLEARSPAN_STRICT", raising=False)
    fence.reset()
    machine = Machine()
    monkeypatch.setattr(machine, "states", lambda: 1 / 0)
    assert machine.call(0, 1).hardware is None
    assert fence.failures() == {"hardware.states": 1}
    fence.reset()


def torch_like(monkeypatch: pytest.MonkeyPatch, cuda: Any) -> None:
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))


class Cuda:
    """torch's allocator, as far as it is asked."""

    def __init__(self, machine: Machine, *uses: Any) -> None:
        self.machine = machine
        self.uses = uses

    def is_initialized(self) -> bool:
        return True

    def device_count(self) -> int:
        return len(self.uses)

    def memory_stats(self, index: int) -> dict[str, int]:
        now, most = self.uses[index](self.machine.now)
        return {"allocated_bytes.all.current": now, "allocated_bytes.all.peak": most}


def test_the_allocators_own_record_is_believed_where_it_rose(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine = Machine()
    torch_like(monkeypatch, Cuda(machine, lambda now: (100, 900 if now > 100.55 else 300)))
    draft = machine.call(0, 1)
    assert draft.hardware is not None
    assert draft.hardware.allocator_peak == 900
    later = machine.call(0, 1)
    assert later.hardware is not None
    assert later.hardware.allocator_peak == 100  # the record is of the call before


def test_the_allocator_tells_of_devices_that_torch_uses_and_calls_of_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine = Machine([Device("A", occupied=False), Device("B")])
    torch_like(
        monkeypatch,
        Cuda(machine, lambda now: (0, 0), lambda now: (50, 50), lambda now: (7, 7)),
    )
    draft = machine.call(0, 1)
    assert draft.hardware is not None
    assert draft.hardware.allocator_peak == 50
    other = machine.begin(server("localhost"))
    machine.run(machine.now + 1)
    machine.finish(other)
    assert other.hardware is not None
    assert other.hardware.allocator_peak is None


@pytest.mark.parametrize(
    "cuda",
    [
        None,
        SimpleNamespace(is_initialized=lambda: False),
        SimpleNamespace(is_initialized=lambda: True, device_count=lambda: 1, memory_stats=lambda _: {}),
    ],
)  # fmt: skip
def test_without_cuda_in_use_the_allocator_says_nothing(
    cuda: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch_like(monkeypatch, cuda)
    draft = Machine().call(0, 1)
    assert draft.hardware is not None
    assert draft.hardware.allocator_peak is None


def test_another_allocator_than_torchs_harms_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def memory_stats(index: int) -> dict[str, int]:
        raise RuntimeError(f"no statistics of device {index}")

    cuda = SimpleNamespace(
        is_initialized=lambda: True, device_count=lambda: 1, memory_stats=memory_stats
    )
    torch_like(monkeypatch, cuda)
    assert energy(Machine().call(0, 1)) == pytest.approx(100.0)


def test_it_is_what_a_pipeline_watches_by() -> None:
    attribution = Attribution(Machine(), 0.1)
    assert all(callable(getattr(attribution, name)) for name in ("begin", "end", "renew"))
    attribution.close()


def test_the_package_has_what_it_says_and_nothing_else() -> None:
    assert hardware.Attribution is Attribution
    name = "attribution_of"
    with pytest.raises(AttributeError, match="no attribute 'attribution_of'"):
        getattr(hardware, name)
