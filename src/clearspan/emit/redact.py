"""What is taken out of text before it is kept: secrets always, personal data when asked.

Every rule is a pattern and, where the pattern alone would hit too much, a look at its digits.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from clearspan.core import fence

__all__ = [
    "BUILT_IN",
    "FAILED",
    "MARK",
    "Redactor",
    "apply",
    "holds_secret",
    "names_secret",
    "resolve",
    "scrub",
]

Redactor = Callable[[str], str]
"""Takes a text and answers it with what must not be kept replaced."""

FAILED = "[redaction failed]"
"""Stands for a text whose redactor failed: the text itself is not kept."""

MARK = "[secret]"


class _Secret(NamedTuple):
    """Credentials of one shape. `hints` are looked for first: most texts hold none of them."""

    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    """What it matches is replaced, or its group `secret` where it has one."""


def _secret(hints: str, pattern: str) -> _Secret:
    return _Secret(tuple(hints.split()), re.compile(pattern, re.VERBOSE | re.ASCII))


# Every repetition that may fail after it is bounded, so that no text makes a search slow.
_NAMES = r"""[aAcCpPsS](?:
      (?<=[aA])[pP][iI][_-]?[kK][eE][yY]
    | (?<=[aA])[cC]{2}[eE][sS]{2}[_-]?(?:[kK][eE][yY]|[tT][oO][kK][eE][nN])
    | (?<=[aA])[uU][tT][hH](?:[_-]?[tT][oO][kK][eE][nN]|[oO][rR][iI][zZ][aA][tT][iI][oO][nN])
    | (?<=[cC])[lL][iI][eE][nN][tT][_-]?[sS][eE][cC][rR][eE][tT]
    | (?<=[pP])[aA][sS]{2}[wW](?:[oO][rR])?[dD]
    | (?<=[sS])[eE][cC][rR][eE][tT][_-]?[kK][eE][yY]
)"""
_SECRETS = (
    # With a digit, or a long run of letters: package names have neither.
    _secret("sk- sk_", r"sk[-_](?<![A-Za-z0-9]sk[-_])(?:(?=[A-Za-z_\-]{0,64}\d)[A-Za-z0-9_\-]{16,}|[A-Za-z]{20,}[A-Za-z0-9_\-]*)"),
    _secret("pk_live_ pk_test_ rk_live_ rk_test_", r"(?<![A-Za-z0-9])[pr]k_(?:live|test)_[A-Za-z0-9]{10,}"),
    _secret(
        "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ glpat- npm_ pypi-",
        r"(?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w\-]{16,}|npm_[A-Za-z0-9]{30,}|pypi-[\w\-]{30,})",
    ),
    _secret("hf_ gsk_ r8_ xai- nvapi- pplx-", r"(?<![A-Za-z0-9])(?:(?:hf|gsk|r8)_[A-Za-z0-9]{16,}|(?:xai|nvapi|pplx)-[\w\-]{20,})"),
    _secret("AKIA ASIA", r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])"),
    _secret("AIza", r"AIza(?<![A-Za-z0-9]AIza)[\w\-]{30,}"),
    _secret("xox", r"xox[abeoprs]-[A-Za-z0-9\-]{10,}"),
    _secret("eyJ", r"eyJ(?<![A-Za-z0-9]eyJ)[\w\-]{8,4096}\.eyJ[\w\-]{8,}(?:\.[\w\-]*)?"),
    _secret(
        "PRIVATE",
        r"-----BEGIN\ [A-Z ]{0,32}PRIVATE\ KEY-----[\s\S]*?(?:-----END\ [A-Z ]{0,32}PRIVATE\ KEY-----|\Z)",
    ),
    _secret("earer EARER", r"(?:[Bb]earer|BEARER)\ (?=\S{0,256}\d)(?P<secret>[A-Za-z0-9_\-.~+/=]{12,})"),
    _secret(
        "asic ",
        r"""(?:uthorization|UTHORIZATION)\\{0,3}["']?\s{0,3}[:=]\s{0,3}\\{0,3}["']?[Bb]asic\ (?P<secret>[A-Za-z0-9+/=]{6,})""",
    ),
    _secret("://", r"""://(?P<secret>[^\s/:@"'<>]{0,256}:[^\s/@"'<>]{1,256})@"""),
    _secret(
        "key KEY Key token TOKEN Token secret SECRET Secret passw PASSW Passw uthoriz UTHORIZ",
        # A value, not the code or the placeholder that usually stands there: letters and digits.
        _NAMES + r"""\\{0,3}["']?\s{0,3}[:=]\s{0,3}\\{0,3}["']?
        (?=[^\s"',;&<>\\()]{0,256}\d)(?=[^\s"',;&<>\\()]{0,256}[A-Za-z])
        (?P<secret>[^\s"',;&<>\\()]{10,})(?!\()""",
    ),
)  # fmt: skip
_SECRET_NAME = re.compile(_NAMES + r"\Z", re.VERBOSE)


def names_secret(name: str) -> bool:
    """Whether a field of this name holds a credential, whatever that looks like."""
    return _SECRET_NAME.search(name[-32:]) is not None


def holds_secret(text: str) -> bool:
    """Whether `text` holds something shaped like a credential."""
    return any(
        any(hint in text for hint in secret.hints) and secret.pattern.search(text) is not None
        for secret in _SECRETS
    )


