"""The entry point for atheris: `python -m tests.fuzz.guided TARGET [libFuzzer options]`."""

from __future__ import annotations

import importlib
import logging
import sys

import atheris  # type: ignore[import-not-found, import-untyped, unused-ignore]  # installed by `nox -s fuzz` alone


def main() -> None:
    """Fuzz one target until the time is over, or something does harm."""
    logging.disable()  # what is handled is also said, thousands of times
    # What is imported in here tells atheris which branches were taken.
    with atheris.instrument_imports(include=["clearspan"]):
        targets = importlib.import_module("tests.fuzz.targets")
    run = targets.TARGETS[sys.argv.pop(1)]
    run(b"")  # what is made once is no part of the first example
    atheris.Setup(sys.argv, run)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
