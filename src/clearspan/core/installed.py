"""What is installed beside the program, as the metadata of distributions has it: no library is imported.

`importlib.metadata` knows all of it, and takes as long to load as all of clearspan (`pathlib` takes a while, too). Where distributions lie in plain
folders, as they nearly always do, their names and one small file of each are enough; anywhere else it is asked.
"""

from __future__ import annotations

import contextlib
import contextvars
import importlib
import os
import re
import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from importlib.machinery import PathFinder
from typing import Any, NamedTuple, Protocol, TypeVar

from clearspan.core.loading import load

__all__ = ["EntryPoint", "entries", "once", "version"]

T = TypeVar("T")
_PREFIX = "clearspan"
_APART = re.compile(r"[-_.]+")
_kept: contextvars.ContextVar[dict[str, Any] | None] = contextvars.ContextVar(
    "clearspan_installed", default=None
)


class EntryPoint(Protocol):
    """What is known of one; `importlib.metadata` has more of it."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def value(self) -> str:
        """Where it lies: `module:attribute`."""
        ...

    def load(self) -> Any:
        """The object itself. Raises what its module raises."""


class _Entry(NamedTuple):
    group: str
    name: str
    value: str

    def load(self) -> Any:
        module, _, attributes = self.value.partition("[")[0].strip().partition(":")
        found: Any = importlib.import_module(module.strip())
        for attribute in filter(None, attributes.strip().split(".")):
            found = getattr(found, attribute)
        return found


class _Folder(NamedTuple):
    """Where the metadata of a distribution lie, and its version where the folder's name tells."""

    path: str
    version: str | None


@contextlib.contextmanager
def once() -> Generator[None]:
    """Read everything at most once inside: it takes long, and does not change while a program starts."""
    token = _kept.set({})
    try:
        yield
    finally:
        _kept.reset(token)


def version(distribution: str) -> str | None:
    """The version of a distribution; `None` where it is not installed."""
    folders = _remembered("folders", _folders)
    if folders is None:
        return _remembered(f"version of {distribution}", lambda: _asked_version(distribution))
    folder = folders.get(_plain(distribution))
    if folder is None:
        return None
    # What was removed by halves may have left its folder behind.
    told = folder.version if os.path.isfile(f"{folder.path}/METADATA") else None  # noqa: PTH113 -- as above
    return told or _asked_version(distribution)


def entries(group: str) -> list[EntryPoint]:
    """The entry points of a group of ours."""
    folders = _remembered("folders", _folders)
    if folders is None:
        metadata: Any = load("importlib.metadata")
        return list(metadata.entry_points(group=group))
    found = _remembered("entries", lambda: list(_read(folders)))
    return [entry for entry in found if entry.group == group]


def _folders() -> Mapping[str, _Folder] | None:
    """The distributions by their names, as the import system finds them; `None` where some may lie elsewhere."""
    if any(
        hasattr(finder, "find_distributions")
        for finder in sys.meta_path
        if finder is not PathFinder
    ):
        return None
    found: dict[str, _Folder] = {}
    for place in sys.path:
        if type(place) is not str:
            continue
        if place.lower().endswith(".egg"):
            return None
        try:
            with os.scandir(place or os.curdir) as found_there:
                names = [each.name for each in found_there]
        except NotADirectoryError:  # an archive
            return None
        except (OSError, ValueError):
            continue
        for name in names:
            stem, _, kind = name.rpartition(".")
            if kind in ("dist-info", "egg-info"):
                title, _, told = stem.partition("-")
                known = told if kind == "dist-info" else ""
                found.setdefault(
                    _plain(title), _Folder(f"{place or os.curdir}/{name}", known or None)
                )
    return found


def _plain(name: str) -> str:
    """A distribution's name as names are compared."""
    return _APART.sub("-", name).lower()


def _read(folders: Mapping[str, _Folder]) -> Iterator[_Entry]:
    """The entry points of our groups, whoever brings them."""
    for folder in folders.values():
        try:
            with open(f"{folder.path}/entry_points.txt", encoding="utf-8") as file:  # noqa: PTH123 -- as above
                text = file.read()
        except (OSError, ValueError):  # most have none; one that is no text is no plug-in of ours
            continue
        if f"[{_PREFIX}." in text:
            yield from _entries(text)


def _entries(text: str) -> Iterator[_Entry]:
    group = ""
    for line in map(str.strip, text.splitlines()):
        name, told, value = line.partition("=")
        if line.startswith("[") and line.endswith("]"):
            group = line[1:-1].strip()
        elif told and not line.startswith("#"):
            yield _Entry(group, name.strip(), value.strip())


def _asked_version(distribution: str) -> str | None:
    metadata: Any = load("importlib.metadata")
    try:
        told: str | None = metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
    return told


def _remembered(name: str, read: Callable[[], T]) -> T:
    kept = _kept.get()
    if kept is None:
        return read()
    if name not in kept:
        kept[name] = read()
    known: T = kept[name]
    return known
