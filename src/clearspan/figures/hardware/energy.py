"""How much energy flowed between two readings of a device.

The device's own running total is believed first: its differences miss nothing that happened between
two readings. Without one the power is taken to run straight from reading to reading (the trapezoid
rule), and to stay as it is around a single one.
"""

from __future__ import annotations

from typing import NamedTuple

from clearspan.samplers import DeviceState

__all__ = ["Point", "follow", "hold", "joules"]

# More than any accelerator draws: a total that rose faster was misread. Devices renew their totals some
# ten times a second, so that nothing can be said of the rise within a shorter time.
_WATTS = 20_000.0
_RENEWED = 0.1


class Point(NamedTuple):
    """A device as it was at `at` (monotonic seconds), and the bytes that torch has allocated there.

    `watts` is the power, `read` the running total (joules) as it was read last, `total` what was
    reckoned with so far, and `rise` how much of that came since the point before.
    """

    at: float
    state: DeviceState
    allocated: int | None = None
    allocated_most: int | None = None
    watts: float | None = None
    read: float | None = None
    total: float | None = None
    rise: float | None = None


def follow(last: Point | None, point: Point) -> Point:
    """`point`, a fresh reading, in line with the one before it."""
    watts, read = point.state.power, point.state.energy
    total, rise = read, None
    if last is not None and last.read is not None and last.total is not None and read is not None:
        took = point.at - last.at
        rise = read - last.total
        if read < last.read or rise > _WATTS * max(took, _RENEWED):
            rise = None  # it began anew, or one of the two was misread: only the power can tell
        elif rise < 0:  # more was reckoned with, when the power was held, than there was
            rise, total = 0.0, last.total
        if watts is None and rise is not None and took > 0:
            watts = rise / took
    return point._replace(watts=watts, read=read, total=total, rise=rise)


def hold(last: Point, at: float) -> Point:
    """What `last` would be at `at`, if the power stayed as it was."""
    rise = None if last.watts is None else last.watts * (at - last.at)
    total = None if last.total is None or rise is None else last.total + rise
    return last._replace(at=at, total=total, rise=rise)


def joules(
    before: Point | None, after: Point, start: float, end: float, reach: float
) -> float | None:
    """The energy from `start` to `end`, which lie between two points, or before the first.

    `reach` (seconds) is how far from a reading its power is taken to hold. `None` where nothing is known.
    """
    span = after.at - before.at if before is not None else 0.0
    near = after.at - start <= reach and after.watts is not None
    if before is not None and after.rise is not None and not (span > reach and near):
        return after.rise * (end - start) / span if span > 0 else 0.0
    if before is not None and 0 < span <= reach and None not in (before.watts, after.watts):
        return _trapezoid(before, after, start, end)
    if near and after.watts is not None:
        return after.watts * (end - start)
    if before is not None and before.watts is not None and end - before.at <= reach:
        return before.watts * (end - start)
    return None


def _trapezoid(before: Point, after: Point, start: float, end: float) -> float:
    first, last = before.watts or 0.0, after.watts or 0.0
    slope = (last - first) / (after.at - before.at)
    middle = (start + end) / 2 - before.at
    return (first + slope * middle) * (end - start)
