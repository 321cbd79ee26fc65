"""The linear model: which words and bits of words are told to a model by those who want it to break its rules.

Feature hashing (Weinberger et al. 2009) of the words, pairs of words, and three to five letters within a word:
each is present or not, the whole is of length one; logistic regression, its weights as bytes. The file holds numbers only.
"""

from __future__ import annotations

import json
import math
import re
from array import array
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from clearspan.core.clear_text import folded

__all__ = ["Model", "buckets", "shipped"]

BITS = 17
_MASK = (1 << BITS) - 1
_WORDS = re.compile(r"\w+")
_DIGITS = re.compile(r"\d")
_LONGEST = 24  # letters of one word that are looked at
_FILE = Path(__file__).with_name("weights.bin")


class Model(NamedTuple):
    """Weights by bucket, in steps of `scale`, and the intercept (log odds)."""

    weights: array[int]
    scale: float
    bias: float

    def log_odds(self, text: str) -> float:
        """The log odds that `text` is an attack; the intercept for a text without words."""
        found = buckets(text)
        if not found:
            return self.bias
        total = sum(map(self.weights.__getitem__, found))
        return self.bias + self.scale * total / math.sqrt(len(found))


def buckets(text: str) -> set[int]:
    """Where the features of `text` stand."""
    words = [word[:_LONGEST] for word in _WORDS.findall(_DIGITS.sub("0", folded(text)))]
    found = {crc32(f"{one} {two}".encode()) & _MASK for one, two in pairwise(words)}
    for word in set(words):
        found |= _of_word(word)
    return found


def _of_word(word: str) -> set[int]:
    framed = f" {word} ".encode()
    end = len(framed)
    found = {crc32(b"=" + framed) & _MASK}
    for size in (3, 4, 5):
        found.update([crc32(framed[at : at + size]) & _MASK for at in range(end - size + 1)])
    return found


@cache
def shipped() -> Model:
    """The model that comes with the package, read once."""
    settings = json.loads(_FILE.with_suffix(".json").read_text(encoding="utf-8"))
    return Model(array("b", _FILE.read_bytes()), settings["scale"], settings["bias"])
