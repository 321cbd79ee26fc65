"""Which numbers are worked out beside what was reported, by the settings, in the order they need one another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from clearspan.core.loading import load
from clearspan.draft import Draft
from clearspan.figures.confidence import measure
from clearspan.figures.texts import density
from clearspan.record import Operation, Usage
from clearspan.settings import SettingError, Settings
from clearspan.stages import Figure

if TYPE_CHECKING:
    from clearspan.figures.cost import PriceBook
    from clearspan.figures.hardware import Attribution
    from clearspan.figures.tokens import TokenCounter

__all__ = ["Figures", "wants_of"]

# What a program does itself, and no model has a price for.
_STEPS = (
    Operation.TASK, Operation.EXECUTE_TOOL, Operation.RETRIEVAL, Operation.INVOKE_AGENT, Operation.INVOKE_WORKFLOW,
)  # fmt: skip


class Figures:
    """What `settings` ask for. Raises `SettingError` for a price table that is none.

    `own` says whether calls are completed on a thread of ours: then what is needed is loaded there, when
    it is; else it is loaded at once, and what takes long is left to the worker all the same.
    """

    def __init__(self, settings: Settings, *, own: bool) -> None:
        self._own = own
        self._pricing = settings.pricing
        self._tokens = _Late(_counter) if settings.count_tokens != "off" else None
        self._prices = _Late(self._book) if settings.pricing != "off" else None
        if self._prices is not None and (settings.pricing is not None or not own):
            self._prices.made()  # what is wrong with a table is said at once
        if self._tokens is not None and not own:
            self._tokens.made()

    def _book(self) -> PriceBook:
        cost: Any = load("clearspan.figures.cost")
        try:
            book: PriceBook = cost.PriceBook(self._pricing, background=not self._own)
        except cost.PricingError as error:
            raise SettingError(f"clearspan: pricing: {error}") from None
        return book

    def listed(self, attribution: Attribution | None = None) -> list[Figure]:
        """The figures: each may need those before it."""
        figures = [Figure("confidence", measure), Figure("texts", density)]
        if self._tokens is not None:
            figures.insert(0, Figure("tokens", self._tokens, self._tokens.due))
        if attribution is not None:
            figures.append(Figure("hardware", attribution.work_out))
        if self._prices is not None:
            figures.append(Figure("cost", self._prices))
        return figures

    def price(self, model: str, usage: Usage) -> float | None:
        """What a call of `model` would cost, in US dollars; `None` where nobody knows."""
        if self._prices is None:
            return None
        asked = Draft(Operation.CHAT)
        asked.model = asked.response_model = model
        asked.usage(input=usage.input, output=usage.output)
        self._prices(asked)
        known = asked.cost
        return known.total if known is not None and known.currency == "USD" else None

    def missing(self, *, running: bool = True) -> Mapping[str, str]:
        """What is lacking for a figure, and the remedy; at the end of a program as far as it is known already.

        A module that is imported then may make Python forget that it was Ctrl-C that ended the program.
        """
        if self._prices is None or not (running or self._prices.is_made):
            return {}
        lacking = self._prices.made().missing
        return {} if lacking is None else {"cost": lacking}


class _Late:
    """A figure of calls of models that is made when the first of them is there."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._made: Any = None

    @property
    def is_made(self) -> bool:
        return self._made is not None

    def made(self) -> Any:
        if self._made is None:
            self._made = self._make()
        return self._made

    def __call__(self, draft: Draft) -> None:
        if draft.operation not in _STEPS:
            (self._made or self.made())(draft)

    def due(self, draft: Draft) -> bool:
        """Whether it would take long."""
        late: bool = draft.operation not in _STEPS and (self._made or self.made()).due(draft)
        return late


def _counter() -> TokenCounter:
    tokens: Any = load("clearspan.figures.tokens")
    counter: TokenCounter = tokens.TokenCounter()
    return counter


def wants_of(settings: Settings) -> frozenset[str]:
    """What adapters are asked for beside what calls tell by themselves."""
    asked = {
        "usage": settings.request_usage,
        "confidence": settings.token_confidence,
        "cost": settings.pricing != "off",
    }
    return frozenset(name for name, wanted in asked.items() if wanted)
