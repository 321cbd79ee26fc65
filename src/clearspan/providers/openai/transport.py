"""What the HTTP exchange tells beside the answer: retries and their waits, request id, limits, timing.

A few named response headers are read. The request's hold the key: they are only ever taken out of texts.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from clearspan import semconv as sc
from clearspan.core import known, read
from clearspan.core.fence import fenced
from clearspan.draft import Draft
from clearspan.formats import rate_limits, usage_request
from clearspan.provider import BLOCKED, Call, Probe
from clearspan.providers.openai.raw import alone

__all__ = ["PROBES", "error", "finish"]


def _tried(call: Call) -> dict[str, Any]:
    """Which attempt it is, where the version says so."""
    tried = call.kwargs.get("retries_taken")
    return {"retries": tried} if type(tried) is int else {}


def _attempt(call: Call) -> Mapping[str, Any]:
    """Before each attempt."""
    noted = _tried(call)
    # The first one has waited for nothing.
    return noted if noted.get("retries") == 0 else {**noted, **_now(_AGAIN)}


def _failed(call: Call) -> Mapping[str, Any]:
    """When an attempt failed and there will be another: the client works out how long to wait."""
    del call
    return _now(_WAITING)


_WAITING, _AGAIN = "waiting", "again"


def _now(what: str) -> dict[str, Any]:
    return {"pauses": ((what, time.perf_counter()),)}


def _waited(pauses: Iterable[tuple[str, float]]) -> float | None:
    """Seconds between attempts that failed and those that followed."""
    total, since = 0.0, None
    for what, at in pauses:
        if what == _WAITING:
            since = at
        elif since is not None:
            total, since = total + at - since, None
    return total or None


def _answered(call: Call) -> Mapping[str, Any]:
    """When an answer came: its status and headers; older versions tell the retries here."""
    response = call.kwargs.get("response")
    if response is None:
        return {}
    noted = {**_tried(call), **_told(response)}
    body = vars(response).get("_content")
    if isinstance(body, bytes):
        noted["weight"] = len(body)
    # A body that is read already: should the client find fault with it, it was paid for all the same.
    return {**noted, "http_response": response} if "_content" in vars(response) else noted


def _refused(call: Call) -> Mapping[str, Any]:
    """When the answer became an exception."""
    response = call.args[0] if call.args else call.kwargs.get("response")
    return {} if response is None else _told(response)


def _told(response: Any) -> dict[str, Any]:
    return {"status": response.status_code, "headers": response.headers}


_CLIENT = "openai._base_client:"
PROBES = (
    Probe((_CLIENT + "BaseClient._build_request",), _attempt),
    Probe((_CLIENT + "BaseClient._calculate_retry_timeout",), _failed),
    Probe(
        (_CLIENT + "SyncAPIClient._process_response", _CLIENT + "AsyncAPIClient._process_response"),
        _answered,
    ),
    Probe((_CLIENT + "BaseClient._make_status_error_from_response",), _refused),
)


def finish(draft: Draft) -> None:
    """Write what the probes noted."""
    if draft.call is not None:
        # Servers repeat them in errors: kept they are nowhere.
        known.note_headers(draft.call.kwargs.get("extra_headers"))
        known.note_query(draft.call.kwargs.get("extra_query"))
    noted = draft.transport
    if not noted:
        return
    if draft.error is not None and draft.endpoint is not None and "http_response" in noted:
        draft.endpoint.response(draft, alone(noted["http_response"]))
        if draft.error.exception == BLOCKED:
            draft.forget_output()  # what a guard kept from the program is nobody else's either
    draft.extra(sc.RETRY_COUNT, noted.get("retries"))
    draft.extra(sc.RETRY_WAIT, _waited(noted.get("pauses", ())))
    draft.extra(sc.HTTP_STATUS, noted.get("status"))
    headers = noted.get("headers")
    if headers is None:
        return
    draft.extra(sc.REQUEST_ID, headers.get("x-request-id"))
    took = rate_limits.number(headers.get("openai-processing-ms"))
    draft.extra(sc.PROCESSING_TIME, took / 1000 if took is not None else None)
    rate_limits.limits(draft, headers.items())
    rate_limits.retry_after(draft, noted.get("status"), headers.get)


def error(exception: BaseException) -> str | None:
    """The API's own error code, where the exception carries one."""
    usage_request.refused(exception)
    held = read.held(exception)
    fenced("provider.keys", known.note_request, held.get("request"))
    code = held.get("code")  # a bare exit status is no code of the API
    return code if isinstance(code, str) and code else None
