"""What the tests of local models look at, and counts made from the tensors alone."""

from __future__ import annotations

import json
from typing import Any

INPUT = "gen_ai.usage.input_tokens"
OUTPUT = "gen_ai.usage.output_tokens"
REASONS = "gen_ai.response.finish_reasons"


def only(seen: Any) -> Any:
    """The one span, all calls having ended."""
    assert seen.open_calls == 0
    (span,) = seen.spans
    return span


def usage(span: Any) -> tuple[int | None, int | None]:
    return span.attributes.get(INPUT), span.attributes.get(OUTPUT)


def said(span: Any, side: str = "output") -> list[str]:
    """The text of each message of one side."""
    messages = json.loads(span.attributes.get(f"gen_ai.{side}.messages", "[]"))
    return [part["content"] for message in messages for part in message["parts"]]


def until(row: Any, ends: set[int]) -> int:
    """How many tokens there are up to the first that ends the text, itself included."""
    made = 0
    for token in row.tolist():
        made += 1
        if token in ends:
            break
    return made


def made(sequences: Any, prompt: int, ends: set[int]) -> list[int]:
    """The length of each row's answer."""
    return [until(row[prompt:], ends) for row in sequences]
