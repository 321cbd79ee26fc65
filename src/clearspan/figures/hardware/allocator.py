"""What torch's own allocator holds on each device, where the program uses torch with CUDA."""

from __future__ import annotations

import sys
from typing import Any

from clearspan.core import read

__all__ = ["allocated"]

_NOW, _MOST = "allocated_bytes.all.current", "allocated_bytes.all.peak"


def allocated() -> dict[int, tuple[int, int]]:
    """Bytes allocated now, and the most so far, by torch's numbers of the devices.

    torch is not imported for it, CUDA not initialised, nothing waits for a device, and the record of
    the most is never reset, as it is the program's. Devices that torch allocated nothing on are left out.
    """
    found: dict[int, tuple[int, int]] = {}
    torch: Any = sys.modules.get("torch")
    if torch is None:
        return found
    try:
        cuda = torch.cuda
        for index in range(cuda.device_count() if cuda.is_initialized() is True else 0):
            stats = cuda.memory_stats(index)
            now, most = read.count(stats.get(_NOW)), read.count(stats.get(_MOST))
            if now is not None and most:
                found[index] = (now, most)
    except (AttributeError, RuntimeError, AssertionError):
        return found  # torch is half imported, another allocator is in use, or the device is lost
    return found
