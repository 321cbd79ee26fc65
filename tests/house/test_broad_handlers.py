"""Errors are swallowed in one place; a broad handler elsewhere says why it must stand there."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest

from tests.house.tree import ROOT, Module, listed, modules

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BROAD = {"Exception", "BaseException"}
NOQA = re.compile(r"noqa: ?[A-Z]+\d+(?:, ?[A-Z]+\d+)*")
WORDS = re.compile(r"\w+ \w+")
# The places whose job it is: the fence swallows, the observer and its drivers end records and re-raise.
HOMES = {"clearspan.core.drivers", "clearspan.core.fence", "clearspan.core.observe"}


def caught(node: ast.expr | None) -> set[str]:
    """The names in an `except` clause; a bare one catches BaseException."""
    if node is None:
        return {"BaseException"}
    return {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}


def handlers(tree: ast.Module) -> Iterator[ast.ExceptHandler]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler))


def explained(module: Module, node: ast.ExceptHandler) -> bool:
    """Whether a comment stands on the clause, just above it, or before its first statement."""
    lines = module.text.splitlines()[node.lineno - 2 : node.body[0].lineno]
    comments = (line.partition("#")[2] for line in lines)
    return any(WORDS.search(NOQA.sub("", comment)) for comment in comments)


def test_broad_handlers_say_why() -> None:
    silent = [
        f"{module.name}:{node.lineno}"
        for module in modules().values()
        if module.name not in HOMES
        for node in handlers(module.tree)
        if caught(node.type) & BROAD and not explained(module, node)
    ]
    assert not silent, listed(silent)


def test_nothing_suppresses_broadly() -> None:
    found = [
        f"{module.name}:{node.lineno}"
        for module in modules().values()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in {"suppress", "contextlib.suppress"}
        and any(caught(argument) & BROAD for argument in node.args)
    ]
    assert not found, listed(found)


def python_files() -> list[Path]:
    return sorted(
        path for top in ("src", "tests", "benchmarks") for path in (ROOT / top).rglob("*.py")
    )


@pytest.mark.parametrize("path", python_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_handler_only_passes(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    empty = [
        node.lineno
        for node in handlers(tree)
        if all(isinstance(statement, ast.Pass) for statement in node.body)
    ]
    assert empty == []
