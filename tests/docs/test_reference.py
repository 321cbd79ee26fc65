"""The committed reference pages are what the code says now."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

GENERATOR = Path(__file__).parents[2] / "docs" / "generate.py"


def written() -> dict[str, str]:
    spec = importlib.util.spec_from_file_location("docs_generate", GENERATOR)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    pages: dict[str, str] = module.pages()
    return pages


@pytest.mark.parametrize(
    "name", sorted(["api", "attributes", "cli", "metrics", "settings", "test-kit"])
)
def test_page_is_fresh(name: str) -> None:
    committed = GENERATOR.parent / "reference" / f"{name}.md"
    assert committed.read_text(encoding="utf-8") == written()[f"{name}.md"], (
        "run `python docs/generate.py`"
    )


def test_every_page_is_tested() -> None:
    pages = {path.name for path in (GENERATOR.parent / "reference").glob("*.md")}
    assert pages == set(written())
