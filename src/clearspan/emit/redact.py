"""What is taken out of text before it is kept: secrets always, personal data when asked.

What such things look like is known to `core.shapes`. Here they are replaced, and rather too much than too little is.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Sequence

from clearspan.core import fence, known
from clearspan.core.shapes import credentials
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

BUILT_IN = ("email", "iban", "card", "ssn", "ip", "phone")
"""The rules that content mode `redacted` applies, in this order; each can be asked for by name."""

FAILED = "[redaction failed]"
"""Stands for a text whose redactor failed: the text itself is not kept."""

MARK = "[secret]"

names_secret = credentials.is_name


def holds_secret(*texts: str) -> bool:
    """Whether one of `texts` holds a key that a client of the program holds, or something shaped like a credential.

    A conversation is sent again whole with each turn, so most of what comes was looked through before. Of texts
    that hold nothing their hashes are remembered, which Python makes with a key of this process.
    """
    generation, (known_then, clean) = known.generation(), _clean[0]
    if known_then != generation or len(clean) > _REMEMBERED:
        clean = set()
        _clean[0] = generation, clean  # at a stroke: others are looking, too
    marks = [(hash(text), len(text)) for text in texts]
    new = [text for text, mark in zip(texts, marks, strict=True) if mark not in clean]
    if not new:
        return False
    together = new[0] if len(new) == 1 else "\n".join(new)  # looked through once, which is cheaper
    if known.within(together) or credentials.holds(together):
        return True
    clean.update(marks)
    return False


_REMEMBERED = 4_096
_clean: list[tuple[int, set[tuple[int, int]]]] = [(-1, set())]
"""One entry: which keys were known, and the texts that held none of them, nor anything else."""


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


def resolve(wanted: Iterable[str | Redactor], mode: str) -> tuple[Redactor, ...]:
    """The redactors to run for `content=mode` and `redact=wanted`; functions of the program's own are boxed.

    Only `full` keeps what the built-in rules take out: what `metadata` and `off` let pass (users, tags) is no more
    than what `redacted` does.

    Raises `KeyError` with the unknown name when a name is not a built-in rule.
    """
    asked = list(wanted)
    if mode == "full" and not asked:
        return ()
    from clearspan.emit.personal import RULES  # a hundred patterns, which most programs do without

    named = [item if callable(item) else RULES[item] for item in asked]
    ours = list(RULES.values())
    built_in = [] if mode == "full" else ours
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
