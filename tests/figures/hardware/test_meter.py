"""One device by itself: news that is late, readings that are."""

from __future__ import annotations

import pytest

from clearspan.figures.hardware.calls import Call
from clearspan.figures.hardware.energy import Point
from clearspan.figures.hardware.meter import Meter
from clearspan.samplers import DeviceState
from tests.figures.hardware.scripted import local


def point(at: float, power: float) -> Point:
    return Point(at, DeviceState("A", power=power))


def test_a_reading_that_comes_after_a_later_one_changes_nothing() -> None:
    meter, call = Meter(1.0), Call(local())
    meter.enter(call, 10.0, None)
    meter.read(point(10.0, 100.0))
    meter.read(point(11.0, 100.0))
    meter.read(point(10.5, 9_000.0))
    assert meter.settle(call, 11.0, 1.0, 1.0).energy == pytest.approx(100.0)


def test_news_that_comes_late_counts_from_when_it_came() -> None:
    meter, late = Meter(1.0), Call(local())
    meter.read(point(10.0, 100.0))
    meter.read(point(11.0, 100.0))
    meter.enter(late, 10.9, None)
    meter.read(point(12.0, 100.0))
    window = meter.settle(late, 11.5, 1.0, 1.0)
    assert [window.length, window.energy] == pytest.approx([0.5, 50.0])


def test_an_end_that_is_told_late_is_when_it_was() -> None:
    meter, first, second = Meter(1.0), Call(local()), Call(local())
    meter.enter(first, 10.0, 3.0)
    meter.enter(second, 10.0, None)
    meter.read(point(10.0, 100.0))
    meter.read(point(11.0, 100.0))
    meter.read(point(12.0, 100.0))
    assert meter.settle(first, 10.5, 1.0, 1.0).energy == pytest.approx(25.0)
    assert meter.settle(second, 11.5, 1.0, 1.0).energy == pytest.approx(125.0)


def test_an_end_before_the_last_reading_cuts_what_was_not_read_yet() -> None:
    meter, first, second = Meter(1.0), Call(local()), Call(local())
    meter.read(point(10.0, 100.0))
    meter.enter(first, 10.0, None)
    meter.enter(second, 10.6, None)
    meter.leave(first, 10.4)
    meter.leave(second, 10.9)
    meter.leave(second, 10.95)
    meter.read(point(11.0, 100.0))
    assert meter.settle(first, 10.4, 1.0, 1.0).energy == pytest.approx(40.0)
    assert meter.settle(second, 10.9, 1.0, 1.0).energy == pytest.approx(30.0)


def test_a_call_that_was_never_there_leaves_and_is_forgotten() -> None:
    meter, call, other = Meter(1.0), Call(local()), Call(local())
    meter.read(point(10.0, 100.0))
    meter.enter(call, 10.0, 5.0)
    meter.leave(other, 10.5)
    meter.forget(other)
    assert call in meter
    assert other not in meter
    assert meter.settle(call, 10.5, 1.0, 1.0).energy == pytest.approx(50.0)


def test_a_strip_without_length_is_none() -> None:
    meter, call = Meter(1.0), Call(local())
    meter.read(point(10.0, 100.0))
    meter.enter(call, 10.0, None)
    window = meter.settle(call, 10.0, 1.0, 1.0)
    assert (window.length, window.energy, window.memory) == (0.0, 0.0, None)
