"""What can be plugged in: entry points by group, loaded when asked for, ours as a third party's."""

from __future__ import annotations

import logging
from typing import Any

from clearspan.core import installed, spelling

__all__ = ["EVALUATORS", "EXPORTERS", "PROVIDERS", "SAMPLERS", "NotFound", "add", "load", "names"]

PROVIDERS = "clearspan.providers"
EXPORTERS = "clearspan.exporters"
SAMPLERS = "clearspan.samplers"
EVALUATORS = "clearspan.evaluators"

_CLOSE = 3
_TELLING = 3
_FEW = 8

_log = logging.getLogger("clearspan")
_said: set[tuple[str, str]] = set()
_added: dict[tuple[str, str], Any] = {}


class NotFound(LookupError):
    """No plug-in of that name; the message tells which is meant, or which there are."""


def add(group: str, name: str, plugin: Any) -> None:
    """Add a plug-in by hand; it wins over an entry point of the same name."""
    _added[group, name] = plugin


def names(group: str) -> list[str]:
    """The names of all plug-ins of a group, sorted; nothing is loaded."""
    found = {entry.name for entry in installed.entries(group)}
    return sorted(found | {name for added, name in _added if added == group})


def is_ours(group: str, name: str) -> bool:
    """Whether a plug-in is one that clearspan brings, and nobody has put another in its place."""
    mine = [entry.value for entry in installed.entries(group) if entry.name == name]
    return (group, name) not in _added and any(map(_ours, mine))


def _ours(value: str) -> bool:
    return value.startswith("clearspan.")


def load(group: str, name: str) -> Any:
    """The plug-in itself. Raises `NotFound`, or whatever loading a broken plug-in raises."""
    if (group, name) in _added:
        return _added[group, name]
    found = [entry for entry in installed.entries(group) if entry.name == name]
    if found:
        # Ours first: a package that is installed beside must not change what a name means.
        chosen, *others = sorted(found, key=lambda entry: not _ours(entry.value))
        if any(other.value != chosen.value for other in others):
            _say_once(group, name, chosen.value)
        return chosen.load()
    raise NotFound(f"no {group.rpartition('.')[2].rstrip('s')} named {name!r}{_hint(group, name)}")


def _say_once(group: str, name: str, chosen: str) -> None:
    if (group, name) not in _said:
        _said.add((group, name))
        _log.warning("clearspan: several packages bring %r (%s); %s is used", name, group, chosen)


def _hint(group: str, name: str) -> str:
    """The known names, or where to find them where they are many; and which of them was meant."""
    known = names(group)
    folded = name.casefold().replace("-", "_").strip()
    close = (
        spelling.close(folded, known, _CLOSE)
        or [each for each in known if len(folded) >= _TELLING and folded in each][:_CLOSE]
    )
    meant = f"; did you mean {' or '.join(map(repr, close))}?" if close else ""
    if len(known) <= _FEW:
        return f"; known are {', '.join(known) or 'none'}{meant}"
    return meant or f"; clearspan.registry.names({group!r}) lists the {len(known)} that are known"
