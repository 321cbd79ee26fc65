"""F33: whichever function of clearspan fails, and however, the program is none the worse, and it is counted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.faults.faulty import FAULTS
from tests.faults.kit import ROOT, environment

SHARE = int(os.environ.get("CLEARSPAN_TEST_SWEEP_SHARE", "3"))
"""One function in so many gets each kind of fault; with 3 every function gets one of them, with 1 each gets all."""


def swept(fault: str, share: int, out: Path) -> dict[str, Any]:
    """What a process found in which one function after another had that fault."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.sweeping", fault, str(share), str(out)],
        env=environment(), cwd=ROOT, capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    found: dict[str, Any] = json.loads(out.read_text())
    return found


@pytest.mark.parametrize("fault", FAULTS)
def test_F33_whatever_fails_the_program_is_none_the_worse(fault: str, tmp_path: Path) -> None:
    """Same answers, exceptions and bytes on the wire; ends in time, with nothing on stderr; one line a site; counted."""
    found = swept(fault, SHARE, tmp_path / "found.json")
    assert found["findings"] == {}
    assert found["reached"] > 500
    assert len(found["tried"]) >= found["reached"] // SHARE
