"""What an installation brings along."""

from __future__ import annotations

import sys
from importlib.metadata import distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house.tree import imports, listed

CORE_LIMIT = 40
# Imported only where the user has them: the clients, and pytest for its own plugin.
OPTIONAL = {"openai", "pytest"}


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


def provided(name: str) -> set[str]:
    """The top-level names that a distribution installs."""
    files = distribution(name).files or ()
    return {file.parts[0].removesuffix(".py") for file in files}


def test_every_import_is_of_a_declared_dependency() -> None:
    declared = {
        Requirement(text).name
        for text in distribution("clearspan").requires or ()
        if "extra ==" not in text
    }
    known = {"clearspan", *OPTIONAL, *sys.stdlib_module_names}.union(*map(provided, declared))
    undeclared = [
        found
        for found in imports()
        if not found.for_types_only and found.target.split(".")[0] not in known
    ]
    assert not undeclared, listed(undeclared)
