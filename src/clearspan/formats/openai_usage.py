"""Token counts of OpenAI's APIs and of the servers that speak like them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from clearspan import semconv as sc
from clearspan.core import read
from clearspan.draft import Draft
from clearspan.formats.openai_times import times

__all__ = ["usage"]

_INPUT = ("prompt_tokens", "input_tokens")
_OUTPUT = ("completion_tokens", "output_tokens")
_INPUT_DETAILS = ("prompt_tokens_details", "input_tokens_details", "input_token_details")
_OUTPUT_DETAILS = ("completion_tokens_details", "output_tokens_details", "output_token_details")
# Where compatible servers tell how much of the prompt came from a cache, if not in the details.
_CACHED = ("prompt_cache_hit_tokens", "cached_tokens", "num_cached_tokens")


def usage(draft: Draft, source: Any) -> None:
    """Read a `usage` object; whatever is missing or of the wrong type stays unknown."""
    if read.fields(source) is None:
        return
    cached = _detail(source, _INPUT_DETAILS, "cached_tokens")
    sent, reasoning = _count(source, _INPUT), _detail(source, _OUTPUT_DETAILS, "reasoning_tokens")
    draft.usage(
        input=sent,
        output=_made(source, sent or 0, reasoning or 0),
        cache_read=cached if cached is not None else _count(source, _CACHED),
        cache_write=_detail(source, _INPUT_DETAILS, "cache_write_tokens"),
        reasoning=reasoning,
        text_input=_detail(source, _INPUT_DETAILS, "text_tokens"),
        image_input=_detail(source, _INPUT_DETAILS, "image_tokens"),
        audio_input=_detail(source, _INPUT_DETAILS, "audio_tokens"),
        text_output=_detail(source, _OUTPUT_DETAILS, "text_tokens"),
        image_output=_detail(source, _OUTPUT_DETAILS, "image_tokens"),
        audio_output=_detail(source, _OUTPUT_DETAILS, "audio_tokens"),
    )
    if draft.provider == "openrouter" and "cost" in draft.wants:
        draft.set(charged=_charged(source))  # for the figure of cost
    times(draft, source)
    draft.extra(
        sc.ACCEPTED_PREDICTION_TOKENS,
        _detail(source, _OUTPUT_DETAILS, "accepted_prediction_tokens"),
    )
    draft.extra(
        sc.REJECTED_PREDICTION_TOKENS,
        _detail(source, _OUTPUT_DETAILS, "rejected_prediction_tokens"),
    )


def _made(source: Any, sent: int, reasoning: int) -> int | None:
    """All output tokens. Some servers (xAI's) leave reasoning out of them, and have it in the total only."""
    made, total = _count(source, _OUTPUT), read.count(source, "total_tokens")
    if made is None:
        return None
    apart = reasoning > made if total is None else total == sent + made + reasoning
    return made + reasoning if apart else made


def _charged(source: Any) -> float | None:
    """What OpenRouter says that the call cost, in its credits, which are US dollars.

    For calls with a key of one's own at the provider, it charges at most a fee, and the provider charges the
    rest. Without being told whose key it was, more than OpenRouter charges can only be the provider's.
    """
    cost = read.number(source, "cost")
    upstream = read.number(source, "cost_details", "upstream_inference_cost")
    byok = read.get(source, "is_byok")
    if cost is None or byok is False or (byok is not True and (upstream or 0) <= cost):
        return cost
    return None if upstream is None else float(Decimal(str(cost)) + Decimal(str(upstream)))


def _count(source: Any, names: tuple[str, ...]) -> int | None:
    found = (read.count(source, name) for name in names)
    return next((count for count in found if count is not None), None)


def _detail(source: Any, groups: tuple[str, ...], name: str) -> int | None:
    found = (read.count(source, group, name) for group in groups)
    return next((count for count in found if count is not None), None)
