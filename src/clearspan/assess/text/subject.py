"""The texts of a call that are judged, wherever they stand in it."""

from __future__ import annotations

import json
from typing import Any

from clearspan.assess.text.words import LONGEST
from clearspan.record import Invocation

__all__ = ["answer_of", "input_of", "question_of"]


def answer_of(call: Invocation) -> str:
    """What was answered: the messages' text, else the value that a step gave back, as text; capped."""
    return (call.output_text or _plain(call.output_value))[:LONGEST]


def question_of(call: Invocation) -> str:
    """What was asked last: the text of the last message of the user, else the value that went in; capped."""
    return (call.question or _plain(call.input_value))[:LONGEST]


def input_of(call: Invocation) -> str:
    """All that went in: the messages' text, else the value; capped."""
    return (call.input_text or _plain(call.input_value))[:LONGEST]


def _plain(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        return str(value)
