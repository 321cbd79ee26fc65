"""What the HTTP exchange tells beside the answer: retries, request id, limits, timing.

A few named response headers are read and nothing of the request's: its headers hold the key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from clearspan import semconv as sc
from clearspan.draft import Draft
from clearspan.provider import Call, Probe

__all__ = ["PROBES", "error", "finish"]

_LIMITS = tuple((kind, what) for kind in ("requests", "tokens") for what in ("limit", "remaining"))
_SPAN = re.compile(
    r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?"
)
_UNITS = (86_400.0, 3_600.0, 60.0, 1.0, 0.001)


def _attempt(call: Call) -> Mapping[str, Any]:
    """Before each attempt: which one it is, where the version says so."""
    tried = call.kwargs.get("retries_taken")
    return {"retries": tried} if type(tried) is int else {}


def _answered(call: Call) -> Mapping[str, Any]:
    """When an answer came: its status and headers; older versions tell the retries here."""
    response = call.kwargs.get("response")
    if response is None:
        return {}
    noted = {**_attempt(call), **_told(response)}
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
    Probe(
        (_CLIENT + "SyncAPIClient._process_response", _CLIENT + "AsyncAPIClient._process_response"),
        _answered,
    ),
    Probe((_CLIENT + "BaseClient._make_status_error_from_response",), _refused),
)


def finish(draft: Draft) -> None:
    """Write what the probes noted."""
    noted = draft.transport
    if not noted:
        return
    if draft.error is not None and draft.endpoint is not None and "http_response" in noted:
        draft.endpoint.response(draft, SimpleNamespace(http_response=noted["http_response"]))
    draft.extra(sc.RETRY_COUNT, noted.get("retries"))
    draft.extra(sc.HTTP_STATUS, noted.get("status"))
    headers = noted.get("headers")
    if headers is None:
        return
    draft.extra(sc.REQUEST_ID, headers.get("x-request-id"))
    took = _number(headers.get("openai-processing-ms"))
    draft.extra(sc.PROCESSING_TIME, took / 1000 if took is not None else None)
    for kind, what in _LIMITS:
        number = _number(headers.get(f"x-ratelimit-{what}-{kind}"))
        draft.extra(f"{sc.RATE_LIMIT}{kind}.{what}", int(number) if number is not None else None)
    for kind in ("requests", "tokens"):
        draft.extra(
            f"{sc.RATE_LIMIT}{kind}.reset", seconds(headers.get(f"x-ratelimit-reset-{kind}"))
        )


def _number(value: str | None) -> float | None:
    try:
        number = float(value) if value else None
    except ValueError:
        return None
    return number if number is None or number - number == 0 else None


def seconds(value: str | None) -> float | None:
    """Seconds of a duration such as `6m0s`, `20ms` or a bare number; `None` for anything else."""
    if not value:
        return None
    found = _SPAN.fullmatch(value)
    if found is None or not any(found.groups()):
        return _number(value)
    return sum(
        float(amount) * unit for amount, unit in zip(found.groups(), _UNITS, strict=True) if amount
    )


def error(exception: BaseException) -> str | None:
    """The API's own error code, where the exception carries one."""
    code = vars(exception).get("code")  # a bare exit status is no code of the API
    return code if isinstance(code, str) and code else None
