"""The store's file and its folder: created private, locked among processes, set aside when broken."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Generator
from datetime import datetime, timezone
from pathlib import Path
from typing import Final

from clearspan.exporters.store.errors import StoreError

__all__ = [
    "HOME",
    "check",
    "create",
    "identity",
    "located",
    "locked",
    "make_home",
    "set_aside",
    "size",
]

HOME: Final = ".clearspan"
"""The one folder that a store creates when it is missing. All that lies in it is ours."""

_SIDES: Final = ("", "-wal", "-shm")
_POLL = 0.01


def located(path: str | os.PathLike[str]) -> Path:
    """The one spelling of `path`: absolute, without links, independent of a later `chdir`."""
    try:
        return Path(os.path.realpath(Path(path).expanduser()))
    except RuntimeError as error:
        raise StoreError(
            path, "names a home directory that is not known: give a full path"
        ) from error


def identity(path: Path) -> tuple[int, int] | None:
    """Which file lies at `path` now; None when there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino)


def size(path: Path) -> int:
    """Bytes on disk of the store at `path`, side files included."""
    total = 0
    for side in _SIDES:
        with contextlib.suppress(OSError):
            total += Path(f"{path}{side}").stat().st_size
    return total


def check(path: Path) -> None:
    """See whether a file at `path` could be written, without leaving one behind.

    Raises:
        StoreError: its folder is missing or not writable, or something else is in its place.
    """
    folder = path.parent
    if folder.name == HOME and not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        raise StoreError(
            path,
            f"cannot be created: there is no directory {str(folder)!r}; create it, or name another file",
        )
    if path.exists() and not path.is_file():
        raise StoreError(path, "is not a file: name a file for the store")
    try:
        # Permission bits say little about read-only file systems; only writing tells.
        with tempfile.TemporaryFile(dir=folder):
            writable = not path.exists() or _may_write(path)
    except OSError as error:
        raise StoreError(
            path,
            f"cannot be created: the directory {str(folder)!r} is not writable ({error.strerror}); allow writing there, or name another file",
        ) from error
    if not writable:
        raise StoreError(
            path,
            "is not readable and writable for this user: change its mode, or name another file",
        )


def _may_write(path: Path) -> bool:
    # By the rights that opening will go by, which need not be those of the real user.
    effective = os.access in os.supports_effective_ids
    return os.access(path, os.R_OK | os.W_OK, effective_ids=effective)


def make_home(path: Path) -> None:
    """Make the folder of `path` if it is a `.clearspan` one, hidden from git and from others."""
    if path.parent.name == HOME:
        with contextlib.suppress(FileExistsError):
            path.parent.mkdir(mode=0o700)
            (path.parent / ".gitignore").write_text("*\n", encoding="utf-8")


def create(path: Path) -> None:
    """Make an empty file at `path`, readable by its owner alone, unless there is one.

    SQLite gives its side files the mode of the database. An existing file is never opened here:
    closing it would drop every POSIX lock that this process has on it.
    """
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


@contextlib.contextmanager
def locked(folder: Path, timeout: float) -> Generator[bool]:
    """Hold the folder against other processes; gives False when one of them has it for too long.

    The lock lies on the folder itself, so nothing is left behind and nothing needs cleaning up.
    Where a system or file system has no such locks, it is done without.
    """
    try:
        handle = -1 if sys.platform == "win32" else os.open(folder, os.O_RDONLY)
    except OSError:
        handle = -1
    if handle < 0:
        yield True
        return
    try:
        yield _take(handle, time.monotonic() + timeout)
    finally:
        _give(handle)


def _take(handle: int, deadline: float) -> bool:
    import fcntl

    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL)
        except OSError:  # a file system that knows no such locks
            return True
        else:
            return True


def _give(handle: int) -> None:
    import fcntl

    # Unlocked by name: closing is not enough when a fork has copied the handle meanwhile.
    with contextlib.suppress(OSError):
        fcntl.flock(handle, fcntl.LOCK_UN)
    os.close(handle)


def set_aside(path: Path) -> Path:
    """Rename a broken database, side files with it, to `<name>.corrupt-<time>`; answers the name.

    Nothing is deleted: what can still be read from it may be wanted.
    """
    stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    aside = path.with_name(f"{path.name}.corrupt-{stamp}")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.corrupt-{stamp}-{number}")
    # The side files go first: a new database must never meet the old one's log.
    for side in reversed(_SIDES):
        with contextlib.suppress(FileNotFoundError):
            Path(f"{path}{side}").replace(f"{aside}{side}")
    return aside
