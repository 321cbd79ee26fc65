"""Personal data whose look is fixed: addresses of mail and machines, account and card numbers, and the like.

The patterns here find candidates wherever they may stand, for those who would rather take out too much
(redaction); `FINDERS` answer those that hold against their check and are not plainly something else.
"""

from __future__ import annotations

import ipaddress
import itertools
import re
from collections.abc import Callable, Iterator, Mapping

from clearspan.core.shapes import checks, cues

__all__ = ["EMAIL", "FINDERS", "IBAN", "IPV4", "IPV6", "NUMBER", "SSN", "Finder", "card_places", "is_ipv6"]  # fmt: skip

Place = tuple[int, int]
"""Start and end (exclusive), in characters."""

Finder = Callable[[str], Iterator[Place]]
"""Answers the places of one kind of data in a text that went through `span.plain`."""

# An apostrophe within a name; the quote of a string with a prefix (f'...') is none.
EMAIL = re.compile(
    r"(?:[\w.%+\-]{1,32}(?<=[^\W\d_])(?<![bfruBFRU])'(?=[^\W\d_]))?[\w.%+\-]{1,64}@[^\W_][\w\-]{0,62}(?:\.[\w\-]{1,63}){1,8}"
)
IBAN = re.compile(r"\b[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]{4}){2,7}(?: ?[A-Za-z0-9]{1,3})?\b", re.ASCII)
NUMBER = re.compile(r"\d(?<![\d.]\d)(?:[ -]?\d){11,}(?!\d|\.\d)", re.ASCII)
"""A run of digits that a card's number may stand in."""
SSN = re.compile(r"\b(?!000|666|9\d\d)\d{3}-(?!00)\d\d-(?!0000)\d{4}\b", re.ASCII)
_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
IPV4 = re.compile(rf"\b(?:{_OCTET}\.){{3}}{_OCTET}\b", re.ASCII)
IPV6 = re.compile(
    r"(?<![\w:.])(?:[0-9A-Fa-f]{1,4}:|::)(?:[0-9A-Fa-f]{1,4}:|:){1,7}"
    r"(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f]{1,4})?(?:%\w{1,15})?(?![\w:]|\.\d)",
    re.ASCII,
)

# What ends a name that only looks like an address: an image for a dense screen, a file. None of them is a domain.
_FILES = frozenset(["png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js", "ts", "json", "yaml", "yml", "txt", "html", "htm", "pdf", "csv", "gz"])  # fmt: skip


def emails(text: str) -> Iterator[Place]:
    """Addresses of mail, their last label no number and no file's ending."""
    if "@" not in text:
        return
    for match in EMAIL.finditer(text):
        found = match.group().rstrip("-._")
        end = match.start() + len(found)
        start = end - len(found.lstrip(".-%+"))
        local = text[start : text.index("@", start)]
        if not _names_place(found.rpartition(".")[2].lower()):
            continue
        # a shell's way to name a machine and a folder there
        if local and not (local == "git" and text[end : end + 1] == ":"):
            yield start, end


def _names_place(last: str) -> bool:
    """Whether the last label of a name is a domain, and neither a number nor a file's ending."""
    word = len(last) > 1 and last.replace("-", "").isalpha() and last not in _FILES
    return word or last.startswith("xn--")


def cards(text: str) -> Iterator[Place]:
    """Numbers of payment cards: an issuer's prefix, its lengths, the check digit, the usual groups."""
    for match in NUMBER.finditer(text):
        start = match.start()
        if text[start - 1 : start].isalpha() or text[match.end() : match.end() + 1].isalpha():
            continue
        for low, high in card_places(match.group(), checks.is_card_number):
            if _is_payment(text, start, start + low, start + high):
                yield start + low, start + high


def _is_payment(text: str, run: int, start: int, end: int) -> bool:
    """Whether the number, of a run of digits that begins at `run`, is written like a card's, and named like no other.

    A few words forbid what is no plain card of the large brands; short numbers must not be amounts.
    """
    groups = re.split(r"[ -]", text[start:end])
    if len(groups) > 1 and tuple(map(len, groups)) not in _GROUPS:
        return False
    before, digits = text[max(0, run - 48) : run], "".join(groups)
    if _CARD_WORD.search(before) or _CARD_WORD.search(text, end, end + 24):
        return True
    if _OTHER_NUMBER.search(before) or cues.UNITS.match(text, end):
        return False
    if checks.is_of_brand(digits):
        return True
    return not _SOLD.search(before) and (len(digits) > _SHORT or checks.is_short_card(digits))


