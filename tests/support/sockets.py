"""Where the processes of the tests connect to, or ask the way to: nowhere but this machine.

Python tells its audit hooks of each `socket.connect` and each look-up of a name (PEP 578). A hook cannot be taken
away again, so it is put in once for a process, and what it sees is written to a file, which the children that a test
starts share with it: after `started` each Python that is begun by `subprocess` has the same hook put in. What connects
in C, as gRPC does, is not seen.

Where branches are counted with `sys.settrace` the functions of `socket` are watched instead: that call is audited too,
and a hook written in Python lets another thread run in the midst of it, whose own `settrace` Python then refuses.

This module stands by itself: children load it by its path, before anything else.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
import tempfile
from functools import wraps
from pathlib import Path
from typing import Any

__all__ = ["is_here", "put_in", "started"]

FILE = "SOCKETS_SEEN"
FOLDER = Path(__file__).resolve().parent / "audited"
ADDRESSED = ("socket.connect", "socket.sendto")
NAMED = ("socket.getaddrinfo", "socket.gethostbyname")
METHODS = {"connect": ADDRESSED[0], "connect_ex": ADDRESSED[0], "sendto": ADDRESSED[1]}
FUNCTIONS = {"getaddrinfo": NAMED[0], "gethostbyname": NAMED[1], "gethostbyname_ex": NAMED[1]}
HERE = ("", "localhost", "localhost.", "ip6-localhost")


def is_here(host: object) -> bool:
    """Whether `host` is this machine: a loopback address, a name of one, or a socket in the file system."""
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if not isinstance(host, str) or host.lower() in HERE or host.lower().endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _saw(event: str, host: object) -> None:
    seen = os.environ.get(FILE)
    if seen and not is_here(host):
        with Path(seen).open("a", encoding="utf-8") as file:
            file.write(f"{event} {host!r} in process {os.getpid()}\n")


def _host(address: object) -> object:
    return address[0] if isinstance(address, tuple) and address else None


def _hook(event: str, args: tuple[object, ...]) -> None:
    if event in ADDRESSED:
        _saw(event, _host(args[1]))
    elif event in NAMED:
        _saw(event, args[0])


def _watch(owner: Any, name: str, event: str) -> None:
    function = getattr(owner, name)

    @wraps(function)
    def watched(*args: Any, **given: Any) -> Any:
        if event in ADDRESSED:
            _saw(event, _host(args[-1]))
        else:
            _saw(event, args[0] if args else given.get("host"))
        return function(*args, **given)

    setattr(owner, name, watched)


def put_in() -> None:
    """Have this process watched."""
    if sys.gettrace() is None:
        sys.addaudithook(_hook)
        return
    for name, event in METHODS.items():
        _watch(socket.socket, name, event)
    for name, event in FUNCTIONS.items():
        _watch(socket, name, event)


def started() -> Path:
    """Have this process watched, and those that it starts; answers the file in which it is told."""
    import subprocess

    handle, path = tempfile.mkstemp(prefix="sockets-")
    os.close(handle)
    os.environ[FILE] = path
    put_in()
    begin: Any = subprocess.Popen.__init__

    def begun(self: Any, *args: Any, env: Any = None, **given: Any) -> None:
        environ = dict(os.environ if env is None else env)
        before = environ.get("PYTHONPATH")
        environ[FILE] = path
        environ["PYTHONPATH"] = os.pathsep.join(part for part in (str(FOLDER), before) if part)
        begin(self, *args, env=environ, **given)

    subprocess.Popen.__init__ = begun  # type: ignore[method-assign]
    return Path(path)
