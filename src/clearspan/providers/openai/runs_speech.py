"""The texts of runs of the Assistants API, for guards: what a run is given, what it says, and the tools that it calls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from clearspan.core import read
from clearspan.formats.speech import KEYS, line, named, requested, told, walk
from clearspan.provider import Slot, Speech, Tap
from clearspan.providers.openai.speech import attach, put_whole, whole

__all__ = ["RUN"]

_KEYS = KEYS | {"logs"}
_HANDLER = "AssistantEventHandler__stream"
# Where the texts of an event are, by what it is about.
_WITHIN = {
    "thread.message": ("content",),
    "thread.run": ("required_action",),
    "thread.run.step": ("step_details",),
}


def _asked(kwargs: Mapping[str, Any]) -> Iterator[Slot]:
    yield from named("additional_messages", system=("instructions", "additional_instructions"))(kwargs)  # fmt: skip
    yield from requested(read.get(kwargs, "thread", "messages"), ("thread", "messages"))
    for at, given in enumerate(read.items(kwargs, "tool_outputs")):
        for text, path in walk(read.get(given, "output"), ("tool_outputs", at, "output"), wanted=True):  # fmt: skip
            yield Slot(text, path, role="tool")


def _answered(run: Any) -> Iterable[Slot]:
    return told(read.get(run, "required_action"), ("required_action",))


def _chunk(event: Any) -> Iterator[Slot]:
    """Deltas go on with a message or a step; other events hold it whole."""
    kind, data = read.text(event, "event") or "", read.get(event, "data")
    about, _, state = kind.rpartition(".")
    which = read.text(data, "id") or ""
    if state == "delta":
        for text, path in walk(read.get(data, "delta"), ("data", "delta"), _KEYS):
            yield Slot(text, path, (which, *line(event, path)), "assistant")
        return
    for name in _WITHIN.get(about, ()):
        yield from told(read.get(data, name), ("data", name), _KEYS, channel=("in", which))
    if state in ("completed", "incomplete"):
        yield Slot("", channel=(which,), last=True)


def _attach(result: Any, tap: Tap) -> bool:
    """Also to the stream that the handler of a run's events was given."""
    held: Mapping[str, Any] = getattr(result, "__dict__", {})
    given = (value for name, value in held.items() if name.endswith(_HANDLER) and value is not None)
    return attach(next(given, result), tap)


RUN = Speech(
    _asked, put_whole, whole(_answered), _chunk, attach=_attach, once=("additional_messages", "tool_outputs"),
)  # fmt: skip
