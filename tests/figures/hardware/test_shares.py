"""Calls at the same time share what the device used: fairly, and none of it twice."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from clearspan.figures.hardware.energy import Point
from clearspan.figures.hardware.rates import Rates
from clearspan.figures.hardware.strips import Strip, Window
from clearspan.samplers import DeviceState
from tests.figures.hardware.scripted import Device, Machine, energy, integral, local

TIMES = st.integers(0, 4_000).map(lambda thousandth: thousandth / 1_000)
CALLS = st.lists(
    st.tuples(TIMES, TIMES, TIMES, st.none() | st.integers(0, 500), st.sampled_from("ab")),
    min_size=1,
    max_size=12,
)
BEGIN = 100.0


def played(machine: Machine, calls: list[Any]) -> list[Any]:
    """Let calls (start, length, delay of completion, tokens, model) happen as they say."""
    drafts = [local(model=call[4]) for call in calls]
    doings: list[tuple[float, int, int]] = []
    for index, (start, length, delay, _, _) in enumerate(calls):
        doings += [
            (BEGIN + start, 0, index),
            (BEGIN + start + length, 1, index),
            (BEGIN + start + length + delay, 2, index),
        ]
    for at, what, index in sorted(doings):
        machine.run(at)
        if what == 0:
            machine.begin(drafts[index])
        elif what == 1:
            machine.end(drafts[index])
        else:
            machine.complete(drafts[index], calls[index][3])
    machine.run(machine.now + 10)
    assert machine.claims == 0
    return drafts


def busy(calls: list[Any]) -> list[tuple[float, float]]:
    """The times in which at least one call was going on."""
    merged: list[tuple[float, float]] = []
    for start, length in sorted(call[:2] for call in calls):
        end = start + length
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def told(drafts: list[Any]) -> float:
    return math.fsum(draft.hardware.energy for draft in drafts if draft.hardware is not None)


@settings(max_examples=150, deadline=None)
@given(CALLS)
def test_shares_add_up_to_the_whole_whatever_happens_when(calls: list[Any]) -> None:
    calls = [(start, length + 0.001, *rest) for start, length, *rest in calls]
    machine = Machine([Device(power=250.0)])
    drafts = played(machine, calls)
    whole = 250.0 * math.fsum(end - start for start, end in busy(calls))
    assert told(drafts) == pytest.approx(whole, rel=1e-6)
    parts = [part for draft in drafts if draft.hardware for part in draft.hardware.shares]
    assert all(0 <= part <= 1.000001 for part in parts)


@settings(max_examples=50, deadline=None)
@given(CALLS)
def test_shares_add_up_to_the_devices_total(calls: list[Any]) -> None:
    """One call is there all the time, so that all of what the device counts is somebody's."""

    def power(now: float) -> float:
        return 300.0 + 200.0 * math.sin(now)

    def total(now: float) -> float:
        return 300.0 * now - 200.0 * math.cos(now)

    machine = Machine([Device(power=power, energy=total)])
    everybody = [
        (0.0, 13.0, 0.5, 100, "a"),
        *((start, length + 0.001, *rest) for start, length, *rest in calls),
    ]
    drafts = played(machine, everybody)
    assert told(drafts) == pytest.approx(total(BEGIN + 13.0) - total(BEGIN), rel=1e-3)


@pytest.mark.parametrize("length", [0.06, 0.15, 0.25, 0.4])
def test_a_fast_call_has_no_more_than_there_was_in_its_time(length: float) -> None:
    machine = Machine()
    machine.call(0, 1, tokens=10)
    slow = machine.begin(local(model="slow"))
    machine.run(machine.now + 1.03)
    fast = machine.begin(local(model="fast"))
    machine.run(machine.now + length)
    machine.finish(fast, 20_000)
    machine.run(machine.now + 1)
    machine.finish(slow, 10)
    assert fast.hardware is not None
    assert fast.hardware.share is not None
    assert 0.7 < fast.hardware.share <= 1.0
    assert energy(fast) <= 100.0 * length * 1.000001
    assert told([fast, slow]) == pytest.approx(100.0 * (2.03 + length))


def test_no_more_than_there_was_is_taken_from_a_strip_of_which_detail_was_lost() -> None:
    strip, later = Strip(0.0), Strip(1.0)
    strip.end, later.end = 1.0, 2.0
    for each in (strip, later):
        each.fill(None, Point(2.0, DeviceState("A", power=100.0), watts=100.0), 10.0)
    strip.absorb(later)
    window = Window(0.5, shared=True)
    strip.take(0.5, 1_000.0, 1.0, window)
    assert [window.energy, window.own] == pytest.approx([50.0, 0.5])
    rest = Window(2.0, shared=True)
    strip.take(2.0, 1.0, 1.0, rest)
    assert [rest.energy, rest.own] == pytest.approx([150.0, 1.5])


def test_two_alike_have_half_each() -> None:
    machine = Machine()
    first, second = machine.begin(), machine.begin()
    machine.run(machine.now + 2.05)
    machine.end(first)
    machine.end(second)
    machine.complete(first, 100)
    machine.complete(second, 100)
    assert energy(first) == pytest.approx(102.5, rel=0.01)
    assert energy(second) == pytest.approx(102.5, rel=0.01)


