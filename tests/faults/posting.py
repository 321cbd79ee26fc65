"""Programs that keep what they record in a spool: processes of their own, told what to do through a pipe.

They come from a server of forks in which nothing of clearspan was ever started, so that one costs milliseconds.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import Any, NoReturn

import clearspan
from clearspan.exporters.otlp import spool
from clearspan.exporters.otlp.spool import carrier, route
from tests.faults.kit import PATIENCE

_CONTEXT = multiprocessing.get_context("forkserver" if hasattr(os, "fork") else "spawn")
_CONTEXT.set_forkserver_preload([
    "tests.faults.posting", "clearspan.runtime", "clearspan.exporters.otlp.spool.exporters", "requests", "grpc",
    "opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc", "opentelemetry.exporter.otlp.proto.http",
])  # fmt: skip


class Posting:
    """A running program. Called with a command it answers what the program did."""

    def __init__(self, settings: dict[str, Any], variables: dict[str, str]) -> None:
        self._pipe, theirs = _CONTEXT.Pipe()
        self.process = _CONTEXT.Process(target=_serve, args=(theirs, settings, variables))
        self.process.start()
        theirs.close()
        self.problem: str = self.hear()

    def __call__(self, command: str, *arguments: Any) -> Any:
        self._pipe.send((command, arguments))
        return self.hear()

    def said(self) -> list[Any]:
        """All that it has said and nobody has heard yet, of a program that may be dead."""
        heard: list[Any] = []
        with contextlib.suppress(EOFError, OSError):
            while self._pipe.poll():
                heard.append(self._pipe.recv())
        return heard

    def tell(self, command: str, *arguments: Any) -> None:
        """Have it do something, without waiting for it."""
        self._pipe.send((command, arguments))

    def spans(self, *names: str) -> list[str]:
        """Record spans, of which each is on the disk when this returns; answers their ids."""
        return [self("span", name) for name in names]

    @property
    def accounts(self) -> Any:
        """Its books, which balance at all times."""
        return self("status").accounts

    @property
    def spool(self) -> dict[str, Any]:
        """What it says of its spool."""
        return dict(self("status").destination_status)

    def kill(self) -> None:
        """End it without a chance to do anything."""
        self.process.kill()
        self.process.join(PATIENCE)

    def end(self) -> int | None:
        """Let it come to its end; answers its exit code."""
        self._pipe.close()
        self.process.join(PATIENCE)
        return self.process.exitcode

    def hear(self) -> Any:
        """What it says next."""
        assert self._pipe.poll(PATIENCE), "the program does not answer"
        return self._pipe.recv()


@contextlib.contextmanager
def posting(variables: dict[str, str] | None = None, **settings: Any) -> Iterator[Posting]:
    """A program; it is gone when the block is left."""
    program = Posting(settings, variables or {})
    try:
        yield program
    finally:
        if program.process.is_alive():
            program.kill()


def _serve(pipe: Connection, settings: dict[str, Any], variables: dict[str, str]) -> None:
    os.environ.pop("CLEARSPAN_STRICT", None)
    os.environ.update(variables)
    # As in earnest, and brisk.
    route._FIRST_PAUSE, route._LONGEST_PAUSE, carrier._LOOK_AROUND = 0.05, 0.4, 0.3
    carrier._EVERY = 0.05
    spool._SILENCE = float(os.environ.pop("SPOOL_SILENCE", spool._SILENCE))
    try:
        clearspan.init(**{"providers": (), "metric_interval": 3600, **settings})
    except clearspan.SettingError as error:
        pipe.send(str(error))
        return
    pipe.send("")
    with contextlib.suppress(EOFError):
        while True:
            command, arguments = pipe.recv()
            if command == "go":
                _go(pipe)
            pipe.send(_COMMANDS[command](*arguments))


def _span(name: str) -> str:
    made = _loose(name)
    assert clearspan.flush(PATIENCE)
    return made


def _loose(name: str) -> str:
    # A name that is long is there to weigh something, and names are cut.
    with clearspan.span(name[:500], rest=name[500:]):
        return str(clearspan.current().span_id)


def _loosely(count: int) -> list[str]:
    return [_loose(f"loose-{number}") for number in range(count)]


def _go(pipe: Connection) -> NoReturn:
    """Record, and tell of each span when it is safe, until somebody puts an end to it."""
    while True:
        name = _loose("go")
        if clearspan.flush(PATIENCE):
            pipe.send(name)


def _fork(names: list[str]) -> list[str]:
    """Have a child record too; what it recorded is on the disk or has arrived when this returns."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        made = [_span(name) for name in names]
        identity = clearspan.status().accounts
        os.write(write, ",".join([*made, str(identity.created)]).encode())
        clearspan.shutdown()
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as file:
        said = file.read().split(",")
    _, status = os.waitpid(pid, 0)
    assert (status, said.pop()) == (0, str(len(names)))
    return said


def _limit(size: int) -> None:
    """As far as a process can have a full disk of its own: a limit on the size of files; -1 for none."""
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY if size < 0 else size, most))


def _shutdown(timeout: float) -> float:
    began = time.monotonic()
    clearspan.shutdown(timeout)
    return time.monotonic() - began


_COMMANDS: dict[str, Any] = {
    "span": _span,
    "loose": _loosely,
    "flush": lambda: clearspan.flush(PATIENCE),
    "status": clearspan.status,
    "fork": _fork,
    "limit": _limit,
    "shutdown": _shutdown,
}
