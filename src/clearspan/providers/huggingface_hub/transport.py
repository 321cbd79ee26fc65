"""What the HTTP exchange tells beside the answer: where it went, who served it, what was counted.

A few named response headers are read and nothing of the request's: its headers hold the token.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from clearspan import semconv as sc
from clearspan.core import read
from clearspan.draft import Draft
from clearspan.formats import rate_limits
from clearspan.provider import Call, Probe
from clearspan.providers.huggingface_hub.server import address, is_url
from clearspan.record import Operation

__all__ = ["PROBES", "finish"]

_POLICIES = (None, "auto", "fastest", "cheapest", "preferred")
_ROUTER = "router.huggingface.co"
_IDS = ("x-request-id", "x-amzn-trace-id", "x-amz-cf-id")
_DIGITS = 15
# Milliseconds of text-generation-inference and text-embeddings-inference.
_PHASES = {"queue": "x-queue-time", "tokenize": "x-tokenization-time"}


def _asked(call: Call) -> Mapping[str, Any]:
    """When a request goes out: where, for which model, in the name of which provider."""
    request = call.args[0] if call.args else call.kwargs.get("request_parameters")
    url = read.text(request, "url")
    if url is None:
        return {}
    provider = read.text(vars(call.instance), "provider")
    return {"url": url, "model": read.text(request, "model"), "provider": provider}


def _answered(call: Call) -> Mapping[str, Any]:
    """When an answer came, good or bad: its status and headers."""
    response = call.args[0] if call.args else call.kwargs.get("response")
    held = vars(response)
    return {"status": held.get("status_code"), "headers": held.get("headers")}


_SYNC = "huggingface_hub.inference._client:"
_ASYNC = "huggingface_hub.inference._generated._async_client:"
PROBES = (
    Probe(
        (_SYNC + "InferenceClient._inner_post", _ASYNC + "AsyncInferenceClient._inner_post"), _asked
    ),
    # The asynchronous clients before 1.0 have their HTTP library look at the status.
    Probe((_SYNC + "hf_raise_for_status", _ASYNC + "hf_raise_for_status"), _answered),
)


def finish(draft: Draft) -> None:
    """Write what the probes noted."""
    noted = draft.transport or {}
    if "url" in noted:
        _, draft.server_address, draft.server_port = address(noted["url"])
        model = noted["model"]
        if draft.model is None and not is_url(model):
            draft.model = model
        draft.extra(sc.HF_INFERENCE_PROVIDER, _provider(noted))
    status = noted.get("status")
    draft.extra(sc.HTTP_STATUS, status if type(status) is int else None)
    headers = noted.get("headers")
    if headers is not None:
        _headers(draft, headers.get)
        rate_limits.limits(draft, headers.items())
        rate_limits.retry_after(draft, status, headers.get)


def _headers(draft: Draft, told: Callable[[str], str | None]) -> None:
    draft.extra(sc.REQUEST_ID, next(filter(None, map(told, _IDS)), None))
    # Hugging Face's router says whom it chose.
    draft.extra(sc.HF_INFERENCE_PROVIDER, told("x-inference-provider"))
    for phase, name in _PHASES.items():
        waited = _count(told(name))
        draft.phase(phase, waited / 1000 if waited is not None else None)
    took = _count(told("x-total-time"))
    draft.extra(sc.PROCESSING_TIME, took / 1000 if took is not None else None)
    if draft.operation != Operation.CHAT:  # chats tell it in their body
        # Servers of text generation count what goes in and comes out, those of embeddings the former.
        asked = _count(told("x-prompt-tokens"))
        draft.usage(
            input=asked if asked is not None else _count(told("x-compute-tokens")),
            output=_count(told("x-generated-tokens")),
        )


def _count(value: str | None) -> int | None:
    known = value is not None and value.isascii() and value.isdigit() and len(value) <= _DIGITS
    return int(value) if value is not None and known else None


def _provider(noted: Mapping[str, Any]) -> str | None:
    """The inference provider behind Hugging Face's router, or asked at its own address.

    The router's path names it, or the end of the model's name; where a server was named by its
    address there is none.
    """
    parts = urlsplit(noted["url"])
    model, chosen = noted["model"], noted["provider"]
    if parts.hostname != _ROUTER:
        return chosen if chosen not in _POLICIES and not is_url(model) else None
    first: str = parts.path.strip("/").partition("/")[0]
    if first and first != "v1":
        return first
    if model is None or is_url(model):
        return None
    _, told, named = model.rpartition(":")
    return named if told and named not in _POLICIES else None
