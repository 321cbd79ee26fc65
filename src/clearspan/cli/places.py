"""Files that a command will write: whether that can be, found out before the work and not after it."""

from __future__ import annotations

from pathlib import Path

from clearspan.cli.failure import Misuse

__all__ = ["prepare"]


def prepare(option: str, path: str | None) -> None:
    """Make the folders of `path` and see that it can be written; what is there stays as it is.

    Ends the command where that cannot be. No path, nothing to do.
    """
    if path is None:
        return
    place = Path(path)
    if place.exists() and not place.is_file():
        return  # a pipe or a device, which notices whoever opens it
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        there = place.exists()
        with place.open("ab"):
            pass
        if not there:
            place.unlink()
    except OSError as error:
        raise Misuse(f"{option}: {path!r} cannot be written: {error.strerror or error}") from error
