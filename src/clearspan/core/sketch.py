"""Sketch: a distribution of any number of positive values in bounded memory.

Up to `EXACT` values are kept as they are. Beyond, they fall into logarithmic bins whose width bounds
the relative error of every quantile by `ACCURACY` (the DDSketch of Masson, Rim and Lee, VLDB 2019);
when there are more than `BINS` of those, the lowest are merged, so that the high quantiles, which
are the ones that matter of a pause, keep the bound. Count and largest value are exact always. What
is known in the end does not depend on the order in which the values came.
"""

from __future__ import annotations

import math
import sys
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from itertools import accumulate

__all__ = ["ACCURACY", "BINS", "EXACT", "Sketch"]

EXACT = 512
BINS = 1_024
ACCURACY = 0.01
_LEAST = 1e-9  # what is below, zero included, cannot be told apart by any clock
_BASE = math.log((1 + ACCURACY) / (1 - ACCURACY))
# From a bin's upper border down to the value that is equally far, relatively, from both of its borders.
_DOWN = math.log1p(-ACCURACY)
_TOP = math.log(sys.float_info.max)


class Sketch:
    """Takes values one by one; answers quantiles. Not safe from several threads at once."""

    __slots__ = ("_bins", "_exact", "_lowest", "count", "largest")

    def __init__(self) -> None:
        self.count = 0
        self.largest = 0.0
        self._exact: list[float] = []
        self._bins: dict[int, int] = {}
        self._lowest: int | None = None  # the bin that those below it were merged into

    def add(self, value: float) -> None:
        """One more value; negative ones count as zero, what is no finite number does not count."""
        if value - value != 0:
            return
        if value > self.largest:
            self.largest = value
        elif value < 0.0:
            value = 0.0
        self.count += 1
        if self._bins:
            self._drop_into_bin(value)
            return
        self._exact.append(value)
        if len(self._exact) > EXACT:
            for known in self._exact:
                self._drop_into_bin(known)
            self._exact = []

    def extend(self, values: list[float]) -> None:
        """Several values more: as they are, where there is room for that."""
        if not values:
            return
        plain = not self._bins and len(self._exact) + len(values) <= EXACT
        # Where one of them is no number, the sum is none.
        if not plain or not min(values) >= 0.0 or not math.isfinite(sum(values)):
            for value in values:
                self.add(value)
            return
        self._exact += values
        self.count += len(values)
        self.largest = max(self.largest, *values)

    def _drop_into_bin(self, value: float) -> None:
        index = math.ceil(math.log(max(value, _LEAST)) / _BASE)
        if self._lowest is not None and index < self._lowest:
            index = self._lowest
        self._bins[index] = self._bins.get(index, 0) + 1
        if len(self._bins) > BINS:
            lowest, self._lowest, *_ = sorted(self._bins)
            self._bins[self._lowest] += self._bins.pop(lowest)

    def values(self) -> tuple[tuple[float, int], ...]:
        """(value, how many) in ascending order; the exact values, or those that stand for a bin."""
        if self._bins:
            return tuple((self._middle(index), self._bins[index]) for index in sorted(self._bins))
        self._exact.sort()  # in place: who asks again finds it done
        return tuple(Counter(self._exact).items())

    def _middle(self, index: int) -> float:
        return min(math.exp(min(index * _BASE + _DOWN, _TOP)), self.largest)

    def quantiles(self, shares: Iterable[float]) -> list[float | None]:
        """The values below which those shares (0 to 1) lie, by nearest rank; `None` of nothing."""
        if self._bins:
            ordered = self.values()
            return [_at(ordered, share, self.count) for share in shares]
        self._exact.sort()
        ranks = (max(1, math.ceil(share * self.count)) for share in shares)
        return [self._exact[rank - 1] if self._exact else None for rank in ranks]


def _at(ordered: tuple[tuple[float, int], ...], share: float, count: int) -> float:
    passed = list(accumulate([many for _, many in ordered]))
    return ordered[bisect_left(passed, max(1, math.ceil(share * count)))][0]
