"""What can be read but once is read once."""

from __future__ import annotations

import io
import os
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from clearspan.offline import SourceError, evaluate
from clearspan.offline.spool import spooled


def brief(call: object) -> bool:
    return True


@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
def test_standard_input_is_a_source(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    given = io.BytesIO(b'{"id": "a", "input": "x"}\n{"input": 5}\n')
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=given))
    report = evaluate(name, brief)
    assert [(row["id"], row["error"]) for row in report.rows] == [("a", None), (2, "invalid_row")]
    assert report.rows[1]["explanation"].startswith("standard input:2: input must be")


def test_empty_standard_input_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"")))
    with pytest.raises(SourceError, match="standard input: is empty"):
        evaluate("-", brief)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_pipe_is_a_source(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(b'[{"input": "x"}, 3]',))
    writer.start()
    report = evaluate(pipe, brief)
    writer.join()
    assert [row["error"] for row in report.rows] == [None, "invalid_row"]
    assert f"{pipe}: row 2" in report.rows[1]["explanation"]


def test_other_sources_stay_what_they_are(tmp_path: Path) -> None:
    rows = [{"input": "x"}]
    with spooled(rows) as given:
        assert given == (rows, None)
    with spooled(tmp_path) as given:
        assert given == (tmp_path, None)


def test_the_copy_is_gone_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"{}")))
    with spooled("-") as (path, name):
        assert (path.read_bytes(), name) == (b"{}", "standard input")
    assert not path.exists()
