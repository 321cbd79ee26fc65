"""Hardware: which samplers run, the instruments they are read through, and who attributes to calls."""

from __future__ import annotations

import importlib.util
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from opentelemetry.metrics import Meter

from clearspan import registry
from clearspan.core.fence import fenced
from clearspan.emit.boards import board_of
from clearspan.figures.hardware.source import Source
from clearspan.samplers import Sampler
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
            board = board_of(meter, "hardware.read")
            for sampler in self.samplers:
                board.make(meter, sampler.instruments)
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
