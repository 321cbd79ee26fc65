"""HTTP sessions whose attempts end: what the HTTP library calls a timeout is for each piece of an answer anew.

A receiver, or a gateway before it, that gives its answer in drops would keep an exporter for as long as it likes.
"""

from __future__ import annotations

import functools
import http.client
import io
import math
import threading
import time
from typing import TYPE_CHECKING, Any

from clearspan.core import deadline

if TYPE_CHECKING:
    from requests import Session

__all__ = ["timed"]


class _Until(threading.local):
    """When the attempt that this thread makes is over."""

    at = math.inf


class _Limited(io.RawIOBase):
    """What comes from a socket until then."""

    def __init__(self, socket: Any, raw: io.RawIOBase, until: _Until) -> None:
        super().__init__()
        self._socket = socket
        self._raw = raw
        self._until = until

    def readable(self) -> bool:
        """It is for reading only."""
        return True

    def fileno(self) -> int:
        """The socket's."""
        return self._raw.fileno()

    def readinto(self, buffer: Any) -> int | None:
        """Wait for a piece no longer than all may take together."""
        left = self._until.at - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer takes too long")
        if left < math.inf:
            self._socket.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        """Give the socket back."""
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    """Reads an answer in time, from its first byte to its last."""

    def __init__(self, sock: Any, *given: Any, until: _Until, **named: Any) -> None:
        super().__init__(sock, *given, **named)
        self.fp: Any = io.BufferedReader(_Limited(sock, self.fp.detach(), until))


def _limit(manager: Any, until: _Until) -> Any:
    """Have a manager of connections make such as read in time."""
    manager.pool_classes_by_scheme = {
        scheme: _pool(pool, until) for scheme, pool in manager.pool_classes_by_scheme.items()
    }
    return manager


def _pool(pool: Any, until: _Until) -> Any:
    kind = pool.ConnectionCls
    if getattr(kind, "limited", False):
        return pool
    # A `partial`, unlike a function, is not bound to the connection whose attribute it is.
    given = {"limited": True, "response_class": functools.partial(_Response, until=until)}
    return type(pool.__name__, (pool,), {"ConnectionCls": type(kind.__name__, (kind,), given)})


def timed(session: Session) -> Session:
    """Have each request of `session` be over after its timeout, and by the deadline that the thread may have."""
    from requests import RequestException
    from requests.adapters import HTTPAdapter

    until = _Until()

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *given: Any, **named: Any) -> None:
            super().init_poolmanager(*given, **named)
            _limit(self.poolmanager, until)

        def proxy_manager_for(self, proxy: str, **named: Any) -> Any:
            known = proxy in self.proxy_manager
            manager = super().proxy_manager_for(proxy, **named)
            return manager if known else _limit(manager, until)

        def send(self, request: Any, **named: Any) -> Any:  # type: ignore[override]  # as sessions call it
            timeout = named.get("timeout")
            until.at = math.inf
            if isinstance(timeout, (int, float)):
                named["timeout"] = deadline.at_most(timeout)
                until.at = time.monotonic() + named["timeout"]
            try:
                return super().send(request, **named)
            except RequestException as error:
                if (
                    deadline.passed()
                ):  # exporters take what they know for worth another try, and wait before
                    raise RequestException("no time is left") from error
                raise

    for scheme in ("https://", "http://"):
        session.mount(scheme, Adapter())
    return session
