"""What the settings say of the spool: whether there is one, where, and that it is no other's file."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from clearspan.core.loading import load
from clearspan.exporters import DEFAULT_STORE, Spooling
from clearspan.settings import RECEIVERS, SettingError, Settings

__all__ = ["see_that_files_differ", "spool_file", "spooling"]

_DEFAULT: Final = Path(".clearspan") / "spool.db"


def _sqlite(module: str) -> Any:
    return load(f"clearspan.core.sqlite.{module}")


def spool_file(spool: bool | str) -> str:  # noqa: FBT001 -- a setting that is a switch or a name
    """The file of a spool that there is to be."""
    return spool if isinstance(spool, str) else str(_DEFAULT)


def spooling(settings: Settings) -> Spooling | None:
    """What they say of it, if there is to be one. Raises `SettingError` where nothing would go through it."""
    if not settings.spool:
        return None
    if not (settings.endpoint or any(os.environ.get(name) for name in RECEIVERS)):
        raise SettingError(
            "clearspan: spool keeps what is on its way to an OTLP receiver, and none is set: "
            "set endpoint (CLEARSPAN_ENDPOINT or OTEL_EXPORTER_OTLP_ENDPOINT) too, or leave spool out"
        )
    return Spooling(
        spool_file(settings.spool),
        max_bytes=settings.spool_bytes,
        max_age=settings.spool_age,
        bandwidth=settings.spool_bandwidth,
        metrics_first=settings.spool_order == "metrics-first",
    )


def see_that_files_differ(settings: Settings) -> None:
    """A store and a spool in one file would each take it for another program's."""
    if not settings.spool:
        return
    stores = [settings.store] if settings.store else []
    for item in settings.exporters:
        name, _, path = item.partition(":") if isinstance(item, str) else ("", "", "")
        if name == "store":
            stores.append(path or DEFAULT_STORE)
    spool = spool_file(settings.spool)
    files, errors = _sqlite("files"), _sqlite("errors")
    for store in stores:
        with suppress(errors.Unusable):  # whoever opens it says so
            if files.located(store) == files.located(spool):
                raise SettingError(
                    f"clearspan: spool and store name the same file, {str(store)!r}: give each a file of its own"
                )
