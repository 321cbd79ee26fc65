"""Series: how many attribute sets an instrument may have, and how long their texts may be.

The Python SDK has no limit of its own: a series that was told once is kept, and exported, for as
long as the process lives.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from clearspan import semconv as sc
from clearspan.core import jsonfast
from clearspan.record import OTHER

__all__ = ["LONGEST", "Extended", "Series", "Words", "label"]

LONGEST = 256
"""Characters of a text that may become an attribute of a metric."""


def label(value: Any) -> Any:
    """A text that UTF-8 can hold, of sane length; anything else as it is.

    One that UTF-8 cannot hold would be lost on the way, at every export.
    """
    return jsonfast.valid(value[:LONGEST]) if isinstance(value, str) else value


_SHARED = 4
_RECENT = 64
_EXTENDED = 1_024
_SPEAKERS = 256
_MOST_WORDS = 20
_LONGEST_WORD = 40


class Extended:
    """Attribute sets with one attribute more, made once for each set that is known by its identity; never changed."""

    __slots__ = ("_made",)

    def __init__(self) -> None:
        self._made: dict[tuple[int, str, Any], tuple[Mapping[str, Any], dict[str, Any]]] = {}

    def of(
        self, base: Mapping[str, Any], name: str, value: Any, kept: tuple[str, ...] | None = None
    ) -> Mapping[str, Any]:
        """`base` with `name` as well, or `name` with those of `base` that are `kept`: for one name always the same ones."""
        known = self._made.get((id(base), name, value))
        if known is not None:
            return known[1]
        if len(self._made) >= _EXTENDED:
            self._made = {}
        some = base if kept is None else {each: base[each] for each in kept if each in base}
        made = {**some, name: value}
        self._made[id(base), name, value] = (
            base,
            made,
        )  # `base` is kept, so that its id stays its own
        return made


class Series:
    """The attribute sets of one instrument: at most `limit` of them, those of the overflow included.

    What is beyond goes to a series marked `otel.metric.overflow`, apart by the attributes that `alone`
    names. May be used from several threads. No lock is needed, so none can be held across a fork: who
    wants to add a set draws a number first, and the numbers run out.
    """

    __slots__ = ("_admitted", "_alone", "_full", "_known", "_numbers", "_room", "_shared", "_spare")

    def __init__(self, limit: int, alone: tuple[str, ...] = ()) -> None:
        self._spare = min(_SHARED, limit) if alone else 1
        self._room = limit - self._spare
        self._alone = alone
        self._known: set[frozenset[tuple[str, Any]]] = set()
        self._numbers = itertools.count()
        self._shared = itertools.count(1)  # the bare overflow has a place of its own
        self._full = False
        # By id, with the mapping itself, so that its id stays its own.
        self._admitted: dict[int, Mapping[str, Any]] = {}

    def admits(self, attributes: Mapping[str, Any]) -> bool:
        """Whether this set has a series of its own."""
        if id(attributes) in self._admitted:  # the points of like records mostly share one mapping
            return True
        key = frozenset(attributes.items())
        if key not in self._known:
            if self._full or next(self._numbers) >= self._room:
                self._full = True
                return False
            self._known.add(key)
        if len(self._admitted) >= _RECENT:
            self._admitted = {}
        self._admitted[id(attributes)] = attributes
        return True

    def of(self, attributes: Mapping[str, Any]) -> Mapping[str, Any]:
        """`attributes`, or those of the series in which all further sets are gathered."""
        if id(attributes) in self._admitted or self.admits(attributes):
            return attributes
        return self._overflow(attributes)

    def _overflow(self, attributes: Mapping[str, Any]) -> Mapping[str, Any]:
        beyond = {sc.METRIC_OVERFLOW: True}
        apart = {name: attributes[name] for name in self._alone if name in attributes}
        key = frozenset(apart.items())
        if not apart or (key not in self._known and next(self._shared) >= self._spare):
            return beyond
        self._known.add(key)
        return {**beyond, **apart}


class Words:
    """The words that stand in one attribute of a metric, of several speakers: short ones, and few of each.

    Whoever answers with sentences, or ever new words, is told of as `_OTHER`: a metric is no place for texts.
    """

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[str, set[str]] = {}

    def of(self, speaker: str, word: str | None) -> str | None:
        """`word`, or what stands for those that are too many or too long."""
        if word is None:
            return None
        if speaker not in self._known and len(self._known) >= _SPEAKERS:
            return OTHER
        known = self._known.setdefault(speaker, set())
        if word in known:
            return word
        if len(word) > _LONGEST_WORD or len(known) >= _MOST_WORDS:
            return OTHER
        known.add(word)
        return word
