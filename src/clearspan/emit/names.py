"""What may be kept of names, ids, codes and pieces: of what is no whole text, and may hold one all the same."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from clearspan.core import jsonfast
from clearspan.emit import redact, vocabulary
from clearspan.emit.boxed import Boxed

__all__ = ["OWN", "clean", "is_code", "is_id", "joined", "may_be_secret", "stays"]

OWN = ("gen_ai.", "openai.", "clearspan.", "code.")
"""How the names of attributes begin that no application has given."""
# What names, roles and ids look like, and what the built-in rules look for does not.
_ID = re.compile(r"(?=[^A-Za-z]*[A-Za-z])[\w.:/\-]{1,200}|\d{1,7}", re.ASCII)
# What codes of errors look like (`rate_limit_exceeded`, `DeploymentNotFound`, `429`). Some servers put what they were
# asked, or an id, in their place.
_CODE = re.compile(r"(?!(?:[^0-9]*[0-9]){7})[A-Za-z0-9_][A-Za-z0-9_.:\-]{0,63}")
# Of more pieces nobody makes one text.
_MOST_PIECES = 10_000
_EDGE = 4_096
_JSON_TYPES = ("string", "number", "integer", "boolean", "array", "object", "null")
_SIZED = (str, bytes, list, tuple, dict)


def clean(name: str, redactors: Sequence[redact.Redactor], limit: int) -> str:
    """A name without what must not be kept; one of known words of APIs stays.

    The built-in rules leave alone what looks like an id; functions of the application's own are asked.
    """
    if vocabulary.is_known(name):
        return name
    scrubbed = redact.scrub_name(jsonfast.valid(name[: limit + _EDGE]))
    rules = redactors
    if rules and is_id(scrubbed):
        rules = [rule for rule in rules if isinstance(rule, Boxed)]
    return redact.apply(scrubbed, rules)[:limit]


def is_id(text: str) -> bool:
    """Whether `text` looks like an id or a name, and holds nothing that the built-in rules know."""
    return _ID.fullmatch(text) is not None


def is_code(code: str, said: Callable[[], Iterable[str] | None]) -> bool:
    """Whether `code` is one, and not what the request said, repeated: `said` answers that, `None` if nobody knows."""
    if _CODE.fullmatch(code) is None:
        return False
    if vocabulary.is_known(code):
        return True
    texts = said()
    return texts is not None and not vocabulary.quoted(code, texts)


def stays(text: str, redactors: Sequence[redact.Redactor]) -> bool:
    """Whether all of `text` may be kept."""
    valid = jsonfast.valid(text)
    return redact.apply(redact.scrub(valid), redactors) == valid


def joined(value: Any) -> Any:
    """Pieces that a generator made: one text, where a credential is whole only when they are together."""
    if type(value) is not list or not 1 < len(value) <= _MOST_PIECES:
        return value
    made: list[Any] = []
    for textual, run in itertools.groupby(value, lambda item: type(item) is str):
        pieces = list(run)
        whole = "".join(pieces) if textual and len(pieces) > 1 else ""
        split = whole and redact.scrub(whole) != "".join(map(redact.scrub, pieces))
        made += [whole] if split else pieces
    return made


def may_be_secret(value: Any) -> bool:
    """Whether a value under a secret's name is one: all but none, yes and no, and what is empty."""
    cls = type(value)
    if value is None or cls is bool or (cls in _SIZED and not value):
        return False
    # A parameter of that name, as tool definitions describe it, is no value.
    kind = value.get("type") if cls is dict else None
    return not (type(kind) is str and kind in _JSON_TYPES)
