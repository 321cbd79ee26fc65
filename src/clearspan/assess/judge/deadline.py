"""Requests that end by a time, however slowly the other side sends: its connections are cut then.

The timeouts of `requests` are for each read from the socket, so that a server that sends a byte now and then
could hold a caller for ever, in the head of its answer as in the body.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Generator
from contextvars import ContextVar
from typing import Any

from requests import Session
from requests.adapters import HTTPAdapter

__all__ = ["Watch", "session", "watched"]


class Watch:
    """The connections that were made while it was there; `late` says that they were cut."""

    def __init__(self) -> None:
        self.late = False
        self._lock = threading.Lock()
        self._kept: list[socket.socket] = []

    def keep(self, made: socket.socket) -> None:
        """A connection was made; one that comes too late is cut at once.

        Kept is a handle of its own: TLS takes the socket away from the one that was connected.
        """
        with self._lock:
            self._kept.append(made.dup())
        if self.late:
            self.cut()

    def cut(self) -> None:
        """End what was begun: whoever waits for a byte of it gets an error, or an end, at once."""
        with self._lock:
            self.late = True
            for made in self._kept:
                with contextlib.suppress(OSError):  # the other side has gone already
                    made.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of the connections."""
        with self._lock:
            for made in self._kept:
                made.close()
            self._kept.clear()


_current: ContextVar[Watch | None] = ContextVar("clearspan_judge_watch", default=None)


@contextlib.contextmanager
def watched(seconds: float) -> Generator[Watch]:
    """A block whose requests, made by a `session`, are cut after so many seconds."""
    watch = Watch()
    timer = threading.Timer(seconds, watch.cut)
    timer.daemon = True
    timer.name = "clearspan-judge-deadline"
    token = _current.set(watch)
    timer.start()
    try:
        yield watch
    finally:
        timer.cancel()
        _current.reset(token)
        watch.close()


def session() -> Session:
    """A session whose connections are watched."""
    made = Session()
    for scheme in ("http://", "https://"):
        made.mount(scheme, _Adapter())
    return made


def _noted(made: socket.socket) -> socket.socket:
    watch = _current.get()
    if watch is not None:
        watch.keep(made)
    return made


def _watching(pool: Any) -> Any:
    """A class of connection pools whose connections are noted, before a proxy or TLS is spoken to."""
    usual = pool.ConnectionCls

    def made(self: Any) -> socket.socket:
        return _noted(usual._new_conn(self))  # noqa: SLF001 -- what its subclasses are to override

    connection = type(usual.__name__, (usual,), {"_new_conn": made})
    return type(pool.__name__, (pool,), {"ConnectionCls": connection})


def _pools() -> dict[str, Any]:
    usual: Any = HTTPAdapter().poolmanager
    return {name: _watching(pool) for name, pool in usual.pool_classes_by_scheme.items()}


_POOLS = _pools()


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args: Any, **options: Any) -> Any:
        manager = super().proxy_manager_for(*args, **options)
        manager.pool_classes_by_scheme = _POOLS
        return manager
