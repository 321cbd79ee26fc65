"""What a model in the process is: its class, size, type of number, device, quantization, attention."""

from __future__ import annotations

import weakref
from typing import Any

from clearspan import semconv as sc
from clearspan.core import read
from clearspan.draft import Draft
from clearspan.providers.transformers.parameters import inner

__all__ = ["called", "name", "of", "place", "tell"]

_sizes: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()


def name(model: object) -> str | None:
    """The name that the model was loaded by."""
    return called(
        read.text(inner(model, "name_or_path"))
        or read.text(inner(inner(model, "config"), "_name_or_path"))
    )


def called(given: str | None) -> str | None:
    """A model's name; of a path only the last part, as where it lies is nobody else's business."""
    if given is None or not (
        given.startswith((".", "~", "/")) or "\\" in given or given.count("/") > 1
    ):
        return given
    return given.replace("\\", "/").rstrip("/").rpartition("/")[2] or None


def place(model: Any) -> dict[str, Any]:
    """What may be another at the next call: type of number, device, attention and the like."""
    config = inner(model, "config")
    first = next(model.parameters(), None)
    attention = inner(config, "_attn_implementation_internal") or inner(
        config, "_attn_implementation"
    )
    return {
        sc.MODEL_CLASS: type(model).__name__,
        sc.MODEL_DTYPE: str(first.dtype).removeprefix("torch.") if first is not None else None,
        sc.MODEL_DEVICE: str(first.device) if first is not None else None,
        sc.MODEL_DEVICE_MAP: _device_map(model),
        sc.MODEL_QUANTIZATION: _quantization(inner(config, "quantization_config")),
        sc.MODEL_ATTENTION: read.text(attention),
    }


def of(model: Any, found: dict[str, Any] | None) -> dict[str, Any]:
    """The model's facts, of which `found`, its `place`, was asked when it counted."""
    return {**(found or {}), sc.MODEL_PARAMETERS: _size(model)}


def tell(draft: Draft, found: dict[str, Any]) -> None:
    """Put what is known of the facts into the record."""
    for key, value in found.items():
        draft.extra(key, value)


def _size(model: Any) -> int | None:
    """The number of parameters, counted once: away from the caller's thread, as there may be many."""
    known = _sizes.get(model)
    count = getattr(type(model), "num_parameters", None)
    if known is None and callable(count):
        known = read.count(count(model))
        if known is not None:
            _sizes[model] = known
    return known


def _device_map(model: Any) -> Any:
    """Where which part is, if the parts are not all in one place."""
    held = inner(model, "hf_device_map")
    if type(held) is not dict or len({str(where) for where in held.values()}) < 2:
        return None
    return {str(part) or "model": str(where) for part, where in held.items()}


def _quantization(config: Any) -> str | None:
    method = config.get("quant_method") if type(config) is dict else inner(config, "quant_method")
    return read.text(method)
