"""What can be plugged in: entry points by group, loaded when asked for, ours as a third party's."""

from __future__ import annotations

import difflib
import importlib.metadata
from typing import Any

__all__ = ["EVALUATORS", "EXPORTERS", "PROVIDERS", "SAMPLERS", "NotFound", "add", "load", "names"]

PROVIDERS = "clearspan.providers"
EXPORTERS = "clearspan.exporters"
SAMPLERS = "clearspan.samplers"
EVALUATORS = "clearspan.evaluators"

_added: dict[tuple[str, str], Any] = {}


class NotFound(LookupError):
    """No plug-in of that name; the message lists those that exist."""


def add(group: str, name: str, plugin: Any) -> None:
    """Add a plug-in by hand; it wins over an entry point of the same name."""
    _added[group, name] = plugin


def names(group: str) -> list[str]:
    """The names of all plug-ins of a group, sorted; nothing is loaded."""
    found = {entry.name for entry in importlib.metadata.entry_points(group=group)}
    return sorted(found | {name for added, name in _added if added == group})


def load(group: str, name: str) -> Any:
    """The plug-in itself. Raises `NotFound`, or whatever loading a broken plug-in raises."""
    if (group, name) in _added:
        return _added[group, name]
    for entry in importlib.metadata.entry_points(group=group, name=name):
        return entry.load()
    known = names(group)
    close = difflib.get_close_matches(name, known, 1)
    meant = f"; did you mean {close[0]!r}?" if close else ""
    raise NotFound(
        f"no {group.rpartition('.')[2].rstrip('s')} named {name!r}; known are {', '.join(known) or 'none'}{meant}"
    )
