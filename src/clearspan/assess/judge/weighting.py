"""The expected verdict instead of the likeliest one: G-Eval's weighting (Liu et al. 2023).

A judge that is torn between two labels says one of them, and the probabilities of its tokens say how torn
it was. The value is the mean over the labels, each by its probability, renormalised over valid labels.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from clearspan.assess.judge.reply import Token

__all__ = ["expected", "probabilities", "within"]

_LEAST = 0.5  # of the probability at this place, on valid labels: less says nothing about them
_MARKS = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]]', re.DOTALL)
_COLON = re.compile(r'\s*:\s*"?')


def probabilities(
    tokens: Sequence[Token], field: str, choices: Sequence[str], said: str
) -> dict[str, float] | None:
    """How likely each of `choices` was where the value of `field` begins, in the tokens of one JSON object.

    `None` where tokens or alternatives are missing, do not tell the choices apart, or make another choice
    likelier than the one that was `said`: then they belong to something else.
    """
    token, before = _at(tokens, field)
    if token is None or not token.likeliest:
        return None
    found: dict[str, float] = {}
    for text, likelihood in token.likeliest:
        choice = _meant(text[before:] if text[:before] == token.text[:before] else text, choices)
        if choice is not None:
            found[choice] = found.get(choice, 0.0) + likelihood
    total = sum(found.values())
    if total < _LEAST or _meant(token.text[before:], choices) != said:
        return None
    if found.get(said, 0.0) < max(found.values()):
        return None
    return {choice: likelihood / total for choice, likelihood in found.items()}


def expected(likely: Mapping[str, float], values: Mapping[str, float]) -> float | None:
    """The mean of `values` by those probabilities; labels without a value are left out."""
    known = {label: share for label, share in likely.items() if label in values}
    total = sum(known.values())
    if not total:
        return None
    return sum(share * values[label] for label, share in known.items()) / total


def within(tokens: Sequence[Token], written: str) -> tuple[Token, ...]:
    """Those of `tokens` of which the verdict `written` is made; none where they do not hold it.

    A text that stands there twice is the same verdict twice, so that the last of them will do.
    """
    wanted = written.encode("utf-8", "replace")
    start = b"".join(token.written for token in tokens).rfind(wanted)
    if start < 0 or not wanted:
        return ()
    kept: list[Token] = []
    at, end = 0, start + len(wanted)
    for token in tokens:
        data = token.written
        first, last = max(start - at, 0), min(end - at, len(data))
        at += len(data)
        if first >= last:
            continue
        if (first, last) == (0, len(data)):
            kept.append(token)
        else:  # what stands before the verdict has to do with what was likely there
            text = data[first:last].decode("utf-8", "replace")
            kept.append(Token(text, () if first else token.likeliest, data[first:last]))
    return tuple(kept)


def _at(tokens: Sequence[Token], field: str) -> tuple[Token | None, int]:
    """The token in which the value of `field` begins, and how much of it stands before that."""
    wanted = _place("".join(token.text for token in tokens), field)
    if wanted is None:
        return None, 0
    at = 0
    for token in tokens:
        if at <= wanted < at + len(token.text):
            return token, wanted - at
        at += len(token.text)
    return None, 0


def _place(written: str, field: str) -> int | None:
    """Where the value of the object's own `field` begins; of several of that name the last, as JSON is read."""
    found, depth = None, 0
    for mark in _MARKS.finditer(written):
        if mark[0][0] != '"':
            depth += 1 if mark[0] in "{[" else -1
        elif (
            depth == 1
            and (colon := _COLON.match(written, mark.end()))
            and _unquoted(mark[0]) == field
        ):
            found = colon.end()
    return found


def _unquoted(written: str) -> str | None:
    try:
        return str(json.loads(written, strict=False))
    except ValueError:
        return None


def _meant(text: str, choices: Sequence[str]) -> str | None:
    """The only choice that begins so, or that the text is with what follows it."""
    said = text.strip().strip('"').casefold()
    plain = re.split(r'["\s,}]', said, maxsplit=1)[0]
    if not plain:
        return None
    exact = [choice for choice in choices if choice.casefold() == plain]
    begun = exact or [choice for choice in choices if choice.casefold().startswith(plain)]
    return begun[0] if len(begun) == 1 else None
