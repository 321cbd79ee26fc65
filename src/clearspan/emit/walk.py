"""One walk through content: every text in it changed, its size bounded, what holds messages together kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

from clearspan.core import jsonfast, read
from clearspan.core.copying import CUT
from clearspan.core.marks import length, noted
from clearspan.emit import names, redact

__all__ = ["EDGE", "Walk", "Way", "messages", "noting", "spoken", "value"]

# Redaction runs before the final cut, on more than will be kept. Of a text that is cut even before
# that, the last part is dropped afterwards: there a cut may have left half of a secret, or of a
# name, that no pattern knows any more.
EDGE = 4_096
_DEPTH = 16
_MAX_NODES = 50_000
# So many numbers of one content are kept, and the first ones of each further row: vectors say little to anybody.
_MAX_NUMBERS = 4_096
_FEW_NUMBERS = 4
# By id: a class of the host's may have a hash of its own.
_NUMERIC = frozenset(map(id, (int, float, bool)))


class Walk:
    """One walk: what happens to each text, how long a blob may be, and what may still be taken in."""

    __slots__ = ("_left", "_numbers", "change", "longest", "name")

    def __init__(
        self,
        change: Callable[[str], str],
        longest: int,
        name: Callable[[str], str] | None = None,
    ) -> None:
        self.change = change
        self.name = name or change
        self.longest = longest
        self._left = _MAX_NODES
        self._numbers = _MAX_NUMBERS

    def taken(self, elements: Iterable[Any]) -> list[Any]:
        """As many of `elements` as there is room for."""
        # One step of the interpreter's own, so that other threads may change the container.
        taken = list(islice(elements, max(0, self._left)))
        self._left -= len(taken)
        return taken

    def numbers(self, row: list[Any]) -> list[Any]:
        """The beginning of a row of numbers: where there are many, few of each."""
        kept = row[: max(self._numbers, _FEW_NUMBERS)]
        self._numbers -= len(kept)
        self._left += len(row) - len(kept)
        return kept


Way = Callable[[Any, Walk], Any]
"""One of the walks of this module: `value` or `messages`."""


def noting(text: str, longest: int, seen: list[str]) -> str:
    """What may be kept of one text as it is; `seen` takes what is to be looked through for secrets."""
    kept = text if len(text) <= longest else text[: longest - EDGE]
    seen.append(jsonfast.valid(kept))
    return seen[-1] if kept is text else noted(seen[-1], length(text) - len(kept))


def value(found: Any, walk: Walk, depth: int = _DEPTH) -> Any:
    """`found` as JSON can hold it, with every text in it changed, those among the keys too."""
    cls = type(found)
    if cls is str:
        return walk.change(found)
    if found is None or cls is bool or cls is int:
        return found
    if cls is float:
        return found if found - found == 0 else None
    if (cls is list or cls is tuple) and depth > 0:
        return _listed(found, walk, depth)
    if cls is dict and depth > 0:
        return _mapped(found, walk, depth)
    bare = read.plain(found, depth)
    # What is still a container was of a class of the host's, and is one of Python's own now.
    return value(bare, walk, depth) if isinstance(bare, (str, list, dict)) else bare


def _listed(found: Sequence[Any], walk: Walk, depth: int) -> list[Any]:
    size = len(found)
    taken = walk.taken(found)
    if _NUMERIC.issuperset(map(id, map(type, taken))):
        taken = walk.numbers(taken)
    kept = [value(item, walk, depth - 1) for item in taken]
    return [*kept, f"... {size - len(taken)} more"] if size > len(taken) else kept


def _mapped(found: dict[Any, Any], walk: Walk, depth: int) -> dict[str, Any]:
    size = len(found)
    taken = walk.taken(found.items())
    kept: dict[str, Any] = {}
    for key, item in taken:
        kept[names.apart(_key(key, walk), kept)] = _field(key, item, walk, depth)
    if size > len(taken):
        kept[CUT] = f"{size - len(taken)} more"
    return kept


# A name that somebody gave in a program, not a person's data.
_NAME = re.compile(r"[A-Za-z_][A-Za-z_.\-]{0,63}")


def _key(key: Any, walk: Walk) -> str:
    name = _spelt(key)
    return walk.name(name) if _NAME.fullmatch(name) else walk.change(name)


def _spelt(key: Any) -> str:
    return key if type(key) is str else str(read.plain(key, 1))


def _field(key: Any, item: Any, walk: Walk, depth: int) -> Any:
    if type(key) is str and redact.names_secret(key) and names.may_be_secret(item):
        return redact.MARK
    return value(item, walk, depth - 1)


# What makes a message a message: no text of anybody's, and meaningless when changed.
_STRUCTURE = frozenset({"role", "type", "finish_reason", "modality", "mime_type", "id"})


def spoken(found: Any, longest: int, seen: list[str]) -> list[dict[str, Any]] | None:
    """The short way for messages of nothing but texts that may be kept whole, as most are; `None` for any others.

    What they are made of is put into `seen`, to be looked through.
    """
    made: list[dict[str, Any]] = []
    for message in found:
        if type(message) is not dict or not _SPOKEN.issuperset(message):
            return None
        kept = message.copy()
        for name, item in kept.items():
            if name == "parts":
                kept[name] = said = _said(item, longest, seen)
                if said is None:
                    return None
            elif type(item) is not str or len(item) > longest:
                return None
            else:
                kept[name] = jsonfast.valid(item)
                seen.append(kept[name])
        made.append(kept)
    return made


_SPOKEN = frozenset(("role", "parts", "finish_reason"))
_TEXTUAL = frozenset(("text", "reasoning", "refusal"))


def _said(parts: Any, longest: int, seen: list[str]) -> list[dict[str, Any]] | None:
    if type(parts) is not list or len(parts) > _FEW_PARTS:
        return None
    made: list[dict[str, Any]] = []
    for part in parts:
        if type(part) is not dict or len(part) != 2:
            return None
        kind, text = part.get("type"), part.get("content")
        if type(kind) is not str or kind not in _TEXTUAL:
            return None
        if type(text) is not str or len(text) > longest:
            return None
        text = jsonfast.valid(text)
        seen.append(text)
        made.append({"type": kind, "content": text})
    return made


_FEW_PARTS = 64


def messages(found: Any, walk: Walk) -> Any:
    """Messages, or system parts, with every text changed but not what holds them together."""
    if not isinstance(found, list):
        return value(found, walk)
    return [_message(item, walk) if type(item) is dict else value(item, walk) for item in found]


def _message(message: dict[str, Any], walk: Walk) -> dict[str, Any]:
    blob = message.get("type") == "blob" and "modality" in message
    kept: dict[str, Any] = {}
    for name, item in message.items():
        key = _spelt(name)
        if key == "parts":
            kept[key] = messages(item, walk)
        elif key in _STRUCTURE and type(item) is str:
            # What links a call and its answer, or tells how to show a picture, is not the application's to change.
            linked = key in ("id", "modality", "mime_type") and names.is_id(item)
            kept[key] = redact.scrub_name(item) if linked else walk.name(item)
        elif blob and key == "content" and type(item) is str:
            # Base64 is no text to redact. Half a blob is none; its size says what was there.
            kept[key] = item if len(item) <= walk.longest else ""
            if not kept[key] and item:
                kept["omitted"] = len(item)
        else:
            kept[key] = value(item, walk)
    return kept
