"""What response headers say of rate limits: how much is allowed, left, and when it is whole again.

Read are `x-ratelimit-{limit,remaining,reset}-{requests,tokens}`, as OpenAI, Azure, Groq and many
gateways send them, also with a period at the end (`-day`, `-minute`), as Cerebras and Mistral do.
Headers that do not say what they count (`x-ratelimit-remaining`), or tell a time by an unknown
clock, are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from email.utils import parsedate_to_datetime

from clearspan import semconv as sc
from clearspan.draft import Draft

__all__ = ["limits", "number", "retry_after", "seconds"]

_HEADER = re.compile(
    r"x-ratelimit-(?P<what>limit|remaining|reset)-(?P<kind>requests|req|tokens)"
    r"(?:-(?P<window>second|minute|hour|day|month))?"
)
_KINDS = {"req": "requests"}
_SPAN = re.compile(
    r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?"
)
_UNITS = (86_400.0, 3_600.0, 60.0, 1.0, 0.001)
_AZURE = "azure.ai.openai"
_REFUSALS = (429, 503)
_LONGEST = 32
_TIMESTAMP = 1e9
"""A number as large as this is no duration."""


def limits(draft: Draft, headers: Iterable[tuple[str, str]]) -> None:
    """Read the limits into the draft's extras."""
    # Azure writes bare milliseconds where others write a unit, or seconds.
    bare = 0.001 if draft.provider == _AZURE else 1.0
    for name, value in headers:
        found = _HEADER.fullmatch(name.lower())
        if found is None:
            continue
        kind = _KINDS.get(found["kind"], found["kind"])
        window = f".{found['window']}" if found["window"] else ""
        told: float | None
        if found["what"] == "reset":
            told = seconds(value, bare)
        else:
            exact = number(value)
            # Beyond 64 bits it is no limit, but a way to say that there is none; no wire would hold it.
            told = int(exact) if exact is not None and 0 <= exact < _TOO_MANY else None
        draft.extra(f"{sc.RATE_LIMIT}{kind}{window}.{found['what']}", told)


_TOO_MANY = 2**63


def retry_after(draft: Draft, status: object, told: Callable[[str], str | None]) -> None:
    """Read when a server that refused the call wants to be asked again, in seconds.

    Some send the header with every answer, where it says nothing of this one.
    """
    if status not in _REFUSALS:
        return
    exact = number(told("retry-after-ms"))
    value = told("retry-after")
    waited = exact / 1000 if exact is not None else number(value)
    if waited is None:
        waited = _until(value, told("date"))
    draft.extra(sc.RETRY_AFTER, waited if waited is not None and waited >= 0 else None)


def _until(value: str | None, date: str | None) -> float | None:
    """Seconds between two dates of the server's own, so that its clock does not matter."""
    try:
        # The types say otherwise, but a text that is no date raises.
        return (
            parsedate_to_datetime(value or "") - parsedate_to_datetime(date or "")
        ).total_seconds()
    except (ValueError, TypeError):
        return None


def number(value: str | None) -> float | None:
    """A finite number, else `None`."""
    try:
        found = float(value) if value and len(value) <= _LONGEST else None
    except ValueError:
        return None
    return found if found is None or found - found == 0 else None


def seconds(value: str | None, bare: float = 1.0) -> float | None:
    """Seconds of a duration such as `6m0s` or `20ms`; a number without a unit is in units of `bare`."""
    if not value or len(value) > _LONGEST:
        return None
    found = _SPAN.fullmatch(value)
    if found is None or not any(found.groups()):
        plain = number(value)
        return plain * bare if plain is not None and 0 <= plain < _TIMESTAMP else None
    return sum(
        float(amount) * unit for amount, unit in zip(found.groups(), _UNITS, strict=True) if amount
    )
