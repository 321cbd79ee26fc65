"""An HTTP server that says, byte for byte, what it is told to."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Callable, Iterator

__all__ = ["Say", "Server", "serving"]

Say = Callable[[socket.socket, threading.Event, int], None]
"""Answers one request on a connection; the event is set when it need not go on, the number tells which connection."""

_LENGTH = re.compile(rb"(?i)content-length: *(\d+)")


class Server:
    """Has `say` answer each request that it has read whole; `requests` counts those."""

    def __init__(self, say: Say) -> None:
        self.over = threading.Event()
        self.connections = self.requests = 0
        self._say = say
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._clients: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._serve)]
        self._threads[0].start()

    def _serve(self) -> None:
        while True:
            client, _ = self._listening.accept()
            if self.over.is_set():
                client.close()
                return
            answering = threading.Thread(target=self._answer, args=(client, self.connections))
            self.connections += 1
            self._clients.append(client)
            self._threads.append(answering)
            answering.start()

    def _answer(self, client: socket.socket, which: int) -> None:
        with contextlib.suppress(OSError), client:
            while self._read(client):
                self.requests += 1
                self._say(client, self.over, which)

    def _read(self, client: socket.socket) -> bool:
        found = b""
        while b"\r\n\r\n" not in found:
            piece = client.recv(65_536)
            if not piece:
                return False
            found += piece
        head, _, body = found.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        while length is not None and len(body) < int(length[1]):
            body += client.recv(65_536)
        return True

    def close(self) -> None:
        """Stop, whoever still waits."""
        self.over.set()
        socket.create_connection(self._listening.getsockname()).close()
        self._threads[0].join(30)
        for client in self._clients:
            with contextlib.suppress(OSError):  # over already
                client.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(30)
        self._listening.close()


@contextlib.contextmanager
def serving(say: Say) -> Iterator[Server]:
    """One that is closed afterwards."""
    server = Server(say)
    try:
        yield server
    finally:
        server.close()
