"""Which calls are looked at, and what is remembered of one while it runs."""

from __future__ import annotations

import ipaddress
import weakref
from collections.abc import Hashable
from functools import lru_cache

from clearspan import semconv as sc
from clearspan.draft import Draft
from clearspan.record import Operation

__all__ = ["Call", "elsewhere", "over", "wanted"]

_NO_WORK = (Operation.FETCH_RESPONSE, Operation.CREATE_BATCH)
# Kinds of devices, in torch's words, whose number says where it is; `meta` stands for a place to be seen later.
_ACCELERATORS = ("cuda", "meta")


class Call:
    """One call, by the monotonic clock (seconds), with no hold on its draft.

    `within` says that the model is in this process, `settled` that there is nothing more to tell of it.
    """

    __slots__ = ("draft", "model", "settled", "start", "until", "within")

    def __init__(self, draft: Draft) -> None:
        self.draft = weakref.ref(draft)
        self.start = draft.started_at
        self.until: float | None = None
        self.model: Hashable = (draft.provider, draft.model)
        self.within = draft.kind == "internal"
        self.settled = False


def wanted(draft: Draft) -> bool:
    """Whether a model runs for this call on this machine: in the process, or in a server on it."""
    if draft.endpoint is None or draft.provider is None or draft.operation in _NO_WORK:
        return False
    return draft.kind == "internal" or _is_here(draft.server_address)


def elsewhere(draft: Draft) -> bool:
    """Whether the model is known to be on no accelerator that could be read, as on the CPU."""
    place = draft.extras.get(sc.MODEL_DEVICE)
    return not draft.devices and isinstance(place, str) and not place.startswith(_ACCELERATORS)


def over(draft: Draft) -> float:
    """When the call ended."""
    return draft.started_at + (draft.end_ns - draft.start_ns) / 1e9


@lru_cache(maxsize=256)
def _is_here(address: str | None) -> bool:
    """Whether an address is that of the machine itself. A name is not looked up."""
    name = (address or "").strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        found = ipaddress.ip_address(name)
    except ValueError:
        return False
    return found.is_loopback or found.is_unspecified
