"""The list of words: read once, with the endings that each may have."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import NamedTuple

__all__ = ["Lexicon", "Term", "lexicon"]


class Term(NamedTuple):
    """What a word or phrase of the list is: its category, and the risk that it carries alone, 0 to 1."""

    category: str
    weight: float


class Lexicon(NamedTuple):
    """All words with their endings; phrases by their first word, longest first; stems that longer words may hold.

    `company` has for a word of two meanings the words near it that tell the innocent one.
    """

    words: dict[str, Term]
    phrases: dict[str, list[tuple[tuple[str, ...], Term]]]
    stems: dict[str, Term]
    shapes: dict[tuple[int, str], list[str]]
    company: dict[str, frozenset[str]]


@cache
def lexicon() -> Lexicon:
    """The list that comes with the package."""
    made = Lexicon({}, {}, {}, {}, {})
    text = (files("clearspan.evaluators.toxicity") / "words.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        head, _, terms = line.partition(":")
        if head.startswith("beside "):
            made.company.update(dict.fromkeys(head.split()[1:], frozenset(terms.split())))
        elif line and not line.startswith("#"):
            category, weight = head.split()
            for term in terms.split():
                _add(made, term, Term(category, float(weight)))
    for found in made.phrases.values():
        found.sort(key=lambda phrase: -len(phrase[0]))
    for word in made.words:
        made.shapes.setdefault((len(word), word[0]), []).append(word)
    return made


def _add(made: Lexicon, written: str, term: Term) -> None:
    word = written.rstrip("+~")
    marks = written[len(word) :]
    if "_" in word:
        first, *_ = parts = tuple(word.split("_"))
        made.phrases.setdefault(first, []).append((parts, term))
        return
    for form in _forms(word) if "+" in marks else (word,):
        known = made.words.get(form)
        if known is None or known.weight < term.weight:
            made.words[form] = term
    if "~" in marks:
        made.stems[word] = term


_ENDINGS = ("", "s", "z", "es", "ez", "ed", "er", "ers", "ing", "in", "ings", "y", "ish")


def _forms(word: str) -> set[str]:
    forms = {word + ending for ending in _ENDINGS}
    if word[-1] == "e":
        forms |= {word[:-1] + ending for ending in ("ing", "in", "ed", "er", "ers", "y")}
    if word[-1] not in "aeiouywx" and word[-2] in "aeiou" and word[-3:-2] not in tuple("aeiou"):
        forms |= {word + word[-1] + ending for ending in ("ed", "er", "ers", "ing", "in", "y")}
    return forms
