"""Sockets and threads of the model server: HTTP/1.1 in, one thread a connection, a clean stop."""

from __future__ import annotations

import selectors
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from typing import Protocol, cast
from urllib.parse import parse_qsl, urlsplit

from clearspan.testing._answers import Request
from clearspan.testing._reading import decode

SERVER_NAME = "clearspan-model-server (stand-in)"

# An exchange leaves the count of active ones just before its last bytes are written, so that a
# client holding the whole answer never sees it counted.
_TAIL = 512
_POLL_SECONDS = 0.02
_JOIN_SECONDS = 5.0


class ClientGoneError(ConnectionError):
    """The connection is over: the client left, the answer cut it, or the server is stopping."""


class Channel(Protocol):
    """How one answer goes out."""

    def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Send a complete answer."""

    def part(self, status: int, headers: Mapping[str, str], body: bytes, length: int) -> None:
        """Send the headers of a longer answer and only the beginning of its body."""

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Send the headers of a chunked answer."""

    def piece(self, data: bytes, *, last: bool = False) -> None:
        """Send one chunk at once; the last one ends the answer."""

    def pause(self, seconds: float) -> None:
        """Wait, unless the client leaves or the server stops first."""

    def drop(self, *, reset: bool) -> None:
        """End the connection here and now."""


Exchange = Callable[[Request, Channel], None]


class Listener(socketserver.TCPServer):
    """Accepts on a free loopback port and runs every connection on its own daemon thread."""

    request_queue_size = 512

    def __init__(self, exchange: Exchange) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.exchange = exchange
        self.stopping = threading.Event()
        self._changed = threading.Condition()
        self._open: dict[socket.socket, threading.Thread] = {}
        self._active = 0
        self._acceptor = threading.Thread(
            target=self.serve_forever,
            args=(_POLL_SECONDS,),
            name="clearspan-model-server",
            daemon=True,
        )
        self._acceptor.start()

    @property
    def port(self) -> int:
        """The TCP port."""
        return int(self.socket.getsockname()[1])

    @property
    def connections(self) -> int:
        """Open connections."""
        with self._changed:
            return len(self._open)

    @property
    def active(self) -> int:
        """Answers under way."""
        with self._changed:
            return self._active

    def wait_idle(self, timeout: float, connections: int | None) -> bool:
        """Wait until no answer is under way and at most so many connections are open."""

        def idle() -> bool:
            few = connections is None or len(self._open) <= connections
            return self._active == 0 and few

        with self._changed:
            return self._changed.wait_for(idle, timeout)

    def stop(self) -> None:
        """End every connection and thread; nothing listens afterwards."""
        self.shutdown()
        self.stopping.set()
        with self._changed:
            open_now = dict(self._open)
        for connection in open_now:
            _shut(connection)
        deadline = time.monotonic() + _JOIN_SECONDS
        for thread in (self._acceptor, *open_now.values()):
            thread.join(max(0.0, deadline - time.monotonic()))
        self.server_close()

    def process_request(self, request: object, client_address: object) -> None:
        """Give a new connection its thread."""
        # The base class also serves datagrams; for TCP a request is the accepted connection.
        connection = cast("socket.socket", request)
        thread = threading.Thread(
            target=self._converse,
            args=(connection, client_address),
            name="clearspan-model-server-connection",
            daemon=True,
        )
        with self._changed:
            self._open[connection] = thread
        thread.start()

    def _converse(self, connection: socket.socket, client_address: object) -> None:
        try:
            # The client left in the middle, or sent what is not HTTP: either is its own affair.
            with suppress(OSError):
                self.finish_request(connection, client_address)
        finally:
            self.shutdown_request(connection)
            with self._changed:
                del self._open[connection]
                self._changed.notify_all()

    @contextmanager
    def underway(self) -> Generator[Callable[[], None]]:
        """Count an exchange until the block, or the function it is given, says it is over."""
        pending = [1]

        def over() -> None:
            with self._changed:
                self._active -= pending[0]
                pending[0] = 0
                self._changed.notify_all()

        with self._changed:
            self._active += 1
        try:
            yield over
        finally:
            over()


class _Connection(BaseHTTPRequestHandler):
    """One client connection: reads requests, hands them over, writes what comes back."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    _over: Callable[[], None]

    @property
    def _listener(self) -> Listener:
        return cast("Listener", self.server)

    def version_string(self) -> str:
        return SERVER_NAME

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Requests are kept by the server, not printed."""

    def _exchange(self) -> None:
        listener = self._listener
        with listener.underway() as self._over:
            listener.exchange(self._request(), self)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _exchange  # noqa: N815 - the base's names

    def _request(self) -> Request:
        url = urlsplit(self.path)
        body = self._body()
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Request(self.command, url.path, query, headers, body, decode(body))

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("transfer-encoding", "").lower():
            return self._read(self.headers.get("content-length") or "0", 10)
        parts: list[bytes] = []
        while part := self._read(self.rfile.readline().split(b";")[0], 16):
            parts.append(part)
            self.rfile.readline()
        while self.rfile.readline().strip():
            continue
        return b"".join(parts)

    def _read(self, size: str | bytes, base: int) -> bytes:
        try:
            wanted = int(size, base)
        except ValueError as error:
            raise ClientGoneError("not a body length") from error
        data = self.rfile.read(wanted)
        if len(data) < wanted:
            raise ClientGoneError("the body ends too early")
        return data

    def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Send a complete answer."""
        data = self._head(status, {**headers, "content-length": str(len(body))}) + body
        if len(data) > _TAIL:
            self.wfile.write(data[:-_TAIL])
        self._over()
        self.wfile.write(data[-_TAIL:])

    def part(self, status: int, headers: Mapping[str, str], body: bytes, length: int) -> None:
        """Send the headers of a longer answer and only the beginning of its body."""
        self.wfile.write(self._head(status, {**headers, "content-length": str(length)}) + body)

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Send the headers of a chunked answer."""
        self.wfile.write(self._head(status, {**headers, "transfer-encoding": "chunked"}))

    def piece(self, data: bytes, *, last: bool = False) -> None:
        """Send one chunk at once; the last one ends the answer."""
        chunk = b"%x\r\n%s\r\n" % (len(data), data) if data else b""
        if last:
            self._over()
        self.wfile.write(chunk + (b"0\r\n\r\n" if last else b""))

    def pause(self, seconds: float) -> None:
        """Wait, unless the client leaves or the server stops first."""
        if seconds <= 0:
            return
        until = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self.connection, selectors.EVENT_READ)
            if not selector.select(seconds):
                return
        if not self.connection.recv(1, socket.MSG_PEEK):
            raise ClientGoneError
        # The next request is already there, so that leaving can no longer be seen.
        self._listener.stopping.wait(until - time.monotonic())

    def drop(self, *, reset: bool) -> None:
        """End the connection here and now."""
        if reset:
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.rfile.close()
            self.connection.close()
        raise ClientGoneError

    def _head(self, status: int, headers: Mapping[str, str]) -> bytes:
        given = {name.lower() for name in headers}
        lines = [f"HTTP/1.1 {status} {_phrase(status)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += [f"server: {SERVER_NAME}"] if "server" not in given else []
        lines += [f"date: {self.date_time_string()}"] if "date" not in given else []
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _phrase(status: int) -> str:
    phrase, _ = BaseHTTPRequestHandler.responses.get(status, ("Scripted", ""))
    return phrase


def _shut(connection: socket.socket) -> None:
    # It may be closed already, by the other side or by its own thread.
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
