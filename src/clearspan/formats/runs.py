"""Runs of chunks that bring nothing but a piece of text, as nearly all of a stream do: the short way to read them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from operator import itemgetter
from typing import Any, NamedTuple

from clearspan.core import read
from clearspan.draft import Draft
from clearspan.formats import openai_common as common

__all__ = ["deltas", "texts"]

_LEAST = 4
"""Fewer are not worth looking at first."""
# What the long way reads wherever it stands: a class that declares these, or not those, is none for the short way.
_READ, _LEFT = ("finish_reason", "logprobs", "index", "delta"), ("x_groq", "time_info")
_WHOSE = ("id", "model", "service_tier", "system_fingerprint")
_MOST = 64

Fields = Callable[[Any], tuple[Any, ...]]


class _Shape(NamedTuple):
    """Classes of a chunk, its choice and what is new of that; and the fields by which it would tell more than a text."""

    classes: tuple[type, type, type]
    head: Fields
    """Whose chunk it is, and last its usage."""
    ended: Fields
    said: Fields
    nothing: tuple[tuple[Any, ...], tuple[None, ...]]


def deltas(draft: Draft, items: Sequence[Any], start: int) -> int:
    """Take the texts of the events of a response from `start` on, up to the first of another kind or place."""
    of_event, first = type(items[start]), read.declared(items[start])
    place = None if first is None else (first.get("output_index"), first.get("content_index"))
    if first is None or place is None or not all(type(each) is int and each >= 0 for each in place):
        return 0
    found: list[str] = []
    for item in islice(items, start, None):
        told = item.__dict__ if type(item) is of_event else {}
        text = told.get("delta")
        if told.get("type") != _TEXT or type(text) is not str or not text:
            break
        if (told.get("output_index"), told.get("content_index")) != place:
            break
        found.append(text)
    if found:
        draft.texts(found, place)
    return len(found)


_TEXT = "response.output_text.delta"


def texts(draft: Draft, items: Sequence[Any], start: int) -> int:
    """Take the texts of a chat's chunks from `start` on, up to the first that tells anything else.

    Answers how many were taken: what this does not know it leaves to the long way.
    """
    if len(items) - start < _LEAST:
        return 0
    shape = _shape(items[start])
    found: list[str] = []
    if shape is not None:
        _gather(shape, islice(items, start, None), found)
    if found:
        common.identity(draft, items[start])  # which is that of all of them
        draft.texts(found)
    return len(found)


def _gather(shape: _Shape, items: Iterable[Any], found: list[str]) -> None:
    of_chunk: Any
    of_choice: Any
    of_delta: Any
    (of_chunk, of_choice, of_delta), head, ended, said, (not_ended, nothing_said) = shape
    whose: tuple[Any, ...] | None = None
    try:
        for item in items:
            # Of these classes it is known that nothing of the host's answers for what Python keeps.
            if type(item) is not of_chunk or item.__pydantic_extra__:
                return
            told = item.__dict__
            own = head(told)
            whose = whose or own
            if own[-1] is not None or own != whose:
                return
            (choice,) = told["choices"]
            if type(choice) is not of_choice:
                return
            told = choice.__dict__
            if ended(told) != not_ended:
                return
            new = told["delta"]
            if type(new) is not of_delta or new.__pydantic_extra__:
                return
            told = new.__dict__
            text = told["content"]
            if type(text) is not str or not text or said(told) != nothing_said:
                return
            found.append(text)
    except (AttributeError, KeyError, TypeError, ValueError):
        return  # put together otherwise than its class says


_shapes: dict[type, _Shape] = {}


def _shape(chunk: Any) -> _Shape | None:
    """How chunks like this one are kept; `None` where it is no model of pydantic's with a choice in it."""
    choices = read.items(chunk, "choices")
    choice = choices[0] if choices else None
    parts = chunk, choice, read.get(choice, "delta")
    classes = type(parts[0]), type(parts[1]), type(parts[2])
    if not all(map(read.is_model, classes)):
        return None
    known = _shapes.get(classes[0])
    if known is None or known.classes != classes:
        known = _made(classes, *(vars(part) for part in parts))
        if known is not None:
            if len(_shapes) >= _MOST:
                _shapes.clear()
            _shapes[classes[0]] = known
    return known


def _made(
    classes: tuple[type, type, type],
    chunk: dict[str, Any],
    choice: dict[str, Any],
    delta: dict[str, Any],
) -> _Shape | None:
    if any(name not in choice for name in _READ) or any(name in chunk for name in _LEFT):
        return None
    # By its class: this one may have been put together without some of them. Before pydantic 2.10 it has another name.
    own = vars(classes[0])
    declared = own.get("__pydantic_fields__", own.get("model_fields", _WHOSE))
    head = [name for name in _WHOSE if name in declared]
    ended = [name for name in choice if name != "delta"]
    said = [name for name in delta if name != "content"]
    nothing = tuple([0 if name == "index" else None for name in ended]), (None,) * len(said)
    return _Shape(classes, _getter([*head, "usage"]), _getter(ended), _getter(said), nothing)


def _getter(names: Sequence[str]) -> Fields:
    """The values of these fields; of one field or none as a tuple, too."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda fields: tuple([fields[name] for name in names])
