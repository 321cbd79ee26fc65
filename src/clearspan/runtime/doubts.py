"""What of the settings was probably not meant: variables that nothing reads, settings that change nothing."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Final

from clearspan.core.spelling import closest
from clearspan.settings import RECEIVERS, SETTINGS, Settings

__all__ = ["doubtful", "strangers"]

_OURS: Final = "CLEARSPAN_"
_KNOWN: Final = tuple(
    [setting.variable for setting in SETTINGS if setting.variable]
    + ["CLEARSPAN_JUDGE_API_KEY", "CLEARSPAN_STRICT", "CLEARSPAN_RECORDINGS"]
)
"""All that is read: settings, the judge's key, and what those set who work on clearspan itself."""
_MEANT: Final = [name.removeprefix(_OURS) for name in _KNOWN]
_NOT_MEANT: Final = re.compile(
    # What the project's own tests are told, and what Kubernetes gives to every container beside a
    # service whose name begins so.
    r"CLEARSPAN_(?:(?:TEST|LIVE)_\w+"
    r"|(?:\w+_)?SERVICE_(?:HOST|PORT(?:_\w+)?)|(?:\w+_)?PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?)?)"
)
_NO_NAMES: Final = ("off", "on", "true", "false", "no", "yes", "0", "1")
"""What somebody writes who takes a setting for a switch."""


def strangers(environ: Mapping[str, str] | None = None) -> list[str]:
    """The `CLEARSPAN_*` variables that are set and that nothing reads, each with what may have been meant.

    Their values are not told: they may be secret.
    """
    found: list[str] = []
    for name, value in sorted((os.environ if environ is None else environ).items()):
        foreign = not name.startswith(_OURS) or name in _KNOWN or _NOT_MEANT.fullmatch(name)
        if value and not foreign:
            # What all of them begin with tells nothing.
            close = closest(name[len(_OURS) :], _MEANT)
            hint = f" (did you mean {_OURS}{close}?)" if close else ""
            found.append(f"nothing reads the variable {name}{hint}")
    return found


def doubtful(settings: Settings, environ: Mapping[str, str] | None = None) -> list[str]:
    """The settings that somebody chose and that change nothing as the others stand, or hardly do what was meant."""
    environ = os.environ if environ is None else environ
    return list(_doubtful(settings, any(environ.get(name) for name in RECEIVERS)))


def _doubtful(settings: Settings, addressed: bool) -> Iterator[str]:  # noqa: FBT001 -- asked once
    named = {item.partition(":")[0] for item in settings.exporters if isinstance(item, str)}
    sent = settings.endpoint is not None or addressed
    if not settings.spool:
        for name in ("spool_bytes", "spool_age", "spool_bandwidth", "spool_order"):
            if name in settings.origins:
                yield f"{name} changes nothing without spool"
    if "protocol" in settings.origins and not sent and "otlp" not in named:
        yield "protocol changes nothing without endpoint"
    if settings.store is None and (sent or named) and "store" not in named:
        for name in ("max_age", "max_bytes"):
            if name in settings.origins:
                yield f"{name} changes nothing without store"
    if str(settings.store).lower() in _NO_NAMES:
        yield f"store is the name of a file: a file {settings.store!r} is used"
    if sent and "otlp" in named:
        yield "exporters names otlp beside an endpoint: the receiver gets everything twice"
