"""The evaluators that come with clearspan: by name (`evaluators=["pii"]`), or as classes with options.

Each is registered by entry point, as anybody's; here they stand under their class names as well.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES: dict[str, tuple[str, ...]] = {}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    module = _HOME.get(name)
    if module is None:
        raise AttributeError(f"module 'clearspan.evaluators' has no attribute {name!r}")
    return getattr(import_module(f"clearspan.evaluators.{module}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
