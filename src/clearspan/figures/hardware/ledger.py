"""The calls of this machine over its devices: who is where, and what each is told at its end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import NamedTuple

from clearspan.draft import Draft
from clearspan.figures.hardware.calls import Call
from clearspan.figures.hardware.energy import Point
from clearspan.figures.hardware.meter import Meter
from clearspan.figures.hardware.rates import Rates
from clearspan.figures.hardware.strips import Window
from clearspan.figures.hardware.use import use
from clearspan.record import HardwareUse

__all__ = ["Event", "Ledger"]


class Event(NamedTuple):
    """A call began at `at`, or is `over` then."""

    at: float
    over: bool
    call: Call


class Ledger:
    """Used by one thread at a time. `reach` (seconds) is how far a reading's power is taken to hold."""

    def __init__(self, reach: float) -> None:
        self.places: dict[tuple[int, ...], tuple[str, ...]] = {}
        self._reach = reach
        self._meters: dict[str, Meter] = {}
        self._coming: list[Event] = []
        self._present: dict[Call, None] = {}
        self._within: dict[Call, None] = {}
        self._rates = Rates()

    @property
    def empty(self) -> bool:
        """Whether no device was ever seen."""
        return not self._meters

    def hear(self, events: Iterable[Event]) -> None:
        """Take news of calls, roughly in the order of their times."""
        self._coming = sorted(
            (event for event in (*self._coming, *events) if not event.call.settled),
            key=attrgetter("at"),
        )

    def read(self, points: Mapping[str, Point]) -> None:
        """Take readings of devices, by their ids."""
        for device in points:
            self._meters.setdefault(device, Meter(self._reach))
        now = max(point.at for point in points.values())
        self._go_on(now)
        self._abandon_lost(now)
        for device, point in points.items():
            self._meters[device].read(point)

    def settle(self, call: Call, draft: Draft, tokens: int | None) -> HardwareUse | None:
        """What `call` used, which is over, its draft read; `tokens` are those of its answer."""
        until = call.start if call.until is None else call.until
        self._go_on(until)
        call.settled = True
        rate = tokens / (until - call.start) if tokens and until > call.start else None
        if call not in self._present or draft.inference_calls > 0:
            self.forget(call)
            return None
        if rate is not None:
            self._rates.add(call.model, rate)
        del self._present[call]
        self._within.pop(call, None)
        usual = self._rates.mean or 1.0
        windows: dict[str, Window] = {}
        call.look(draft)
        here, perhaps = self._used(call)
        known = bool(self.places.get(call.devices)) or len(self._meters) == 1
        for device, meter in self._meters.items():
            if device in here:
                windows[device] = meter.settle(call, until, rate or usual, usual)
            elif device in perhaps:
                meter.abandon(call)
            else:
                meter.forget(call)
        return use(windows, tokens, within=call.within, sure=known)

    def forget(self, call: Call) -> None:
        """A call has no claim, as its work is told below it."""
        self._part(call)
        for meter in self._meters.values():
            meter.forget(call)

    def abandon(self, call: Call) -> None:
        """A call will not ask what it used."""
        if call.nested:
            self.forget(call)
            return
        self._part(call)
        for meter in self._meters.values():
            meter.abandon(call)

    def _part(self, call: Call) -> None:
        call.settled = True
        self._present.pop(call, None)
        self._within.pop(call, None)

    def rest(self) -> None:
        """Nothing is read for a while: what is known of the devices grows old."""
        self.hear(())
        self._abandon_lost(float("inf"))
        if not self._present and not self._coming:
            self._meters.clear()
            self.places.clear()

    def _go_on(self, to: float) -> None:
        """Let the calls come and go until `to`; before a device was seen there is nowhere to be."""
        if not self._meters:
            return
        self._find_nested()
        due = 0
        for event in self._coming:
            if event.at > to:
                break
            due += 1
            self._happen(event)
        del self._coming[:due]

    def _happen(self, event: Event) -> None:
        call = event.call
        if event.over:
            for meter in self._meters.values():
                meter.leave(call, event.at)
            return
        draft = call.draft()
        if draft is not None:
            call.look(draft)
        if call.settled or call.nested or (draft is None and call.until is None):
            return
        self._present[call] = None
        if call.within:
            self._within[call] = None
        rate = self._rates.of(call.model)
        for device in self._devices(call):
            self._meters[device].enter(call, event.at, rate)

    def _devices(self, call: Call) -> Sequence[str]:
        """The devices that a call is on: all there are, where its library does not say."""
        if call.away:
            return ()
        known = self.places.get(call.devices) or ()
        return [device for device in known if device in self._meters] if known else [*self._meters]

    def _used(self, call: Call) -> tuple[Sequence[str], Sequence[str]]:
        """The devices that count, and those that cannot count as the call may have been on others instead.

        Where its library does not say, it is the one device on which somebody was seen to compute, or, where
        processes are hidden, the one device that there is. Of several, most may be others' work: none counts.
        """
        found = [device for device in self._devices(call) if call in self._meters[device]]
        if self.places.get(call.devices):
            return found, ()
        told = {device: self._meters[device].occupied(call) for device in found}
        busy = [device for device, occupied in told.items() if occupied]
        hidden = [device for device, occupied in told.items() if occupied is None]
        if len(busy) == 1 or (not busy and len(told) == 1):
            return busy or hidden, ()
        return (), busy or hidden

    def _find_nested(self) -> None:
        """Calls that are done by others below them have no claim, as those have it."""
        for call in list(self._within):
            draft = call.draft()
            if draft is not None and draft.inference_calls > 0:
                self.forget(call)

    def _abandon_lost(self, now: float) -> None:
        """Records that were dropped on their way will never ask."""
        for call in list(self._present):
            if call.draft() is None and (call.until is None or call.until <= now):
                self.abandon(call)
