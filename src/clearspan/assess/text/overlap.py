"""How much two texts have in common, by the measures of the literature: all 0 to 1, 1 for the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

__all__ = ["chrf", "f_score", "partial_ratio", "rouge_l", "token_f1"]

_WINDOW = 4_000


def f_score(hits: float, said: float, true: float, beta: float = 1.0) -> float:
    """F-measure from counts; recall weighs `beta` times as much as precision. 0 without hits."""
    if not hits:
        return 0.0
    precision, recall = hits / said, hits / true
    return (1 + beta**2) * precision * recall / (beta**2 * precision + recall)


def _shared(one: Sequence[object], other: Sequence[object]) -> int:
    return sum((Counter(one) & Counter(other)).values())


def token_f1(answer: Sequence[str], reference: Sequence[str]) -> float:
    """F1 of the words, each as often as it occurs (Rajpurkar 2016); 1 where both are empty."""
    if not answer or not reference:
        return float(not answer and not reference)
    return f_score(_shared(answer, reference), len(answer), len(reference))


def rouge_l(answer: Sequence[str], reference: Sequence[str]) -> float:
    """F1 of the longest common subsequence of words (Lin 2004); 1 where both are empty."""
    if not answer or not reference:
        return float(not answer and not reference)
    return f_score(_subsequence(answer, reference), len(answer), len(reference))


def _subsequence(one: Sequence[str], other: Sequence[str]) -> int:
    """The length of the longest common subsequence, a row of the table as the bits of a number (Hyyrö 2004)."""
    places: dict[str, int] = {}
    for place, item in enumerate(one):
        places[item] = places.get(item, 0) | 1 << place
    everything = (1 << len(one)) - 1
    row = everything
    for item in other:
        match = row & places.get(item, 0)
        row = (row + match | row - match) & everything
    return len(one) - row.bit_count()


def chrf(answer: str, reference: str, *, order: int = 6, beta: float = 2.0) -> float:
    """Character n-gram F-score, n from 1 to `order`, white space left out (Popovic 2015); 1 where both are empty.

    Precision and recall are averaged over those orders that both texts are long enough for, as sacreBLEU
    does it.
    """
    said, true = "".join(answer.split()), "".join(reference.split())
    if not said or not true:
        return float(not said and not true)
    orders = range(1, min(order, len(said), len(true)) + 1)
    precision = recall = 0.0
    for length in orders:
        hits = _shared(_grams(said, length), _grams(true, length))
        precision += hits / (len(said) - length + 1) / len(orders)
        recall += hits / (len(true) - length + 1) / len(orders)
    if not precision + recall:
        return 0.0
    return (1 + beta**2) * precision * recall / (beta**2 * precision + recall)


def _grams(text: str, length: int) -> list[str]:
    return [text[start : start + length] for start in range(len(text) - length + 1)]


def partial_ratio(one: str, other: str) -> float:
    """How well the shorter text stands in the longer one: 1 - edits / its length, at the best place.

    Edits are those of Levenshtein; the place is free (Sellers 1980), computed with the bits of a number (Myers 1999).
    """
    short, long = sorted((one[:_WINDOW], other[:_WINDOW]), key=len)
    if not short:
        return float(not long)
    return max(0.0, 1.0 - _edits(short, long) / len(short))


def _edits(short: str, long: str) -> int:
    """The least number of edits that turn `short` into some part of `long`."""
    places: dict[str, int] = {}
    for place, char in enumerate(short):
        places[char] = places.get(char, 0) | 1 << place
    size = len(short)
    everything, last = (1 << size) - 1, 1 << (size - 1)
    up, down = everything, 0
    edits = least = size
    for char in long:
        match = places.get(char, 0)
        across = (((match & up) + up) ^ up) | match
        rise, fall = down | ~(across | up) & everything, up & across
        edits += bool(rise & last) - bool(fall & last)
        rise, fall = rise << 1, fall << 1
        vertical = match | down
        up = (fall | ~(vertical | rise)) & everything
        down = rise & vertical & everything
        least = min(least, edits)
    return least
