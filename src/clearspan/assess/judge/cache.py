"""Verdicts that were given already: the newest, by what was judged and by which evaluator."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Mapping

from clearspan.score import Score

__all__ = ["Cache", "key_of"]


def key_of(version: str, texts: Mapping[str, str]) -> str:
    """What a verdict is kept under: no text can be read back from it."""
    written = json.dumps([version, list(texts.items())], ensure_ascii=False)
    return hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest()


class Cache:
    """The `size` verdicts that were used last; may be used from any thread."""

    def __init__(self, size: int) -> None:
        self._size = size
        self.renew()

    def renew(self) -> None:
        """Begin anew, as a forked child does: the parent may have been changing it."""
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Score] = OrderedDict()

    def get(self, key: str) -> Score | None:
        """The verdict under `key`."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def put(self, key: str, score: Score) -> None:
        """Keep a verdict; the one that was not used for the longest time goes."""
        with self._lock:
            self._kept[key] = score
            self._kept.move_to_end(key)
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
