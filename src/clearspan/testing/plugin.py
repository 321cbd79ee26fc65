"""The pytest plugin: fixture `llm`, the model calls of one test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from clearspan.record import Invocation
    from clearspan.testing.capture import Captured, SeenEvent, SeenSpan

__all__ = ["Calls", "llm"]


class Calls:
    """What a test asked models. Token totals count reported tokens only."""

    def __init__(self, seen: Captured) -> None:
        self._seen = seen

    @property
    def calls(self) -> list[Invocation]:
        """The model calls, in end order; steps, tools and agents are not among them."""
        return [record for record in self._seen.invocations if record.kind == "client"]

    @property
    def spans(self) -> list[SeenSpan]:
        """All spans, in end order."""
        return self._seen.spans

    @property
    def events(self) -> list[SeenEvent]:
        """All events, in order."""
        return self._seen.events

    @property
    def input_tokens(self) -> int:
        """Sum of the input tokens that were reported."""
        return sum(record.usage.input or 0 for record in self.calls)

    @property
    def output_tokens(self) -> int:
        """Sum of the output tokens that were reported."""
        return sum(record.usage.output or 0 for record in self.calls)

    @property
    def total_tokens(self) -> int:
        """Input and output together."""
        return self.input_tokens + self.output_tokens

    @property
    def models(self) -> set[str]:
        """The models that answered, or were asked where the answer does not say."""
        return {name for record in self.calls if (name := record.response_model or record.model)}

    @property
    def errors(self) -> list[str]:
        """The error types of the calls that failed."""
        return [record.error.type for record in self.calls if record.error is not None]


@pytest.fixture
def llm() -> Iterator[Calls]:
    """The model calls that the test makes: `llm.calls`, `llm.total_tokens`, `llm.models`, `llm.errors`."""
    from clearspan.testing.capture import captured

    with captured() as seen:
        yield Calls(seen)