def test_models_whose_pace_is_known_share_by_tokens() -> None:
    machine = Machine()
    machine.call(0, 1, tokens=30, model="slow")
    machine.call(0, 1, tokens=90, model="fast")
    slow, fast = machine.begin(local(model="slow")), machine.begin(local(model="fast"))
    machine.run(machine.now + 2)
    machine.finish(slow, 60)
    machine.finish(fast, 180)
    assert energy(slow) == pytest.approx(50.0)
    assert energy(fast) == pytest.approx(150.0)


def test_what_is_said_of_tokens_at_the_end_counts_for_the_one_that_says_it() -> None:
    machine = Machine()
    machine.call(0, 1, tokens=50)
    wordy, other = machine.begin(), machine.begin()
    machine.run(machine.now + 1)
    machine.finish(wordy, 150)
    machine.finish(other, 50)
    assert energy(wordy) == pytest.approx(75.0)
    assert energy(other) == pytest.approx(25.0)


def test_time_is_shared_as_energy_is() -> None:
    machine = Machine([Device(model="big")])
    drafts = [machine.begin(), machine.begin()]
    machine.run(machine.now + 2)
    for draft in drafts:
        machine.end(draft)
    found = [machine.complete(draft, 100).hardware for draft in drafts]
    assert [use and use.share for use in found] == [pytest.approx(0.5, rel=0.02)] * 2
    assert [use and use.models for use in found] == [("big",)] * 2


def test_without_tokens_all_are_alike() -> None:
    machine = Machine()
    drafts = [machine.begin() for _ in range(4)]
    machine.run(machine.now + 1)
    for draft in drafts:
        machine.end(draft)
    for draft in drafts:
        machine.complete(draft)
        assert energy(draft) == pytest.approx(25.0)
        assert draft.hardware is not None
        assert draft.hardware.energy_per_token is None


def test_a_call_shares_only_the_time_that_it_was_there() -> None:
    machine = Machine()
    long = machine.begin()
    short = machine.call(2.0, 3.0, tokens=10)
    machine.run(machine.now + 2.0)
    machine.finish(long, 50)
    assert energy(short) == pytest.approx(50.0)
    assert energy(long) == pytest.approx(450.0)


def test_calls_on_different_devices_share_nothing() -> None:
    machine = Machine([Device("A", 100.0), Device("B", 300.0)])
    first, second = machine.begin(local(devices=(0,))), machine.begin(local(devices=(1,)))
    machine.run(machine.now + 1)
    machine.finish(first, 10)
    machine.finish(second, 10)
    assert [energy(first), energy(second)] == pytest.approx([100.0, 300.0])
    assert first.hardware is not None
    assert first.hardware.attribution == "exclusive"


def test_a_crowd_is_shared_by_all_who_met_in_it() -> None:
    machine = Machine()
    drafts = [machine.begin() for _ in range(30)]
    machine.run(machine.now + 3)
    for draft in drafts:
        machine.finish(draft, 10)
    assert {draft.hardware and draft.hardware.attribution for draft in drafts} == {"shared"}
    assert told(drafts) == pytest.approx(300.0)


def test_hours_of_calls_are_held_in_bounded_room_and_lose_nothing() -> None:
    def power(now: float) -> float:
        return 200.0 + 50.0 * math.sin(now / 60)

    machine = Machine([Device(power=power)], interval=1.0)
    long = machine.begin(local(model="long"))
    chance = random.Random(7)
    others: list[Any] = []
    most = 0
    for _ in range(2_000):
        others.append(machine.call(chance.random(), 1 + 3 * chance.random(), tokens=9))
        most = max(most, machine.strips)
    end = machine.now
    machine.finish(long, 10_000)
    assert most <= 1_100
    assert told([long, *others]) == pytest.approx(integral(power, BEGIN, end), rel=0.001)
    assert machine.strips <= most
    machine.run(machine.now + 10)
    machine.call(0, 3)
    assert machine.strips < 10


def test_however_many_calls_begin_and_end_between_two_readings_the_room_is_bounded() -> None:
    machine = Machine(interval=10.0)
    long = machine.begin()
    for _ in range(2_000):
        machine.call(0.002, 0.004, tokens=3)
    machine.run(machine.now + 12)
    assert machine.strips <= 1_100
    machine.finish(long)


def test_a_call_that_others_outlast_may_leave_them_its_last_moment() -> None:
    machine = Machine()
    first, second = machine.begin(), machine.begin()
    machine.run(machine.now + 10.05)
    machine.finish(first, 100)
    held = machine.strips
    machine.run(machine.now + 1)
    machine.finish(second, 100)
    assert held <= 102
    assert energy(first) == pytest.approx(502.5, rel=0.01)
    assert told([first, second]) == pytest.approx(1_105.0)


def test_the_pace_of_models_is_a_running_mean_and_few_are_kept() -> None:
    rates = Rates()
    assert (rates.mean, rates.of("a")) == (None, None)
    rates.add("a", 10.0)
    rates.add("a", 30.0)
    assert rates.of("a") == 15.0
    for number in range(64):
        rates.add(number, 5.0)
    assert rates.of("a") is None
    assert rates.of(63) == 5.0
    assert rates.mean == pytest.approx(5.0)
