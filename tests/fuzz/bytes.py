"""From bytes that a fuzzer makes up to things of a shape: values, edits of a JSON tree, cuts of a text, flipped bits.

Both drivers, hypothesis and atheris, give bytes: so one harness serves both, and a failure is one string of bytes.
"""

from __future__ import annotations

import copy
import math
from itertools import pairwise
from typing import Any

__all__ = ["Source"]

_ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 2**63, -(2**63), 10**30, "", " ", "0", "null", "\u0000", "\ud800", "\u202e", "é" * 40,
    [], {}, [[]], [None], {"": None}, math.nan, math.inf, "data: [DONE]", "data:image/png;base64,AAAA",
)  # fmt: skip


class Source:
    """Takes numbers off the front of some bytes; when they are used up every number is 0."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> bool:
        """Whether there are any more."""
        return self._at < len(self._data)

    def below(self, limit: int) -> int:
        """A number from 0 up to, and without, `limit`."""
        if limit <= 1:
            return 0
        size = 1 if limit <= 256 else 3
        number = int.from_bytes(self._data[self._at : self._at + size], "big")
        self._at += size
        return number % limit

    def choice(self, items: Any) -> Any:
        """One of them."""
        return items[self.below(len(items))]

    def rest(self) -> bytes:
        """All that is left."""
        found = self._data[self._at :]
        self._at = len(self._data)
        return found

    def value(self, depth: int = 3) -> Any:
        """A JSON value, an odd one more often than not."""
        kind = self.below(6)
        if kind < 3 or depth == 0:
            return copy.deepcopy(self.choice(_ODD))
        if kind == 3:
            return self.below(1 << 20)
        if kind == 4:
            return [self.value(depth - 1) for _ in range(self.below(4))]
        return {f"k{self.below(9)}": self.value(depth - 1) for _ in range(self.below(4))}

    def edited(self, tree: Any) -> Any:
        """A copy of a JSON tree in which some places hold something else, are gone, or come twice."""
        made = copy.deepcopy(tree)
        for _ in range(self.below(6)):
            made = self._edit(made)
        return made

    def _edit(self, tree: Any) -> Any:
        inside = isinstance(tree, (dict, list)) and len(tree) > 0 and self.below(5) > 0
        if not inside:
            return self.value()
        key = self.choice(sorted(tree) if isinstance(tree, dict) else range(len(tree)))
        what = self.below(8)
        if what == 0:
            del tree[key]
        elif what == 1 and isinstance(tree, list):
            tree.insert(key, copy.deepcopy(tree[key]))
        else:
            tree[key] = self._edit(tree[key])
        return tree

    def pieces(self, body: bytes) -> list[bytes]:
        """The same bytes, cut through anywhere."""
        cuts = sorted({self.below(len(body) + 1) for _ in range(self.below(12))} - {0, len(body)})
        ends = [0, *cuts, len(body)]
        return [body[start:end] for start, end in pairwise(ends) if end > start]

    def damaged(self, body: bytes) -> bytes:
        """A file in which bytes were flipped, filled with zeros, cut off or added."""
        made = bytearray(body)
        for _ in range(1 + self.below(6)):
            place = self.below(len(made) + 1)
            what = self.below(8)
            if what < 4 and place < len(made):
                made[place] ^= 1 << self.below(8)
            elif what == 4:
                made[place : place + 512] = bytes(len(made[place : place + 512]))
            elif what == 5:
                del made[place:]
            elif what == 6:
                made += self.rest()[:64]
            elif what == 7:
                made[:16] = made[:16][::-1]
        return bytes(made)
