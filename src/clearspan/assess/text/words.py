"""Words: the tokens of a text, made comparable."""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Iterator

__all__ = ["LONGEST", "folded", "normalized", "stem", "tokens"]

LONGEST = 65_536
"""Characters of a text that are looked at, at most: an evaluator's work must have an end."""

_TOKEN = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
_UNSPACED = re.compile("([\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+)")
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = str.maketrans(
    dict.fromkeys(string.punctuation + "\u2018\u2019\u201c\u201d\u2013\u2014…\u00b4«»", None)
)
_DASHES = str.maketrans(dict.fromkeys("-\u2013\u2014/", " "))
_PLAIN = str.maketrans(
    {
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "\u0131": "i",
        "æ": "ae",
        "œ": "oe",
        "\u2019": "'",
        "\u02bb": "'",
    }
)


def folded(text: str) -> str:
    """`text` without case, accents and compatibility forms; may be of another length."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in apart if not unicodedata.combining(char)).translate(_PLAIN)


def tokens(text: str) -> list[str]:
    """The words and numbers of a text in order, folded; a possessive `'s` is taken off.

    Chinese and Japanese, which put no spaces between words, are pairs of neighbouring signs.
    """
    plain = folded(text)
    words = [word.removesuffix("'s") for word in _TOKEN.findall(plain)]
    return words if plain.isascii() else [token for word in words for token in _apart(word)]


def _apart(word: str) -> Iterator[str]:
    for piece in _UNSPACED.split(word):
        if not piece or not _UNSPACED.fullmatch(piece):
            yield from (piece,) if piece else ()
        elif len(piece) == 1:
            yield piece
        else:
            yield from (piece[at : at + 2] for at in range(len(piece) - 1))


def normalized(text: str, *, split_dashes: bool = False) -> str:
    """An answer as SQuAD compares it: lower case, no punctuation, no articles, single spaces (Rajpurkar 2016).

    Accents are folded as well; what is nothing but articles ("A" of a multiple choice) stays as it is. With `split_dashes`, the parts of a compound are words of their own
    instead of one word.
    """
    plain = folded(text)
    if split_dashes:
        plain = plain.translate(_DASHES)
    plain = " ".join(plain.translate(_PUNCTUATION).split())
    return " ".join(_ARTICLES.sub(" ", plain).split()) or plain


_ENDINGS = ("ational", "fulness", "iveness", "ization", "ations", "ation", "ments", "ment", "ness", "ings", "ing",
            "edly", "ies", "ers", "est", "ed", "er", "ly", "es", "s")  # fmt: skip


def stem(word: str) -> str:
    """A word without its commonest English endings: crude, and the same for most forms of a word."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            word = word[: -len(ending)]
            break
    if len(word) > 3 and word[-1] in "eiy":
        return word[:-1]
    return word[:-1] if len(word) > 4 and word[-1] == word[-2] else word
