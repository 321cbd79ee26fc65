"""Other texts in a call's arguments: copies along the way to each, so that the caller's own stay as they are."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from clearspan.formats.speech import Key, rename

__all__ = ["Given"]

_Path = Sequence["str | int"]


class Given:
    """The arguments of a call, by name as well, and as they are to be handed on."""

    __slots__ = ("_positional", "args", "kwargs")

    def __init__(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any], positional: tuple[str, ...]
    ) -> None:
        self.args = args
        self.kwargs = dict(kwargs)
        self._positional = positional

    def named(self) -> dict[str, Any]:
        """All that have a name."""
        return {**dict(zip(self._positional, self.args, strict=False)), **self.kwargs}

    def read_through(self, names: Sequence[str]) -> bool:
        """Put lists where arguments of these names can be read only once; whether there were any."""
        named = self.named()
        once = [name for name in names if isinstance(named.get(name), Iterator)]
        for name in once:
            self._set(name, list(named[name]))
        return bool(once)

    def put(self, path: _Path, text: str) -> None:
        """Have `text` where `path` leads."""
        name, *rest = path
        self._set(str(name), _with(self.named()[str(name)], rest, text))

    def _set(self, name: str, value: Any) -> None:
        at = self._positional.index(name) if name in self._positional else len(self.args)
        if at < len(self.args):
            self.args = (*self.args[:at], value, *self.args[at + 1 :])
        else:
            self.kwargs[name] = value


def _with(value: Any, path: _Path, text: str) -> Any:
    if not path:
        return text
    step, *rest = path
    if isinstance(value, tuple):
        return tuple(
            _with(item, rest, text) if at == step else item for at, item in enumerate(value)
        )
    made: Any
    if isinstance(value, Mapping) and not isinstance(value, dict):
        made = dict(value)  # some are never written to
    else:
        made = copy.copy(value)
    if isinstance(step, Key):
        rename(made, step, text)
        return made
    if isinstance(value, (Mapping, list)):
        made[step] = _with(made[step], rest, text)
        return made
    return _changed(made, str(step), _with(getattr(made, str(step)), rest, text))


def _changed(made: Any, name: str, value: Any) -> Any:
    """`made`, a copy, with another attribute. Raises what its class does where that can be done in no way."""
    try:
        setattr(made, name, value)
    except (AttributeError, TypeError, ValueError):  # frozen, or checked
        if callable(getattr(made, "model_copy", None)):
            return made.model_copy(update={name: value})
        return dataclasses.replace(made, **{name: value})
    return made
