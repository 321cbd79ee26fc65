"""Log probabilities of an answer's tokens, in the two forms that servers give them in.

Numbers that are not finite are left out by the readers: they say nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import zip_longest
from typing import Any

from clearspan.core import read
from clearspan.record import TokenScore

__all__ = ["columns", "known", "rows"]


def rows(tokens: list[Any]) -> list[TokenScore]:
    """One object for each token, with its likeliest alternatives under `top_logprobs`."""
    return [
        TokenScore(
            read.text(token, "token") or "",
            read.number(token, "logprob"),
            known(read.items(token, "top_logprobs")),
        )
        for token in tokens
    ]


def columns(source: Any) -> list[TokenScore]:
    """A list of tokens, one of their numbers, and one of dictionaries from alternative to number."""
    tokens, values = read.items(source, "tokens"), read.items(source, "token_logprobs")
    # As many as have a number; the alternatives may be missing altogether.
    beside = zip_longest(tokens, values, read.items(source, "top_logprobs"))
    return [
        TokenScore(read.text(token) or "", read.number(value), _of_mapping(others))
        for token, value, others in list(beside)[: min(len(tokens), len(values))]
    ]


def _of_mapping(others: Any) -> tuple[float, ...]:
    return _finite(map(read.number, dict.values(read.fields(others) or {})))


def known(alternatives: list[Any]) -> tuple[float, ...]:
    """The log probabilities of the likeliest tokens at one place."""
    return _finite(read.number(other, "logprob") for other in alternatives)


def _finite(numbers: Iterable[float | None]) -> tuple[float, ...]:
    return tuple(number for number in numbers if number is not None)
