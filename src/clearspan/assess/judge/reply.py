"""What a judge's server or callable answered, whatever its dialect."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

__all__ = ["Knobs", "Reply", "Token", "tokens_of"]


class Token(NamedTuple):
    """A token of the answer with the likeliest ones at its place and their probabilities (0 to 1).

    `data` are its bytes, where they are known: those of one that ends within a character are no text.
    """

    text: str
    likeliest: tuple[tuple[str, float], ...]
    data: bytes | None = None

    @property
    def written(self) -> bytes:
        """What it adds to the answer."""
        return self.text.encode("utf-8", "replace") if self.data is None else self.data


@dataclass(frozen=True)
class Reply:
    """An answer: text or object, the model that gave it, tokens in and out, cost in USD. Unknown is `None`."""

    content: Any
    model: str | None = None
    input: int | None = None
    output: int | None = None
    cost: float | None = None
    tokens: tuple[Token, ...] = ()


@dataclass(frozen=True)
class Knobs:
    """What is asked for beside the question; `None` and 0 are not sent at all."""

    temperature: float | None = None
    seed: int | None = None
    max_tokens: int | None = None
    top_logprobs: int = 0


def tokens_of(listed: Any) -> tuple[Token, ...]:
    """The tokens in a list of log probabilities, as OpenAI and Ollama write it; empty where it is none."""
    if not isinstance(listed, list):
        return ()
    return tuple(
        Token(
            str(entry.get("token", "")),
            _likeliest(entry.get("top_logprobs")),
            _bytes(entry.get("bytes")),
        )
        for entry in listed
        if isinstance(entry, Mapping)
    )


def _likeliest(listed: Any) -> tuple[tuple[str, float], ...]:
    entries = listed if isinstance(listed, list) else []
    return tuple(
        (str(entry.get("token", "")), math.exp(min(entry["logprob"], 0.0)))
        for entry in entries
        if isinstance(entry, Mapping) and isinstance(entry.get("logprob"), (int, float))
    )


def _bytes(listed: Any) -> bytes | None:
    try:
        return bytes(listed) if isinstance(listed, list) else None
    except (TypeError, ValueError):
        return None