_SHORT = 13
_GROUPS = {
    (4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (4, 4, 4, 1), (4, 4, 4), (8, 8), (4, 4, 4, 3), (4, 4, 4, 2),
    (4, 4, 4, 4, 2), (4, 4, 4, 4, 1), (6, 13), (4, 3, 3, 3), (4, 12), (4, 5, 6),
}  # fmt: skip
_OTHER_NUMBER = re.compile(
    r"\b(?:tracking|isbn|ean|gtin|upc|barcode|imei|serial|parcel|shipment|timestamp|trace|sku|hash|checksum|doi|patent)\b"
    r"[^\n]{0,24}\Z",
    re.IGNORECASE,
)
_SOLD = re.compile(r"\b(?:order|invoice|ticket|request|batch)\b[^\n]{0,24}\Z", re.IGNORECASE)
_CARD_WORD = re.compile(r"\b(?:card|cc|visa|mastercard|amex|credit|debit|karte|kredit|carte|tarjeta)", re.IGNORECASE)  # fmt: skip


def card_places(run: str, accepts: Callable[[str], bool]) -> Iterator[Place]:
    """Where in a run of digits the accepted numbers stand: each group may begin or end one.

    A run may hold other numbers beside the cards'. The longest is taken, from the left.
    """
    groups = [match.span() for match in _DIGITS.finditer(run)]
    digits = "".join(run[start:end] for start, end in groups)
    sums = (_luhn_sums(digits, 0), _luhn_sums(digits, 1))
    ends = list(itertools.accumulate(end - start for start, end in groups))
    free = 0
    for place, (start, end) in enumerate(groups):
        first = ends[place] - (end - start)
        if place < free:
            continue
        for last in range(min(place + 19, len(groups)) - 1, place - 1, -1):
            stop = ends[last]
            total = sums[(stop - 1) % 2]
            if (total[stop] - total[first]) % 10 or not 12 <= stop - first <= 19:
                continue
            if accepts(digits[first:stop]):
                yield start, groups[last][1]
                free = last + 1
                break


_DIGITS = re.compile(r"\d+", re.ASCII)


def _luhn_sums(digits: str, parity: int) -> list[int]:
    """Running sums of the digits, those at places of the other parity doubled: every check in one pass."""
    values = (
        int(digit) if place % 2 == parity else checks.TWICE[digit]
        for place, digit in enumerate(digits)
    )
    return list(itertools.accumulate(values, initial=0))


def ibans(text: str) -> Iterator[Place]:
    """International account numbers: a country's length, or the word for them, and the check digits."""
    for match in IBAN.finditer(text):
        run = match.group()
        end = checks.iban_end(run)
        if end is None:
            continue
        named = "iban" in text[max(0, match.start() - 32) : match.start()].lower()
        if named or checks.is_iban(run[:end].replace(" ", "").upper()):
            yield match.start(), match.start() + end


_SSN_LOOSE = re.compile(r"(?<![\w.\-])(?!000|666|9\d\d)\d{3}([ .]?)(?!00)\d\d\1(?!0000)\d{4}(?![\w\-]|\.\d)", re.ASCII)  # fmt: skip
_SSN_WORD = re.compile(r"\b(?:ssn|social security|social insurance)\b[^\d]{0,40}\Z", re.IGNORECASE)
_LONG_SSN_WORD = 64


def ssns(text: str) -> Iterator[Place]:
    """US social security numbers in groups with hyphens; otherwise written only where the words stand before."""
    for match in SSN.finditer(text) if "-" in text else ():
        before, after = (
            text[max(0, match.start() - 1) : match.start()],
            text[match.end() : match.end() + 1],
        )
        if before not in ("-", "/", ".", "_") and after not in ("-", "/", "_"):
            yield match.span()
    if not any(word in text for word in ("SSN", "ssn", "Ssn", "ocial", "OCIAL")):
        return
    for match in _SSN_LOOSE.finditer(text):
        if _SSN_WORD.search(text[max(0, match.start() - _LONG_SSN_WORD) : match.start()]):
            yield match.span()


# A version, a section or a program's name with its version is written in the same way.
_VERSION = re.compile(
    r"(?:\b(?:v|rv|ver|version|release|build|firmware|driver|section|chapter|clause|rule|oid|patch|revision)\.?:?"
    r"\s{0,2}|[A-Za-z][/\-_]|[=~<>!]=|[<>~^])\Z",
    re.IGNORECASE,
)


def addresses(text: str) -> Iterator[Place]:
    """IP addresses, version 4 and 6, but those that name no machine in particular (loopback, unspecified, masks)."""
    longer = [
        match.span()
        for match in (IPV6.finditer(text) if "::" in text or text.count(":") >= 6 else ())
        if is_ipv6(match.group()) and _told(match.group())
    ]
    yield from longer
    ends = {end for _, end in longer}
    for match in IPV4.finditer(text) if text.count(".") >= 3 else ():
        start, end = match.span()
        beside = text[max(0, start - 1) : start] in _PART or _MORE.match(text, end)
        if beside or end in ends or _VERSION.search(text[max(0, start - 16) : start]):
            continue
        if _told(match.group()):
            yield start, end


_PART = (".", "-")
_MORE = re.compile(r"[.\-]\w")


def _told(address: str) -> bool:
    found = ipaddress.ip_address(address.partition("%")[0])
    return not (found.is_loopback or found.is_unspecified or address.startswith("255."))


def is_ipv6(found: str) -> bool:
    """Whether this is an address, and neither a slice, a scope of a name nor a hardware address."""
    try:
        ipaddress.IPv6Address(found.partition("%")[0])
    except ValueError:
        return False
    groups = [group for group in found.partition("%")[0].split(":") if group]
    if len(groups) == 8 and all(len(group) <= 2 for group in groups):
        return False
    short = len(groups) < 3 and len(groups[0]) < 3
    return not short and any(sign.isdigit() for sign in found)


FINDERS: Mapping[str, Finder] = {
    "EMAIL_ADDRESS": emails,
    "IBAN_CODE": ibans,
    "CREDIT_CARD": cards,
    "US_SSN": ssns,
    "IP_ADDRESS": addresses,
}
"""By the type's name, as Presidio calls it."""
