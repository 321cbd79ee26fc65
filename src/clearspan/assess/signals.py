"""Implicit signals: what a person did with an answer, as a Score to hand to `feedback`. Pure.

They hold no text. A signal that says nothing is skipped, with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice
from typing import Any, Final

from clearspan.score import Score

__all__ = ["abandoned", "copied", "distance", "edited", "reaction", "regenerated"]

_MOST_TOKENS: Final = 10_000
_MOST_CHARACTERS: Final = 200_000
_OPENING: Final = 300
# Scripts without spaces between words are taken a character at a time.
_UNSPACED: Final = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_TOKEN: Final = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+|[^\w\s]")
_KEPT, _LOST = 0.8, 0.5

_NO_THANKS: Final = re.compile(
    r"\b(?:no,? thank(?:s| you)|nein,? danke|non,? merci|no,? gracias)\b"
)
_THANKS: Final = re.compile(
    r"\b(?:thanks|thank you|thx|ty|cheers|perfect|great|awesome|excellent|brilliant|amazing|nice|lovely"
    r"|that(?:'s| is| was)? (?:right|correct|helpful|great|perfect|it|what i (?:needed|wanted))|(?:it|that) work(?:s|ed)"
    r"|very helpful|well done|good (?:job|answer|bot)"
    r"|danke|dankeschön|vielen dank|super|perfekt|genau so|merci|parfait|gracias|perfecto|grazie|perfetto|obrigad[oa]|perfeito)\b"
)
_COMPLAINT: Final = re.compile(
    r"\b(?:wrong|incorrect|not (?:right|correct|true|helpful|what i (?:asked|meant|wanted))|(?:is|was)n't (?:right|correct|helpful|what i)"
    r"|(?:does|did|do)(?:n't| not) (?:work|help|answer|understand)|useless|nonsense|terrible|awful|garbage|rubbish|hallucinat\w{0,6}"
    r"|made that up|you (?:misunderstood|missed|ignored|forgot)|try again|still (?:broken|failing|fails|wrong)|never mind|forget it|that makes no sense"
    r"|falsch|stimmt nicht|unsinn|quatsch|funktioniert nicht|incorrecto|equivocado|no funciona|ne marche pas|inutile|sbagliato|errado)\b"
)
_NOT_WRONG: Final = re.compile(
    r"\b(?:not|isn't|wasn't|nothing(?: is|'s)?|never|nicht) (?:wrong|incorrect|useless|falsch)\b"
)


def regenerated(previous: str, new: str | None = None) -> Score:
    """The person asked for another answer: a bad sign for the `previous` one, which the score is about.

    0, `negative`. With the `new` answer the metadata tells what share of the previous one stayed (`similarity`).
    """
    if new is None:
        return _signal("regenerated", 0.0)
    share, cut = _kept(previous, new)
    found: dict[str, Any] = {} if share is None else {"similarity": share}
    return _signal("regenerated", 0.0, **found, **cut)


def edited(shown: str, kept: str) -> Score:
    """How much of the answer `shown` is in the text that the person `kept`: 1 for all of it unchanged, 0 for nothing.

    1 less the edit distance (Levenshtein 1966) between their words, as a share of the longer one. `positive` from 0.8
    on, `negative` below 0.5.
    """
    share, cut = _kept(shown, kept)
    if share is None:
        return Score(name="edited", kind="human", skipped="nothing_shown", metadata=_source())
    return _signal("edited", share, **cut)


def copied(shown: str, taken: str) -> Score:
    """The person copied from the answer: what share of its words was taken along. A good sign, however small."""
    words, took = _tokens(shown)[0], _tokens(taken)[0]
    if not words or not took:
        return Score(name="copied", kind="human", skipped="nothing_copied", metadata=_source())
    share = min(1.0, len(took) / len(words))
    return _signal("copied", share, label="positive")


def abandoned(*, read: float | None = None, after: float | None = None) -> Score:
    """The person left before the answer was over.

    Args:
        read: The share of the answer, 0 to 1, that was there by then; it becomes the value, else 0.
        after: Seconds until then.

    `negative` below 0.5, else `neutral`: who has read most of it may have had enough.

    Raises:
        ValueError: a number that cannot be.
    """
    if read is not None and not 0 <= read <= 1:
        raise ValueError(f"clearspan: abandoned: read must be 0 to 1, not {read!r}")
    if after is not None and not 0 <= after < float("inf"):
        raise ValueError(f"clearspan: abandoned: after must be 0 seconds or more, not {after!r}")
    value = 0.0 if read is None else float(read)
    told = {} if after is None else {"after": after}
    return _signal("abandoned", value, label="negative" if value < _LOST else "neutral", **told)


def reaction(message: str) -> Score:
    """What the person wrote next, where it begins with thanks (1) or a complaint (0); else it is skipped.

    Phrases of English, and some of German, French, Spanish, Italian and Portuguese; a complaint outweighs thanks. It
    knows neither irony nor what is said without these words.
    """
    opening = " ".join(message[:_OPENING].lower().replace("\u2019", "'").split())
    complaint = _COMPLAINT.search(_NOT_WRONG.sub(" ", opening))
    if complaint is None and not _THANKS.search(_NO_THANKS.sub(" ", opening)):
        return Score(name="reaction", kind="human", skipped="no_reaction", metadata=_source())
    return _signal("reaction", 1.0 if complaint is None else 0.0)


def distance(first: Sequence[object], second: Sequence[object]) -> int:
    """How many insertions, deletions and replacements make one of the other (Levenshtein).

    By bit vectors (Myers 1999, in the form of Hyyrö 2003): a column of the table is one number.
    """
    if not first:
        return len(second)
    places: dict[object, int] = {}
    for at, token in enumerate(first):
        places[token] = places.get(token, 0) | 1 << at
    full = (1 << len(first)) - 1
    last = 1 << (len(first) - 1)
    up, down, found = full, 0, len(first)
    for token in second:
        same = places.get(token, 0)
        diagonal = (((same & up) + up) ^ up) | same | down
        rising = down | (~(diagonal | up) & full)
        falling = up & diagonal
        found += bool(rising & last) - bool(falling & last)
        rising = (rising << 1 | 1) & full
        up = (falling << 1 & full) | (~(same | down | rising) & full)
        down = rising & (same | down)
    return found


def _kept(shown: str, kept: str) -> tuple[float | None, dict[str, Any]]:
    """The share of `shown` that stayed, and whether texts were too long to be compared to their end."""
    (before, cut_before), (after, cut_after) = _tokens(shown), _tokens(kept)
    if not before:
        return None, {}
    share = 1.0 - distance(before, after) / max(len(before), len(after))
    return share, {"truncated": True} if cut_before or cut_after else {}


def _tokens(text: str) -> tuple[list[str], bool]:
    """The words of `text`, and whether they are not all of them."""
    found = _TOKEN.finditer(text[:_MOST_CHARACTERS])
    tokens = [match.group() for match in islice(found, _MOST_TOKENS)]
    return tokens, len(text) > _MOST_CHARACTERS or next(found, None) is not None


def _signal(name: str, value: float, *, label: str | None = None, **told: Any) -> Score:
    said = label or ("positive" if value >= _KEPT else "negative" if value < _LOST else "neutral")
    return Score(
        value=value,
        label=said,
        passed=None if said == "neutral" else said == "positive",
        name=name,
        kind="human",
        direction="maximize",
        range=(0.0, 1.0),
        metadata={**_source(), **told},
    )


def _source() -> dict[str, Any]:
    return {"source": "implicit"}
