"""The price book: what was charged, where that is told; an own table; local hours; published prices."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from clearspan import semconv as sc
from clearspan.draft import Draft
from clearspan.figures.cost.amounts import Amounts, amounts_of, refused
from clearspan.figures.cost.billed import ELSEWHERE
from clearspan.figures.cost.hours import hours, is_local
from clearspan.figures.cost.listing import Listed, Listing
from clearspan.figures.cost.rates import Bill, Rates, bill
from clearspan.figures.cost.reading import load
from clearspan.figures.cost.table import Entry, Table
from clearspan.figures.cost.whose import asked, names_of
from clearspan.record import Cost

__all__ = ["PriceBook"]

_TOO_MUCH = 1e12
# How chats are told to search, by OpenAI's name and by xAI's.
_SEARCHES = frozenset(("web_search_options", "search_parameters"))
_HINT = "prices: genai-prices is not installed (pip install 'clearspan[cost]')"


class PriceBook:
    """Puts a `Cost` into a draft whose model and tokens are known.

    `pricing` is a table (a mapping, or the path of a JSON file), or nothing for published prices alone.
    Raises `PricingError`. With `background` nothing heavy is loaded on the thread that asks for a cost.
    """

    def __init__(
        self,
        pricing: Mapping[str, Any] | str | os.PathLike[str] | None = None,
        *,
        background: bool = False,
    ) -> None:
        self._table = load(pricing) if pricing is not None else None
        only = self._table is not None and self._table.only
        self._listing = None if only else Listing(background=background)

    @property
    def missing(self) -> str | None:
        """What is lacking for published prices, and the remedy; `None` where nothing is."""
        return _HINT if self._listing is not None and not self._listing.installed else None

    def __call__(self, draft: Draft) -> None:
        """Price a call; where anything is unknown that has to be paid, there is no cost."""
        charged = _charged(draft)
        if draft.cost is not None or draft.inference_calls or draft.operation in ELSEWHERE:
            return
        if charged is None:
            charged = self._own(draft) if self._table is not None else self._published(draft)
        draft.cost = charged

    def _own(self, draft: Draft) -> Cost | None:
        table: Table = self._table  # type: ignore[assignment]  # asked only where there is one
        entry = table.entry(names_of(draft), draft.provider)
        if entry is not None:
            return _by_table(table, entry, draft)
        if table.gpu_hour and is_local(draft) and not refused(draft):
            found = hours(table.gpu_hour, draft)
            return _cost(Bill(found[0]), table, sure=found[1]) if found is not None else None
        return self._published(draft)

    def _published(self, draft: Draft) -> Cost | None:
        whose, amounts = asked(draft), amounts_of(draft)
        if self._listing is None or whose is None or amounts is None or not amounts.known:
            return None
        tier, answered = _tier(draft)
        when = datetime.fromtimestamp(draft.start_ns // 10**9, timezone.utc)
        listed = self._listing.price(whose, tier, amounts.input or 0, when)
        if listed is None:
            return None
        sure = listed.sure and answered and _certain(draft, amounts, listed.rates)
        return _cost(bill(listed.rates, amounts), listed, sure=sure)


def _charged(draft: Draft) -> Cost | None:
    """What the provider itself said that the call cost, in US dollars."""
    told = draft.params.pop("charged", None)  # it is no parameter of the request
    known = type(told) is float and 0 <= told < _TOO_MUCH
    return Cost(told, source="reported") if known else None


def _by_table(table: Table, entry: Entry, draft: Draft) -> Cost | None:
    amounts = amounts_of(draft)
    if amounts is None:
        return None
    tier, answered = _tier(draft)
    rates, known = entry.at(tier, amounts.input or 0)
    sure = known and answered and _certain(draft, amounts, rates)
    return _cost(bill(rates, amounts), table, sure=sure)


def _tier(draft: Draft) -> tuple[str | None, bool]:
    """The tier that served the call; else the one asked for, which may not be the one that was given."""
    served = draft.extras.get(sc.OPENAI_RESPONSE_SERVICE_TIER)
    if isinstance(served, str):
        return served, True
    wanted = draft.extras.get(sc.OPENAI_REQUEST_SERVICE_TIER)
    return (wanted, False) if isinstance(wanted, str) else (None, True)


def _certain(draft: Draft, amounts: Amounts, rates: Rates) -> bool:
    """Whether the amounts are sure, and all there is: some tools of providers are paid by the call."""
    apart = rates.audio_input is not None or rates.image_input is not None
    doubtful = amounts.over or (amounts.mixed and apart)
    return amounts.reported and not doubtful and not _served_tools(draft)


def _served_tools(draft: Draft) -> bool:
    if draft.extras.get(sc.OPENAI_API_TYPE) != "responses":
        return _searches(draft)
    return any(
        part.get("type") == "server_tool_call"
        for answer in draft.answers
        for part in answer.get("parts", ())
    )


def _searches(draft: Draft) -> bool:
    """Whether a chat was to search the web, which providers bill beside the tokens."""
    source = draft.inner if draft.call is None and draft.inner is not None else draft
    given = source.call.kwargs if source.call is not None else {}
    more = given.get("extra_body")
    asked = type(given.get("web_search_options")) is dict or (
        type(more) is dict and not _SEARCHES.isdisjoint(more)
    )
    return asked or draft.provider == "perplexity" or "-search-" in (draft.model or "")


def _cost(found: Bill | None, source: Table | Listed, *, sure: bool) -> Cost | None:
    if found is None:
        return None
    return Cost(
        total=float(found.total),
        **{part: float(price) for part, price in zip(_PARTS, found[1:], strict=True) if price is not None},
        currency=source.currency, priced_on=source.priced_on, source=source.source, estimated=None if sure else True,
    )  # fmt: skip


_PARTS = Bill._fields[1:]
