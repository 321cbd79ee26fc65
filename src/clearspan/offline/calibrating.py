"""Samples that people have judged, for the calibration of an evaluator: read as the rows of an evaluation are."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias, cast

from clearspan.assess.evaluator import Subject
from clearspan.assess.judge.calibration import Calibration, compared
from clearspan.offline import lines, rows
from clearspan.offline.errors import SourceError

__all__ = ["Labelled", "calibrate"]

Labelled: TypeAlias = "str | os.PathLike[str] | Iterable[Mapping[str, Any] | tuple[Subject, bool]]"
"""A file of rows, or rows, with the columns of an evaluation and `passed`, or pairs of a call and `passed`."""

_COLUMNS = ("passed", "label")
_GOOD = frozenset({"true", "pass", "passed", "good", "yes", "1"})
_BAD = frozenset({"false", "fail", "failed", "bad", "no", "0"})


def calibrate(evaluator: Any, labelled: Labelled) -> Calibration:
    """Ask `evaluator` about samples that people have judged, and compare.

    Each sample says by `passed` (or `label`) what people think: true or false, `pass` or `fail`, 1 or 0. True is an answer
    that is fine, also where the evaluator's value is a risk. Raises `SourceError`, which is a `ValueError`, for a sample that
    does not say so or is no row, and `OSError` for a file that cannot be read.
    """
    return compared(evaluator, _samples(labelled))


def _samples(labelled: Labelled) -> Iterator[tuple[Subject, bool]]:
    if isinstance(labelled, (str, os.PathLike)):
        for place, row in _of_file(Path(labelled)):
            yield _sample(row, place)
        return
    for number, row in enumerate(labelled, 1):
        yield row if isinstance(row, tuple) else _sample(row, f"row {number}")


def _of_file(path: Path) -> Iterator[tuple[str, Any]]:
    """The values of a file, one a line or in one list, and where each stands."""
    if lines.one_a_line(path) and not lines.first(path).startswith(b"["):
        for line in lines.lines(path):
            yield f"{path}:{line.number}", line.value
        return
    value = lines.whole(path)
    for number, row in enumerate(value if isinstance(value, list) else [value], 1):
        yield f"{path}: row {number}", row


def _sample(given: object, place: str) -> tuple[Subject, bool]:
    if not isinstance(given, Mapping):
        raise SourceError(place, f"a sample must be an object with columns such as input and passed, not {type(given).__name__}")  # fmt: skip
    row = cast("Mapping[str, Any]", given)
    truth = _truth(row, place)
    # what people said is not for the evaluator to see
    return rows.invocation({name: row[name] for name in row if name not in _COLUMNS}, place), truth


def _truth(row: Mapping[str, Any], place: str) -> bool:
    column = next((name for name in _COLUMNS if name in row), _COLUMNS[0])
    given = row.get(column)
    said = str(given).strip().casefold()
    if said not in _GOOD | _BAD:
        raise SourceError(place, f"{column} must be true or false, not {given!r}")
    return said in _GOOD
