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
_POLICIES = ("auto", "fastest", "cheapest", "preferred")
_ROUTER = "router.huggingface.co"


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
    draft.extra(sc.HF_INFERENCE_PROVIDER, _provider(noted.get("provider"), noted["url"]))


def _provider(chosen: str | None, url: str) -> str | None:
    """The inference provider: as chosen, else as the router's path names it; nothing for other hosts."""
    parts = urlsplit(url)
    if parts.hostname != _ROUTER:
        # A provider's own address is used with the provider's own key.
        return chosen if chosen not in (None, *_POLICIES) else None
    first = parts.path.strip("/").partition("/")[0]
    if chosen not in (None, *_POLICIES):
        return chosen
    return first if first and first != "v1" else None


def error(exception: BaseException) -> str | None:
    """The server's own code or type for the error, where the body has one; else the HTTP status."""
    response = vars(exception).get("response")
    status = getattr(response, "status_code", None)
    if type(status) is not int:
        return None
    return _said(response) or str(status)


def _said(response: Any) -> str | None:
    """Only of a body that was read already: reading is the caller's."""
    content = vars(response).get("_content")
    body = jsonfast.loads(content.decode("utf-8", "replace")) if type(content) is bytes else None
    found = read.get(body, "error")
    for source in (found, body):
        for name in ("code", "error_type", "type"):
            told = read.text(source, name)
            if told is not None:
                return told
    return None
