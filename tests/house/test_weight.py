"""What an installation brings along."""

from __future__ import annotations

from importlib.metadata import distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CORE_LIMIT = 40


def closure(name: str) -> set[str]:
    """The distributions that installing `name`, without extras, brings to this interpreter."""
    seen: set[str] = set()
    waiting: list[tuple[str, frozenset[str]]] = [(name, frozenset())]
    visited: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        step = waiting.pop()
        if step in visited:
            continue
        visited.add(step)
        current, extras = step
        seen.add(canonicalize_name(current))
        for text in distribution(current).requires or ():
            requirement = Requirement(text)
            choices = extras or {""}
            if requirement.marker is None or any(
                requirement.marker.evaluate({"extra": extra}) for extra in choices
            ):
                waiting.append((requirement.name, frozenset(requirement.extras)))
    return seen


def test_the_core_is_light() -> None:
    assert len(closure("clearspan")) <= CORE_LIMIT


def test_no_client_library_comes_with_the_core() -> None:
    assert closure("clearspan").isdisjoint({"openai", "httpx", "httpx2", "pydantic", "torch"})
