"""Texts in requests and answers of any shape: where they are, and how one is replaced by another."""

from __future__ import annotations

from collections.abc import (
    Callable,
    Hashable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
    Set as AbstractSet,
)
from typing import Any

from clearspan.core import read
from clearspan.core.unseen import UNSEEN
from clearspan.provider import Slot

__all__ = [
    "KEYS", "Key", "choices", "deltas", "inside", "line", "named", "put", "rename", "requested", "told", "walk",
]  # fmt: skip

_Path = tuple["str | int", ...]

KEYS = frozenset({
    "content", "text", "refusal", "reasoning", "reasoning_content", "thinking", "summary", "transcript", "value",
    "arguments", "input", "output", "code",
})  # fmt: skip
"""What a text is called in messages, items and parts of APIs in OpenAI's style, and what tools are given and answer."""

# Below these every text counts, whatever it is called, and what it is called as well: arguments that are no JSON text.
_DEEP = frozenset({"arguments", "env", "attributes"})
_PASSED = frozenset({"logprobs", "input_audio", "image_url", "file", "parsed", "parsed_arguments"})
_CITING = ("annotations", "annotation")
_CITED = frozenset({"title", "url", "quote"})
_CALLED = ("function", "custom", "function_call")
_DEPTH = 16
_LISTED = (list, tuple, bytes, bytearray, memoryview, range)
_TOOL = ("tool", "function")
# What repeats the text in another form, and would tell it still.
_ECHOES = ("logprobs", "top_tokens", "context", "parsed", "parsed_arguments", "words", "tokens")


class Key(str):
    """The last step of a way that leads to the name itself that something has in a mapping."""

    __slots__ = ()


def walk(source: Any, path: _Path = (), keys: frozenset[str] = KEYS, *, wanted: bool = False, deep: bool = False) -> Iterator[tuple[str, _Path]]:  # fmt: skip
    """The texts under `keys` in `source`, and the way to each; `UNSEEN` for what cannot be looked into.

    `deep` wants all of them, whatever they are called, and the names of mappings too.
    """
    return _walk(source, path, keys, _DEPTH, wanted=wanted or deep, deep=deep)


def _walk(
    source: Any, path: _Path, keys: frozenset[str], depth: int, *, wanted: bool, deep: bool
) -> Iterator[tuple[str, _Path]]:
    if issubclass(type(source), str):
        if wanted and (text := read.text(source)):
            yield text, path
        return
    fields, items = _fields(source), read.items(source)
    if fields is None and not items:
        if wanted and _lists(type(source)):
            yield UNSEEN, path
        return
    if depth == 0:
        yield UNSEEN, path
        return
    named = {name: value for name, value in (fields or {}).items() if type(name) is str}
    for name, value in named.items():
        if deep or name not in _PASSED:
            further = deep or (name in _DEEP and name in keys)
            said = further or name in keys or _speaks(name, path, named)
            yield from _walk(value, (*path, name), keys, depth - 1, wanted=said, deep=further)
    for at, item in enumerate(items):
        yield from _walk(item, (*path, at), keys, depth - 1, wanted=wanted, deep=deep)
    for name in named if deep else ():
        yield str(name), (*path, Key(name))  # after what is under it: the way to that ends with it


def _speaks(name: str, path: _Path, beside: Mapping[str, Any]) -> bool:
    """Whether it is the name of a tool that is called, or what a source is called that is cited."""
    if name == "name":
        called = bool(path) and path[-1] in _CALLED
        return called or (read.text(beside, "type") or "").endswith("_call")
    return name in _CITED and any(step in _CITING for step in path)


def _fields(source: Any) -> dict[str, Any] | None:
    """The fields of a mapping of any kind, a model or a dataclass."""
    found = read.fields(source)
    if found is None:
        return dict(source) if issubclass(type(source), Mapping) else None
    return found if type(found) is dict else dict(dict.items(found))


def _lists(kind: type) -> bool:
    """Whether it may hold texts that are not looked at: what is read once only, and lists that are no lists."""
    return issubclass(kind, (Iterator, Sequence, AbstractSet)) and not issubclass(kind, _LISTED)


def requested(given: Any, path: _Path = (), keys: frozenset[str] = KEYS) -> Iterator[Slot]:
    """The texts of messages or items, each in the role of who says it; of a bare text or several, the user's."""
    if issubclass(type(given), str) or not read.items(given):
        yield from (Slot(text, way) for text, way in walk(given, path, keys, wanted=True))
    for at, item in enumerate(read.items(given)):
        for text, way in walk(item, (*path, at), keys, wanted=issubclass(type(item), str)):
            yield Slot(text, way, role=_role(item))


def _role(item: Any) -> str:
    fields = _fields(item)
    role, kind = read.text(fields, "role"), read.text(fields, "type") or ""
    if role in _TOOL or (role is None and kind.endswith("_output")):
        return "tool"
    return role or ("assistant" if kind.endswith("_call") or kind == "reasoning" else "user")


