"""The pytest plugin: fixture `llm`, the model calls of one test."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from clearspan.record import Invocation
    from clearspan.score import Score
    from clearspan.testing.capture import Captured, SeenEvent, SeenSpan

__all__ = ["Calls", "llm"]


class Calls:
    """What a test asked models.

    Totals of tokens add up what the calls have, of whatever source: reported, counted, and estimated where
    nobody could count (`call.usage.source` says which). `count_tokens="off"` leaves what was reported.
    """

    def __init__(self, seen: Captured) -> None:
        self._seen = seen

    @property
    def calls(self) -> list[Invocation]:
        """The model calls, in end order; steps, tools and agents are not among them."""
        return self._seen.calls

    @property
    def spans(self) -> list[SeenSpan]:
        """All spans, in end order."""
        return self._seen.spans

    @property
    def events(self) -> list[SeenEvent]:
        """All events, in order."""
        return self._seen.events

    @property
    def scores(self) -> list[Score]:
        """What evaluators, guards and feedback said of them, those included that were skipped."""
        return self._seen.scores

    @property
    def input_tokens(self) -> int:
        """Sum of the input tokens, estimates included."""
        return sum(record.usage.input or 0 for record in self.calls)

    @property
    def output_tokens(self) -> int:
        """Sum of the output tokens, estimates included."""
        return sum(record.usage.output or 0 for record in self.calls)

    @property
    def total_tokens(self) -> int:
        """Input and output together."""
        return self.input_tokens + self.output_tokens

    @property
    def cost(self) -> float:
        """What the calls cost together, in the one currency that they are priced in.

        Costs of estimated tokens are in it (`call.cost.estimated`). Calls that are never billed are not: those
        that were refused, batches that are still to be done, answers fetched again, OpenAI's moderation.

        Raises `LookupError` for any other call whose cost is not known, and for several currencies: a sum
        would be wrong, and a test that compares it with a limit would pass for no reason.
        """
        from clearspan.figures.cost.billed import billed

        if under_way := self._seen.open_model_calls:
            raise LookupError(
                f"{under_way} of the calls have not ended, so that their cost is not known; a stream that is left "
                "in the middle ends with close() or a `with` around it"
            )
        unpriced = [record for record in self.calls if record.cost is None and billed(record)]
        unknown = {record.response_model or record.model for record in unpriced}
        if unknown:
            raise LookupError(
                f"no price is known of {', '.join(sorted(map(str, unknown)))}; {_remedy(unpriced)}"
            )
        costs = [record.cost for record in self.calls if record.cost is not None]
        if len(currencies := {cost.currency for cost in costs}) > 1:
            raise LookupError(f"costs are in {', '.join(sorted(currencies))}, which do not add up")
        return sum(cost.total for cost in costs)

    @property
    def models(self) -> set[str]:
        """The models that answered, or were asked where the answer does not say."""
        return {name for record in self.calls if (name := record.response_model or record.model)}

    @property
    def errors(self) -> list[str]:
        """The error types of the calls that failed."""
        return [record.error.type for record in self.calls if record.error is not None]


def _remedy(unpriced: list[Invocation]) -> str:
    """Why calls have no cost, as far as that can be told, and what to do about it."""
    from clearspan.figures.cost.whose import is_near

    if all(record.usage.input is record.usage.output is None for record in unpriced):
        return "nobody told or counted the tokens"
    table = "give a table by @pytest.mark.clearspan(pricing={...})"
    if all(is_near(record.server_address or "") for record in unpriced):
        return f"a server on this machine or in a private network has no published price: {table}"
    if importlib.util.find_spec("genai_prices") is None:
        return f"install clearspan[cost], or {table}"
    return f"no list of prices tells what such a call costs: {table}"


def pytest_configure(config: pytest.Config) -> None:
    """Make the plugin's marker known."""
    config.addinivalue_line(
        "markers",
        "clearspan(**settings): settings of clearspan.testing.captured for the fixture llm",
    )


@pytest.fixture
def llm(request: pytest.FixtureRequest) -> Iterator[Calls]:
    """The model calls that the test makes: `llm.calls`, `llm.total_tokens`, `llm.cost`, `llm.errors`.

    `@pytest.mark.clearspan(pricing=..., content=...)` hands settings to `clearspan.testing.captured`.
    """
    from clearspan.testing.capture import captured

    marker = request.node.get_closest_marker("clearspan")
    with captured(**(marker.kwargs if marker is not None else {})) as seen:
        yield Calls(seen)
