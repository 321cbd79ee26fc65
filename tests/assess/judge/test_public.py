from __future__ import annotations

import subprocess
import sys

import pytest

from clearspan.assess import judge


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
