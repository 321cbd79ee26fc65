"""Personal data of every kind in a text: which kinds there are, how long each can be, and where each stands."""

from __future__ import annotations

import bisect
import re
from collections.abc import Callable, Collection, Iterator, Mapping

from clearspan.core.shapes import cues, moments, personal, phones, urls
from clearspan.core.shapes.span import Span, apart, plain

__all__ = ["REACH", "USUAL", "WINDOW", "find", "windows"]

REACH: Mapping[str, int] = {
    "EMAIL_ADDRESS": 320,
    "IBAN_CODE": 44,
    "CREDIT_CARD": 40,
    "US_SSN": 11 + 64,
    "IP_ADDRESS": 62,
    "URL": urls.LONGEST,
    "PHONE_NUMBER": phones.LONGEST + cues.AROUND,
    "US_DRIVER_LICENSE": 80,
    "MAC_ADDRESS": 17,
    "DATE_TIME": 48,
}
"""How far back what decides about one of a kind can lie, in characters: its length, and that of the words before it."""

USUAL = ("EMAIL_ADDRESS", "CREDIT_CARD", "IBAN_CODE", "US_SSN", "IP_ADDRESS", "URL", "PHONE_NUMBER")
"""The kinds whose form, check digits or words tell them from everything else."""

# In the order of their claim to a place; most texts have nothing that such a thing cannot be without.
_DIGIT = re.compile(r"\d")
_FINDERS: Mapping[str, tuple[bool, Callable[[str], Iterator[tuple[int, int]]]]] = {
    "EMAIL_ADDRESS": (False, personal.emails),
    "IP_ADDRESS": (False, personal.addresses),
    "URL": (False, urls.urls),
    "IBAN_CODE": (True, personal.ibans),
    "CREDIT_CARD": (True, personal.cards),
    "US_SSN": (True, personal.ssns),
    "US_DRIVER_LICENSE": (True, moments.licences),
    "MAC_ADDRESS": (True, moments.machines),
    "DATE_TIME": (True, moments.dates),
    "PHONE_NUMBER": (True, phones.phones),
}

WINDOW = 65_536
"""Longer texts are gone through in pieces, so that no search keeps other threads waiting for long."""


def windows(text: str, around: int) -> Iterator[tuple[int, int, str]]:
    """Pieces of a long text with so much around each: where the text begins, where what counts does, and the text."""
    for low in range(0, len(text), WINDOW):
        start = max(0, low - around)
        yield start, low, text[start : low + WINDOW + around]


def find(text: str, types: Collection[str] = USUAL) -> list[Span]:
    """Everything of these types in `text`, by its start, none overlapping another."""
    clean = plain(text)
    if len(clean) <= WINDOW:
        return _find(clean, types)
    return apart(
        Span(type_, start + at, end + at)
        for at, low, piece in windows(clean, 512)
        for type_, start, end in _find(piece, types)
        if low <= start + at < low + WINDOW
    )


def _find(text: str, types: Collection[str]) -> list[Span]:
    digits = _DIGIT.search(text) is not None
    found = [
        Span(type_, start, end)
        for type_, (needed, finder) in _FINDERS.items()
        if type_ in types and (digits or not needed)
        for start, end in finder(text)
    ]
    return apart(_settled(text, found)) if len(found) > 1 else found


def _settled(text: str, found: list[Span]) -> list[Span]:
    """What stands in the address of a page cuts it short, but for a name and password before its host."""
    pages = sorted((span for span in found if span.type == "URL"), key=lambda span: span.start)
    if not pages:
        return found
    ends = [page.start for page in pages]
    lost: set[Span] = set()
    cut: dict[Span, int] = {}
    for span in found:
        page = pages[max(0, bisect.bisect(ends, span.start) - 1)]
        if span.type not in _INNER or not page.start < span.start < page.end:
            continue
        if span.start < _host_end(text, page):
            lost.add(span)
        else:
            cut[page] = min(span.start, cut.get(page, span.start))
    return [span._replace(end=cut.get(span, span.end)) for span in found if span not in lost]


_INNER = ("EMAIL_ADDRESS", "IP_ADDRESS")


def _host_end(text: str, page: Span) -> int:
    scheme, _, rest = text[page.start : page.end].partition("://")
    return page.start + len(scheme) + 3 + len(_HOST.split(rest, maxsplit=1)[0])


_HOST = re.compile(r"[/?#]")
