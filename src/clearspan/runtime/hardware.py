"""Hardware: which samplers run, the instruments they are read through, and who attributes to calls."""

from __future__ import annotations

import logging
import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from clearspan import registry
from clearspan.core.fence import fenced
from clearspan.figures.hardware import Attribution
from clearspan.figures.hardware.source import Source
from clearspan.samplers import Sampler
from clearspan.settings import SettingError, Settings

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Meter, Observation

__all__ = ["Hardware"]

_log = logging.getLogger("clearspan")
_WHOLE = ("auto", "off")


class Hardware:
    """Built from `settings`; raises `SettingError` for a sampler that does not exist.

    `watch` is the pipeline's watch where an accelerator may be there, else `None`. Nothing is opened
    and no thread is started here.
    """

    def __init__(self, settings: Settings) -> None:
        asked, samplers = _load(settings.hardware)
        there = [sampler for sampler in samplers if fenced("samplers.present", sampler.present)]
        self.missing = [sampler.name for sampler in samplers if asked and sampler not in there]
        self._accelerators = [sampler for sampler in there if hasattr(sampler, "states")]
        self.samplers = there
        self.source = Source(there, settings.hardware_interval)
        self.watch = (
            Attribution(self.source, settings.hardware_interval) if self._accelerators else None
        )

    def start(self, meter: Meter) -> None:
        """Warn of what was asked for and is absent, and make the instruments of what is there."""
        for name in self.missing:
            _log.warning("clearspan: hardware: %s was asked for, and is not there", name)
        makers: Mapping[str, Callable[..., Any]] = {
            "gauge": meter.create_observable_gauge,
            "counter": meter.create_observable_counter,
            "updowncounter": meter.create_observable_up_down_counter,
        }
        rows = {row.name: row for sampler in self.samplers for row in sampler.instruments}
        for row in rows.values():
            read = _callback(self.source, row.name)
            makers[row.kind](row.name, [read], row.unit, row.note)

    def status(self) -> Mapping[str, Mapping[str, int | bool]]:
        """By sampler: whether it is open, and what it counted of failures and implausible values."""
        opened = self.source.status()
        return {
            sampler.name: {"open": opened[sampler.name], **_counts(sampler)}
            for sampler in self.samplers
        }

    def renew(self) -> None:
        """In a forked child."""
        self.source.renew()
        if self.watch is not None:
            self.watch.renew()

    def close(self, timeout: float = 1.0) -> None:
        """End the thread, if there is one, within `timeout` seconds, and give back what is open."""
        if self.watch is not None:
            self.watch.close(timeout)
        self.source.close()


def _counts(sampler: Sampler) -> Mapping[str, int]:
    counts = getattr(sampler, "counts", None)
    return {} if counts is None else counts()


def _load(names: Iterable[str]) -> tuple[bool, list[Sampler]]:
    """Whether they were asked for by name, and the samplers."""
    names = list(names)
    if "off" in names:
        return False, []
    named = [name for name in names if name not in _WHOLE]
    if named:
        return True, [_named(name) for name in dict.fromkeys(named)]
    found = [fenced("samplers.load", _build, name) for name in registry.names(registry.SAMPLERS)]
    return False, [sampler for sampler in found if sampler is not None]


def _named(name: str) -> Sampler:
    try:
        return _build(name)
    except registry.NotFound as error:
        raise SettingError(f"clearspan: hardware: {error}") from None


def _build(name: str) -> Sampler:
    sampler: Sampler = registry.load(registry.SAMPLERS, name)()
    return sampler


def _callback(source: Source, name: str) -> Callable[[CallbackOptions], Iterable[Observation]]:
    # Providers keep their callbacks for ever: weakly, so that a closed runtime can go.
    held = weakref.ref(source)

    def read(_: CallbackOptions) -> Iterable[Observation]:
        from opentelemetry.metrics import Observation

        source = held()
        readings = () if source is None else fenced("hardware.read", source.readings) or ()
        return [
            Observation(reading.value, dict(reading.attributes))
            for reading in readings
            if reading.name == name
        ]

    return read