def scrub(text: str) -> str:
    """Replace everything shaped like a credential by `[secret]`."""
    for secret in _SECRETS:
        if any(hint in text for hint in secret.hints):
            text = secret.pattern.sub(_masked, text)
    return text


def _masked(match: re.Match[str]) -> str:
    if "secret" not in match.re.groupindex:
        return MARK
    start, end = (place - match.start() for place in match.span("secret"))
    return match.group()[:start] + MARK + match.group()[end:]


def _card(match: re.Match[str]) -> str:
    """A run of digits may hold other numbers beside the cards': each group may begin or end one."""
    run = match.group()
    places = [place for place, sign in enumerate(run) if sign.isdigit()]
    digits = [int(run[place]) for place in places]
    sums = (_luhn_sums(digits, 0), _luhn_sums(digits, 1))
    kept: list[str] = []
    first = done = 0
    while first < len(places):
        length = next((n for n in range(19, 12, -1) if _is_card(run, places, sums, first, n)), 0)
        if length:
            kept.append(f"{run[done : places[first]]}[card]")
            done = places[first + length - 1] + 1
        first += length or 1
    return "".join(kept) + run[done:]


def _luhn_sums(digits: list[int], parity: int) -> list[int]:
    """Running sums of the digits, those at places of the other parity doubled."""
    values = (
        digit if place % 2 == parity else sum(divmod(digit * 2, 10))
        for place, digit in enumerate(digits)
    )
    return list(itertools.accumulate(values, initial=0))


def _is_card(
    run: str, places: list[int], sums: Sequence[list[int]], first: int, length: int
) -> bool:
    end = first + length
    if end > len(places) or run[places[first]] not in "23456":
        return False
    before, after = run[: places[first]][-1:], run[places[end - 1] + 1 :][:1]
    total = sums[(end - 1) % 2]
    return not before.isdigit() and not after.isdigit() and (total[end] - total[first]) % 10 == 0


def _iban(match: re.Match[str]) -> str:
    """What follows an account number may read like more of it: its check sum tells where it ends."""
    run = match.group()
    for end in range(len(run), 14, -1):
        account = re.sub(r"\s", "", run[:end]).upper()
        inside = end < len(run) and run[end].isalnum()
        if not inside and 15 <= len(account) <= 34 and _checks(account):
            return f"[iban]{run[end:]}"
    return run


def _checks(account: str) -> bool:
    return int("".join(str(int(sign, 36)) for sign in account[4:] + account[:4])) % 97 == 1


def _phone(match: re.Match[str]) -> str:
    run = match.group()
    return "[phone]" if 8 <= sum(sign.isdigit() for sign in run) <= 15 else run


def _rule(pattern: str, answer: str | Callable[[re.Match[str]], str]) -> Redactor:
    return functools.partial(re.compile(pattern, re.ASCII).sub, answer)


BUILT_IN: dict[str, Redactor] = {
    "email": _rule(r"[A-Za-z0-9._%+\-]{1,64}@[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63})+", "[email]"),
    "iban": _rule(r"\b[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]{4}){2,7}(?: ?[A-Za-z0-9]{1,3})?\b", _iban),
    "card": _rule(r"(?<![\d.])\d(?:[ -]?\d){12,}(?!\d|\.\d)", _card),
    "ssn": _rule(r"\b(?!000|666|9\d\d)\d{3}-(?!00)\d\d-(?!0000)\d{4}\b", "[ssn]"),
    "ip": _rule(r"\b(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)\b", "[ip]"),
    "phone": _rule(
        # not a date, which looks much alike
        r"(?<![\w.+])(?!\d{4}([ .-])\d\d\1\d\d\b|\d\d([ .-])\d\d\2\d{4}\b)"
        r"(?:\(\d{1,4}\)[ .-]?)?\d{2,4}(?:[ .-]\d{2,4}){1,4}(?!\w|\.\d)"
        r"|(?<![\w+])\+\d{1,15}(?:[ .\-/]?\(\d{1,4}\)|(?:[ .\-/]|(?<=\)))\d{1,8}){0,7}(?!\w)",
        _phone,
    ),
}  # fmt: skip
"""The rules that content mode `redacted` applies, in this order; each can be asked for by name."""


def resolve(wanted: Iterable[str | Redactor], mode: str) -> tuple[Redactor, ...]:
    """The redactors to run for `content=mode` and `redact=wanted`.

    Raises `KeyError` with the unknown name when a name is not a built-in rule.
    """
    named = [item if callable(item) else BUILT_IN[item] for item in wanted]
    built_in = list(BUILT_IN.values()) if mode == "redacted" else []
    return tuple(built_in + [redactor for redactor in named if redactor not in built_in])


def apply(text: str, redactors: Sequence[Redactor]) -> str:
    """Run `redactors` in order. One that raises or answers no text closes the field: `FAILED`."""
    for redactor in redactors:
        answer = fence.fenced("redact", _redacted, redactor, text)
        if answer is None:
            return FAILED
        text = answer
    return text


def _redacted(redactor: Callable[[str], object], text: str) -> str:
    answer = redactor(text)
    if not isinstance(answer, str):
        raise TypeError(f"a redactor answered {type(answer).__name__} instead of a text")
    return answer
