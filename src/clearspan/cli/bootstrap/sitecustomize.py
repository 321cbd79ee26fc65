"""Starts clearspan in a program that was started by `clearspan run`, before its first line.

Python imports a module of this name when it starts. The one that this file hides from view, if
there is one, runs first. Nothing that goes wrong here reaches the program.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import sys


def _others() -> list[str]:
    """The search path without this folder, which is of no use to the program itself."""
    here = os.path.realpath(os.path.dirname(__file__))  # noqa: PTH120 -- pathlib is slow to import
    return [entry for entry in sys.path if os.path.realpath(entry) != here]


def _run_hidden() -> None:
    """Run the `sitecustomize` that Python would have found without this one."""
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", sys.path)
    if spec is None or spec.loader is None:
        return
    module = importlib.util.module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


def _start() -> None:
    try:
        from clearspan import runtime
    except ModuleNotFoundError:
        return  # a Python of another environment, which the program started
    try:
        runtime.stand_in()
    except Exception as error:  # noqa: BLE001 -- whatever it is, the program comes first
        said = " ".join(str(error).split()).removeprefix("clearspan: ")
        sys.stderr.write(f"clearspan: {said} (the program runs unrecorded)\n")


sys.path[:] = _others()
try:
    _run_hidden()
finally:
    _start()
