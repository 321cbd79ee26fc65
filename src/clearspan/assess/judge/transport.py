"""One HTTP request to a judge's server, and every way in which it can fail."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from clearspan.assess.judge.failure import JudgeFailure
from clearspan.assess.judge.silence import HEADER

__all__ = ["post"]

_LARGEST = 16_000_000
_PIECE = 65_536
_LONGEST_WAIT = 3_600.0
_REFUSALS = (401, 403, 404)
"""What does not get better by asking again: a wrong key, a wrong address, a model that is not there."""


def post(
    url: str, body: Mapping[str, Any], *, api_key: str | None, headers: Mapping[str, str], timeout: float
) -> Any:  # fmt: skip
    """The JSON that `url` answers to `body` within `timeout` seconds.

    Redirects are not followed: they would take the text and the key elsewhere. Raises `JudgeFailure`.
    """
    import requests

    from clearspan.assess.judge.deadline import session, watched

    sent = {"content-type": "application/json", HEADER: "1", **headers}
    if api_key:
        sent.setdefault("authorization", f"Bearer {api_key}")
    data = json.dumps(body).encode("utf-8", "replace")
    with watched(timeout) as watch:
        try:
            with (
                session() as opened,
                opened.post(
                    url,
                    data=data,
                    headers=sent,
                    timeout=timeout,
                    stream=True,
                    allow_redirects=False,
                ) as response,
            ):
                content = _content(response)
        except requests.exceptions.RequestException as error:
            # a read that takes too long after the headers came is a connection error of this library
            timed_out = (
                isinstance(error, requests.exceptions.Timeout) or "timed out" in str(error).lower()
            )
            if watch.late or timed_out:
                raise _late(timeout) from None
            why = f"{type(error).__name__} at {_place(url)}"
            raise JudgeFailure("judge_unreachable", why, worn=True) from None
    if watch.late:  # what ends with its connection ends in good order where that is cut
        raise _late(timeout)
    if response.status_code >= 300:
        raise _refused(response.status_code, _message(content, api_key), response.headers)
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise JudgeFailure("judge_response", "the judge's server sent no JSON", worn=True) from None


def _content(response: Any) -> bytes:
    pieces = bytearray()
    for piece in response.iter_content(_PIECE):
        pieces += piece
        if len(pieces) > _LARGEST:
            raise JudgeFailure("judge_response", f"the answer is longer than {_LARGEST} bytes")
    return bytes(pieces)


def _place(url: str) -> str:
    """Which server that is, without a name and password that may stand in its address."""
    return urlsplit(url).netloc.rpartition("@")[2]


def _late(timeout: float) -> JudgeFailure:
    return JudgeFailure(
        "judge_timeout", f"the judge did not answer within {timeout:g} s", worn=True
    )


def _refused(status: int, said: str, headers: Mapping[str, str]) -> JudgeFailure:
    return JudgeFailure(
        f"judge_status_{status}",
        said,
        status=status,
        retry_after=_seconds(headers.get("retry-after")),
        worn=status >= 500 or status == 429 or status in _REFUSALS,
    )


def _message(content: bytes, api_key: str | None) -> str:
    """What a server says about its refusal: the text of OpenAI's and Ollama's error bodies, or all; never the key."""
    try:
        error = json.loads(content)["error"]
        text = str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, KeyError, TypeError, RecursionError):
        text = content[:4_096].decode("utf-8", "replace")
    return text.replace(api_key, "...") if api_key else text


def _seconds(given: str | None) -> float | None:
    """A `retry-after` header, in seconds or as a date."""
    if given is None:
        return None
    try:
        wait = float(given)
    except ValueError:
        try:
            wait = parsedate_to_datetime(given).timestamp() - time.time()
        except (ValueError, TypeError, OverflowError):
            return None
    return min(max(wait, 0.0), _LONGEST_WAIT) if wait == wait else None  # noqa: PLR0124 -- not for NaN
