"""A buffer on disk before OTLP: what was accepted reaches its receiver, now or after the next start.

Batches are encoded and compressed as they will be sent, and kept in an SQLite file until the receiver has
acknowledged them. Delivery is at least once: a process that is killed between the acknowledgement and the note of
it sends again. Spans have ids of their own, and events get one (`log.record.uid`), by which a receiver can tell.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote_plus, urlsplit, urlunsplit

from clearspan.core.sqlite import files
from clearspan.core.sqlite.errors import Unusable, is_damage
from clearspan.core.sqlite.schema import UnusableSchema
from clearspan.exporters import Destination, DestinationError, Exporters, Spooling
from clearspan.exporters.otlp.addresses import Target, label
from clearspan.exporters.otlp.sending import headers_of, seconds_of, sender
from clearspan.exporters.otlp.spool.box import SMALLEST, Box
from clearspan.exporters.otlp.spool.carrier import Carrier
from clearspan.exporters.otlp.spool.route import Route

__all__ = ["spooled"]

_SILENCE: Final = 30.0
_NAMES: Final = 9
# By the names that are in use for credentials, and not by what may be in a name: `x-team-id` says whose it is. The
# team of Honeycomb is a key.
_CREDENTIAL: Final = re.compile(
    "(.*-)?(token|secret|password|passwd|(proxy-)?authorization|cookie|credentials?|signature|sig|dsn)"
    "|(.*-)?(api|access|license|ingest|ingestion|insert|secret|write|private|subscription|functions|client|auth)-?key"
    "|(x-)?(key|auth)|x-honeycomb-team|x-sentry-auth"
)
# Says what sends, which another release of the same program is as well.
_SENDER: Final = re.compile("user-agent|(.*-)?(release|version|revision|commit|build)")
_log = logging.getLogger("clearspan")


def spooled(found: tuple[Target, ...], destination: Destination, how: Spooling) -> Exporters:
    """Exporters that keep each batch on disk until it has arrived.

    Raises:
        DestinationError: the file cannot be used, or a package is missing.
    """
    from clearspan.exporters.otlp.spool.exporters import KINDS

    if how.max_bytes < SMALLEST:
        raise DestinationError(f"spool_bytes={how.max_bytes} is too little: use at least {SMALLEST} (4MiB)")  # fmt: skip
    routes = {
        target.signal: Route(_receiver(target, destination), sender(target, destination.headers, destination.timeout))
        for target in found
    }  # fmt: skip
    longest = max((seconds_of(target.signal, destination.timeout) for target in found), default=0.0)
    try:
        box = _box(files.located(how.path), how, _SILENCE + 2 * longest)
    except Unusable as error:
        raise DestinationError(f"spool: the file {error}") from error
    carrier = Carrier(box, routes, bandwidth=how.bandwidth, metrics_first=how.metrics_first)
    # Senders of their own: these are used on other threads.
    made: dict[str, Any] = {
        target.signal: KINDS[target.signal](
            carrier,
            sender(target, destination.headers, destination.timeout),
            seconds_of(target.signal, destination.timeout),
        )
        for target in found
    }
    return Exporters(
        made.get("traces"), made.get("logs"), made.get("metrics"),
        label=f"{label(found)}, through the spool {box.path}", status=lambda: _status(carrier), courier=carrier,
    )  # fmt: skip


def _box(path: Path, how: Spooling, lease: float, number: int = 1) -> Box:
    """The box at the path; beside it, where another's file lies there, which is not ours to break."""
    name = path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")
    box = Box(name, max_bytes=how.max_bytes, max_age=how.max_age, lease=lease)
    try:
        box.database.check_writable()
    except Unusable as error:
        if number == _NAMES or not _anothers(error.__cause__):
            raise
        _log.warning("clearspan: the spool %s; it is left alone, and one beside it is used", error)
        return _box(path, how, lease, number + 1)
    return box


def _anothers(cause: BaseException | None) -> bool:
    return isinstance(cause, UnusableSchema) or (cause is not None and is_damage(cause))


def _receiver(target: Target, destination: Destination) -> str:
    """A name for who receives, by address and by what else says whom a request is for, such as a tenant.

    Credentials have no part in it: they are renewed, and what waits is then delivered with the new ones. Nor has
    what tells the sender's version.
    """
    parts = urlsplit(target.url)
    query = "&".join(part for part in parts.query.split("&") if _tells(unquote_plus(part.partition("=")[0])))  # fmt: skip
    address = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=query))
    whom = sorted(
        item for item in headers_of(target, destination.headers).items() if _tells(item[0])
    )
    return hashlib.sha256(repr((target.protocol, address, whom)).encode()).hexdigest()[:32]


def _tells(name: str) -> bool:
    """Whether a header or parameter of that name may say whom something is for: in doubt it does."""
    plain = name.strip().lower().replace("_", "-")
    return not (_CREDENTIAL.fullmatch(plain) or _SENDER.fullmatch(plain))


def _status(carrier: Carrier) -> Mapping[str, str | int]:
    """What there is to tell: what has not happened, or is not known yet, is not there."""
    waiting = carrier.backlog()
    problems = [f"{signal}: {route.problem}" for signal, route in carrier.routes.items() if route.problem]  # fmt: skip
    database = carrier.box.database
    told: dict[str, str | int] = {"spool": carrier.box.path}
    if waiting is not None:
        told |= {f"spool {name}": value for name, value in waiting._asdict().items()}
    told |= {f"spool {name}": items for name, items in carrier.counts().items()}
    told["spool problem"] = "; ".join(problems)
    told["spool failures"] = database.failures or ""
    told["spool error"] = database.last_error or ""
    told["spool set aside"] = ", ".join(database.set_aside)
    return {name: value for name, value in told.items() if value != ""}
