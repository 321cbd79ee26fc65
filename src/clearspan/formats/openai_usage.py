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
_TOTAL, _READ, _THOUGHT = ("total_tokens",), ("cached_tokens",), ("reasoning_tokens",)
_INPUT_DETAILS = ("prompt_tokens_details", "input_tokens_details", "input_token_details")
_OUTPUT_DETAILS = ("completion_tokens_details", "output_tokens_details", "output_token_details")
_PREDICTIONS = (
    (sc.ACCEPTED_PREDICTION_TOKENS, "accepted_prediction_tokens"),
    (sc.REJECTED_PREDICTION_TOKENS, "rejected_prediction_tokens"),
)
# Where compatible servers tell how much of the prompt came from a cache, if not in the details.
_CACHED = ("prompt_cache_hit_tokens", "cached_tokens", "num_cached_tokens")


def usage(draft: Draft, source: Any) -> None:
    """Read a `usage` object; whatever is missing or of the wrong type stays unknown."""
    given = read.fields(source)
    if given is None:
        return
    of_input, of_output = _details(given, _INPUT_DETAILS), _details(given, _OUTPUT_DETAILS)
    cached = _count(of_input, _READ)
    sent, reasoning = _count(given, _INPUT), _count(of_output, _THOUGHT)
    draft.usage(
        input=sent,
        output=_made(given, sent or 0, reasoning or 0),
        cache_read=cached if cached is not None else _count(given, _CACHED),
        reasoning=reasoning,
    )
    if dict.__len__(of_input):
        draft.usage(
            cache_write=read.count(of_input, "cache_write_tokens"),
            text_input=read.count(of_input, "text_tokens"),
            image_input=read.count(of_input, "image_tokens"),
            audio_input=read.count(of_input, "audio_tokens"),
        )
    if dict.__len__(of_output):
        draft.usage(
            text_output=read.count(of_output, "text_tokens"),
            image_output=read.count(of_output, "image_tokens"),
            audio_output=read.count(of_output, "audio_tokens"),
        )
        for name, told in _PREDICTIONS:
            draft.extra(name, read.count(of_output, told))
    if draft.provider == "openrouter" and "cost" in draft.wants:
        draft.set(charged=_charged(source))  # for the figure of cost
    times(draft, given)


def _made(source: dict[str, Any], sent: int, reasoning: int) -> int | None:
    """All output tokens. Some servers (xAI's) leave reasoning out of them, and have it in the total only."""
    made, total = _count(source, _OUTPUT), _count(source, _TOTAL)
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


def _count(given: dict[str, Any], names: tuple[str, ...]) -> int | None:
    """The first of them that is a count."""
    for name in names:
        value = dict.get(given, name)
        if value is not None and (count := read.count(value)) is not None:
            return count
    return None


def _details(given: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """The parts of a count, whatever this server calls them; of several groups, the first that tells of each."""
    found: list[dict[str, Any]] = []
    for name in names:
        value = dict.get(given, name)
        if value is not None and (part := read.fields(value)) is not None:
            found.append(part)
    if not found:
        return {}
    if len(found) == 1:
        return found[0]
    return {
        name: told
        for part in reversed(found)
        for name in dict.keys(part)
        if (told := read.count(part, name)) is not None
    }
