from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from clearspan.assess import judge
from clearspan.assess.judge import Judge


@pytest.mark.parametrize("name", judge.__all__)
def test_each_name_is_there_when_asked_for(name: str) -> None:
    assert getattr(judge, name).__name__ == name


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Jury'"):
        judge.Jury  # type: ignore[attr-defined]  # noqa: B018


def test_no_http_library_is_loaded_before_a_server_is_asked() -> None:
    code = "import sys; from clearspan.assess.judge import Judge; Judge('ollama:m'); print('requests' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("where", "options", "why"),
    [
        (5, {}, "a judge must be an address or a callable, not 5"),
        (lambda messages, schema: {}, {"price": 5}, "price must be USD for a million tokens"),
        (lambda messages, schema: {}, {"price": (1, 2, 3)}, "price must be USD"),
        (lambda messages, schema: {}, {"cache": -1}, "cache must be 0 answers or more, not -1"),
    ],
)
def test_a_judge_that_cannot_be(where: Any, options: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Judge(where, **options)
