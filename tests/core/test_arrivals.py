"""What is done when a package is about to be imported."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import wrapt

from clearspan.core import arrivals, fence


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a package that can be imported and was not yet."""
    name = "clearspan_arrives"
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("import sys\nSEEN = list(sys.modules)\n")
    (tmp_path / name / "inner.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    yield name
    for each in (name, f"{name}.inner"):
        sys.modules.pop(each, None)


def looking_out() -> int:
    return sum(type(finder).__module__ == "clearspan.core.arrivals" for finder in sys.meta_path)


def test_it_is_done_once_and_before_any_of_the_packages_code(package: str) -> None:
    came: list[bool] = []
    arrivals.await_(package, lambda: came.append(package in sys.modules))
    assert looking_out() == 1
    module = importlib.import_module(f"{package}.inner")
    assert (came, module.__name__) == ([False], f"{package}.inner")
    del sys.modules[package], sys.modules[f"{package}.inner"]
    importlib.import_module(package)
    assert came == [False]


def test_what_nobody_waits_for_is_none_of_its_business(package: str) -> None:
    came: list[str] = []
    arrivals.await_("clearspan_never_comes", lambda: came.append("it did"))
    importlib.import_module(package)
    with pytest.raises(ModuleNotFoundError, match="clearspan_never_comes"):
        importlib.import_module("clearspan_never_comes")
    assert came == ["it did"]  # somebody was about to


def test_several_wait_for_one_and_one_may_think_better_of_it(package: str) -> None:
    came: list[str] = []
    callbacks: list[Callable[[], Any]] = [lambda name=name: came.append(name) for name in "abc"]  # type: ignore[misc]  # each its own
    for callback in callbacks:
        arrivals.await_(package, callback)
    arrivals.forget(package, callbacks[1])
    importlib.import_module(package)
    assert came == ["a", "c"]


def test_where_nobody_waits_it_is_gone_from_the_import_system(package: str) -> None:
    callback = threading.Event().set
    arrivals.await_(package, callback)
    assert looking_out() == 1
    arrivals.forget(package, callback)
    arrivals.forget(package, callback)
    assert looking_out() == 0


def test_a_failure_does_not_come_out_of_the_import(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLEARSPAN_STRICT")

    def fail() -> None:
        raise RuntimeError("broken")

    fence.reset()
    arrivals.await_(package, fail)
    assert importlib.import_module(package).__name__ == package
    assert fence.failures() == {"arrivals.tell": 1}


def test_hooks_that_are_put_up_meanwhile_see_the_import_too(package: str) -> None:
    hooked: list[ModuleType] = []
    arrivals.await_(package, lambda: wrapt.register_post_import_hook(hooked.append, package))
    module = importlib.import_module(package)
    assert hooked == [module]


def test_to_ask_whether_it_is_there_is_no_harm(package: str) -> None:
    came: list[int] = []
    arrivals.await_(package, lambda: came.append(1))
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.name == package
    assert package not in sys.modules
