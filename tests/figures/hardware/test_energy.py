"""Energy against power curves whose integral is known, by power alone and by the device's total."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from clearspan.figures.hardware.energy import Point, follow, hold, joules
from clearspan.samplers import DeviceState
from tests.figures.hardware.scripted import Device, Machine, energy, integral

Curve = Callable[[float], float]
BEGIN = 100.0

CURVES: dict[str, Curve] = {
    "constant": lambda now: 350.0,
    "ramp": lambda now: 80.0 + 40.0 * (now - BEGIN),
    "falling": lambda now: 700.0 * math.exp(-(now - BEGIN) / 3.0),
    "sine": lambda now: 400.0 + 250.0 * math.sin(2 * math.pi * (now - BEGIN) / 1.7),
    "step": lambda now: 120.0 if now < BEGIN + 3.03 else 520.0,
}


@pytest.mark.parametrize("curve", CURVES.values(), ids=CURVES)
@pytest.mark.parametrize(("start", "length"), [(0.0, 5.0), (0.013, 4.987), (0.95, 7.33)])
@pytest.mark.parametrize("late", [0.0, 0.04])
def test_power_alone_is_within_two_percent(
    curve: Curve, start: float, length: float, late: float
) -> None:
    machine = Machine([Device(power=curve)])
    machine.run(BEGIN + start)
    draft = machine.begin()
    machine.run(BEGIN + start + length)
    machine.end(draft)
    machine.run(machine.now + late)
    found = energy(machine.complete(draft))
    assert found == pytest.approx(integral(curve, BEGIN + start, BEGIN + start + length), rel=0.02)


@pytest.mark.parametrize("curve", CURVES.values(), ids=CURVES)
def test_the_devices_total_is_exact_but_for_the_edges(curve: Curve) -> None:
    machine = Machine([Device(power=None, energy=lambda now: 5e9 + integral(curve, 90.0, now))])
    draft = machine.begin()
    machine.run(BEGIN + 5.05)
    machine.end(draft)
    machine.run(BEGIN + 5.2)
    assert energy(machine.complete(draft)) == pytest.approx(
        integral(curve, BEGIN, BEGIN + 5.05), rel=0.005
    )


def test_the_total_sees_what_power_readings_miss() -> None:
    """Bursts shorter than the interval, which readings of the power happen to hit or to miss."""

    def bursts(now: float) -> float:
        return 1_000.0 if (now - BEGIN) % 0.1 < 0.02 else 100.0

    machine = Machine([Device(power=bursts, energy=lambda now: 280.0 * now)])
    assert energy(machine.call(0, 5)) == pytest.approx(1_400.0, rel=0.01)


def test_a_total_that_is_renewed_ten_times_a_second_is_believed() -> None:
    machine = Machine(
        [Device(power=300.0, energy=lambda now: 300.0 * math.floor(now * 10) / 10)], interval=0.02
    )
    assert energy(machine.call(0, 10)) == pytest.approx(3_000.0, rel=0.011)


@pytest.mark.parametrize("total", [0.0, 9e15, float(2**53)])
def test_a_total_that_jumps_is_not_believed(total: float) -> None:
    machine = Machine(
        [
            Device(
                power=200.0, energy=lambda now: total if 102.15 < now < 102.25 else 1e6 + 200 * now
            )
        ]
    )
    assert energy(machine.call(0, 5)) == pytest.approx(1_000.0, rel=0.001)


def test_a_total_that_begins_anew_goes_on_from_there() -> None:
    machine = Machine(
        [Device(power=200.0, energy=lambda now: 200 * (now - (0 if now < 102.02 else 102.02)))]
    )
    assert energy(machine.call(0, 5)) == pytest.approx(1_000.0, rel=0.001)


def test_too_much_reckoned_with_is_made_good() -> None:
    """The power falls right after a call was told what it had used by the last power known."""

    def total(now: float) -> float:
        return 400.0 * min(now, 101.0) + 20.0 * max(0.0, now - 101.0)

    machine = Machine([Device(energy=total, power=lambda now: 400.0 if now <= 101.0 else 20.0)])
    other = machine.begin()
    first = machine.call(0.5, 1.09)
    machine.run(machine.now + 5)
    machine.finish(other)
    assert energy(first) + energy(other) == pytest.approx(total(106.09) - total(100.0), rel=0.005)


def test_the_power_is_that_of_the_total_where_only_that_is_told() -> None:
    begun = follow(None, Point(10.0, DeviceState("A", energy=1_000.0)))
    assert begun.watts is None
    assert hold(begun, 11.0).rise is None
    later = follow(begun, Point(12.0, DeviceState("A", energy=1_600.0)))
    assert (later.watts, later.rise) == (300.0, 600.0)
    assert hold(later, 13.0).total == 1_900.0


def test_a_single_reading_holds_for_its_reach_and_no_further() -> None:
    point = follow(None, Point(10.0, DeviceState("A", power=50.0)))
    silent = follow(point, Point(30.0, DeviceState("A")))
    assert joules(None, point, 9.5, 10.0, reach=1.0) == 25.0
    assert joules(None, point, 8.0, 10.0, reach=1.0) is None
    assert joules(point, silent, 10.0, 10.5, reach=1.0) == 25.0
    assert joules(point, silent, 10.0, 11.5, reach=1.0) is None
    assert joules(silent, point, 10.0, 11.5, reach=1.0) == 75.0
    assert joules(silent, silent, 10.0, 11.5, reach=1.0) is None


def test_two_readings_at_once_have_nothing_between_them() -> None:
    first = follow(None, Point(10.0, DeviceState("A", energy=5.0)))
    second = follow(first, Point(10.0, DeviceState("A", energy=6.0)))
    assert second.watts is None
    assert joules(first, second, 10.0, 10.0, reach=1.0) == 0.0
