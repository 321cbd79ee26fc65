"""Evaluators by the names under which they are registered; one whose package is broken stands there as broken."""

from __future__ import annotations

from typing import Any

from clearspan import registry
from clearspan.assess.evaluator import Evaluator, is_evaluator, seated
from clearspan.score import Score

__all__ = ["Broken", "registered"]


class Broken(Evaluator):
    """Stands for an evaluator that cannot be had, so that it is seen that it judges nothing."""

    requires: frozenset[str] = frozenset()
    operations = None

    def __init__(self, name: str, why: str) -> None:
        super().__init__(name=name)
        self.why = why

    def evaluate(self, call: Any) -> Score:
        """An error, of every call."""
        return Score(error="broken", explanation=self.why)


def registered(name: str) -> Evaluator:
    """The evaluator that is registered as `name`, and called so.

    Raises `registry.NotFound` for a name that nobody has, `ValueError` for one that cannot be had without options.
    """
    try:
        found = registry.load(registry.EVALUATORS, name)
    except registry.NotFound:
        raise
    except Exception as error:  # noqa: BLE001 -- a plug-in is anybody's code and may fail to load in any way
        return Broken(name, f"{type(error).__name__}: {error}")
    if not is_evaluator(found):
        return Broken(name, f"what is registered is no evaluator, but a {type(found).__name__}")
    try:
        made = seated(found)
    except (TypeError, ValueError) as error:
        said = str(error).removeprefix("clearspan: ")
        raise ValueError(
            f"clearspan: {name!r} cannot be had by its name alone ({said}); give an object that is made with its options"
        ) from error
    except Exception as error:  # noqa: BLE001 -- or to be made
        return Broken(name, f"{type(error).__name__}: {error}")
    made.name = name
    return made
