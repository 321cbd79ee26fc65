"""Reading a price table, and saying what is wrong with one."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

from clearspan.figures.cost.errors import PricingError, unknown
from clearspan.figures.cost.names import Names
from clearspan.figures.cost.rates import PRICES, Rates
from clearspan.figures.cost.table import Entry, Table

__all__ = ["load"]

_ACCEPTED = "a price table (a mapping), the path of a JSON file with one, or 'off'"
_EXAMPLE = '{"models": {"my-model": {"input": 1.5, "output": 6}}}'
_FIELDS = ("currency", "priced_on", "models", "gpu_hour", "only")
_MODEL = (*PRICES, "tiers", "above", "provider")
_CURRENCY = re.compile(r"[A-Z]{3}")
_DIGITS = re.compile(r"[0-9]{1,18}")
_TOO_MUCH = Decimal(10) ** 12


def load(pricing: Mapping[str, Any] | str | os.PathLike[str]) -> Table:
    """The table in a mapping, or in a JSON file. Raises `PricingError`."""
    if isinstance(pricing, Mapping):
        return _table(pricing, "own prices", "the price table")
    try:
        path = Path(pricing).expanduser()
    except TypeError:  # anything else, from programs that are not type-checked
        raise PricingError(f"must be {_ACCEPTED}, not {pricing!r}") from None
    except RuntimeError as error:  # nobody's home
        raise PricingError(f"{pricing}: {error}; give {_ACCEPTED}") from None
    return _table(_file(path), path.name, str(path))


def _file(path: Path) -> Any:
    try:
        with path.open(encoding="utf-8-sig") as file:
            return json.load(file, parse_float=Decimal)
    except OSError as error:
        raise PricingError(
            f"{path}: {error.strerror or 'cannot be read'}; give {_ACCEPTED}"
        ) from None
    except (ValueError, RecursionError) as error:  # no JSON, no UTF-8, or no end of brackets
        raise PricingError(
            f"{path}: is no JSON file ({error}); a price table is an object such as {_EXAMPLE}"
        ) from None


def _table(given: Any, source: str, where: str) -> Table:
    fields = _fields(given, where, _FIELDS)
    models = _fields(fields.get("models", {}), f"{where}: models")
    table = Table(
        source=source,
        currency=_currency(fields.get("currency", "USD"), where),
        priced_on=_day(fields.get("priced_on"), where),
        models=Names(
            {name: _model(model, f"{where}: model {name!r}") for name, model in models.items()}
        ),
        gpu_hour=Names(_gpu_hour(fields.get("gpu_hour", {}), f"{where}: gpu_hour")),
        only=_flag(fields.get("only", False), where),
    )
    if not (models or table.gpu_hour or table.only):
        raise PricingError(
            f"{where}: has no price; give models, such as {_EXAMPLE}, or gpu_hour, "
            "or leave pricing out for published prices"
        )
    return table


def _model(given: Any, where: str) -> Entry:
    fields = _fields(given, where, _MODEL)
    rates = _rates({name: fields[name] for name in PRICES if name in fields}, where)
    above = _above(fields.get("above", {}), f"{where}: above")
    tiers = _tiers(fields.get("tiers", {}), f"{where}: tiers")
    provider = fields.get("provider")
    if provider is not None and not isinstance(provider, str):
        raise PricingError(f"{where}: provider must be a name such as 'openai', not {provider!r}")
    if not (above or tiers or rates != Rates()):
        raise PricingError(
            f'{where}: has no price; write {{"input": 0, "output": 0}} for one that is free'
        )
    alone = rates.request is not None or rates.audio_hour is not None
    if alone and rates.input is None and rates.output is None:
        rates = rates.under(_FREE)  # paid by the call or the hour alone
    return Entry(rates, above, tiers, provider)


_FREE = Rates(input=Decimal(0), output=Decimal(0))


def _rates(given: Any, where: str) -> Rates:
    fields = _fields(given, where, PRICES)
    return Rates(**{name: _price(price, f"{where}: {name}") for name, price in fields.items()})


def _above(given: Any, where: str) -> tuple[tuple[int, Rates], ...]:
    steps: list[tuple[int, Rates]] = []
    for start, rates in _fields(given, where).items():
        if not _DIGITS.fullmatch(start):
            raise PricingError(f"{where}: {start!r} is no number of input tokens, such as '200000'")
        steps.append((int(start), _rates(rates, f"{where} {start}")))
    return tuple(sorted(steps, key=lambda step: step[0]))


def _tiers(given: Any, where: str) -> dict[str, Decimal | Rates]:
    return {
        tier: _rates(said, f"{where}: {tier}")
        if isinstance(said, Mapping)
        else _price(said, f"{where}: {tier}")
        for tier, said in _fields(given, where).items()
    }


def _gpu_hour(given: Any, where: str) -> dict[str, Decimal]:
    if not isinstance(given, Mapping):
        return {"*": _price(given, where)}
    return {
        name: _price(price, f"{where}: {name}") for name, price in _fields(given, where).items()
    }


def _fields(given: Any, where: str, known: tuple[str, ...] | None = None) -> Mapping[str, Any]:
    """A mapping with text for keys, and among those that are `known` if that is said."""
    if not isinstance(given, Mapping):
        raise PricingError(f"{where}: must be a mapping (a JSON object), not {given!r}")
    fields = {str(name): value for name, value in cast("Mapping[object, Any]", given).items()}
    for name in fields:
        if known is not None and name not in known:
            raise unknown(where, name, known)
    return fields


def _price(given: Any, where: str) -> Decimal:
    """Zero or more; a fraction as it is written, not as it is held in binary."""
    known = isinstance(given, (int, float, Decimal)) and not isinstance(given, bool)
    price = Decimal(str(given)) if known else Decimal(-1)
    if not (price.is_finite() and 0 <= price < _TOO_MUCH):
        raise PricingError(f"{where}: a price must be a number of at least 0, not {given!r}")
    return price


def _currency(given: Any, where: str) -> str:
    if not isinstance(given, str) or not _CURRENCY.fullmatch(given):
        raise PricingError(
            f"{where}: currency must be a code of ISO 4217 such as 'USD' or 'EUR', not {given!r}"
        )
    return given


def _day(given: Any, where: str) -> str | None:
    if given is None:
        return None
    try:
        return date.fromisoformat(str(given)).isoformat()
    except ValueError:
        raise PricingError(
            f"{where}: priced_on must be a date such as '2026-11-01', not {given!r}"
        ) from None


def _flag(given: Any, where: str) -> bool:
    if not isinstance(given, bool):
        raise PricingError(f"{where}: only must be true or false, not {given!r}")
    return given