def named(*names: str, system: tuple[str, ...] = (), keys: frozenset[str] = KEYS) -> Callable[[Mapping[str, Any]], Iterable[Slot]]:  # fmt: skip
    """Reads the texts of the arguments of these names, also where they stand in `extra_body`."""

    def asked(kwargs: Mapping[str, Any]) -> Iterator[Slot]:
        for at, given in (((), kwargs), (("extra_body",), kwargs.get("extra_body"))):
            for name in system:
                if text := read.text(given, name):
                    yield Slot(text, (*at, name), role="system")
            for name in names:
                yield from requested(read.get(given, name), (*at, name), keys)

    return asked


def told(source: Any, path: _Path = (), keys: frozenset[str] = KEYS, *, channel: tuple[Hashable, ...] = (), whole: bool = True) -> Iterator[Slot]:  # fmt: skip
    """The texts of an answer, or of a part of one."""
    for text, way in walk(source, path, keys):
        yield Slot(text, way, (*channel, *way), "assistant", whole=whole)


def choices(answer: Any) -> Iterator[Slot]:
    """The texts of the choices of a chat or a completion."""
    for at, choice in enumerate(read.items(answer, "choices")):
        for name in ("message", "text"):
            for text, path in walk(read.get(choice, name), ("choices", at, name), wanted=True):
                yield Slot(text, path, role="assistant")


def deltas(item: Any) -> Iterator[Slot]:
    """The texts of a chunk of one. Those of a choice end when it says why."""
    for at, choice in enumerate(read.items(item, "choices")):
        index = read.count(choice, "index") or 0
        for name in ("delta", "text"):
            for text, path in walk(read.get(choice, name), ("choices", at, name), wanted=True):
                whole = (
                    path[-1] == "name" or type(path[-1]) is Key
                )  # of a tool, which comes at once
                yield Slot(text, path, (index, *line(item, path)), "assistant", whole=whole)
        if read.text(choice, "finish_reason"):
            yield Slot("", channel=(index,), last=True)


def line(item: Any, path: tuple[str | int, ...]) -> Iterator[str | int]:
    """What tells the texts of a choice apart: positions in a chunk's lists say nothing, their indexes do."""
    value = item
    for step in path:
        if isinstance(step, int):
            value = read.items(value)[step]
            yield read.count(value, "index") or 0
        else:
            value = read.get(value, step)
            yield step


def put(answer: Any, path: _Path, text: str) -> Any:
    """`answer` with `text` at `path`, in place, and without what repeats the old text in another form."""
    if not path:
        return text
    holders = [answer]
    for step in path[:-1]:
        _hush(holders, text)
        holders = [inner for holder in holders for inner in inside(holder, step)]
    for holder in holders:
        _set(holder, path[-1], text)
    _hush(holders, text)
    return answer


def inside(holder: Any, step: str | int) -> Iterator[Any]:
    """What is under a name. There are classes that keep it twice: as an item and as an attribute."""
    seen: list[Any] = []
    if isinstance(holder, dict) and step in holder:
        seen.append(dict.__getitem__(holder, step))
    elif isinstance(step, int):
        seen.append(holder[step])
    if isinstance(step, str) and hasattr(holder, step):
        seen.append(getattr(holder, step))
    for at, one in enumerate(seen):
        if not any(one is other for other in seen[:at]):
            yield one


def _set(holder: Any, step: str | int, value: Any) -> None:
    if isinstance(step, Key):
        rename(holder, step, value)
        return
    if isinstance(step, int) or isinstance(holder, dict):
        holder[step] = value
    if isinstance(step, str) and (not isinstance(holder, dict) or step in _own(holder)):
        setattr(holder, step, value)


def rename(holder: Any, name: str, text: str) -> None:
    """What is called `name` is called `text` now, in the place where it was; another of that name stays."""
    held = list(holder.items())
    taken = {each for each, _ in held if each != name}
    while text in taken:
        text += "_"
    holder.clear()
    holder.update((text if each == name else each, value) for each, value in held)


def _own(holder: Any) -> Mapping[str, Any]:
    """An object's own attributes; none for one that has no such storage."""
    found: Mapping[str, Any] = getattr(holder, "__dict__", {})
    return found


def _hush(holders: list[Any], text: str) -> None:
    for holder in holders:
        for name in _ECHOES:
            for old in list(inside(holder, name)) if not isinstance(holder, list) else ():
                if old is not None:
                    _set(holder, name, _anew(name, old, text))


def _anew(name: str, old: Any, text: str) -> Any:
    """What stands in an echo's place: an object read from the new text, else nothing."""
    if isinstance(old, (list, tuple)) and not name.startswith("parsed"):
        return []
    reader = getattr(type(old), "model_validate_json", None)
    if name.startswith("parsed") and reader is not None:
        try:
            return reader(text)
        except ValueError:  # what was taken out was more than a text
            return None
    return None
