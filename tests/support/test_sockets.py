"""What the tests notice of connections to other machines."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import sockets

# 192.0.2.0/24 is reserved for documentation (RFC 5737): nothing answers there.
CONNECTS = """
import socket, sys
with socket.socket() as one:
    one.setblocking(False)
    for connect in (one.connect, one.connect_ex):
        try:
            connect(("192.0.2.1", 9))
        except OSError:
            print("refused")
with socket.socket(type=socket.SOCK_DGRAM) as one:
    for flags in ((), (0,)):
        try:
            one.sendto(b"x", *flags, ("192.0.2.2", 9))
        except OSError:
            print("refused")
for host in ("a.invalid", "localhost"):
    for ask in (socket.getaddrinfo, lambda host, port: socket.getaddrinfo(host=host, port=port)):
        try:
            ask(host, 9)
        except OSError:
            print("unknown")
"""
THREADS = """
import sys, threading
sys.setswitchinterval(1e-6)
def once(frame, event, arg):
    sys.settrace(None)
    sys.settrace(later)
def later(frame, event, arg):
    return None
threading.settrace(once)
for _ in range(400):
    begun = [threading.Thread(target=str) for _ in range(20)]
    for one in begun:
        one.start()
    for one in begun:
        one.join()
"""
TRACED = "import sys; sys.settrace(lambda *told: None)\n"
PUT_IN = (
    "import importlib.util\n"
    f"spec = importlib.util.spec_from_file_location('_sockets', {sockets.__file__!r})\n"
    "sockets = importlib.util.module_from_spec(spec); spec.loader.exec_module(sockets)\n"
    "sockets.put_in()\n"
)


def run(code: str, seen: Path) -> subprocess.CompletedProcess[str]:
    # `-I`: neither the folder that has children watched nor coverage's own start.
    env = {"PATH": os.environ["PATH"], sockets.FILE: str(seen)}
    with_file = f"import os; os.environ[{sockets.FILE!r}] = {str(seen)!r}\n{code}"
    return subprocess.run(
        [sys.executable, "-I", "-c", with_file],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("traced", [False, True], ids=["hook", "traced"])
def test_every_way_to_another_machine_is_seen_and_no_way_to_this_one(
    tmp_path: Path, traced: bool
) -> None:
    seen = tmp_path / "seen"
    done = run((TRACED if traced else "") + PUT_IN + CONNECTS, seen)
    assert done.returncode == 0, done.stderr
    lines = [line.rpartition(" in process ")[0] for line in seen.read_text().splitlines()]
    assert lines == [
        "socket.connect '192.0.2.1'",
        "socket.connect '192.0.2.1'",
        "socket.sendto '192.0.2.2'",
        "socket.sendto '192.0.2.2'",
        "socket.getaddrinfo 'a.invalid'",
        "socket.getaddrinfo 'a.invalid'",
    ]


def test_threads_that_begin_to_be_traced_at_once_do_so_while_watched(tmp_path: Path) -> None:
    done = run(TRACED + PUT_IN + THREADS, tmp_path / "seen")
    assert (done.returncode, done.stderr) == (0, "")
