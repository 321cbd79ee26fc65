"""Secrets: credentials in what was asked and answered."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from clearspan.assess import fields
from clearspan.assess.evaluator import Evaluator
from clearspan.assess.finding import Finding
from clearspan.core.shapes import credentials
from clearspan.record import Invocation
from clearspan.score import Score

__all__ = ["Secrets"]


class Secrets(Evaluator):
    """Keys of providers, tokens, private keys and named passwords, in messages, answers and tools' arguments.

    The value is 1.0 where there is one, else 0.0; the label `secret` or `clean`. The metadata hold `entities`
    (`type`, one of `Secrets.TYPES`; `start`, `end` in characters; `field`; `message` and `offset`), the first 200, and
    `counts` by type; never a secret itself. `start` and `end` are those of `call.input_text`, `call.output_text`, and of
    the arguments of all tool calls as JSON, one a line; `offset` is the start within the message of that number. `where`
    are the fields to look through (instructions are the field `system`, which is left out unless it is named), `types`
    the kinds that count (default: all).

    Only shapes that nothing else has are known: random text without a name or prefix is no secret, so
    ids, hashes and trace ids are not flagged, nor is a password that stands alone.

    Raises `ValueError` for an option that cannot be.
    """

    name = "secrets"
    requires = frozenset({"input|output"})
    direction = "minimize"
    threshold = 0.5
    raw = True
    reach = 512
    """So many characters show any secret for one; a private key or a signed token may go on for longer."""

    TYPES = credentials.TYPES
    """What a secret can be called."""

    def __init__(
        self,
        *,
        types: Iterable[str] | None = None,
        where: Iterable[str] = fields.FIELDS,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.types = _chosen("types", types if types is not None else self.TYPES, self.TYPES)
        self.where = _chosen("where", where, fields.PLACES)
        credentials.make_ready()  # as a guard it has a deadline

    def find(self, text: str) -> list[Finding]:
        """Where in `text` there are secrets, by their start; nothing overlaps."""
        return [Finding(*span) for span in credentials.find(text) if span.type in self.types]

    def evaluate(self, call: Invocation) -> Score:
        """Look through the fields of the call."""
        given = fields.texts(call, self.where)
        found = {field: self.find(one.text) for field, one in given.items()}
        return fields.sighted(given, found, "secret")


def _chosen(option: str, given: Iterable[str], known: Iterable[str]) -> frozenset[str]:
    names = frozenset(() if isinstance(given, str) else given)
    if not names or not names <= frozenset(known):
        raise ValueError(f"clearspan: secrets: {option} are of {', '.join(known)}, not {given!r}")
    return names
