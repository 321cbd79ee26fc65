"""Shapes of messages and of feedback without a word of them: what mode `metadata` keeps."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from clearspan.emit import vocabulary
from clearspan.record import OTHER

if TYPE_CHECKING:
    from clearspan.score import Score

__all__ = ["only", "outline", "wordless"]

_OUTLINE = ("type", "id", "name", "modality", "mime_type")
_FORMS = ("role", "type", "modality", "finish_reason")
_MIME_TYPE = re.compile(r"(?:audio|application|image|text|video|model|font)/[a-z0-9.+\-]{1,40}")


def only(item: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """The fields of these names, where it has them."""
    return {name: item[name] for name in names if name in item} if type(item) is dict else {}


def outline(message: Any) -> dict[str, Any]:
    """Its role, and the kinds of its parts as far as they are known ones; lengths are in characters."""
    parts = message.get("parts") if type(message) is dict else None
    if not isinstance(parts, list):
        return _part(message)
    kept = _formal(only(message, ("role", "finish_reason")))
    kept["parts"] = [_part(part) for part in parts]
    return kept


def _part(part: Any) -> dict[str, Any]:
    kept = _formal(only(part, _OUTLINE))
    if "tool" not in str(kept.get("type")):
        kept.pop("name", None)  # a tool's name is the developer's; a file's is the user's
    content = part.get("content") if type(part) is dict else part
    if isinstance(content, str):
        kept.update(content="", length=len(content))
    return kept


def _formal(kept: dict[str, Any]) -> dict[str, Any]:
    for name in _FORMS:
        if name in kept and not (type(kept[name]) is str and vocabulary.is_known(kept[name])):
            kept[name] = OTHER
    mime_type = kept.get("mime_type")
    if mime_type is not None and not (
        type(mime_type) is str and _MIME_TYPE.fullmatch(mime_type) is not None
    ):
        kept["mime_type"] = OTHER
    return kept


def _is_number(value: Any) -> bool:
    return isinstance(value, (bool, int, float))


# What feedback tells of itself: no words of anybody's. A user's name is the hash that stands for one.
_WORDLESS: Mapping[str, Callable[[Any], bool]] = {
    "raw": _is_number,
    "scale": lambda given: isinstance(given, list) and all(map(_is_number, given)),
    "source": lambda given: given in ("end_user", "annotator", "implicit"),
    "user": lambda given: (
        isinstance(given, str) and re.fullmatch("[0-9a-f]{32}", given) is not None
    ),
}


def wordless(score: Score) -> dict[str, Any]:
    """What of a person's feedback is no text."""
    if score.kind != "human":
        return {}
    return {
        name: value
        for name, value in score.metadata.items()
        if name in _WORDLESS and _WORDLESS[name](value)
    }
