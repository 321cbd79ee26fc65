"""Personal data as content mode `redacted` takes it out: mail addresses, and numbers that stand for somebody.

What they look like is known to `core.shapes`; here they are replaced, and rather too much than too little is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from clearspan.core.shapes import checks, personal, phones
from clearspan.core.shapes.span import plain

__all__ = ["RULES"]


def _card(match: re.Match[str]) -> str:
    run = match.group()
    return _without(run, personal.card_places(run, _may_be_card), "[card]")


def _may_be_card(digits: str) -> bool:
    """The check digit was right: any number of an issuer's first digit, whether or not its length is known."""
    return (digits[0] in "23456" and len(digits) >= 13) or checks.is_card_number(digits)


def _iban(match: re.Match[str]) -> str:
    run = match.group()
    end = checks.iban_end(run)
    return f"[iban]{run[end:]}" if end else run


def _phone(match: re.Match[str]) -> str:
    run = match.group()
    return "[phone]" if 8 <= sum(sign.isdigit() for sign in run) <= 15 else run


def _without(text: str, places: Iterable[tuple[int, int]], mark: str) -> str:
    kept: list[str] = []
    done = 0
    for start, end in sorted(places):
        kept += text[done:start], mark
        done = end
    return "".join((*kept, text[done:]))


_DIGIT = re.compile(r"\d")
_PARTS = re.compile(r"[\da-fA-F:][.:](?:\d|[\da-fA-F]{0,4}:)")
_AT = re.compile("[@\uff20]")


class _Rule:
    """Takes out what `pattern` matches, unless `answer` keeps it, and then what `finder` still finds.

    The finder knows the words that tell of a number, and sees spaces and dashes that are no ASCII; else a `wide`
    pattern has left it nothing. Nothing of the kind is without what is `needed`.
    """

    __slots__ = ("_answer", "_finder", "_mark", "_needed", "_pattern", "_wide")

    def __init__(
        self,
        mark: str,
        pattern: re.Pattern[str],
        finder: personal.Finder,
        answer: Callable[[re.Match[str]], str] | None = None,
        *,
        needed: re.Pattern[str] = _DIGIT,
        wide: bool = True,
    ) -> None:
        self._mark, self._pattern, self._finder, self._wide = mark, pattern, finder, wide
        self._needed = needed
        self._answer = answer or mark

    def __call__(self, text: str) -> str:
        if self._needed.search(text) is None:
            return text
        text = self._pattern.sub(self._answer, text)
        clean = plain(text)
        return text if self._wide and clean is text else _without(text, self._finder(clean), self._mark)  # fmt: skip


RULES: dict[str, Callable[[str], str]] = {
    "email": _Rule("[email]", personal.EMAIL, personal.emails, needed=_AT),
    "iban": _Rule("[iban]", personal.IBAN, personal.ibans, _iban),
    "card": _Rule("[card]", personal.NUMBER, personal.cards, _card),
    "ssn": _Rule("[ssn]", personal.SSN, personal.ssns, wide=False),
    "ip": _Rule("[ip]", personal.IPV4, personal.addresses, needed=_PARTS, wide=False),
    "phone": _Rule("[phone]", phones.LOOSE, phones.phones, _phone, wide=False),
}
"""By their names, in the order in which they are applied."""
