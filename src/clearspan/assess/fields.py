"""The texts of a call that a detector looks through, and what it says of its findings: places, never the text."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from clearspan.assess.finding import Finding
from clearspan.record import Invocation
from clearspan.score import Score

__all__ = ["FIELDS", "sighted", "texts"]

FIELDS = ("input", "output", "tool_calls")
"""What was asked, what was answered, and the arguments of the tools that are to be called."""

_MOST = 200


def texts(call: Invocation) -> dict[str, str]:
    """The text of each field that has one: JSON where it is none, the arguments of each tool call on a line."""
    arguments = "\n".join(
        _said(part.get("arguments"))
        for message in call.output
        for part in message.get("parts", ())
        if part.get("type") == "tool_call"
    )
    found = {
        "input": call.input_text or _said(call.input_value),
        "output": call.output_text or _said(call.output_value),
        "tool_calls": arguments,
    }
    return {field: text for field, text in found.items() if text}


def sighted(
    found: Mapping[str, Sequence[Finding]], label: str, metadata: Mapping[str, Any] | None = None
) -> Score:
    """The score of a detector: 1.0 and `label` where it found something in some field, else 0.0 and `clean`.

    The metadata hold `entities` (`type`, `start`, `end`, `field`), the first 200, and `counts` by type.
    """
    counts = Counter(one.type for many in found.values() for one in many)
    entities = [
        {"type": one.type, "start": one.start, "end": one.end, "field": field}
        for field, many in found.items()
        for one in many
    ]
    return Score(
        value=1.0 if counts else 0.0,
        label=label if counts else "clean",
        explanation=", ".join(f"{many} {type_}" for type_, many in sorted(counts.items())) or None,
        metadata={"entities": entities[:_MOST], "counts": dict(counts), **(metadata or {})},
    )


def _said(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False, default=str)
