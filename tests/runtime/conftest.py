"""What the tests of the runtime share: a folder of their own, and nothing left running."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import clearspan
from clearspan import runtime
from clearspan.capture import inlet


def ours() -> list[str]:
    """The threads of clearspan that are alive."""
    return sorted(thread.name for thread in threading.enumerate() if "clearspan" in thread.name)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working directory of the test; afterwards clearspan is off and has left no thread."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(runtime, "_warned", set())
    yield tmp_path
    clearspan.shutdown()
    assert inlet.current() is None
    assert ours() == []
