"""Find the words of the list in a text, also where they are disguised: b!tch, f*ck, sh1t, f u c k, biiitch, letters of other alphabets."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from clearspan.core.clear_text import clear
from clearspan.evaluators.toxicity.lexicon import Term, lexicon

__all__ = ["REACH", "Hit", "scan"]

REACH = 64
"""The longest finding, in characters; what would be longer is none."""

_NEAR = 6
_DOUBTED = 0.25

_LEET = {"@": "a", "$": "s", "0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "!": "i", "|": "i",
         "€": "e", "£": "l", "+": "t", "\u2019": "'"}  # fmt: skip
_HIDDEN = "*#%•"
_CHUNK = re.compile(r"[\w@$!|€£+*#%•'\u2019\u200b-\u200d\u2060\ufeff\u00ad-]+")
_FIRST_LETTER = {
    ("f", 4): "fuck",
    ("s", 4): "shit",
    ("c", 4): "cunt",
    ("b", 5): "bitch",
    ("n", 6): "nigger",
}
_INVISIBLE = frozenset("\u200b\u200c\u200d\u2060\ufeff\u00ad")
_SPACED = re.compile(r"(?<!\w)(?:[^\W_]|[@$!*])(?:[ .\-_]{1,2}(?:[^\W_]|[@$!*])){2,15}(?!\w)")
_CAMEL = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_REPEATS = re.compile(r"([a-z])\1{2,}")
_INNOCENT = re.compile(
    r"scunthorpe|shi+take|matsushita|cockpit|cockatoo|cocktail|peacock|hancock|dickens|snigger|niggard"
)


class Hit(NamedTuple):
    """A term of the list and its place."""

    term: Term
    start: int
    end: int


class _Word(NamedTuple):
    """A word as it is meant, and its place."""

    text: str
    start: int
    end: int


def scan(text: str) -> list[Hit]:
    """All terms of the list in `text`, in order, none overlapping another."""
    words = [word for chunk in _CHUNK.finditer(text) for word in _words(chunk)]
    found = [*_phrases(words), *_single(words), *_spaced(text)]
    hits: list[Hit] = []
    end = 0
    for hit in sorted(found, key=lambda hit: (hit.start, -hit.end, -hit.term.weight)):
        if hit.start >= end and hit.end - hit.start <= REACH:
            hits.append(hit)
            end = hit.end
    return [hit for hit in hits if hit.term.weight]


def _words(chunk: re.Match[str]) -> Iterator[_Word]:
    """The words of a run without spaces: what stands around them is taken off, hyphens and camels part them."""
    whole, start = chunk[0], chunk.start()
    at = 0
    for part in re.split(r"(-)", whole):
        stripped = part.lstrip("#'\u2019*!+%|•")
        stripped = stripped[1:] if re.match(r"@\w", stripped) else stripped
        begin = start + at + len(part) - len(stripped)
        stripped = stripped.rstrip("#@'\u2019!+%|•")
        if (
            stripped[-2:-1].isalpha() and len(stripped) > 4
        ):  # one star is a footnote or a correction
            stripped = stripped.removesuffix("*")
        at += len(part)
        if stripped and part != "-":
            yield _Word(_plain(stripped), begin, begin + len(stripped))
            yield from _humps(part, stripped, begin)


def _humps(part: str, word: str, begin: int) -> Iterator[_Word]:
    """The words of a #HashTag."""
    if part.startswith("#") and word.isalpha() and not word.islower():
        humps = list(_CAMEL.finditer(word))
        if len(humps) > 1:
            for hump in humps:
                yield _Word(hump[0].lower(), begin + hump.start(), begin + hump.end())


def _plain(word: str) -> str:
    """A word in small letters, its figures, signs and look-alikes read as the letters that they stand for."""
    word = clear(word)
    plain = "".join(_letter(char) for char in word.lower() if char not in _INVISIBLE)
    if any(char.isalpha() for char in word):
        plain = "".join(_LEET.get(char, char) for char in plain)
    return plain


@lru_cache(1024)
def _letter(char: str) -> str:
    first = unicodedata.normalize("NFKD", char)[:1]
    return first if first.isascii() else char


def _phrases(words: list[_Word]) -> Iterator[Hit]:
    phrases = lexicon().phrases
    for place, word in enumerate(words):
        for parts, term in phrases.get(word.text, ()):
            run = words[place : place + len(parts)]
            if tuple(each.text for each in run) == parts:
                last = place + len(parts) - 1
                yield Hit(_doubted(term, words, last), word.start, run[-1].end)
                break


def _single(words: list[_Word]) -> Iterator[Hit]:
    for place, word in enumerate(words):
        term = _meant(word.text) if 2 <= len(word.text) <= REACH else None
        if term is not None:
            yield Hit(_doubted(term, words, place), word.start, word.end)


def _doubted(term: Term, words: list[_Word], place: int) -> Term:
    """The term, of little weight where words near by tell an innocent meaning of its word: a cock that crows."""
    company = lexicon().company.get(words[place].text)
    if company is None or term.weight <= _DOUBTED:
        return term
    near = words[max(0, place - _NEAR) : place + _NEAR + 1]
    return term._replace(weight=_DOUBTED) if any(word.text in company for word in near) else term


def _spaced(text: str) -> Iterator[Hit]:
    """Words whose letters stand apart."""
    for match in _SPACED.finditer(text):
        term = lexicon().words.get(_plain(re.sub(r"[ .\-_]", "", match[0])))
        if term is not None:
            yield Hit(term, *match.span())


def _meant(word: str) -> Term | None:
    words = lexicon().words
    for form in (
        word,
        word.removesuffix("'s"),
        _REPEATS.sub(r"\1\1", word),
        _REPEATS.sub(r"\1", word),
    ):
        if form in words:
            return words[form]
    if any(char in _HIDDEN for char in word):
        return _uncovered(word)
    return _within(word)


def _uncovered(word: str) -> Term | None:
    """The term that a word with stars in it stands for, where its letters leave no doubt."""
    letters = sum(char.isalpha() for char in word)
    if letters == 1:
        return lexicon().words.get(_FIRST_LETTER.get((word[0], len(word)), ""))
    if not word[0].isalpha():
        return None
    shape = re.compile("".join("[a-z]" if char in _HIDDEN else re.escape(char) for char in word))
    candidates = lexicon().shapes.get((len(word), word[0]), ())
    return next((lexicon().words[known] for known in candidates if shape.fullmatch(known)), None)


def _within(word: str) -> Term | None:
    """The term that is a part of a longer word."""
    if len(word) < 6 or _INNOCENT.search(word):
        return None
    plain = _REPEATS.sub(r"\1\1", word)
    return next((term for stem, term in lexicon().stems.items() if stem in plain), None)
