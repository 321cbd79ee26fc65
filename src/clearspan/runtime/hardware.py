"""Hardware: which samplers run, the instruments they are read through, and who attributes to calls."""

from __future__ import annotations

import importlib.util
import logging
import time
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from clearspan import registry
from clearspan.core.fence import fenced
from clearspan.figures.hardware.source import Source
from clearspan.samplers import Instrument, Sampler
from clearspan.settings import SettingError, Settings

if TYPE_CHECKING:
    from clearspan.figures.hardware import Attribution

__all__ = ["Hardware"]

_log = logging.getLogger("clearspan")


class _Need(NamedTuple):
    """What a sampler of ours needs: a library of the system, and the package that speaks with it."""

    library: str
    module: str
    package: str


_NEEDS: Final[Mapping[str, _Need]] = {
    "nvml": _Need(
        "the library of NVIDIA's driver (libnvidia-ml.so.1, on Windows nvml.dll) cannot be loaded; install "
        "the driver, or start the container with its GPUs, as docker run --gpus all does",
        "pynvml", "pip install nvidia-ml-py",
    ),
    "amd": _Need(
        "ROCm's library (libamd_smi.so) cannot be loaded; install ROCm's amd-smi-lib, or name the folder of "
        "ROCm by ROCM_PATH",
        "amdsmi", "it comes with ROCm: pip install $ROCM_PATH/share/amd_smi",
    ),
}  # fmt: skip


class Hardware:
    """Built from `settings`; raises `SettingError` for a sampler that does not exist or cannot be built.

    `watch` is the pipeline's watch where an accelerator may be there, else `None`. Nothing is opened
    and no thread is started here.
    """

    def __init__(self, settings: Settings) -> None:
        asked, others = _load(settings.hardware)
        there = [each for each in [*asked, *others] if fenced("samplers.present", each.present)]
        self.missing = [sampler.name for sampler in asked if sampler not in there]
        self._asked = [sampler.name for sampler in asked]
        self.samplers: Sequence[Sampler] = there
        self.source = Source(there, settings.hardware_interval)
        accelerated = any(hasattr(sampler, "states") for sampler in there)
        self.watch = _attribution(self.source, settings) if accelerated else None

    def start(self, meter: Meter) -> None:
        """Warn of what was asked for and is absent, and make the instruments of what is there."""
        for name in self._asked:
            need = _NEEDS.get(name)
            if name in self.missing:
                why = f": {need.library}" if need is not None else ""
                _log.warning("clearspan: hardware: %s was asked for, and is not there%s", name, why)
            elif need is not None and not _installed(need.module):
                _log.warning(
                    "clearspan: hardware: %s was asked for, and cannot be read: the Python package %s is not "
                    "installed (%s)", name, need.module, need.package,
                )  # fmt: skip
        if self.samplers:
            board = _board_of(meter)
            for sampler in self.samplers:
                board.make(sampler.instruments)
            board.turn_to(self.source)

    def status(self) -> Mapping[str, str]:
        """By sampler: how it stands, and how often what of it failed; `absent` if asked for in vain."""
        found = self.source.status()
        told = {
            sampler.name: "; ".join([found[sampler.name], *_failed(sampler)])
            for sampler in self.samplers
        }
        return {**told, **dict.fromkeys(self.missing, "absent")}

    def renew(self) -> None:
        """In a forked child. The watch is renewed by its pipeline."""
        self.source.renew()

    def close(self, timeout: float = 1.0) -> None:
        """End the thread, if there is one, and give back what is open: within `timeout` seconds."""
        deadline = time.monotonic() + timeout
        if self.watch is not None:
            self.watch.close(timeout)
        self.source.close(max(0.0, deadline - time.monotonic()))


def _attribution(source: Source, settings: Settings) -> Attribution:
    from clearspan.figures.hardware import Attribution

    return Attribution(source, settings.hardware_interval)


def _failed(sampler: Sampler) -> list[str]:
    counts: Callable[[], Mapping[str, int]] | None = getattr(sampler, "counts", None)
    found = None if counts is None else fenced("samplers.counts", counts)
    return [
        f"{what} failed {'once' if times == 1 else f'{times} times'}"
        for what, times in sorted((found or {}).items())
    ]


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ValueError:  # a program has put something of its own in the module's place
        return True


def _load(names: Iterable[str]) -> tuple[list[Sampler], list[Sampler]]:
    """The samplers that were asked for by name, and with `auto` the others that are known."""
    names = dict.fromkeys(names)
    if "off" in names:
        return [], []
    asked = [_named(name) for name in names if name != "auto"]
    known = registry.names(registry.SAMPLERS) if "auto" in names else ()
    found = (fenced("samplers.load", _build, name) for name in known if name not in names)
    return asked, [sampler for sampler in found if sampler is not None]


def _named(name: str) -> Sampler:
    try:
        return _build(name)
    except registry.NotFound as error:
        raise SettingError(f"clearspan: hardware: {error}") from None
    except Exception as error:  # a plug-in may fail to load or to build in any way
        raise SettingError(
            f"clearspan: hardware: {name!r} cannot be used ({type(error).__name__}: {error}); "
            "repair or uninstall the package that brings it"
        ) from error


def _build(name: str) -> Sampler:
    sampler: Sampler = registry.load(registry.SAMPLERS, name)()
    return sampler


class _Board:
    """The instruments of one meter that tell of hardware; what they show is the latest Source's.

    A meter keeps its callbacks for ever, and takes no second ones for the same instrument. So there is
    one board for each meter, which holds nobody alive.
    """

    def __init__(self, meter: Meter) -> None:
        self._meter = weakref.ref(meter)
        self._made: set[str] = set()
        self._shown: weakref.ref[Source] | None = None

    def make(self, instruments: Sequence[Instrument]) -> None:
        """Make those instruments that are not there yet."""
        meter = self._meter()
        makers: Mapping[str, Callable[..., Any]] = {} if meter is None else {
            "gauge": meter.create_observable_gauge,
            "counter": meter.create_observable_counter,
            "updowncounter": meter.create_observable_up_down_counter,
        }  # fmt: skip
        for row in instruments:
            if row.kind in makers and row.name not in self._made:
                self._made.add(row.name)
                makers[row.kind](row.name, [self._reader(row.name)], row.unit, row.note)

    def turn_to(self, source: Source) -> None:
        """Show what this one reads, from now on."""
        self._shown = weakref.ref(source)

    def _reader(self, name: str) -> Callable[[CallbackOptions], Iterable[Observation]]:
        def read(options: CallbackOptions) -> Iterable[Observation]:
            del options
            source = self._shown() if self._shown is not None else None
            readings = None if source is None else fenced("hardware.read", source.readings)
            return [
                Observation(reading.value, dict(reading.attributes))
                for reading in readings or ()
                if reading.name == name
            ]

        return read


_boards: weakref.WeakKeyDictionary[Meter, _Board] = weakref.WeakKeyDictionary()


def _board_of(meter: Meter) -> _Board:
    board = _boards.get(meter)
    if board is None:
        board = _boards[meter] = _Board(meter)
    return board
