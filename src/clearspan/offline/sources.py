"""Which source it is that somebody hands over: told by what is in it, not by its name."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from clearspan.exporters.store import StoreReader
from clearspan.offline import lines, otlp
from clearspan.offline.data_sets import Given, JsonLines
from clearspan.offline.errors import SourceError
from clearspan.offline.items import Source
from clearspan.offline.telemetry import OtlpFiles, Stored

__all__ = ["opened", "paths_of"]

_DATABASE = b"SQLite format 3\x00"
_ENDINGS = (".json", ".jsonl", ".ndjson")
_TABLES = (".csv", ".tsv")
_TABLE = (
    "looks like a table (CSV): JSON lines are expected, an object a line, "
    'such as {"input": "...", "output": "..."}; in Python hand over list(csv.DictReader(file))'
)


def opened(
    source: Any,
    *,
    since: int | None = None,
    session: str | None = None,
    name: str | None = None,
) -> Source:
    """The source behind a path, several paths, a store's reader, or an iterable of rows.

    `name` is what a file of rows is called in messages, where that is not its path.
    `since` (Unix nanoseconds) and `session` narrow a store. Raises `SourceError` for what cannot be read, and
    `FileNotFoundError`.
    """
    if isinstance(source, StoreReader):
        return Stored(source, since=since, session=session)
    files = paths_of(source)
    if files:
        return _of_files(files, since, session, name)
    if isinstance(source, Mapping) or not isinstance(source, Iterable):
        raise SourceError("source", f"must be a path, paths, or an iterable of rows, not {type(source).__name__}")  # fmt: skip
    if hasattr(source, "to_dict") and hasattr(source, "columns"):
        raise SourceError("source", "hand over a table's rows: frame.to_dict('records')")
    rows = cast("Iterable[object]", source)
    if isinstance(rows, Sequence) and not rows:
        raise SourceError("source", "is empty: there is nothing to evaluate")
    return Given(rows)


def paths_of(source: Any) -> list[Path]:
    """The files that `source` names, those of a folder by name; empty where it names none.

    Raises `FileNotFoundError` for one that is not there.
    """
    if isinstance(source, (str, os.PathLike)):
        return _files(Path(cast("str | os.PathLike[str]", source)))
    if isinstance(source, (list, tuple)) and source:
        several = cast("Sequence[Any]", source)
        if all(isinstance(item, (str, os.PathLike)) for item in several):
            return [file for item in several for file in _files(Path(item))]
    return []


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(file for file in path.iterdir() if file.suffix in _ENDINGS)
        if not found:
            raise SourceError(str(path), f"holds no file that ends in {', '.join(_ENDINGS)}")
        return found
    if not path.exists():
        raise FileNotFoundError(f"clearspan: there is no file {str(path)!r}")
    return [path]


def _of_files(
    files: list[Path], since: int | None, session: str | None, name: str | None
) -> Source:
    kinds = {_kind(file, name or str(file)) for file in files}
    if len(kinds) > 1:
        raise SourceError(", ".join(map(str, files)), f"are of different kinds ({' and '.join(sorted(kinds))}): evaluate them apart")  # fmt: skip
    kind = kinds.pop()
    if kind != "store" and session is not None:
        raise SourceError(str(files[0]), "only a store can be narrowed to a session")
    if kind == "telemetry":
        return OtlpFiles(files, since=since)
    if len(files) > 1:
        raise SourceError(", ".join(map(str, files)), f"are of the kind {kind}: evaluate them one by one")  # fmt: skip
    if kind == "store":
        return Stored(StoreReader(files[0]), since=since, session=session)
    if since is not None:
        raise SourceError(str(files[0]), "rows have no time: only recorded calls can be narrowed to a time")  # fmt: skip
    if kind == "array":
        return Given(lines.whole(files[0]), f"{name or files[0]}: row")
    return JsonLines(files[0], name)


def _kind(file: Path, name: str) -> str:
    """`store`, `telemetry`, `rows` (one a line) or `array` (a list of them). Raises `SourceError`."""
    with file.open("rb") as opened_file:
        if opened_file.read(len(_DATABASE)) == _DATABASE:
            return "store"
    text = lines.first(file)
    if not text:
        raise SourceError(name, "is empty: there is nothing to evaluate")
    try:
        value: object = json.loads(text.decode())
    except (ValueError, RecursionError):
        if _is_table(file, text):
            raise SourceError(name, _TABLE) from None
        if lines.one_a_line(file) or _has_rows(file):
            return "rows"  # reading it will say what is wrong with its first line
        value = lines.whole(file, name)
    if isinstance(value, list):
        several = cast("list[object]", value)
        if not several:
            raise SourceError(name, "is empty: there is nothing to evaluate")
        return "telemetry" if otlp.is_request(several[0]) else "array"
    return "telemetry" if otlp.is_request(value) else "rows"


def _is_table(file: Path, text: bytes) -> bool:
    """Whether a file whose first line is no JSON has columns between commas or tabs, and no row of ours anywhere."""
    named = file.suffix.casefold() in _TABLES
    looks = not any(mark in text for mark in b"{[") and any(mark in text for mark in b",;\t")
    return (named or looks) and not _has_rows(file)


def _has_rows(file: Path) -> bool:
    """Whether some line is an object for itself: the first one was only cut off."""
    return any(isinstance(line.value, Mapping) for line in lines.lines(file, broken=True))
