"""The door: every public name, typed, documented, and loaded when it is used."""

from __future__ import annotations

import inspect
import subprocess
import sys
import types
from pathlib import Path

import pytest

import clearspan
from tests.runtime.support import environment


@pytest.mark.parametrize("name", clearspan.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    found = getattr(clearspan, name)
    assert found is not None
    assert getattr(clearspan, name) is found
    assert name in dir(clearspan)
    if inspect.isclass(found) or inspect.isfunction(found) or isinstance(found, types.ModuleType):
        assert inspect.getdoc(found)


@pytest.mark.parametrize(
    "name", ["workflow", "agent", "task", "tool", "retrieval", "model", "embedding"]
)
def test_each_decorator_says_what_it_is(name: str) -> None:
    assert f"kind `{name}`" in (getattr(clearspan, name).__doc__ or "")


def test_the_test_kit_is_a_module_that_is_loaded_when_it_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import clearspan.testing as kit

    monkeypatch.delattr(clearspan, "testing")
    assert clearspan.testing is kit


def test_the_list_is_sorted_and_complete() -> None:
    assert clearspan.__all__ == sorted(clearspan.__all__)
    assert set(clearspan._HOME) | set(clearspan._ROOMS) == set(clearspan.__all__)


def test_what_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'clearspan' has no attribute 'langchain'"):
        clearspan.langchain  # noqa: B018 -- asked for to fail
    with pytest.raises(ImportError):
        from clearspan import langchain  # noqa: F401
    assert not hasattr(clearspan, "__path_hooks__")


def check(tmp_path: Path, text: str) -> str:
    # A child that measures coverage loads more than one that does not.
    variables = {name: value for name, value in environment().items() if "COVERAGE" not in name}
    result = subprocess.run(
        [sys.executable, "-c", text], cwd=tmp_path, env=variables, capture_output=True, text=True,
        timeout=120,
    )  # fmt: skip
    assert result.stderr == ""
    return result.stdout


def test_importing_it_loads_nothing_heavy(tmp_path: Path) -> None:
    loaded = check(
        tmp_path,
        "import sys, clearspan\n"
        "heavy = ('opentelemetry', 'wrapt', 'openai', 'httpx', 'rich', 'click', 'sqlite3', 'clearspan.runtime')\n"
        "print([name for name in heavy if name in sys.modules])",
    )
    assert loaded == "[]\n"


def test_decorating_loads_no_sdk_and_no_library(tmp_path: Path) -> None:
    loaded = check(
        tmp_path,
        "import sys, clearspan\n"
        "@clearspan.tool\n"
        "def work(): return 1\n"
        "with clearspan.context(session='s'), clearspan.span('x'): work()\n"
        "heavy = ('opentelemetry.sdk', 'openai', 'httpx', 'sqlite3', 'clearspan.runtime')\n"
        "print([name for name in heavy if name in sys.modules])",
    )
    assert loaded == "[]\n"


def test_the_test_kit_is_reached_from_the_package(tmp_path: Path) -> None:
    found = check(
        tmp_path,
        "import clearspan\n"
        "with clearspan.testing.captured(providers=()) as seen:\n"
        "    with clearspan.span('x'): pass\n"
        "    print([span.name for span in seen.spans])",
    )
    assert found == "['x']\n"


def test_everything_can_be_imported_by_star(tmp_path: Path) -> None:
    assert check(tmp_path, "from clearspan import *\nprint(task, context, testing.captured)") != ""
