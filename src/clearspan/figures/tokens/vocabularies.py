"""Vocabularies in memory: loaded in the background from local files, never waited for, never fetched."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

from clearspan.core.fence import fenced
from clearspan.figures.tokens import files
from clearspan.figures.tokens.bytepairs import BytePairs

__all__ = ["Vocabularies", "Vocabulary", "load"]

_LIMIT = 30.0
_RETRY = 600.0


class Vocabulary(Protocol):
    """What counts tokens."""

    def count(self, text: str) -> int:
        """How many tokens a text has."""
        ...


def load(name: str) -> Vocabulary | None:
    """The vocabulary, from a local file; `None` where there is none that is whole. Takes up to a second."""
    deadline = time.monotonic() + _LIMIT

    def ranks(url: str, expected_hash: str | None = None) -> dict[bytes, int]:
        return files.read(files.Source(url, expected_hash or ""), deadline)

    try:
        made = files.specification(name, ranks)
    except (LookupError, OSError, ValueError):
        return None
    return BytePairs(made["mergeable_ranks"], made["pat_str"])


class _Load:
    """One attempt at loading, in a daemon thread of its own."""

    def __init__(self, name: str, loader: Callable[[str], Vocabulary | None]) -> None:
        self.began = time.monotonic()
        self.vocabulary: Vocabulary | None = None
        self.over = False
        self._name, self._loader = name, loader
        self.thread = threading.Thread(target=self._run, name="clearspan-vocabulary", daemon=True)

    def _run(self) -> None:
        self.vocabulary = fenced("figure.vocabulary", self._loader, self._name)
        self.over = True

    @property
    def stale(self) -> bool:
        """Whether another attempt is due: a while after a failure, or in a forked child."""
        if self.vocabulary is not None or self.thread.is_alive():
            return False
        return not self.over or time.monotonic() - self.began > _RETRY


class Vocabularies:
    """The vocabularies that were needed so far."""

    def __init__(self, loader: Callable[[str], Vocabulary | None] = load) -> None:
        self._loader = loader
        self._loads: dict[str, _Load] = {}

    def counter(self, name: str | None) -> Callable[[str], int] | None:
        """What counts the tokens of a text; `None` until the vocabulary is loaded, which this begins."""
        if name is None:
            return None
        held = self._loads.get(name)
        if held is not None and held.vocabulary is not None:
            return held.vocabulary.count
        if held is None or held.stale:
            self._begin(name)
        return None

    def _begin(self, name: str) -> None:
        begun = self._loads[name] = _Load(name, self._loader)
        try:
            begun.thread.start()
        except RuntimeError:  # the interpreter is on its way out, or out of threads
            begun.over = True

    def settle(self, timeout: float) -> None:
        """Wait for what is being loaded, at most `timeout` seconds."""
        deadline = time.monotonic() + timeout
        for begun in list(self._loads.values()):
            if begun.thread.is_alive():
                begun.thread.join(max(0.0, deadline - time.monotonic()))
