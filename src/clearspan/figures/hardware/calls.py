"""Which calls are looked at, and what is remembered of one while it runs."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Hashable

from clearspan import semconv as sc
from clearspan.draft import Draft
from clearspan.figures.hardware.here import is_here
from clearspan.record import Operation

__all__ = ["Call", "elsewhere", "over", "wanted"]

_NO_WORK = (Operation.FETCH_RESPONSE, Operation.CREATE_BATCH)
# Kinds of devices, in torch's words, whose number says where it is; `meta` stands for a place to be seen later.
_ACCELERATORS = ("cuda", "meta")


class Call:
    """One call, by the monotonic clock (seconds), with no hold on its draft.

    `within` says that the model is in this process, `settled` that there is nothing more to tell of it, `thread`
    on which of the program's threads it was heard of last. `away`, `devices` and `nested` (its work is that of calls
    below it) are as they were at its end, for one whose record is lost after that.
    """

    __slots__ = (
        "away", "devices", "draft", "model", "nested", "settled", "start", "thread", "until", "within",
    )  # fmt: skip

    def __init__(self, draft: Draft) -> None:
        self.draft = weakref.ref(draft)
        self.start = draft.started_at
        self.until: float | None = None
        self.model: Hashable = (draft.provider, draft.model)
        self.within = draft.kind == "internal"
        self.settled = False
        self.thread = threading.get_ident()
        self.look(draft)

    def look(self, draft: Draft) -> None:
        """Remember where the call is, and whether others do its work."""
        self.devices, self.away = draft.devices, elsewhere(draft)
        self.nested = draft.inference_calls > 0


def wanted(draft: Draft) -> bool:
    """Whether a model runs for this call on this machine: in the process, or in a server on it."""
    if draft.endpoint is None or draft.provider is None or draft.operation in _NO_WORK:
        return False
    return is_here(draft)


def elsewhere(draft: Draft) -> bool:
    """Whether the model is known to be on no accelerator that could be read, as on the CPU, or in a cloud."""
    if not is_here(draft):
        return True  # as its answer says
    place = draft.extras.get(sc.MODEL_DEVICE)
    return not draft.devices and isinstance(place, str) and not place.startswith(_ACCELERATORS)


def over(draft: Draft) -> float:
    """When the call ended."""
    return draft.started_at + (draft.end_ns - draft.start_ns) / 1e9
