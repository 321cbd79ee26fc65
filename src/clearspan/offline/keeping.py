"""The file of results: one line a result, written as it comes, read again to go on after a break."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, cast

from clearspan.assess.evaluator import Evaluator, Subject
from clearspan.conversation import Conversation
from clearspan.core import jsonfast, read
from clearspan.offline.errors import SourceError
from clearspan.record import Invocation, TraceRef
from clearspan.score import Score, Target

__all__ = ["FIELDS", "Keeping", "key_of", "row_of"]

FIELDS = ("id", "name", "value", "label", "passed", "error", "skipped", "explanation", "metadata")
"""What a result tells, in this order."""

_SEEN = ("operation", "input", "output", "system", "tools", "documents", "references", "input_value", "output_value")  # fmt: skip


def row_of(id_: str | int, score: Score) -> dict[str, Any]:
    """A result as a mapping with exactly the names of `FIELDS`; the metadata as JSON can hold them."""
    told = {name: getattr(score, name) for name in FIELDS[1:-1]}
    return {"id": id_, **told, "metadata": read.plain(dict(score.metadata), _DEPTH, _BREADTH)}


_DEPTH, _BREADTH = 64, 100_000


def key_of(made: Evaluator, content: str) -> str:
    """The same for the same question: this evaluator in this version with these limits, about this content."""
    asked = [made.name, made.version, made.level, made.direction, made.threshold, content]
    return _digest(jsonfast.dumps(asked))


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _content(subject: Subject) -> Any:
    if isinstance(subject, Conversation):
        return [_content(call) for call in subject.calls]
    context = subject.context
    told = [getattr(subject, name) for name in _SEEN]
    return [*told, context.session, dict(context.metadata), _confidence(subject)]


def _confidence(call: Invocation) -> str | None:
    return None if call.confidence is None else repr(call.confidence)


class Keeping:
    """The results file at `path`; without a path nothing is kept.

    With `resume` what it holds is found again by its key; else it is begun anew. A last line that was cut off
    in the middle is taken away. Raises `SourceError` for a file that holds anything but results:
    nobody's data are appended to, or overwritten.
    """

    def __init__(self, path: str | os.PathLike[str] | None, *, resume: bool) -> None:
        self._known: dict[str, dict[str, dict[str, Any]]] = {}
        self._file: IO[bytes] | None = None
        if path is None:
            return
        place = Path(path)
        sound = self._read(place) if place.exists() else 0
        if not resume:
            sound = 0
            self._known.clear()
        place.parent.mkdir(parents=True, exist_ok=True)
        self._file = place.open("ab")
        self._file.truncate(sound)

    def _read(self, place: Path) -> int:
        """Learn the results; answers where the last whole line ends."""
        end = 0
        with place.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    break
                end += len(line)
                if line.strip():
                    self._learn(line, f"{place}:{number}")
        if end == 0 and place.stat().st_size and not _begun(place):
            raise SourceError(str(place), _FOREIGN)
        return end

    def _learn(self, line: bytes, place: str) -> None:
        try:
            row: Any = json.loads(line)
        except ValueError as error:
            raise SourceError(place, _FOREIGN) from error
        if not isinstance(row, dict) or not all(name in row for name in (*FIELDS, "key")):
            raise SourceError(place, _FOREIGN)
        held = cast("dict[str, Any]", row)
        self._known.setdefault(str(held["key"]), {})[str(held["id"])] = held

    def content_of(self, subject: Subject) -> str:
        """A digest of all that an evaluator sees of a subject; nothing where nothing is kept."""
        return "" if self._file is None else _digest(jsonfast.dumps(_content(subject)))

    def known(self, id_: str | int, key: str, made: Evaluator, target: Target) -> Score | None:
        """The judgement that the file holds; `None` where there is none, or only an error or a skip."""
        rows = self._known.get(key, {})
        row = rows.get(str(id_)) or next(iter(rows.values()), None)
        if row is None or row["error"] is not None or row["skipped"] is not None:
            return None
        told = {name: row[name] for name in ("name", "value", "label", "passed", "explanation")}
        return Score(
            **told, kind=made.kind, direction=made.direction, range=made.range, threshold=made.threshold,
            version=made.version, metadata=row["metadata"] or {}, target=target,
        )  # fmt: skip

    def write(self, id_: str | int, key: str, score: Score) -> None:
        """Append a result, unless it is there; it is with the system when this returns."""
        if self._file is None:
            return
        row = {**row_of(id_, score), "version": score.version, **_place(score), "key": key}
        text = jsonfast.dumps(row)
        known = self._known.get(key, {}).get(str(id_))
        if known is not None and all(known[name] == row[name] for name in _OUTCOME):
            return
        self._file.write(f"{text}\n".encode())
        self._file.flush()

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()


_OUTCOME = ("value", "label", "passed", "error", "skipped")
_BEGINNING = b'{"id":'
_FOREIGN = "holds no results of an evaluation: name another file to write to"


def _begun(place: Path) -> bool:
    """Whether a file of one line that does not end is a result that was cut off."""
    text = place.read_bytes()
    try:
        row: Any = json.loads(text)
    except ValueError:
        return text.startswith(_BEGINNING[: len(text)])
    return isinstance(row, dict) and "key" in row and all(name in row for name in FIELDS)


def _place(score: Score) -> Mapping[str, str]:
    trace: TraceRef | None = score.target.trace if score.target is not None else None
    return {} if trace is None else {"trace_id": trace.trace_id, "span_id": trace.span_id}
