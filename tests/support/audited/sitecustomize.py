"""Has a Python that a test starts watched (`tests/support/sockets.py`), and runs what it would have run without this."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
from pathlib import Path
from typing import Any

_HERE = Path(__file__).resolve().parent


def _run(name: str, found: Any) -> Any:
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module
    found.loader.exec_module(module)
    return module


def _start() -> None:
    watching = importlib.util.spec_from_file_location("_sockets", _HERE.parent / "sockets.py")
    _run("_sockets", watching).put_in()
    sys.path[:] = [entry for entry in sys.path if not entry or Path(entry).resolve() != _HERE]
    hidden = importlib.machinery.PathFinder.find_spec("sitecustomize", sys.path)
    if hidden is not None and hidden.loader is not None:
        _run("sitecustomize", hidden)


_start()
