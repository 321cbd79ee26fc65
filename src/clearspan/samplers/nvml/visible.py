"""Which devices a process sees, and in which order: `CUDA_VISIBLE_DEVICES` as CUDA reads it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Unit", "visible"]

_INDEX = re.compile(r"\s*\+?(\d+)")


@dataclass(frozen=True, slots=True)
class Unit:
    """A GPU, or a MIG slice of one (`parent` is the GPU's id then). `handle` is the library's."""

    id: str
    name: str
    handle: Any = field(repr=False)
    parent: str | None = None
    slices: tuple[Unit, ...] = ()
    sliced: bool = False


def visible(
    gpus: Sequence[Unit], environ: Mapping[str, str], *, whole: bool = True
) -> tuple[Unit, ...] | None:
    """The units in CUDA's order; `None` where CUDA's numbers cannot be told from outside.

    `whole` says that no GPU is missing from `gpus`.

    By default CUDA numbers the fastest GPU first, and NVML numbers by bus: the two agree for
    certain with `CUDA_DEVICE_ORDER=PCI_BUS_ID`, or where all GPUs are of one kind.
    """
    listed = environ.get("CUDA_VISIBLE_DEVICES")
    if listed is not None:
        items = [item.strip() for item in listed.split(",")]
        if items[0].startswith(("GPU-", "MIG-")):
            return _by_id(items, gpus)
        if not _INDEX.match(items[0]):
            return ()
    by_bus = environ.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID"
    kinds = {gpu.name for gpu in gpus}
    unlike = len(kinds) > 1 or (len(gpus) > 1 and "" in kinds)
    if not whole or (unlike and not by_bus):
        return None
    if any(gpu.sliced for gpu in gpus):
        return _sliced(gpus) if listed is None else None
    return tuple(gpus) if listed is None else _by_index(listed.split(","), gpus)


def _sliced(gpus: Sequence[Unit]) -> tuple[Unit, ...] | None:
    """With slices CUDA shows one of them only; which one is certain where there is just one."""
    found = [part for gpu in gpus for part in gpu.slices]
    return (found[0],) if len(found) == 1 and len(gpus) == 1 else None


def _by_index(items: Sequence[str], gpus: Sequence[Unit]) -> tuple[Unit, ...]:
    found: list[Unit] = []
    for item in items:
        match = _INDEX.match(item)
        if match is None or int(match[1]) >= len(gpus):
            break
        unit = gpus[int(match[1])]
        if unit in found:
            return ()  # CUDA offers nothing where one is named twice
        found.append(unit)
    return tuple(found)


def _by_id(items: Sequence[str], gpus: Sequence[Unit]) -> tuple[Unit, ...]:
    every = [unit for gpu in gpus for unit in (gpu, *gpu.slices)]
    found: list[Unit] = []
    for item in items:
        matching = [unit for unit in every if unit.id.startswith(item)] if len(item) > 4 else []
        if len(matching) != 1:
            break
        if matching[0] in found:
            return ()
        found += matching
    return tuple(found)
