"""Who answers: the address that the request really goes to, and the inference provider behind it.

Nothing is resolved here. What the client knows by itself, or finds out while it makes the call, is
read; its helpers, which may ask the Hub, are not called.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from clearspan import semconv as sc
from clearspan.core import jsonfast, read
from clearspan.draft import Draft
from clearspan.provider import Call, Probe, Server

__all__ = ["PROBES", "error", "finish", "is_url", "server"]

_NAME = "hugging_face"
_PORTS = {"https": 443, "http": 80}
_POLICIES = (None, "auto", "fastest", "cheapest", "preferred")
_ROUTER = "router.huggingface.co"
# What text-generation-inference calls the errors that the client has classes for.
_GENERATION = {
    "GenerationError": "generation",
    "IncompleteGenerationError": "incomplete_generation",
    "OverloadedError": "overloaded",
    "ValidationError": "validation",
}


def server(instance: Any) -> Server:
    """The address that the client was given, where it was given one."""
    held = vars(instance)
    return _address(read.text(held, "model") if is_url(held.get("model")) else None)


def is_url(value: Any) -> bool:
    """Whether a model is named by where it is served."""
    return isinstance(value, str) and value.startswith(("http://", "https://"))


@functools.lru_cache(maxsize=256)
def _address(url: str | None) -> Server:
    try:
        parts = urlsplit(url or "")
        host, port = parts.hostname, parts.port or _PORTS.get(parts.scheme)
    except ValueError:  # what the HTTP library will refuse
        return Server(_NAME)
    return Server(_NAME, host, port) if host else Server(_NAME)


def _asked(call: Call) -> Mapping[str, Any]:
    """When a request goes out: where, for which model, in the name of which provider."""
    request = call.args[0] if call.args else call.kwargs.get("request_parameters")
    url = read.text(request, "url")
    if url is None:
        return {}
    provider = read.text(vars(call.instance), "provider")
    return {"url": url, "model": read.text(request, "model"), "provider": provider}


_HOME = "huggingface_hub.inference."
PROBES = (
    Probe(
        (
            f"{_HOME}_client:InferenceClient._inner_post",
            f"{_HOME}_generated._async_client:AsyncInferenceClient._inner_post",
        ),
        _asked,
    ),
)


def finish(draft: Draft) -> None:
    """Write what the probe noted."""
    noted = draft.transport
    if not noted:
        return
    found = _address(noted["url"])
    draft.server_address, draft.server_port = found.address, found.port
    model = noted.get("model")
    if draft.model is None and not is_url(model):
        draft.model = model
    draft.extra(sc.HF_INFERENCE_PROVIDER, _provider(noted))


def _provider(noted: Mapping[str, Any]) -> str | None:
    """The inference provider behind Hugging Face's router, or asked at its own address.

    The router's path names it, or the end of the model's name; where a server was named by its
    address there is none.
    """
    parts = urlsplit(read.text(noted, "url") or "")
    model, chosen = read.text(noted, "model"), read.text(noted, "provider")
    if parts.hostname != _ROUTER:
        return chosen if chosen not in _POLICIES and not is_url(model) else None
    first: str = parts.path.strip("/").partition("/")[0]
    if first and first != "v1":
        return first
    if model is None or is_url(model):
        return None
    _, told, named = model.rpartition(":")
    return named if told and named not in _POLICIES else None


def error(exception: BaseException) -> str | None:
    """The server's own code or type for the error, where there is one; else the HTTP status.

    Errors of text generation come without the response, which is in the error that they stand for.
    """
    cause = exception.__cause__
    for source in (exception, cause) if cause is not None else (exception,):
        found = _coded(source)
        if found is not None:
            return found
    kind = type(exception)
    return _GENERATION.get(kind.__name__) if kind.__module__.startswith("huggingface_hub") else None


def _coded(exception: BaseException) -> str | None:
    held = vars(exception)
    response = held.get("response")
    # The asynchronous clients before 1.0 keep the status itself, and the body beside it.
    # A response of `requests` is false where it is an error.
    status = held.get("status") if response is None else getattr(response, "status_code", None)
    if type(status) is not int:
        return None
    return _said(_body(response, held)) or str(status)


def _body(response: Any, held: Mapping[str, Any]) -> Any:
    """Only of a body that was read already: reading is the caller's."""
    content = getattr(response, "_content", None)
    if type(content) is bytes:
        return jsonfast.loads(content.decode("utf-8", "replace"))
    return held.get("response_error_payload")


def _said(body: Any) -> str | None:
    for source in (read.get(body, "error"), body):
        for name in ("code", "error_type", "type"):
            told = read.text(source, name)
            if told is not None:
                return told
    return None
