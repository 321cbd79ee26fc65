"""What a local model costs: the hours of the accelerators that it was on."""

from __future__ import annotations

from decimal import Decimal
from itertools import chain, repeat, zip_longest

from clearspan import semconv as sc
from clearspan.draft import Draft
from clearspan.figures.cost.names import Names
from clearspan.figures.hardware.here import is_here
from clearspan.record import Operation

__all__ = ["hours", "is_local"]

_HOUR = Decimal(3600) * 10**9  # in nanoseconds


def is_local(draft: Draft) -> bool:
    """Whether the model ran on accelerators here: in this process, or in a server of models on this machine."""
    if draft.kind == "internal":
        steps = (
            draft.operation == Operation.INVOKE_AGENT
        )  # other steps of a program are never priced
        return not steps and draft.extras.get(sc.MODEL_DEVICE) != "cpu"
    return is_here(draft)


def hours(prices: Names[Decimal], draft: Draft) -> tuple[Decimal, bool] | None:
    """The price of the call's time on its devices, and whether it was alone there all the time.

    Calls that share a device are charged their shares of the time of each, where those are known; without
    them the whole time, which is not sure. A price is looked up by what the device is called, or by its id
    where that is not known.
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
    shares = hardware.shares if hardware is not None else ()
    mean = hardware.share if hardware is not None else None
    whole = sum(
        (
            price[0] * Decimal(share)
            for price, share in zip(
                found, chain(shares, repeat(1.0 if mean is None else mean)), strict=False
            )
        ),
        Decimal(0),
    )
    alone = hardware is not None and bool(devices) and hardware.attribution == "exclusive"
    return whole * time, alone
