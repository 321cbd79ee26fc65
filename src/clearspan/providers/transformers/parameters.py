"""The parameters of one generation: what was given, on top of a configuration, on top of the model's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clearspan import semconv as sc
from clearspan.core import read
from clearspan.draft import Draft
from clearspan.provider import Call

__all__ = ["NAMES", "assisted", "effective", "ids", "inner", "tell"]

NAMES = (
    "assistant_early_exit", "bos_token_id", "cache_implementation", "decoder_start_token_id",
    "do_sample", "dola_layers", "eos_token_id", "max_length", "max_new_tokens", "max_time", "num_beams", "num_return_sequences", "pad_token_id",
    "prompt_lookup_num_tokens", "stop_strings", "temperature", "top_k", "top_p",
)  # fmt: skip
# What the library takes where nobody said anything: no request of the program's.
_DEFAULTS: dict[str, Any] = {
    "do_sample": False, "num_beams": 1, "num_return_sequences": 1, "temperature": 1.0, "top_k": 50, "top_p": 1.0,
}  # fmt: skip
_CONFIG = "GenerationConfig"


def inner(owner: object, name: str) -> Any:
    """What an instance holds itself under `name`: no property runs, no module is searched."""
    try:
        held = object.__getattribute__(owner, "__dict__")
    except AttributeError:
        return None
    return held.get(name) if type(held) is dict else None


def effective(call: Call) -> dict[str, Any]:
    """The values under `NAMES` that this call works with; what nobody set is `None`."""
    given = call.kwargs
    asked = _held(given.get("generation_config"))
    own = _held(inner(call.instance, "generation_config"))
    found: dict[str, Any] = {}
    for name in NAMES:
        value = given[name] if name in given else asked.get(name)
        # An explicit None among the arguments means none; in a configuration it means unsaid.
        unsaid = value is None and name not in given
        found[name] = own.get(name) if unsaid else value
    return found


def _held(config: object) -> Mapping[str, Any]:
    if not any(base.__name__ == _CONFIG for base in type(config).__mro__):
        return {}
    held: Mapping[str, Any] = vars(config)
    return held


def tell(draft: Draft, call: Call, found: Mapping[str, Any]) -> None:
    """The request's parameters, without the library's defaults."""
    said = {
        name: value
        for name, value in found.items()
        if name in call.kwargs or value != _DEFAULTS.get(name)
    }
    stops = said.get("stop_strings")
    sequences = read.whole(said, "num_return_sequences")
    draft.set(
        temperature=read.number(said, "temperature"),
        top_p=read.number(said, "top_p"),
        top_k=read.whole(said, "top_k"),
        max_tokens=read.whole(said, "max_new_tokens"),
        choice_count=sequences if sequences != 1 else None,
        stop_sequences=[stops] if read.text(stops) else read.items(stops) or None,
    )
    draft.extra(sc.REQUEST_DECODING, _decoding(call, found))


def _decoding(call: Call, found: Mapping[str, Any]) -> str:
    if assisted(call, found):
        return "assisted"
    if (read.whole(found, "num_beams") or 1) > 1:
        return "beam_search"
    return "sampling" if found["do_sample"] is True else "greedy"


def assisted(call: Call, found: Mapping[str, Any]) -> bool:
    """Whether another model, the prompt or an early layer proposes the tokens."""
    return (
        call.kwargs.get("assistant_model") is not None
        or found["prompt_lookup_num_tokens"] is not None
        or found["assistant_early_exit"] is not None
    )


def ids(value: Any) -> list[int]:
    """Token ids of a parameter that holds one or several, perhaps as a tensor."""
    listed = value.tolist() if callable(getattr(type(value), "tolist", None)) else value
    single = read.whole(listed)
    if single is not None:
        return [single]
    return [item for item in map(read.whole, read.items(listed)) if item is not None]
