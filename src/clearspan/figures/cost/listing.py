"""Published prices: those in the `genai-prices` package, where it is installed. Nothing is fetched."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timezone
from decimal import Decimal
from importlib import metadata, util
from pathlib import Path
from typing import Any, NamedTuple

from clearspan.core.fence import fenced
from clearspan.core.loading import load
from clearspan.figures.cost.rates import EXACT, Rates
from clearspan.figures.cost.table import STANDARD
from clearspan.figures.cost.whose import Asked

__all__ = ["Listed", "Listing"]

_PACKAGE, _MODULE = "genai-prices", "genai_prices"
_REMEMBERED = 512
_THOUSAND, _HALF = Decimal(1000), Decimal("0.5")
_KEYS = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "audio_input": "input_audio_mtok",
    "audio_output": "output_audio_mtok",
    "image_input": "input_image_mtok",
    "image_output": "output_image_mtok",
    "reasoning": "output_reasoning_mtok",
    "request": "requests_kcount",
    "audio_hour": "audio_hours",
}
# Charges for what no record counts: where a model has them, what it costs is not known.
_UNCOUNTED = (
    "input_mchars",
    "output_citation_mtok",
    "input_document_kpages",
    "input_annotated_document_kpages",
    "input_text_messages_kcount",
)

# OpenAI publishes one rule for all models beside the prices of each.
_HALVED = ("flex", "batch")


class Listed(NamedTuple):
    """What a list says of a model."""

    rates: Rates
    sure: bool
    priced_on: str | None
    source: str
    currency: str = "USD"


class _Found(NamedTuple):
    """A model in the list of a provider, whether it is the provider's own, and its rates where they never change."""

    provider: Any
    model: Any
    own: bool
    steady: Rates | None


class _Shelf(NamedTuple):
    """A list, what was found in it, and its date and name."""

    snapshot: Any
    find: Callable[[str, str], _Found | None]
    label: tuple[str | None, str]


class Listing:
    """Looks prices up.

    The package takes a third of a second to load, which it is at the first call that has to be priced. With
    `background` that is done by a thread of its own, and nothing has a price until then: for where calls
    are completed on the host's threads.
    """

    def __init__(self, *, background: bool = False) -> None:
        self.installed = util.find_spec(_MODULE) is not None
        self._background = background
        self._library: Any = None
        self._shelf: _Shelf | None = None
        self._tried_by: int | None = None
        self._tried_for: Any = None

    def price(self, asked: Asked, tier: str | None, tokens: int, when: datetime) -> Listed | None:
        """The rates for a call with so many input tokens at that time; `None` where none are known."""
        shelf = self._current()
        if shelf is None:
            return None
        for place, model in enumerate(asked.models):
            found = shelf.find(asked.provider, model)
            if found is not None:
                rates, known = _rates(found, tier, tokens, when)
                sure = known and asked.sure and place == 0
                return Listed(rates, sure, *shelf.label) if rates is not None else None
        return None

    # -- the package ---------------------------------------------------------------------------

    def _current(self) -> _Shelf | None:
        """What was found so far, unless the host has put newer prices in the package's place.

        In the background those are read meanwhile, and the older ones hold.
        """
        snapshot = self._library.get_snapshot() if self._library is not None else None
        if self.installed and (self._shelf is None or self._shelf.snapshot is not snapshot):
            self._try(snapshot)
        return self._shelf

    def _try(self, snapshot: Any) -> None:
        process = os.getpid()
        if self._tried_by == process and self._tried_for is snapshot:
            return
        # Once, even where it fails; a forked child does not have the thread of its parent.
        self._tried_by, self._tried_for = process, snapshot
        if self._background:
            threading.Thread(
                target=fenced,
                args=("prices.load", self._load),
                name="clearspan-prices",
                daemon=True,
            ).start()
        else:
            self._load()

    def _load(self) -> None:
        """All that takes long: the package, its data, and a walk through them for their date."""
        try:
            library = load(f"{_MODULE}.data_snapshot")
            load(f"{_MODULE}.data")  # also where the host's prices hold now: they may be taken back
        except ImportError:  # there, but something that it needs is not
            self.installed = False
            return
        snapshot = library.get_snapshot()
        # Remembered by a cache that threads may share: calls may be completed on the host's.
        find = functools.lru_cache(maxsize=_REMEMBERED)(functools.partial(_find, snapshot))
        self._shelf = _Shelf(snapshot, find, _label(snapshot))
        self._library = library


