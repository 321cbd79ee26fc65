"""How many tokens a character takes, by what was counted and what was said.

About 0.25 for English and up to several for scripts that a tokenizer hardly knows: what makes the
same text cost more, and what nonsense looks like from outside.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clearspan import semconv as sc
from clearspan.draft import Draft
from clearspan.record import Outcome

__all__ = ["density"]

_SPOKEN = frozenset(("text", "reasoning"))


def density(draft: Draft) -> None:
    """Tell the output's tokens for each character, where all of the tokens are text that was seen.

    Not for what was estimated, as that is characters to begin with; nor where tools were called,
    something was lost, or thinking was shown whose tokens are not told apart.
    """
    known = sc.TEXT_OUTPUT_DENSITY in draft.extras or _lossy(draft) or not draft.recording
    if known or draft.outcome not in (None, Outcome.COMPLETED):
        return
    tokens, characters = _tokens(draft.counts), _characters(draft)
    if tokens and characters:
        draft.extra(sc.TEXT_OUTPUT_DENSITY, tokens / characters)


def _lossy(draft: Draft) -> bool:
    return bool(draft.lost or draft.cut or (draft.inner is not None and draft.inner.lost))


def _tokens(counts: Mapping[str, Any]) -> int:
    """Output tokens without those of thinking; 0 where they are not known."""
    source = counts.get("output_source", counts.get("source"))
    if source == "estimated" or counts.get("audio_output") or counts.get("image_output"):
        return 0
    made: int = counts.get("output", 0)
    thought: int = counts.get("reasoning", 0)
    return max(0, made - thought)


def _characters(draft: Draft) -> int:
    lengths = draft.lengths()
    thinking = "reasoning" in lengths and not draft.counts.get("reasoning")
    if thinking or not _SPOKEN.issuperset(lengths):
        return 0
    return lengths.get("text", 0)
