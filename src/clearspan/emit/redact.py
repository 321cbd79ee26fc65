"""What is taken out of text before it is kept: secrets always, personal data when asked.

Every rule is a pattern and, where the pattern alone would hit too much, a check of its digits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from clearspan.core import fence

__all__ = ["BUILT_IN", "FAILED", "Redactor", "apply", "holds_secret", "resolve", "scrub"]

Redactor = Callable[[str], str]
"""Takes a text and answers it with what must not be kept replaced."""

FAILED = "[redaction failed]"
"""Stands for a text whose redactor failed: the text itself is not kept."""

# A cheap look for these comes first: most texts hold none, and then no pattern runs.
_HINTS = (
    "sk-", "sk_", "pk_live", "rk_live", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "hf_", "gsk_", "xai-",
    "r8_", "AKIA", "ASIA", "AIza", "xox", "npm_", "pypi-", "eyJ", "PRIVATE KEY", "earer ", "EARER ", "://",
    "key", "KEY", "Key", "token", "TOKEN", "Token", "secret", "SECRET", "Secret", "passw", "PASSW", "Passw",
)  # fmt: skip
_SECRETS = re.compile(
    r"""
      # with a digit or a long run of signs: package names have neither
      (?<![A-Za-z0-9])(?:sk|pk|rk)[-_](?:(?=[A-Za-z_\-]*\d)[A-Za-z0-9_\-]{16,}|[A-Za-z]{20,}[A-Za-z0-9_\-]*)
    | (?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w\-]{16,}|npm_[A-Za-z0-9]{30,}|pypi-[\w\-]{30,})
    | (?<![A-Za-z0-9])(?:hf|gsk|r8)_[A-Za-z0-9]{16,}
    | (?<![A-Za-z0-9])xai-[A-Za-z0-9]{20,}
    | (?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])
    | (?<![A-Za-z0-9])AIza[\w\-]{30,}
    | (?<![A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9\-]{10,}
    | (?<![A-Za-z0-9])eyJ[\w\-]{8,}\.eyJ[\w\-]{8,}\.[\w\-]*
    | -----BEGIN\ [A-Z ]*PRIVATE\ KEY-----[\s\S]*?(?:-----END\ [A-Z ]*PRIVATE\ KEY-----|\Z)
    | (?<=[Bb]earer\ )[A-Za-z0-9_\-.~+/=]{12,}
    | (?<=BEARER\ )[A-Za-z0-9_\-.~+/=]{12,}
    | (?<=://)[^\s/:@"'<>]{1,256}:[^\s/@"'<>]{1,256}(?=@)
    | (?:(?i:api[_-]?key|access[_-]?key|secret[_-]?key|client[_-]?secret|auth[_-]?token|access[_-]?token|password|passwd)
       ["']?\s{0,3}[:=]\s{0,3}["']?)
       # a value, not the code or the placeholder that usually stands there: letters and digits
       (?P<named>(?=[^\s"',;&<>\\()]*\d)(?=[^\s"',;&<>\\()]*[A-Za-z])[^\s"',;&<>\\()]{10,})(?!\()
    """,
    re.VERBOSE,
)


def holds_secret(text: str) -> bool:
    """Whether `text` (plain or JSON) holds something shaped like a credential."""
    return any(hint in text for hint in _HINTS) and _SECRETS.search(text) is not None


def scrub(text: str) -> str:
    """Replace everything shaped like a credential by `[secret]`."""
    return _SECRETS.sub(_mask, text) if any(hint in text for hint in _HINTS) else text


def _mask(match: re.Match[str]) -> str:
    named = match.group("named")
    return "[secret]" if named is None else match.group()[: -len(named)] + "[secret]"


def _luhn(match: re.Match[str]) -> bool:
    digits = [int(digit) for digit in match.group() if digit.isdigit()]
    doubled = [sum(divmod(digit * 2, 10)) for digit in digits[-2::-2]]
    return 13 <= len(digits) <= 19 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _iban(match: re.Match[str]) -> bool:
    account = re.sub(r"\s", "", match.group()).upper()
    return int("".join(str(int(sign, 36)) for sign in account[4:] + account[:4])) % 97 == 1


def _phone(match: re.Match[str]) -> bool:
    return 8 <= sum(sign.isdigit() for sign in match.group()) <= 15


def _rule(
    label: str, pattern: str, check: Callable[[re.Match[str]], bool] | None = None
) -> Redactor:
    compiled = re.compile(pattern)

    def redact(text: str) -> str:
        return compiled.sub(
            lambda found: label if check is None or check(found) else found.group(), text
        )

    return redact


BUILT_IN: dict[str, Redactor] = {
    "email": _rule("[email]", r"[A-Za-z0-9._%+\-]{1,64}@[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63})+"),
    "iban": _rule("[iban]", r"\b[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]{4}){2,7}(?: ?[A-Za-z0-9]{1,3})?\b", _iban),
    "card": _rule("[card]", r"(?<![\d.])\d(?:[ -]?\d){12,18}(?![\d.]?\d)", _luhn),
    "ssn": _rule("[ssn]", r"\b(?!000|666|9\d\d)\d{3}-(?!00)\d\d-(?!0000)\d{4}\b"),
    "ip": _rule("[ip]", r"\b(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)\b"),
    "phone": _rule("[phone]", r"(?<![\w.+])(?:\+\d{1,3}[ .-]?)?(?:\(\d{1,4}\)[ .-]?)?\d{2,4}(?:[ .-]\d{2,4}){1,4}(?![\w.])|(?<!\w)\+\d{8,15}\b", _phone),
}  # fmt: skip
"""The rules that content mode `redacted` applies, in this order; each can be asked for by name."""


def resolve(wanted: Iterable[str | Redactor], mode: str) -> tuple[Redactor, ...]:
    """The redactors to run for `content=mode` and `redact=wanted`.

    Raises `KeyError` with the unknown name when a name is not a built-in rule.
    """
    named = [BUILT_IN[item] if isinstance(item, str) else item for item in wanted]
    built_in = list(BUILT_IN.values()) if mode == "redacted" else []
    return tuple(built_in + [redactor for redactor in named if redactor not in built_in])


def apply(text: str, redactors: Sequence[Redactor]) -> str:
    """Run `redactors` in order. One that raises or answers no text closes the field: `FAILED`."""
    for redactor in redactors:
        answer = fence.fenced("redact", redactor, text)
        if not isinstance(answer, str):
            return FAILED
        text = answer
    return text
