"""A database file and its folder: created private, locked among processes, set aside when broken."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
import time
import zlib
from collections.abc import Generator
from datetime import datetime, timezone
from pathlib import Path
from typing import Final

from clearspan.core.processes import alive, machine
from clearspan.core.sqlite.errors import Unusable

__all__ = [
    "HOME",
    "asides",
    "begins",
    "beside",
    "check",
    "create",
    "delete",
    "identity",
    "located",
    "locked",
    "make_home",
    "orphans",
    "rename",
    "set_aside",
    "size",
]

HOME: Final = ".clearspan"
"""The one folder that is created when it is missing. All that lies in it is ours."""

_SIDES: Final = ("", "-wal", "-shm")
_POLL = 0.01
_STAMP = r"\.corrupt-[0-9]+T[0-9]+Z(?:-[0-9]+)?"


def located(path: str | os.PathLike[str]) -> Path:
    """The one spelling of `path`: absolute, without links, independent of a later `chdir`."""
    try:
        return Path(os.path.realpath(Path(path).expanduser()))
    except RuntimeError as error:
        raise Unusable(
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
    """Bytes on disk of the database at `path`, side files included."""
    total = 0
    for side in _SIDES:
        with contextlib.suppress(OSError):
            total += Path(f"{path}{side}").stat().st_size
    return total


def check(path: Path) -> None:
    """See whether a file at `path` could be written, without leaving one behind.

    Raises:
        Unusable: its folder is missing or not writable, or something else is in its place.
    """
    folder = path.parent
    if folder.name == HOME and not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        raise Unusable(
            path,
            f"cannot be created: there is no directory {str(folder)!r}; create it, or name another file",
        )
    if path.exists() and not path.is_file():
        raise Unusable(path, "is not a file: name a file")
    try:
        # Permission bits say little about read-only file systems; only writing tells.
        with tempfile.TemporaryFile(dir=folder):
            writable = not path.exists() or _may_write(path)
    except OSError as error:
        raise Unusable(
            path,
            f"cannot be created: the directory {str(folder)!r} is not writable ({error.strerror}); allow writing there, or name another file",
        ) from error
    if not writable:
        raise Unusable(
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
    if sys.platform == "win32" or handle < 0:
        yield True
        return
    import fcntl

    try:
        yield _take(handle, time.monotonic() + timeout)
    finally:
        # Unlocked by name: closing is not enough when a fork has copied the handle meanwhile.
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_UN)
        os.close(handle)


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


def set_aside(path: Path, of: Path | None = None) -> Path:
    """Rename a broken database, side files with it, to `<name>.corrupt-<time>`; answers the name.

    Nothing is deleted: what can still be read from it may be wanted. It gets its name from `of`, if that is given.
    """
    old, path = path, of or path
    stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    aside = path.with_name(f"{path.name}.corrupt-{stamp}")
    number = 1
    while _met(aside):
        number += 1
        aside = path.with_name(f"{path.name}.corrupt-{stamp}-{number}")
    with contextlib.suppress(FileNotFoundError):
        rename(old, aside)
    return aside


def beside(path: Path) -> Path:
    """The file for what this process alone has to write, which must not touch the one at `path`."""
    return path.with_name(f"{path.stem}.fork-{_here()}-{os.getpid()}{path.suffix}")


def orphans(path: Path) -> list[Path]:
    """Such files of processes of this machine that are gone."""
    pattern = re.compile(
        re.escape(f"{path.stem}.fork-{_here()}-") + r"([0-9]+)" + re.escape(path.suffix)
    )
    try:
        found = [(each, pattern.fullmatch(each.name)) for each in path.parent.iterdir()]
    except OSError:  # no folder, no files
        return []
    return sorted(each for each, match in found if match and not alive(int(match[1])))


def _here() -> str:
    """Where process numbers mean what they mean here."""
    return f"{zlib.crc32(machine().encode()):08x}"


def _met(aside: Path) -> bool:
    """Whether something has that name, or one that was made of it."""
    return any(each.name.startswith(aside.name) for each in aside.parent.iterdir())


def asides(path: Path, suffix: str = "") -> list[Path]:
    """What was set aside of the database at `path` and then named with `suffix`; the oldest first."""
    pattern = re.compile(re.escape(path.name) + _STAMP + re.escape(suffix))
    try:
        return sorted(each for each in path.parent.iterdir() if pattern.fullmatch(each.name))
    except OSError:  # no folder, no files
        return []


def rename(path: Path, new: Path) -> None:
    """Rename a database, side files with it.

    Raises:
        OSError: there is none, or it may not be.
    """
    # The side files go first: a new database must never meet the old one's log.
    for side in reversed(_SIDES):
        with contextlib.suppress(*((FileNotFoundError,) if side else ())):
            Path(f"{path}{side}").replace(f"{new}{side}")


def delete(path: Path) -> None:
    """Delete a database that nobody uses, side files with it, as far as that goes."""
    for side in reversed(_SIDES):
        with contextlib.suppress(OSError):
            Path(f"{path}{side}").unlink()


def begins(path: Path, size: int) -> bytes:
    """The first bytes of the file; fewer than `size` where it has no more, or cannot be read.

    For files that nobody in this process has open: closing drops the locks that SQLite has on it.
    """
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError:
        return b""
