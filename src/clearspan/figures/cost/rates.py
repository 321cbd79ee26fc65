"""Prices, and what an amount costs at them. In decimal numbers: cents are not binary fractions."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from typing import NamedTuple

from clearspan.figures.cost.amounts import Amounts

__all__ = ["EXACT", "PRICES", "Bill", "Rates", "bill"]

_MILLION = Decimal(1_000_000)
_MILLIONTH = Decimal("0.000001")
_HOUR = Decimal(3600)
_ZERO = Decimal(0)
# Not the context of whoever's thread this is: the host may have set traps in its own.
EXACT = Context(prec=60, traps=[])
"""How prices are worked out, whatever the thread's own context is."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Prices in one currency; `None` where the list says nothing.

    Those of tokens are for a million, `request` is for a call, `audio_hour` for an hour of sound.
    Tokens from a cache, of pictures and of reasoning cost what others do where they have no price of
    their own. Sound does not: it costs many times as much, so that nothing is known without its price.
    """

    input: Decimal | None = None
    output: Decimal | None = None
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None
    audio_input: Decimal | None = None
    audio_output: Decimal | None = None
    image_input: Decimal | None = None
    image_output: Decimal | None = None
    reasoning: Decimal | None = None
    request: Decimal | None = None
    audio_hour: Decimal | None = None

    def times(self, factor: Decimal) -> Rates:
        """All of them multiplied."""
        with localcontext(EXACT):
            return Rates(
                **{
                    name: price * factor
                    for name in PRICES
                    if (price := getattr(self, name)) is not None
                }
            )

    def under(self, other: Rates) -> Rates:
        """These, but for what `other` says."""
        said = {name: price for name in PRICES if (price := getattr(other, name)) is not None}
        return dataclasses.replace(self, **said)


PRICES = tuple(field.name for field in dataclasses.fields(Rates))


class Bill(NamedTuple):
    """What the amounts cost; a part that does not apply is `None`."""

    total: Decimal
    input: Decimal | None = None
    output: Decimal | None = None
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None


def bill(rates: Rates, amounts: Amounts) -> Bill | None:
    """What `amounts` cost at `rates`; `None` unless all of it is known that has to be paid."""
    if rates.audio_hour is None and amounts.only_texts:
        return _of_texts(rates, amounts)
    with localcontext(EXACT):
        taken, made = _input(rates, amounts), _output(rates, amounts)
        if taken is None or made is None or (not (taken or made) and rates == _NOTHING):
            return None
        read = _or(rates.cache_read, rates.input)
        written = _or(rates.cache_write, rates.input)
        return Bill(
            total=taken + made + (rates.request or 0),
            input=taken if amounts.input or amounts.seconds is not None else None,
            output=made if amounts.output else None,
            cache_read=_sum([(amounts.cache_read, read)]) if amounts.cache_read else None,
            cache_write=_sum([(amounts.cache_write, written)]) if amounts.cache_write else None,
        )


def _of_texts(rates: Rates, amounts: Amounts) -> Bill | None:
    """The same for what most calls are: texts that go in and come out, and nothing of a cache."""
    sent, made = amounts.input, amounts.output
    if (sent is None and rates.input) or (made is None and rates.output):
        return None
    taken, given = _price(sent, rates.input), _price(made, rates.output)
    if taken is None or given is None or (not (taken or given) and rates == _NOTHING):
        return None
    total = EXACT.add(taken, given)
    if rates.request:
        total = EXACT.add(total, rates.request)
    return Bill(total, taken if sent else None, given if made else None)


def _price(count: int | None, price: Decimal | None) -> Decimal | None:
    """Of so many tokens; `None` where there are some, and nobody knows what they cost."""
    if not count or not price:
        return _ZERO if not count or price is not None else None
    return EXACT.multiply(EXACT.multiply(count, price), _MILLIONTH)


def _input(rates: Rates, amounts: Amounts) -> Decimal | None:
    if amounts.input is None and rates.input:
        return None
    sound = _sound(rates, amounts)
    tokens = _sum([
        (amounts.text_input, rates.input),
        (amounts.cache_read, _or(rates.cache_read, rates.input)),
        (amounts.cache_write, _or(rates.cache_write, rates.input)),
        (amounts.audio_input, _or(rates.audio_input, rates.audio_hour and Decimal(0))),
        (amounts.image_input, _or(rates.image_input, rates.input)),
    ])  # fmt: skip
    return None if sound is None or tokens is None else tokens + sound


def _sound(rates: Rates, amounts: Amounts) -> Decimal | None:
    """What is paid by the hour; a model that takes text as well may have been given no sound."""
    if rates.audio_hour is None:
        return _ZERO
    if amounts.seconds is None:
        silent = amounts.input is not None and not amounts.audio_input and rates.input is not None
        return _ZERO if silent else None
    return rates.audio_hour * amounts.seconds / _HOUR


def _output(rates: Rates, amounts: Amounts) -> Decimal | None:
    if amounts.output is None and rates.output:
        return None
    return _sum([
        (amounts.text_output, rates.output),
        (amounts.reasoning, _or(rates.reasoning, rates.output)),
        (amounts.audio_output, rates.audio_output),
        (amounts.image_output, _or(rates.image_output, rates.output)),
    ])  # fmt: skip


def _or(price: Decimal | None, otherwise: Decimal | None) -> Decimal | None:
    return price if price is not None else otherwise


def _sum(items: Iterable[tuple[int, Decimal | None]]) -> Decimal | None:
    """The price of all of them; `None` where one that is there has no price."""
    total = _ZERO
    for count, price in items:
        if not count:
            continue
        if price is None:
            return None
        if price:
            total += count * price / _MILLION
    return total


_NOTHING = Rates()
