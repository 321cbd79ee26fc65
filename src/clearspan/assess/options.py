"""Options of evaluators by their names: which there are, and what was meant by one that is none."""

from __future__ import annotations

import inspect
from collections.abc import Collection

from clearspan.core.spelling import meant

__all__ = ["options_of", "refuse"]

_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def options_of(made: type) -> list[str]:
    """The names of the options that a class and those that it derives from take, sorted."""
    known: set[str] = set()
    for each in made.__mro__:
        if "__init__" in vars(each) and each is not object:
            taken = inspect.signature(vars(each)["__init__"]).parameters.values()
            known |= {option.name for option in list(taken)[1:] if option.kind in _NAMED}
    return sorted(known)


def refuse(whose: str, given: Collection[str], known: Collection[str]) -> None:
    """Raise `TypeError`, as a call does with an argument that it has not, for the first of `given` that is not known."""
    for option in given:
        if option not in known:
            hint = meant(option, known) or f"; it has {', '.join(known)}"
            raise TypeError(f"clearspan: {whose} has no option {option!r}{hint}")
