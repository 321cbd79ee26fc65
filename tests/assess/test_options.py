from __future__ import annotations

from typing import Any

import pytest

from clearspan.assess.options import options_of, refuse
from clearspan.core.spelling import meant


class Base:
    def __init__(self, *, name: str = "", **rest: Any) -> None:
        self.name, self.rest = name, rest


class Derived(Base):
    def __init__(self, pattern: str, *more: str, strict: bool = False, **rest: Any) -> None:
        super().__init__(**rest)
        self.given = pattern, more, strict


class Bare(Derived):
    pass


def test_a_class_has_the_options_of_those_that_it_derives_from() -> None:
    assert options_of(Base) == ["name"]
    assert options_of(Derived) == options_of(Bare) == ["name", "pattern", "strict"]


def test_what_was_meant() -> None:
    assert meant("stict", ["name", "strict"]) == "; did you mean 'strict'?"
    assert meant("zzz", ["name", "strict"]) == ""


def test_only_what_is_not_known_is_refused() -> None:
    refuse("It", {"name": 1}, ["name"])
    with pytest.raises(TypeError, match=r"^clearspan: It has no option 'nme'; did you mean 'name'"):
        refuse("It", ["name", "nme"], ["name"])
    with pytest.raises(TypeError, match=r"It has no option 'zzz'; it has a, b$"):
        refuse("It", ["zzz"], ["a", "b"])
