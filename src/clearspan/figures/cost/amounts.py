"""What of a call is billed: the counts in a draft, told apart and made consistent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from clearspan import semconv as sc
from clearspan.draft import Draft
from clearspan.record import Operation, Outcome

__all__ = ["Amounts", "amounts_of", "refused"]


class Amounts(NamedTuple):
    """Tokens of each kind, no token in two of them, and the length of sound in seconds.

    `input` and `output` are the totals, `None` where unknown; the others are parts of them, zero where
    nobody told any. `mixed` says that cached tokens may be spoken or pictured ones, `over` that more are
    said to be cached than were given.
    """

    input: int | None = None
    output: int | None = None
    text_input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    audio_input: int = 0
    image_input: int = 0
    text_output: int = 0
    audio_output: int = 0
    image_output: int = 0
    reasoning: int = 0
    seconds: Decimal | None = None
    reported: bool = True
    mixed: bool = False
    over: bool = False

    @property
    def known(self) -> bool:
        """Whether anything was measured at all."""
        return not (self.input is None and self.output is None and self.seconds is None)

    @property
    def only_texts(self) -> bool:
        """Whether texts went in and came out and nothing else: no sound, no pictures, nothing of a cache."""
        texts = self.text_input, self.text_output
        return self.seconds is None and texts == (self.input or 0, self.output or 0)


def amounts_of(draft: Draft) -> Amounts | None:
    """The amounts of a call; `None` for one that was refused, which is not billed."""
    counts = draft.counts
    if refused(draft):
        return None
    reported = counts.get("source", "reported") == "reported"
    if counts.get("output") is None and draft.operation == Operation.EMBEDDINGS:
        counts = {**counts, "output": 0}  # nothing is written there
    seconds = _seconds(draft.extras.get(sc.AUDIO_SECONDS))
    return _told_apart(counts, reported=reported, seconds=seconds)


def refused(draft: Draft) -> bool:
    """Whether a call failed before any work was done, as far as anybody tells."""
    counts = draft.counts
    told = counts.get("input_source", counts.get("source", "reported")) == "reported"
    used = counts.get("output") or (told and "input" in counts)
    return draft.outcome is Outcome.FAILED and not used


def _told_apart(counts: Mapping[str, Any], *, reported: bool, seconds: Decimal | None) -> Amounts:
    if _PARTS.isdisjoint(counts):  # as of most calls
        sent, made = counts.get("input"), counts.get("output")
        return Amounts(
            sent, made, sent or 0, text_output=made or 0, seconds=seconds, reported=reported
        )
    # What is cached is taken for text as far as the text goes; parts beyond their whole are cut.
    rest: int = counts.get("input") or 0
    read, rest = _part(counts, "cache_read", rest)
    written, rest = _part(counts, "cache_write", rest)
    heard, rest = _part(counts, "audio_input", rest)
    seen, rest = _part(counts, "image_input", rest)
    left: int = counts.get("output") or 0
    spoken, left = _part(counts, "audio_output", left)
    drawn, left = _part(counts, "image_output", left)
    thought, left = _part(counts, "reasoning", left)
    cached = (counts.get("cache_read") or 0) + (counts.get("cache_write") or 0)
    return Amounts(
        input=counts.get("input"), output=counts.get("output"),
        text_input=rest, cache_read=read, cache_write=written, audio_input=heard, image_input=seen,
        text_output=left, audio_output=spoken, image_output=drawn, reasoning=thought,
        seconds=seconds, reported=reported,
        mixed=bool(read + written and heard + seen), over=cached > (counts.get("input") or 0),
    )  # fmt: skip


_PARTS = frozenset(
    ("cache_read", "cache_write", "audio_input", "image_input", "audio_output", "image_output", "reasoning")
)  # fmt: skip


def _part(counts: Mapping[str, Any], name: str, whole: int) -> tuple[int, int]:
    """How many of `whole` are of that kind, and how many are left."""
    part = min(counts.get(name) or 0, whole)
    return part, whole - part


def _seconds(told: Any) -> Decimal | None:
    known = type(told) in (int, float) and math.isfinite(told) and told >= 0
    return Decimal(str(told)) if known else None
