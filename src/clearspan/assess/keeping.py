"""What evaluators have learned, kept in files between runs: one JSON file each, replaced as a whole."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from clearspan.assess.evaluator import Evaluator

__all__ = ["Keeping"]

_FORM = 1
_INTERVAL = 30.0
_UNSAFE = re.compile(r"[^\w.-]+")


class Keeping:
    """Keeps the states of evaluators in `folder`, at most every 30 seconds unless told to.

    A state of another version of its evaluator is not gone on from. Processes that share a folder keep the state
    of the last that wrote. Raises `OSError` and `ValueError` as files do; whoever calls holds those back.
    """

    def __init__(
        self, folder: str | os.PathLike[str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._folder = Path(folder)
        self._clock = clock
        self._saved: dict[str, float] = {}

    def load(self, made: Evaluator) -> None:
        """Let `made` go on from what it had learned, where there is something."""
        path = self._path(made)
        if not path.is_file():
            return
        kept: Any = json.loads(path.read_text("utf-8"))
        if (kept["form"], kept["version"]) == (_FORM, made.version):
            made.load_state(kept["state"])

    def save(self, made: Evaluator, *, now: bool = False) -> None:
        """Keep what `made` has learned, if it is time to, or at once."""
        at = self._clock()
        if not now and at - self._saved.setdefault(made.name, at) < _INTERVAL:
            return
        self._saved[made.name] = at
        state: Mapping[str, Any] | None = made.state()
        if state is None:
            return
        path = self._path(made)
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"form": _FORM, "version": made.version, "state": dict(state)})
        fresh = path.with_name(f"{path.name}.{os.getpid()}")
        fresh.write_text(text, "utf-8")
        fresh.replace(path)

    def _path(self, made: Evaluator) -> Path:
        return self._folder / f"{_UNSAFE.sub('_', made.name)}.json"
