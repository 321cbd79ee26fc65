"""What a tree, a list or a line tells of a call, read from its attributes. They come from anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from clearspan import semconv
from clearspan.exporters.console.quantities import Money, duration, pace

__all__ = [
    "LOAD",
    "SHOWN",
    "amount",
    "clean",
    "cost",
    "count",
    "estimated",
    "seconds",
    "speed",
    "wait",
]

LOAD: Final = f"{semconv.PHASE}.load"
_LONGEST_NOTE: Final = 80
_LONGEST_CURRENCY: Final = 8
_MOST: Final = 1e12

SHOWN: Final = (
    semconv.OPERATION_NAME,
    semconv.USAGE_INPUT_TOKENS,
    semconv.USAGE_OUTPUT_TOKENS,
    semconv.RESPONSE_FINISH_REASONS,
    semconv.USAGE_SOURCE,
    semconv.USAGE_INPUT_SOURCE,
    semconv.USAGE_OUTPUT_SOURCE,
    semconv.COST_TOTAL,
    semconv.COST_CURRENCY,
    semconv.COST_ESTIMATED,
    semconv.RESPONSE_TIME_TO_FIRST_CHUNK,
    semconv.TIME_TO_FIRST_CONTENT,
    semconv.DECODE_RATE,
    semconv.OUTPUT_RATE,
    semconv.HARDWARE_ENERGY,
    semconv.TASK_NAME,
    LOAD,
    semconv.RETRY_COUNT,
    semconv.OUTCOME,
    semconv.ERROR_TYPE,
    semconv.SESSION_ID,
)
"""All attributes that a tree is drawn from."""


def estimated(given: Mapping[str, Any]) -> tuple[bool, bool]:
    """Whether a call's input tokens were estimated, and whether its output tokens were."""
    source = given.get(semconv.USAGE_SOURCE)
    sent = given.get(semconv.USAGE_INPUT_SOURCE, source)
    made = given.get(semconv.USAGE_OUTPUT_SOURCE, source)
    return sent == "estimated", made == "estimated"


def cost(given: Mapping[str, Any]) -> Money | None:
    """What a call cost, by its attributes."""
    total = amount(given.get(semconv.COST_TOTAL))
    if total is None:
        return None
    currency = given.get(semconv.COST_CURRENCY)
    known = clean(currency[:_LONGEST_CURRENCY]).strip() if isinstance(currency, str) else ""
    return Money(total, known or None, given.get(semconv.COST_ESTIMATED) is True)


def wait(given: Mapping[str, Any]) -> tuple[str, int] | None:
    """The time until the answer began, in words and in nanoseconds: to its content, if that is known."""
    for name, what in (
        (semconv.TIME_TO_FIRST_CONTENT, "first"),
        (semconv.RESPONSE_TIME_TO_FIRST_CHUNK, "first chunk"),
    ):
        found = seconds(given.get(name))
        if found is not None:
            return f"{what} {duration(found)}", found
    return None


def speed(given: Mapping[str, Any]) -> str | None:
    """Tokens a second: the model's own if it is known, else as the reader of a stream saw them."""
    own = amount(given.get(semconv.DECODE_RATE))
    if own:
        return pace(own)
    seen = amount(given.get(semconv.OUTPUT_RATE))
    return pace(seen, estimated=estimated(given)[1]) if seen else None


def amount(value: object) -> float | None:
    """A number that an amount can be."""
    known = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < _MOST
    return float(value) if known else None  # type: ignore[arg-type]


def count(value: object) -> int | None:
    """A number of tokens, or of anything else that is counted."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def seconds(value: object) -> int | None:
    """`value`, a number of seconds, in nanoseconds."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e9:
        return int(value * 1e9)
    return None


def clean(text: str) -> str:
    """`text` on one line and without what would steer a terminal: it comes from anywhere."""
    shown = "".join(char if char.isprintable() else " " for char in text[:_LONGEST_NOTE])
    return shown + ("..." if len(text) > _LONGEST_NOTE else "")
