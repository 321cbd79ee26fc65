"""Standard input and pipes: written to a file first, for a source is read more than once."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["spooled"]

_STANDARD = ("-", "/dev/stdin")


@contextmanager
def spooled(source: Any) -> Generator[tuple[Any, str | None]]:
    """What to read in place of `source`, and its name in messages; other sources as they are, without a name.

    `-` and `/dev/stdin` are standard input. The file is gone afterwards.
    """
    name = os.fspath(source) if isinstance(source, (str, os.PathLike)) else None
    if name not in _STANDARD and (name is None or not _flows(Path(name))):
        yield source, None
        return
    with tempfile.TemporaryDirectory(prefix="clearspan-") as folder:
        path = Path(folder, "rows")
        with path.open("wb") as file:
            if name in _STANDARD:
                shutil.copyfileobj(sys.stdin.buffer, file)
            else:
                with Path(str(name)).open("rb") as given:
                    shutil.copyfileobj(given, file)
        yield path, "standard input" if name in _STANDARD else str(name)


def _flows(path: Path) -> bool:
    """Whether what is there can be read but once."""
    return path.is_fifo() or path.is_char_device()
