"""Runs the wider scenarios in a process of its own: `tour.py MODE URL OUT`.

MODE says how it is instrumented: `raw` not at all, `early` before anything is imported, `late` when clients are made.
"""

from __future__ import annotations

import json
import re
import sys
import traceback
import warnings
from pathlib import Path
from typing import Any

_ADDRESS = re.compile(r" at 0x[0-9a-f]+|:\d{4,5}\b")
_DEPTH = 6
# Fields that are of the moment: the server's clock goes on by one for each answer that it begins, also for those of
# which nobody waits for the end.
_CHANGING = ("_duration", "created", "_at")


def name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def told(value: Any, depth: int = _DEPTH) -> Any:
    """A value as JSON: its exact type and what it holds, and nothing that changes from run to run."""
    if value is None or type(value) in (bool, int, float):
        return value
    if type(value) is str:
        return _ADDRESS.sub("", value)
    if isinstance(value, BaseException):
        return error(value, depth)
    if isinstance(value, type):
        return name(value)
    if depth == 0:
        return "..."
    if isinstance(value, (list, tuple)):
        return [name(type(value)), *(told(item, depth - 1) for item in value)]
    if isinstance(value, dict):
        return {
            str(key): told(item, depth - 1)
            for key, item in value.items()
            if not str(key).endswith(_CHANGING)
        }
    if hasattr(type(value), "model_dump"):
        return [name(type(value)), _timeless(value.model_dump(mode="json", warnings=False))]
    if type(value).__module__ == "inspect":
        return _ADDRESS.sub("", repr(value))
    return name(type(value))


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _timeless(item) for key, item in value.items() if not key.endswith(_CHANGING)}
    return [_timeless(item) for item in value] if isinstance(value, list) else value


def error(raised: BaseException, depth: int) -> list[Any]:
    """An exception: arguments, notes, the whole chain below it, and the frames that are not ours."""
    # Every frame but clearspan's and wrapt's, and those of `copy`, which calls methods in a way of its own.
    frames = [
        f"{Path(frame.filename).name} {frame.name}"
        for frame in traceback.extract_tb(raised.__traceback__)
        if not any(part in frame.filename for part in ("clearspan/", "/wrapt/", "/copy.py"))
    ]
    chain = [
        below and depth > 0 and error(below, depth - 1)
        for below in (raised.__cause__, raised.__context__)
    ]
    said = [name(type(raised)), _ADDRESS.sub("", str(raised)), told(list(raised.args), 2)]
    own = sorted(key for key in vars(raised) if not key.startswith("__"))
    notes = getattr(raised, "__notes__", [])
    return [*said, own, notes, raised.__suppress_context__, chain, frames]


def start(folder: Path, mode: str) -> None:
    import clearspan

    clearspan.init(store=folder / f"tour-{mode}.db", hardware="off")


def main(mode: str, url: str, out: str) -> None:
    folder = Path(out).parent
    if mode == "early":
        start(folder, mode)
    from tests.differential.tours import TOURS, Trip

    trip = Trip(url)
    if mode == "late":
        start(folder, mode)
    transcripts: dict[str, Any] = {}
    for title, play in TOURS.items():
        entries: list[Any] = []
        trip.begin(title, lambda *said, entries=entries: entries.append(told(list(said))))
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            play(trip)
        # What nobody closed is reported whenever the collector meets it.
        noted = [item for item in warned if item.category is not ResourceWarning]
        entries.append(sorted(f"{item.category.__name__} {item.message}" for item in noted))
        transcripts[title] = entries
    status: dict[str, Any] = {}
    if mode != "raw":
        import clearspan

        clearspan.flush(30)
        found = clearspan.status()
        status = {
            "created": found.accounts.created, "pending": found.accounts.pending, "open": found.open_calls,
            "errors": dict(found.internal_errors),
        }  # fmt: skip
    trip.close()
    Path(out).write_text(json.dumps({"transcripts": transcripts, "status": status}))


if __name__ == "__main__":
    main(*sys.argv[1:])
