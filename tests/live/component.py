"""Real programs, each started on loopback and stopped for certain."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

PATIENCE = 120.0


def program(variable: str, name: str) -> str:
    """The program at the path that `variable` holds, or on the PATH; skips without it."""
    found = os.environ.get(variable) or shutil.which(name)
    if not found or not Path(found).exists():
        pytest.skip(f"no {name}: install it, or set {variable} to its path")
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(
    command: list[str], ready: str, log: Path, env: Mapping[str, str]
) -> Generator[subprocess.Popen[bytes]]:
    """Start `command`, wait until `ready` answers, stop it at the end."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, env={**os.environ, **env}
        )
    try:
        wait_for(ready, process, log)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                if answer.status < 500:
                    return
        except OSError:
            time.sleep(0.5)
    raise RuntimeError(f"{url} did not answer:\n{log.read_text(errors='replace')[-3000:]}")
