"""What a local model costs: the hours of the accelerators that it was on."""

from __future__ import annotations

from decimal import Decimal
from itertools import zip_longest

from clearspan import semconv as sc
from clearspan.draft import Draft
from clearspan.figures.cost.names import Names
from clearspan.figures.cost.whose import is_here
from clearspan.record import Operation

__all__ = ["hours", "is_local"]

_HOUR = Decimal(3600) * 10**9  # in nanoseconds


def is_local(draft: Draft) -> bool:
    """Whether the model ran on accelerators here: in this process, or in an Ollama on this machine."""
    if draft.kind == "internal":
        steps = (
            draft.operation == Operation.INVOKE_AGENT
        )  # other steps of a program are never priced
        return not steps and draft.extras.get(sc.MODEL_DEVICE) != "cpu"
    return draft.provider == "ollama" and is_here((draft.server_address or "").lower())


def hours(prices: Names[Decimal], draft: Draft) -> tuple[Decimal, bool] | None:
    """The price of the call's time on its devices, and whether it was alone there all the time.

    Calls that share a device are charged their shares of its time, where those are known. A price is
    looked up by what the device is called, or by its id where that is not known.
    """
    hardware = draft.hardware
    devices = hardware.devices if hardware is not None else ()
    models = hardware.models if hardware is not None else ()
    names = [model or device for device, model in zip_longest(devices, models, fillvalue="")] or [
        ""
    ] * max(1, len(draft.devices))
    found = [prices.all(name) for name in names]
    if not all(found):
        return None  # a device without a price
    time = Decimal(max(0, draft.end_ns - draft.start_ns)) / _HOUR
    share = hardware.share if hardware is not None else None
    time *= Decimal(1 if share is None else share)
    alone = hardware is not None and bool(devices) and hardware.attribution == "exclusive"
    return sum((price[0] for price in found), Decimal(0)) * time, alone
