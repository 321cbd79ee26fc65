"""Where calls go over from the pipeline to whoever judges them."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from clearspan.assess.seat import EvaluatorStatus
from clearspan.draft import Draft
from clearspan.record import Invocation

__all__ = ["Assess", "as_it_was"]


class Assess(Protocol):
    """Who judges calls once they are sealed, elsewhere and later."""

    @property
    def raw(self) -> bool:
        """Whether calls are wanted as they were, beside what telemetry may tell of them."""
        ...

    def take(self, clean: Invocation, raw: Invocation | None = None) -> None:
        """Judge a call. Takes no time: that is done elsewhere."""
        ...

    def flush(self, timeout: float) -> bool:
        """Judge everything taken so far, within `timeout` seconds."""
        ...

    def close(self, timeout: float) -> bool:
        """Judge what is left, within `timeout` seconds, then stop."""
        ...

    def renew(self) -> None:
        """In a forked child: nothing has been taken."""
        ...

    def end(self, session: str) -> None:
        """A session is over."""

    def status(self) -> tuple[EvaluatorStatus, ...]:
        """How each evaluator has fared."""
        ...


def as_it_was(draft: Draft, record: Invocation) -> Invocation:
    """`record` with the content that was there before it was cleaned; kept in memory only."""
    said = draft.context or record.context
    return replace(
        record,
        input=tuple(draft.input_messages),
        output=tuple(draft.answers),
        system=tuple(draft.system_parts),
        input_value=draft.input_value,
        output_value=draft.output_value,
        context=replace(record.context, documents=said.documents, references=said.references),
        encoded={},
    )
