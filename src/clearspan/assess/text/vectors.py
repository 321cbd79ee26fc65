"""Texts as sparse vectors of hashed words and character n-grams, weighted by how much each of them tells."""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from clearspan.assess.text.common import FUNCTION_WORDS, rarity
from clearspan.assess.text.words import stem, tokens

__all__ = ["SIZE", "cosine", "dense_cosine", "vector"]

SIZE = 1 << 18
"""How many different features are kept apart; the same place for two of them is rare, and harmless."""

_GRAM = 4
_SHARE = 0.3


def vector(text: str) -> dict[int, float]:
    """The vector of a text, of length 1; empty for a text without words.

    Features are the stems of words and the character 4-grams of words, each by its frequency, damped by the
    logarithm, times the rarity of the word in English: a fixed table, as a single text has no corpus.
    """
    counts = Counter(tokens(text))
    made: dict[int, float] = {}
    for word, many in counts.items():
        if word in FUNCTION_WORDS:
            continue
        weight = rarity(word) * (1.0 + math.log(many))
        _add(made, "w" + stem(word), weight)
        grams = list(_grams(word))
        for gram in grams:
            _add(made, gram, weight * _SHARE / math.sqrt(len(grams)))
    return _unit(made)


def _add(made: dict[int, float], feature: str, weight: float) -> None:
    place = zlib.crc32(feature.encode()) % SIZE
    made[place] = made.get(place, 0.0) + weight


def _grams(word: str) -> Iterator[str]:
    padded = f" {word} "
    for start in range(max(1, len(padded) - _GRAM + 1)):
        yield padded[start : start + _GRAM]


def _unit(made: dict[int, float]) -> dict[int, float]:
    length = math.sqrt(sum(weight * weight for weight in made.values()))
    return {place: weight / length for place, weight in made.items()} if length else {}


def cosine(one: Mapping[int, float], other: Mapping[int, float]) -> float:
    """The cosine of two vectors of length 1: 0 to 1; 0 where one is empty."""
    if len(one) > len(other):
        one, other = other, one
    return min(1.0, sum(weight * other.get(place, 0.0) for place, weight in one.items()))


def dense_cosine(one: Sequence[float], other: Sequence[float]) -> float | None:
    """The cosine of two rows of numbers, -1 to 1; `None` where one has no length. Raises `ValueError` for two sizes."""
    length = math.sqrt(_squares(one) * _squares(other))
    if not math.isfinite(length) or length == 0.0:
        return None
    total = sum(a * b for a, b in zip(one, other, strict=True))
    return max(-1.0, min(1.0, total / length))


def _squares(row: Iterable[float]) -> float:
    return sum(value * value for value in row)
