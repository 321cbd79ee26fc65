"""Receivers that misbehave, and programs that come to an end, for the tests of exits and forks."""

from __future__ import annotations

import contextlib
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from clearspan.exporters.store import StoredSpan, StoreReader
from tests.faults.kit import environment
from tests.support.otlp_sink import Sink

__all__ = [
    "BOUND", "PATIENCE", "SLOW", "Ended", "Running", "bad_sink", "begun", "counted", "outputs", "run", "settled",
    "spans_of",
]  # fmt: skip

PATIENCE = 100.0
"""Seconds after which a process hangs, whatever the machine is busy with."""
BOUND = 40.0
"""Seconds that an exit may take here: the deadline of two, and much patience with a busy machine."""
SLOW = ("black hole", "drip", "reset", "deaf", "refuse")


class _Bad:
    """A TCP server that takes connections and then does what its `mode` says."""

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self.reached = threading.Event()
        self._over = threading.Event()
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        if mode == "refuse":
            self._socket.close()
            return
        self._socket.listen(1 if mode == "deaf" else 128)
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        if mode != "deaf":
            self._threads[0].start()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._treat, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _treat(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.recv(64)
            self.reached.set()
            if self.mode == "reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            answer = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b" " * 100_000
            for byte in answer:
                if self._over.wait(1.0 if self.mode == "drip" else PATIENCE):
                    return
                connection.sendall(bytes([byte]))

    def close(self) -> None:
        self._over.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@contextlib.contextmanager
def bad_sink(mode: str) -> Iterator[_Bad]:
    """A receiver on loopback that is one of `SLOW`.

    `black hole` reads and never answers, `drip` answers a byte a second, `reset` cuts each connection, `deaf` never
    accepts one, and behind `refuse` nobody listens.
    """
    made = _Bad(mode)
    try:
        yield made
    finally:
        made.close()


@dataclass
class Ended:
    """How a process ended."""

    code: int
    out: str
    err: str
    seconds: float


@dataclass
class Running:
    """A process that is under way."""

    process: subprocess.Popen[str]
    began: float = field(default_factory=time.monotonic)

    def line(self) -> str:
        """The next line that it prints."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    def say(self, line: str) -> None:
        """Give it a line to read."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def send(self, number: int) -> None:
        """Send it a signal; its end is timed from now on."""
        self.began = time.monotonic()
        self.process.send_signal(number)

    def end(self, timeout: float = PATIENCE) -> Ended:
        """Wait for its end. A process that hangs is made to say where."""
        try:
            out, err = self.process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)
            _, err = self.process.communicate()
            raise AssertionError(f"it hangs:\n{err}") from None
        return Ended(self.process.returncode, out, err, time.monotonic() - self.began)


@contextlib.contextmanager
def begun(code: str, folder: Path, **variables: str) -> Iterator[Running]:
    """A program of its own that is under way; it is gone when the block is left.

    Coverage is kept out: it holds a lock of its own while it meets a new file, and a child that inherits the lock
    taken never gets any further.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "program.py"
    path.write_text(code, encoding="utf-8")
    env = {
        name: value
        for name, value in environment(**variables).items()
        if not name.startswith("COVERAGE_")
    }
    process = subprocess.Popen(
        [sys.executable, "-u", "-X", "faulthandler", str(path)], cwd=folder, env=env, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield Running(process)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def run(code: str, folder: Path, **variables: str) -> Ended:
    """A program of its own, run to its end."""
    with begun(code, folder, **variables) as running:
        return running.end()


def settled(ended: Mapping[str, Ended], code: int = 0) -> None:
    """Each ended with that code, without a word."""
    wrong = {name: end for name, end in ended.items() if (end.code, end.err) != (code, "")}
    assert not wrong, wrong


def spans_of(store: Path) -> list[StoredSpan]:
    """All that a store holds."""
    if not store.exists():
        return []
    reader = StoreReader(store)
    return [span for trace in reader.traces(limit=100_000) for span in reader.trace(trace.trace_id)]


def outputs(store: Path) -> Counter[str]:
    """What the steps in a store answered, each span counted under ids of its own."""
    found = spans_of(store)
    assert len({span.span_id for span in found}) == len(found)
    return Counter(str(span.attributes.get("clearspan.output", span.name)) for span in found)


def counted(sink: Sink, *, retried: bool = False) -> Counter[str]:
    """The same of what a receiver got. What is `retried` may come twice, but as it was: where a connection breaks gRPC
    does not know what has arrived, and its errors may be anything, also that a request was too large for one piece.
    """
    came: dict[bytes, bytes] = {}
    found: Counter[str] = Counter()
    for item in sink.spans:
        whole = item.item.SerializeToString(deterministic=True)
        if retried and came.get(item.item.span_id) == whole:
            continue
        assert item.item.span_id not in came, f"{item.item.name} came twice"
        came[item.item.span_id] = whole
        told = {pair.key: pair.value.string_value for pair in item.item.attributes}
        found[told.get("clearspan.output", item.item.name)] += 1
    return found
