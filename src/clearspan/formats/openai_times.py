"""Where a server's time went, as some that speak OpenAI's form tell: Groq in `usage`, Cerebras in `time_info`."""

from __future__ import annotations

from typing import Any

from clearspan.core import read
from clearspan.draft import Draft

__all__ = ["times"]

_PHASES = {"queue": "queue_time", "prefill": "prompt_time", "decode": "completion_time"}


def times(draft: Draft, source: Any) -> None:
    """Read the times (seconds) that `source` has; a stream may tell them more than once."""
    given = None if source is None else read.fields(source)
    if given is None:
        return
    for phase, name in _PHASES.items():
        value = dict.get(given, name)
        if value is not None and (took := read.number(value)) is not None and took >= 0:
            draft.pace.phases[phase] = took
