"""As many attributes as OpenTelemetry takes, chosen by us: it would drop the oldest, and complain each time.

What an application named itself goes first; what it is for is told by the others.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from clearspan import semconv as sc
from clearspan.emit import names

__all__ = ["limit_of", "limited"]

_DEFAULT = 128
_UNLIMITED = 1 << 30
_APPLICATIONS = (sc.METADATA, sc.VARIANT, sc.PROMPT_VARIABLE)
_KNOWN = frozenset(value for value in vars(sc).values() if type(value) is str)
_ALL = ("OTEL_ATTRIBUTE_COUNT_LIMIT",)


def limit_of(holder: object, *variables: str) -> int:
    """How many attributes there may be: as the SDK's object has it, else as the environment has it."""
    limits = getattr(holder, "_limits", None)
    found = getattr(limits, "max_span_attributes", _DEFAULT) if limits is not None else _asked(variables)  # fmt: skip
    return found if type(found) is int else _UNLIMITED


def _asked(variables: Iterable[str]) -> int | None:
    for name in (*variables, *_ALL):
        told = os.environ.get(name, "").strip().lower()
        if told == "unset":
            return None
        if told.isdecimal():
            return int(told)
    return _DEFAULT


def limited(attributes: Mapping[str, Any], limit: int) -> dict[str, Any]:
    """`attributes`, or `limit` of them with a remark how many more there were.

    Of the application's own the first ones stay; where even ours are too many, the first of those.
    """
    if len(attributes) <= limit:
        return dict(attributes)
    room = max(0, limit - 1)  # for the remark
    ours = {name: value for name, value in attributes.items() if not _named(name)}
    kept = set(list(ours)[:room])
    others = [name for name in attributes if name not in ours]
    kept.update(others[: room - len(kept)])
    made = {name: value for name, value in attributes.items() if name in kept}
    if limit > 0:
        made[sc.ATTRIBUTES_LEFT_OUT] = len(attributes) - len(made)
    return made


def _named(name: str) -> bool:
    """Whether it is a name that an application chose."""
    return name.startswith(_APPLICATIONS) or not (name in _KNOWN or name.startswith(names.OWN))
