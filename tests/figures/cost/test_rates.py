"""Bills: the short way for texts comes to what the long way does."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from clearspan.figures.cost.amounts import Amounts
from clearspan.figures.cost.rates import Bill, Rates, bill

PRICES = st.none() | st.sampled_from(["0", "0.15", "2.5", "10"]).map(Decimal)
COUNTS = st.none() | st.integers(0, 10**9)


def texts(sent: int | None, made: int | None, *, silence: bool = False) -> Amounts:
    """So many tokens in and out; with `silence`, sound of no length as well, which is no short way."""
    seconds = Decimal(0) if silence else None
    return Amounts(sent, made, sent or 0, text_output=made or 0, seconds=seconds)


@given(COUNTS, COUNTS, PRICES, PRICES, PRICES)
def test_a_bill_for_texts_is_what_it_would_be_among_others(
    sent: int | None,
    made: int | None,
    input_: Decimal | None,
    output: Decimal | None,
    request: Decimal | None,
) -> None:
    rates = Rates(input=input_, output=output, request=request)
    short, long = bill(rates, texts(sent, made)), bill(rates, texts(sent, made, silence=True))
    assert texts(sent, made).only_texts
    assert not texts(sent, made, silence=True).only_texts
    if long is not None and not sent:
        long = long._replace(input=None)
    assert short == long


@pytest.mark.parametrize(
    "other",
    [
        Amounts(10, 5, 8, cache_read=2, text_output=5),
        Amounts(10, 5, 9, audio_input=1, text_output=5),
        Amounts(10, 5, 10, text_output=3, reasoning=2),
        Amounts(10, None, 9),
    ],
)
def test_what_is_no_text_goes_the_long_way(other: Amounts) -> None:
    assert not other.only_texts


def test_a_bill_for_texts_is_exact() -> None:
    rates = Rates(input=Decimal("0.1"), output=Decimal("0.2"), request=Decimal("0.01"))
    assert bill(rates, texts(3, 7)) == Bill(Decimal("0.0100017"), Decimal("0.0000003"), Decimal("0.0000014"))  # fmt: skip
    assert bill(rates, texts(None, 7)) is None
    assert bill(dataclasses.replace(rates, audio_hour=Decimal(1)), texts(3, 7)) is not None
