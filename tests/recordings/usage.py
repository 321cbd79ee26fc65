"""Token counts of an exchange."""

from __future__ import annotations

from collections.abc import Sequence

from .raw import JsonMap, as_count, as_map
from .values import ABSENT, OneOf, maybe

_TOTALS = {
    "gen_ai.usage.input_tokens": ("prompt_tokens", "input_tokens"),
    "gen_ai.usage.output_tokens": ("completion_tokens", "output_tokens"),
}
_INPUT = ("prompt_tokens_details", "input_tokens_details")
_OUTPUT = ("completion_tokens_details", "output_tokens_details")
_DETAILS = {
    "gen_ai.usage.cache_read.input_tokens": (_INPUT, "cached_tokens"),
    "gen_ai.usage.cache_write.input_tokens": (_INPUT, "cache_write_tokens"),
    "gen_ai.usage.audio.input_tokens": (_INPUT, "audio_tokens"),
    "gen_ai.usage.audio.output_tokens": (_OUTPUT, "audio_tokens"),
    "gen_ai.usage.reasoning.output_tokens": (_OUTPUT, "reasoning_tokens"),
}
# Standard names for counts that few servers report: good to have, no error to leave out.
_RARE = {
    "gen_ai.usage.text.input_tokens": (_INPUT, "text_tokens"),
    "gen_ai.usage.image.input_tokens": (_INPUT, "image_tokens"),
    "gen_ai.usage.text.output_tokens": (_OUTPUT, "text_tokens"),
    "gen_ai.usage.image.output_tokens": (_OUTPUT, "image_tokens"),
}
# Where some servers say how much of the prompt came from a cache when they do not use the usual place.
_FOREIGN_CACHE = ("prompt_cache_hit_tokens", "cached_tokens", "num_cached_tokens")

NAMES = (*_TOTALS, *_DETAILS, *_RARE)


def _detail(usage: JsonMap, groups: tuple[str, ...], name: str) -> int | None:
    counts = (as_count(as_map(usage.get(group)).get(name)) for group in groups)
    return next((count for count in counts if count is not None), None)


def usage_facts(usages: Sequence[object], foreign: Sequence[object]) -> dict[str, object]:
    """Counts of the last usage that was reported; nothing where none was.

    A detail of zero may be left out. Numbers that stand in a place of one vendor's own (``x_groq.usage``) may be read.
    """
    reported = [as_map(usage) for usage in usages if as_map(usage)]
    aside = [
        as_map(as_map(entry).get("usage"))
        for entry in foreign
        if as_map(as_map(entry).get("usage"))
    ]
    if not reported and aside:
        return {name: maybe(value) for name, value in usage_facts(aside, []).items()}
    usage = reported[-1] if reported else {}
    facts: dict[str, object] = {}
    for name, sources in _TOTALS.items():
        count = next(
            (found for found in (as_count(usage.get(key)) for key in sources) if found is not None),
            None,
        )
        if count is not None:
            facts[name] = count
    for name, (groups, source) in {**_DETAILS, **_RARE}.items():
        count = _detail(usage, groups, source)
        if count is not None:
            facts[name] = count if count and name in _DETAILS else OneOf(ABSENT, count)
    others = [
        count for count in (as_count(usage.get(key)) for key in _FOREIGN_CACHE) if count is not None
    ]
    if others:
        facts.setdefault("gen_ai.usage.cache_read.input_tokens", maybe(*others))
    return facts
