"""Models that the tests of a module share."""

from __future__ import annotations

import importlib.util
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from clearspan.providers.transformers import provider
from clearspan.testing import captured
from tests.providers.transformers import tiny

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Threads that wait for each other cost tiny models more than they bring."""
    if importlib.util.find_spec("torch") is not None:
        import_module("torch").set_num_threads(1)


@pytest.fixture(scope="session")
def llama() -> Any:
    return tiny.llama()


@pytest.fixture(scope="session")
def t5() -> Any:
    return tiny.t5()


@pytest.fixture
def tokenizer() -> Any:
    return tiny.tokenizer()


@pytest.fixture
def capture() -> Callable[..., Any]:
    """`captured`, with nothing but this library patched."""

    def begin(**settings: Any) -> Any:
        return captured(providers=[provider], **settings)

    return begin
