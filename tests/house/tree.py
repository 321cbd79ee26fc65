"""The source tree as the house tests see it: modules, their imports, their functions."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"


@dataclass(frozen=True)
class Import:
    """One import: who, what (a full dotted name), where, and when it runs."""

    importer: str
    target: str
    line: int
    at_module_level: bool
    for_types_only: bool

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.target}"


@dataclass(frozen=True)
class Module:
    name: str
    path: Path
    text: str
    tree: ast.Module

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"


@cache
def modules() -> dict[str, Module]:
    """Every module of the package, by dotted name."""
    found = {}
    for path in sorted((SOURCE / "clearspan").rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        text = path.read_text(encoding="utf-8")
        found[name] = Module(name, path, text, ast.parse(text, str(path)))
    return found


@cache
def imports() -> tuple[Import, ...]:
    """Every import statement of the package, those inside functions included."""
    return tuple(found for module in modules().values() for found in _imports_of(module))


def internal_imports() -> Iterator[Import]:
    """The imports of the package's own modules, without those of a package's own parts."""
    return (found for found in imports() if found.target.split(".")[0] == "clearspan")


def _imports_of(module: Module) -> Iterator[Import]:
    in_function = _lines(module.tree, ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    for_types = {
        line
        for node in ast.walk(module.tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for statement in node.body
        for line in range(statement.lineno, (statement.end_lineno or statement.lineno) + 1)
    }
    for node in ast.walk(module.tree):
        for target in _targets(node, module):
            line = node.lineno  # type: ignore[attr-defined]
            types_only = line in for_types
            eager = line not in in_function and not types_only
            yield Import(module.name, target, line, eager, types_only)


def _targets(node: ast.AST, module: Module) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = _absolute(node, module)
        full = [f"{base}.{alias.name}" for alias in node.names]
        yield from sorted({name if name in modules_by_path() else base for name in full})


def _absolute(node: ast.ImportFrom, module: Module) -> str:
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    kept = len(parts) - node.level + (1 if module.is_package else 0)
    return ".".join(parts[:kept] + ([node.module] if node.module else []))


@cache
def modules_by_path() -> frozenset[str]:
    """The dotted names of all modules, without parsing any."""
    names = set()
    for path in (SOURCE / "clearspan").rglob("*.py"):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        names.add(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return frozenset(names)


def _lines(tree: ast.Module, *kinds: type[ast.AST]) -> set[int]:
    return {
        line
        for node in ast.walk(tree)
        if isinstance(node, kinds)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)  # type: ignore[attr-defined]
    }


def functions() -> Iterator[tuple[Module, ast.FunctionDef | ast.AsyncFunctionDef, int]]:
    """Every function of the package with its length in lines, decorators not counted."""
    for module in modules().values():
        for node in ast.walk(module.tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield module, node, (node.end_lineno or node.lineno) - node.lineno + 1


def listed(found: Iterable[object]) -> str:
    """One finding a line: the message of a failed assertion."""
    return "\n" + "\n".join(map(str, found))
