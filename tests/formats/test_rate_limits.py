"""Rate limits as servers write them into their headers."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, strategies as st

from clearspan.draft import Draft
from clearspan.formats import rate_limits
from tests.recordings import exchange

PREFIX = "clearspan.rate_limit."


def read(headers: dict[str, str], provider: str = "openai") -> dict[str, Any]:
    draft = Draft("chat")
    draft.provider = provider
    rate_limits.limits(draft, headers.items())
    return {name.removeprefix(PREFIX): value for name, value in draft.extras.items()}


OPENAI = {
    "x-ratelimit-limit-requests": "10000",
    "x-ratelimit-limit-tokens": "30000000",
    "x-ratelimit-remaining-requests": "9999",
    "x-ratelimit-remaining-tokens": "29999989",
    "x-ratelimit-reset-requests": "6ms",
    "x-ratelimit-reset-tokens": "0s",
}
AZURE = {
    "x-ratelimit-limit-requests": "120",
    "x-ratelimit-remaining-requests": "119",
    "x-ratelimit-reset-requests": "500",
    "x-ratelimit-reset-tokens": "7",
}


def test_as_openai_and_groq_write_them() -> None:
    assert read(OPENAI) == {
        "requests.limit": 10_000,
        "tokens.limit": 30_000_000,
        "requests.remaining": 9_999,
        "tokens.remaining": 29_999_989,
        "requests.reset": 0.006,
        "tokens.reset": 0.0,
    }
    assert read({"X-RateLimit-Reset-Requests": "17.563999999s"}) == {"requests.reset": 17.563999999}


def test_azure_writes_milliseconds() -> None:
    """120 requests a minute: the one that was used is there again after half a second."""
    assert read(AZURE, "azure.ai.openai") == {
        "requests.limit": 120,
        "requests.remaining": 119,
        "requests.reset": 0.5,
        "tokens.reset": 0.007,
    }
    assert read({"x-ratelimit-reset-requests": "2s"}, "azure.ai.openai") == {"requests.reset": 2.0}


def test_limits_of_a_period() -> None:
    headers = {
        "x-ratelimit-limit-requests-day": "14400",
        "x-ratelimit-remaining-requests-day": "14399",
        "x-ratelimit-reset-requests-day": "33011.382867",
        "x-ratelimit-limit-tokens-minute": "60000",
        "x-ratelimit-remaining-req-minute": "5",
    }
    assert read(headers) == {
        "requests.day.limit": 14_400,
        "requests.day.remaining": 14_399,
        "requests.day.reset": 33_011.382867,
        "tokens.minute.limit": 60_000,
        "requests.minute.remaining": 5,
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-ratelimit-limit", "100"),
        ("x-ratelimit-remaining", "99"),
        ("x-ratelimit-reset", "1735689600000"),
        ("x-ratelimit-limit-images", "5"),
        ("x-ratelimit-limit-tokens-fortnight", "5"),
        ("x-ratelimit-limit-tokens", "many"),
        ("x-ratelimit-limit-tokens", "inf"),
        ("x-ratelimit-limit-tokens", ""),
        ("x-ratelimit-remaining-tokens", "-1"),
        ("x-ratelimit-limit-tokens", "1" * 5_000),
        ("x-ratelimit-reset-tokens", "1735689600"),
        ("x-ratelimit-reset-tokens", "-5"),
        ("x-ratelimit-reset-tokens", "2026-11-21T08:00:00Z"),
        ("x-ratelimit-reset-tokens", "1" * 5_000 + "s"),
    ],
)
def test_what_says_nothing_is_passed_over(name: str, value: str) -> None:
    assert read({name: value}) == {}


def test_the_recorded_ones() -> None:
    """Whatever servers sent is read, and is sound: no more is left than is allowed."""
    folder = exchange.folder()
    if not folder.is_dir():
        pytest.skip("the recordings are not here")
    read_from: Counter[str] = Counter()
    for path in sorted(folder.glob("*/*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        headers = (record["response"] or {}).get("headers") or {}
        sent = [name for name in headers if name.lower().startswith("x-ratelimit-")]
        provider = path.parent.name
        found = read(headers, "azure.ai.openai" if provider == "azure" else provider)
        assert len(found) == len(sent), path.name
        read_from[provider] += bool(found)
        for kind in ("requests", "tokens"):
            told = [found.get(f"{kind}.{what}") for what in ("limit", "remaining", "reset")]
            allowed, left, again = told
            if allowed is None or left is None:
                continue
            assert 0 <= left <= allowed
            if provider == "azure" and again is not None:
                # It fills up evenly, over a minute: what is missing tells the time.
                assert again == pytest.approx((allowed - left) * 60 / allowed)
    assert {"azure", "groq", "openai"} <= {name for name, count in read_from.items() if count > 10}


# -- refusals --------------------------------------------------------------------------------------

DATE = "Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (429, {"retry-after": "20"}, 20.0),
        (503, {"retry-after": "0"}, 0.0),
        (429, {"retry-after": "20", "retry-after-ms": "1500"}, 1.5),
        (429, {"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": DATE}, 30.0),
        (429, {"retry-after": "Wed, 21 Oct 2026 07:27:30 GMT", "date": DATE}, None),
        (429, {"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT"}, None),
        (429, {"retry-after": "Wed, 21 Oct 2026 07:28:30", "date": DATE}, None),
        (429, {"retry-after": "soon", "date": DATE}, None),
        (429, {"retry-after": "-1"}, None),
        (429, {}, None),
        (200, {"retry-after": "30"}, None),
        (500, {"retry-after": "30"}, None),
        (None, {"retry-after": "30"}, None),
    ],
)
def test_when_to_come_back(status: Any, headers: dict[str, str], expected: float | None) -> None:
    draft = Draft("chat")
    rate_limits.retry_after(draft, status, headers.get)
    assert draft.extras.get("clearspan.rate_limit.retry_after") == expected


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_text_is_a_fault(value: str, date: str) -> None:
    draft = Draft("chat")
    rate_limits.retry_after(draft, 429, {"retry-after": value, "date": date}.get)
    assert draft.extras.get("clearspan.rate_limit.retry_after", 0.0) >= 0
    assert (rate_limits.seconds(value) or 0.0) >= 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1s", 1.0), ("6m0s", 360.0), ("20ms", 0.02), ("1h2m3.5s", 3723.5), ("2m59.56s", 179.56), ("1d", 86400.0),
        ("1.5ms", 0.0015), ("7", 7.0), ("0.25", 0.25), ("0s", 0.0),
        ("", None), (None, None), ("soon", None), ("1x", None), ("s", None), ("nan", None), ("-", None),
    ],
)  # fmt: skip
def test_durations(text: str | None, expected: float | None) -> None:
    found = rate_limits.seconds(text)
    assert found == (expected if expected is None else pytest.approx(expected))
