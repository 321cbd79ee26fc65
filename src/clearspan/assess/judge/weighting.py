"""The expected verdict instead of the likeliest one: G-Eval's weighting (Liu et al. 2023).

A judge that is torn between two labels says one of them, and the probabilities of its tokens say how torn
it was. The value is the mean over the labels, each by its probability, renormalised over valid labels.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from clearspan.assess.judge.reply import Token

__all__ = ["expected", "probabilities"]

_LEAST = 0.5  # of the probability at this place, on valid labels: less says nothing about them


def probabilities(
    tokens: Sequence[Token], field: str, choices: Sequence[str]
) -> dict[str, float] | None:
    """How likely each of `choices` was where the last `field` of the answer begins.

    `None` where tokens or alternatives are missing, or do not tell the choices apart.
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
    if total < _LEAST or _meant(token.text[before:], choices) is None:
        return None
    return {choice: likelihood / total for choice, likelihood in found.items()}


def expected(likely: Mapping[str, float], values: Mapping[str, float]) -> float | None:
    """The mean of `values` by those probabilities; labels without a value are left out."""
    known = {label: share for label, share in likely.items() if label in values}
    total = sum(known.values())
    if not total:
        return None
    return sum(share * values[label] for label, share in known.items()) / total


def _at(tokens: Sequence[Token], field: str) -> tuple[Token | None, int]:
    """The token in which the value of the last `field` begins, and how much of it stands before that."""
    whole = "".join(token.text for token in tokens)
    places = list(re.finditer(rf'"{re.escape(field)}"\s*:\s*"?', whole))
    if not places:
        return None, 0
    wanted, at = places[-1].end(), 0
    for token in tokens:
        if at <= wanted < at + len(token.text):
            return token, wanted - at
        at += len(token.text)
    return None, 0


def _meant(text: str, choices: Sequence[str]) -> str | None:
    """The only choice that begins so, or that the text is with what follows it."""
    said = text.strip().strip('"').casefold()
    plain = re.split(r'["\s,}]', said, maxsplit=1)[0]
    if not plain:
        return None
    exact = [choice for choice in choices if choice.casefold() == plain]
    begun = exact or [choice for choice in choices if choice.casefold().startswith(plain)]
    return begun[0] if len(begun) == 1 else None
