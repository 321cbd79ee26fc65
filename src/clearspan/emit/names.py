"""What may be kept of names, ids, codes and pieces: of what is no whole text, and may hold one all the same."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from clearspan.core import jsonfast
from clearspan.core.marks import cut, length, noted
from clearspan.emit import redact, vocabulary
from clearspan.emit.boxed import Boxed

__all__ = [
    "OWN",
    "SHORT",
    "apart",
    "begun",
    "clean",
    "is_code",
    "is_id",
    "joined",
    "may_be_secret",
    "short",
    "stays",
]

OWN = ("gen_ai.", "openai.", "clearspan.", "code.")
"""How the names of attributes begin that no application has given."""
# What names, roles and ids look like, and what the built-in rules look for does not.
_ID = re.compile(r"(?=[^A-Za-z]*[A-Za-z])[\w.:/\-]{1,200}|\d{1,7}", re.ASCII)
# What codes of errors look like (`rate_limit_exceeded`, `DeploymentNotFound`, `429`). Some servers put what they were
# asked, or an id, in their place.
_CODE = re.compile(r"(?!(?:[^0-9]*[0-9]){7})[A-Za-z0-9_][A-Za-z0-9_.:\-]{0,63}")
# Of more pieces nobody makes one text.
_MOST_PIECES = 10_000
# So much more of a name is looked through than may be kept: what straddles the cut ends in it.
_EDGE = 4_096
_JSON_TYPES = ("string", "number", "integer", "boolean", "array", "object", "null")
_SIZED = (str, bytes, list, tuple, dict)


def clean(name: str, redactors: Sequence[redact.Redactor], limit: int) -> str:
    """A name without what must not be kept; one of known words of APIs stays.

    The built-in rules leave alone what looks like an id; functions of the application's own are asked.
    """
    if vocabulary.is_known(name):
        return name
    if not redactors and len(name) <= limit:
        return redact.scrub_name(jsonfast.valid(name))[:limit]
    scrubbed = redact.scrub_name(jsonfast.valid(name[: limit + _EDGE]))
    rules = redactors
    if rules and is_id(scrubbed):
        rules = [rule for rule in rules if isinstance(rule, Boxed)]
    return _within(redact.apply(scrubbed, rules), limit, whole=len(name) <= limit + _EDGE)


SHORT = 256
"""Characters of a name that `short` takes."""


@functools.lru_cache(maxsize=2_048)
def short(name: str, generation: int) -> str:
    """What `clean` makes of a short name by the built-in rules, as long as the same keys are known (`known.generation`).

    The same few models, ids of configurations and words of APIs come again and again.
    """
    del generation
    return clean(name, (), SHORT)


def begun(name: str, longest: int) -> str:
    """The first `longest` characters of a name without credentials, and how many more there are.

    This is for callers' threads: however long it is, no more is looked through than these and an edge.
    """
    given = name if type(name) is str else str(name)
    if len(given) <= longest + _EDGE:
        return cut(redact.scrub_name(given), longest)
    scrubbed = redact.scrub_name(given[: longest + _EDGE])
    kept = _within(scrubbed, longest, whole=False)
    return noted(kept, length(given) - len(kept))


def _within(clean: str, longest: int, *, whole: bool) -> str:
    """What is kept of a clean name; the end of one that was cut before may be half a secret."""
    return clean[:longest] if whole else clean[: max(0, len(clean) - _EDGE)][:longest]


def apart(name: str, taken: Collection[str]) -> str:
    """`name`, with a number where another came out the same: cleaning makes different names alike."""
    if name not in taken:
        return name
    number = len(taken)
    # Twice as much each time: whoever chose names with numbers cannot make it try them all.
    while (told := f"{name}{number}") in taken:
        number *= 2
    return told


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


def joined(value: Any, redactors: Sequence[redact.Redactor]) -> Any:
    """Pieces that a generator made: one text, where what must not be kept is whole only when they are together."""
    if type(value) is not list or not 1 < len(value) <= _MOST_PIECES:
        return value
    made: list[Any] = []
    for textual, run in itertools.groupby(value, lambda item: type(item) is str):
        pieces = list(run)
        whole = "".join(pieces) if textual and len(pieces) > 1 else ""
        made += [whole] if whole and _is_split(whole, pieces, redactors) else pieces
    return made


def _is_split(whole: str, pieces: list[str], redactors: Sequence[redact.Redactor]) -> bool:
    if not redactors and not redact.holds_secret(jsonfast.valid(whole)):
        return False

    def clean(text: str) -> str:
        return redact.apply(redact.scrub(jsonfast.valid(text)), redactors)

    # The pieces are asked about one by one only where something is in the whole.
    found = clean(whole)
    return found != jsonfast.valid(whole) and found != "".join(map(clean, pieces))


def may_be_secret(value: Any) -> bool:
    """Whether a value under a secret's name is one: all but none, yes and no, and what is empty."""
    cls = type(value)
    if value is None or cls is bool or (cls in _SIZED and not value):
        return False
    # A parameter of that name, as tool definitions describe it, is no value.
    kind = value.get("type") if cls is dict else None
    return not (type(kind) is str and kind in _JSON_TYPES)