def _find(snapshot: Any, provider: str, model: str) -> _Found | None:
    """A provider and its model, as the package has them."""
    try:
        whose, found = snapshot.find_provider_model(model, None, provider, None)
    except LookupError:
        return None
    own = any(found is known for known in whose.models)
    return _Found(whose, found, own, _steady(found.prices))


def _steady(prices: Any) -> Rates | None:
    """Rates that hold at any time and for any number of tokens; `None` where it depends."""
    told = (getattr(prices, key, None) for key in _KEYS.values())
    if _changes(prices) or not all(isinstance(price, (Decimal, type(None))) for price in told):
        return None
    return _read(prices, 0)


def _label(snapshot: Any) -> tuple[str | None, str]:
    """The date of the list, and its name."""
    source = f"{_PACKAGE} {metadata.version(_PACKAGE)}"
    if snapshot.from_auto_update:
        return snapshot.timestamp.date().isoformat(), f"{source}, updated"
    return _newest(snapshot), source


def _newest(snapshot: Any) -> str | None:
    """The last dated change of a price that had come about when the package was installed.

    The package does not say of when it is. Some changes are announced long before, hence the limit.
    """
    limit = _installed()
    changes = (
        change.constraint.start_date
        for provider in snapshot.providers
        for model in provider.models
        for change in (*_changes(model.prices), *(model.price_variants or ()))
        if hasattr(change.constraint, "start_date")
    )
    past = [day for day in changes if limit is not None and day <= limit]
    return max(past).isoformat() if past else None


def _changes(prices: Any) -> Sequence[Any]:
    return prices if isinstance(prices, list) else ()


def _installed() -> date | None:
    found = util.find_spec(f"{_MODULE}.data")
    try:
        written = Path(str(found and found.origin)).stat().st_mtime
    except OSError:  # inside an archive
        return None
    return datetime.fromtimestamp(written, timezone.utc).date()


# -- what a list says of a model --------------------------------------------------------------


def _rates(
    found: _Found, tier: str | None, tokens: int, when: datetime
) -> tuple[Rates | None, bool]:
    """The rates of a tier, `None` where nobody knows them; and whether it is the list that says so.

    Prices of tiers are those of a provider's own models: a list that it borrows has none for it.
    """
    provider, model, own, steady = found
    standard = _read(model.get_prices(when), tokens) if steady is None else steady
    if tier in STANDARD:
        return standard, own  # Azure's prices are OpenAI's where it does not list its own
    context = {"processing": "batch"} if tier == "batch" else {"service_tier": tier}
    if own and _knows(model, context, when):
        return _read(model.get_prices(when, context), tokens), True
    halved = provider.id == "openai" and tier in _HALVED
    return standard.times(_HALF) if standard is not None and halved else None, False


def _knows(model: Any, context: Mapping[str, str | None], when: datetime) -> bool:
    return any(
        variant.when == context and (variant.constraint is None or variant.constraint.active(when))
        for variant in model.price_variants or ()
    )


def _read(prices: Any, tokens: int) -> Rates | None:
    if any(getattr(prices, key, None) is not None for key in _UNCOUNTED):
        return None
    found = {name: _at(getattr(prices, key, None), tokens) for name, key in _KEYS.items()}
    by_thousand = found["request"]
    found["request"] = EXACT.divide(by_thousand, _THOUSAND) if by_thousand is not None else None
    return Rates(**found)


def _at(price: Any, tokens: int) -> Decimal | None:
    """A price for so many input tokens: the highest step that they exceed, for all of them."""
    if isinstance(price, Decimal) or price is None:
        return price
    found: Decimal = price.base
    for step in price.tiers:  # from the lowest on
        if tokens > step.start:
            found = step.price
    return found
