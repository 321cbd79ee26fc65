"""Finding any of many keys in a text without looking for each of them in all of it."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["HEAD", "Index"]

HEAD = 12
"""Characters by which keys are looked up; none is shorter."""


class Index:
    """Keys of at least 12 characters, found by how they begin. It does not change."""

    __slots__ = ("_heads", "_keys", "_runs")

    def __init__(self, keys: Iterable[str]) -> None:
        self._keys = frozenset(keys)
        self._heads: dict[str, list[str]] = {}
        for key in self._keys:
            self._heads.setdefault(key[:HEAD], []).append(key)
        kinds = "".join(map(re.escape, sorted(set("".join(self._heads)))))
        self._runs = re.compile(f"[{kinds}]{{{HEAD},}}" if kinds else "(?!)")

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def found(self, text: str) -> set[str]:
        """Those that stand in `text`."""
        if not self._keys:
            return set()
        # Where a key begins stand characters with which keys begin, and in most texts few of them in a row.
        runs = [match.group() for match in self._runs.finditer(text)]
        places = sum(map(len, runs)) - (HEAD - 1) * len(runs)
        if (
            places > len(self._keys) * (len(text) + 75) // 2_000
        ):  # then to look for each takes less time
            return {key for key in self._keys if key in text}
        heads = {run[at : at + HEAD] for run in runs for at in range(len(run) - HEAD + 1)}
        likely = [key for head in heads & self._heads.keys() for key in self._heads[head]]
        return {key for key in likely if key in text}
