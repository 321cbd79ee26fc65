"""Answers that are remembered, where what was asked is short: what is remembered stays in memory."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sized
from typing import Any, Concatenate, ParamSpec, TypeVar

__all__ = ["short"]

P = ParamSpec("P")
T = TypeVar("T")
Asked = TypeVar("Asked", bound=Sized | None)

_LONGEST = 8_192


def _length(asked: Any) -> int:
    return 0 if asked is None else len(asked)


def short(
    most: int, of: Callable[[Any], int] = _length
) -> Callable[[Callable[Concatenate[Asked, P], T]], Callable[Concatenate[Asked, P], T]]:
    """Remember the last `most` answers of a function whose first argument is no longer than 8 Ki; `of` measures it."""

    def remembering(
        function: Callable[Concatenate[Asked, P], T],
    ) -> Callable[Concatenate[Asked, P], T]:
        known: Callable[..., T] = functools.lru_cache(maxsize=most)(function)

        def answer(asked: Asked, /, *args: P.args, **kwargs: P.kwargs) -> T:
            if of(asked) > _LONGEST:
                return function(asked, *args, **kwargs)
            return known(asked, *args, **kwargs)

        functools.update_wrapper(answer, function)
        return answer

    return remembering
