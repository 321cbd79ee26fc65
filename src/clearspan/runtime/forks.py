"""Metrics across a fork: what a child measures begins at nothing, and needs no lock that its parent held.

OpenTelemetry's instruments sum up for as long as a process lives. A child that went on with its parent's would
tell the parent's sums once more, and wait for ever for a lock that another thread held at the fork.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable
from typing import Any, cast

from opentelemetry.metrics import Meter, MeterProvider

from clearspan.core import worker
from clearspan.runtime.histograms import Histograms

__all__ = ["Meters", "renew", "unseen"]


class _Instrument:
    """Stands for an instrument of whichever meter is the process's own."""

    def __init__(self, kind: str, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        self._kind = kind
        self._given = given
        self._named = named
        self._real: Any = None
        self.current: Callable[[], object] = _nothing

    def made_by(self, meter: Meter) -> None:
        self._real = getattr(meter, f"create_{self._kind}")(*self._given, **self._named)

    def add(self, *given: Any, **named: Any) -> None:
        """As the counter's."""
        self.current()
        self._real.add(*given, **named)

    def record(self, *given: Any, **named: Any) -> None:
        """As the histogram's."""
        self.current()
        self._real.record(*given, **named)


def _nothing() -> None:
    """Nothing is to be renewed."""


class _Meter:
    """What our code makes of a meter: counters, histograms, and instruments that are read."""

    def __init__(
        self,
        scope: tuple[str, str | None, str | None],
        current: Callable[[], object],
        histograms: Histograms | None,
    ) -> None:
        self._scope = scope
        self._current = current
        self._histograms = histograms
        self._made: list[_Instrument] = []

    def move_to(self, provider: MeterProvider) -> None:
        self._real = provider.get_meter(*self._scope)
        for instrument in self._made:
            instrument.made_by(self._real)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        kind = name.removeprefix("create_")
        if kind == name:
            raise AttributeError(name)
        if kind == "histogram" and self._histograms is not None:
            return functools.partial(self._histograms.create, self._scope)

        def create(*given: Any, **named: Any) -> _Instrument:
            made = _Instrument(kind, given, named)
            made.current = self._current
            made.made_by(self._real)
            self._made.append(made)
            return made

        return create


class Meters(MeterProvider):
    """Meters of a provider that `make` makes: of another one in a forked child, where that is first used.

    Their histograms are among `histograms`, where there are such.
    """

    def __init__(
        self, make: Callable[[], MeterProvider], histograms: Histograms | None = None
    ) -> None:
        self._make = make
        self._histograms = histograms
        self._meters: dict[tuple[Any, ...], _Meter] = {}
        self._lock = threading.RLock()
        self._stale = False
        self._provider = make()

    def get_meter(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Any = None,
    ) -> Meter:
        """The one meter of that scope."""
        self.current()
        scope = (name, version, schema_url)
        found = self._meters.get(scope)
        if found is None:
            found = self._meters[scope] = _Meter(scope, self.current, self._histograms)
            found.move_to(self._provider)
        return cast("Meter", found)

    def renew(self) -> None:
        """In a forked child. Makes nothing yet: many a child never measures anything."""
        self._lock = threading.RLock()
        self._stale = True
        if self._histograms is not None:
            self._histograms.renew()

    def current(self) -> None:
        """See to it that the provider is this process's."""
        if not self._stale:
            return
        with self._lock:
            if self._stale:
                self._provider = self._make()
                for meter in self._meters.values():
                    meter.move_to(self._provider)
                self._stale = False


def renew(providers: Any) -> None:
    """In a forked child: see to it that these `Providers` are the child's own."""
    meter = None if providers is None else providers.meter
    if isinstance(meter, Meters):
        meter.renew()


def unseen(after: Callable[[], None]) -> None:
    """In a child whose fork Python was not told of: what its hooks would have done, with `after` as the last of them."""
    crew: Any = sys.modules.get("clearspan.core.crew")  # whoever has none has none to renew
    if crew is not None:
        crew.renew_all()
    worker.renew_all()
    after()
