"""Boards: instruments that are read when metrics are collected, and whose figures they show then."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Protocol

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from clearspan.core.fence import fenced

__all__ = ["Board", "board_of"]


_MAKERS: Final = {
    "gauge": "create_observable_gauge",
    "counter": "create_observable_counter",
    "updowncounter": "create_observable_up_down_counter",
}


class _Instrument(Protocol):
    """A row of a table of instruments."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def note(self) -> str: ...


class _Figure(Protocol):
    """One value, with its attributes."""

    @property
    def value(self) -> float: ...
    @property
    def attributes(self) -> Mapping[str, Any]: ...


class _Shown(Protocol):
    """Whoever has something to show."""

    def read(self, name: str) -> Iterable[_Figure]:
        """The figures of an instrument at this moment."""
        ...


class Board:
    """Instruments of one meter that are read; what they show is what the latest `turn_to` named.

    A meter keeps its callbacks for ever, and takes no second ones for the same instrument. So there is
    one board for each meter and subject, which holds nobody alive.
    """

    def __init__(self, site: str) -> None:
        self._site = site
        self._made: set[str] = set()
        self._shown: weakref.ref[_Shown] | None = None

    def make(self, meter: Meter, instruments: Iterable[_Instrument]) -> None:
        """Make those of these instruments that are read and are not there yet."""
        for row in instruments:
            if row.kind in _MAKERS and row.name not in self._made:
                self._made.add(row.name)
                make: Callable[..., Any] = getattr(meter, _MAKERS[row.kind])
                make(row.name, [self._reader(row.name)], row.unit, row.note)

    def turn_to(self, shown: _Shown) -> None:
        """Show what this one has to tell, from now on, as long as it is there."""
        self._shown = weakref.ref(shown)

    def _reader(self, name: str) -> Callable[[CallbackOptions], Iterable[Observation]]:
        def read(options: CallbackOptions) -> Iterable[Observation]:
            del options
            shown = self._shown() if self._shown is not None else None
            return [] if shown is None else fenced(self._site, _observed, shown, name) or []

        return read


def _observed(shown: _Shown, name: str) -> list[Observation]:
    return [
        Observation(each.value, _tellable(each.attributes))
        for each in shown.read(name)
        if math.isfinite(each.value)
    ]


def _tellable(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is no scalar: the SDK would complain of that on standard error."""
    return {name: value for name, value in attributes.items() if type(value) in _SCALARS}


_SCALARS = (str, int, float, bool)
_boards: weakref.WeakKeyDictionary[Meter, dict[str, Board]] = weakref.WeakKeyDictionary()


def board_of(meter: Meter, site: str) -> Board:
    """The meter's board for one subject; failures to read it are counted under `site`."""
    return _boards.setdefault(meter, {}).setdefault(site, Board(site))
