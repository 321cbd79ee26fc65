"""What is taken out of text before it is kept: secrets always, personal data when asked.

What such things look like is known to `core.shapes`. Here they are replaced, and rather too much than too little is.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Sequence

from clearspan.core import fence, known
from clearspan.core.shapes import checks, credentials, personal, phones
from clearspan.core.shapes.span import plain
from clearspan.emit.boxed import Boxed

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
    "scrub_name",
]

Redactor = Callable[[str], str]
"""Takes a text and answers it with what must not be kept replaced."""

FAILED = "[redaction failed]"
"""Stands for a text whose redactor failed: the text itself is not kept."""

MARK = "[secret]"

names_secret = credentials.is_name


def holds_secret(text: str) -> bool:
    """Whether `text` holds a key that a client of the program holds, or something shaped like a credential."""
    return known.within(text) or credentials.holds(text)


def scrub(text: str) -> str:
    """Replace keys of the program's clients, and everything shaped like a credential, by `[secret]`."""
    return _unshaped(known.without(text, MARK))


def scrub_name(text: str) -> str:
    """The same for names of models, ids and words, of which the same few come again and again."""
    if type(text) is not str or len(text) > _SHORT:
        return scrub(str(text))
    return _short(text, known.generation())


def _unshaped(text: str) -> str:
    for shape in credentials.likely(text, sent=True):
        text = shape.pattern.sub(_masked, text)
    return text


_SHORT = 256


@functools.lru_cache(maxsize=1024)
def _short(text: str, generation: int) -> str:
    """What comes of it as long as the same keys are known."""
    del generation
    return _unshaped(known.without(text, MARK))


def _masked(match: re.Match[str]) -> str:
    if "secret" not in match.re.groupindex:
        return MARK
    start, end = (place - match.start() for place in match.span("secret"))
    return match.group()[:start] + MARK + match.group()[end:]


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


BUILT_IN: dict[str, Redactor] = {
    "email": _Rule("[email]", personal.EMAIL, personal.emails, needed=_AT),
    "iban": _Rule("[iban]", personal.IBAN, personal.ibans, _iban),
    "card": _Rule("[card]", personal.NUMBER, personal.cards, _card),
    "ssn": _Rule("[ssn]", personal.SSN, personal.ssns, wide=False),
    "ip": _Rule("[ip]", personal.IPV4, personal.addresses, needed=_PARTS, wide=False),
    "phone": _Rule("[phone]", phones.LOOSE, phones.phones, _phone, wide=False),
}
"""The rules that content mode `redacted` applies, in this order; each can be asked for by name."""


def resolve(wanted: Iterable[str | Redactor], mode: str) -> tuple[Redactor, ...]:
    """The redactors to run for `content=mode` and `redact=wanted`; functions of the program's own are boxed.

    Only `full` keeps what the built-in rules take out: what `metadata` and `off` let pass (users, tags) is no more
    than what `redacted` does.

    Raises `KeyError` with the unknown name when a name is not a built-in rule.
    """
    named = [item if callable(item) else BUILT_IN[item] for item in wanted]
    built_in = [] if mode == "full" else list(BUILT_IN.values())
    ours = list(BUILT_IN.values())
    return tuple(
        built_in + [each if each in ours else Boxed(each) for each in named if each not in built_in]
    )


def apply(text: str, redactors: Sequence[Redactor]) -> str:
    """Run `redactors` in order. One that raises, answers no text or takes too long closes the field: `FAILED`."""
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
    return str.__str__(answer)  # of a class of its own it may say something else when it is cut
