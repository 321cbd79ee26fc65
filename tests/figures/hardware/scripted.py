"""A machine whose devices and whose clock do what a test says: no thread, no waiting, no chance."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from clearspan.draft import Draft
from clearspan.figures.hardware import Attribution
from clearspan.samplers import DeviceState

START_NS = 1_700_000_000_000_000_000


@dataclass
class Device:
    """One accelerator; each figure is a function of the time, or a value that stands."""

    id: str = "GPU-0"
    power: Any = 100.0
    energy: Any = None
    utilization: Any = 0.5
    memory: Any = 1_000
    foreign: Any = False
    there: bool = True
    model: str | None = None
    occupied: Any = True

    def state(self, now: float) -> DeviceState:
        figures: dict[str, Any] = {
            "utilization": self.utilization, "memory": self.memory, "power": self.power, "energy": self.energy,
            "foreign": self.foreign, "occupied": self.occupied,
        }  # fmt: skip
        told = {name: _at(now, figure) for name, figure in figures.items()}
        return DeviceState(self.id, model=self.model, **told)


def _at(now: float, figure: Any) -> Any:
    return figure(now) if callable(figure) else figure


@dataclass
class Machine:
    """Devices, a clock, and the attribution over them, driven step by step."""

    devices: list[Device] = field(default_factory=lambda: [Device()])
    interval: float = 0.1
    now: float = 100.0
    due: float | None = None
    started: int = 0
    reads: int = 0
    asked: list[tuple[int, ...]] = field(default_factory=list)
    busy: bool = False

    def __post_init__(self) -> None:
        self.attribution = Attribution(
            self, self.interval, clock=lambda: self.now, beat=self._beat  # type: ignore[arg-type]
        )  # fmt: skip

    # what the attribution sees as its source

    def states(self) -> Sequence[DeviceState]:
        self.reads += 1
        return [device.state(self.now) for device in self.devices if device.there and not self.busy]

    def ids(self, indices: Sequence[int]) -> tuple[str, ...]:
        self.asked.append(tuple(indices))
        return tuple(self.devices[index].id for index in indices if index < len(self.devices))

    # what it takes for its thread

    def _beat(self, name: str, step: Callable[[], float | None]) -> Machine:
        assert name == "clearspan-hardware"
        self._step = step
        return self

    def rouse(self) -> None:
        self.started += self.due is None
        self.due = self.now

    def renew(self) -> None:
        self.due = None

    def close(self, timeout: float) -> None:
        assert timeout > 0
        self.due = None

    # what tests look at, and do

    def alive(self) -> bool:
        """Whether there is a thread."""
        return self.due is not None

    @property
    def ledger(self) -> Any:
        return vars(self.attribution)["_ledger"]

    @property
    def strips(self) -> int:
        """How many strips of time are held."""
        return sum(len(vars(meter)["_strips"]) for meter in vars(self.ledger)["_meters"].values())

    @property
    def claims(self) -> int:
        """How many calls may still take a share."""
        return len(vars(self.ledger)["_present"])

    def run(self, until: float) -> None:
        """Let the time go on, the thread stepping whenever it would."""
        while self.due is not None and self.due <= until:
            self.now = self.due
            wait = self._step()
            self.due = None if wait is None else self.now + wait
        self.now = until

    def begin(self, draft: Draft | None = None) -> Draft:
        draft = draft or local()
        draft.started_at, draft.start_ns = self.now, START_NS
        self.attribution.begin(draft)
        return draft

    def end(self, draft: Draft) -> None:
        draft.end_ns = draft.start_ns + round((self.now - draft.started_at) * 1e9)
        self.attribution.end(draft)

    def finish(self, draft: Draft, tokens: int | None = None) -> Draft:
        self.end(draft)
        return self.complete(draft, tokens)

    def complete(self, draft: Draft, tokens: int | None = None) -> Draft:
        draft.usage(output=tokens)
        self.attribution.work_out(draft)
        return draft

    def call(self, start: float, end: float, tokens: int | None = None, **about: Any) -> Draft:
        """One call, alone, from `start` to `end` (seconds from now)."""
        base = self.now
        self.run(base + start)
        draft = self.begin(local(**about))
        self.run(base + end)
        return self.finish(draft, tokens)


def local(*, devices: tuple[int, ...] = (), model: str = "small", **more: Any) -> Draft:
    """The draft of a model that runs in the process."""
    draft = Draft("chat", kind="internal")
    draft.provider, draft.endpoint, draft.model = "transformers", object(), model
    draft.devices = devices
    for name, value in more.items():
        setattr(draft, name, value)
    return draft


def energy(draft: Draft) -> float:
    """The joules that a draft was told, which must be there."""
    assert draft.hardware is not None
    assert draft.hardware.energy is not None
    return draft.hardware.energy


def integral(power: Callable[[float], float], start: float, end: float) -> float:
    """The energy under a power curve, by far smaller steps than anything samples at."""
    steps = 20_000
    width = (end - start) / steps
    return math.fsum(power(start + (step + 0.5) * width) for step in range(steps)) * width
