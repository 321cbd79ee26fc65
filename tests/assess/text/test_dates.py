from __future__ import annotations

import pytest

from clearspan.assess.text.dates import dates


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("7 April 2016", (2016, 4, 7)),
        ("April 7th, 2016", (2016, 4, 7)),
        ("2016-04-07", (2016, 4, 7)),
        ("Sept. 5, 2011", (2011, 9, 5)),
        ("the 4th of July", (None, 7, 4)),
        ("April 2016", (2016, 4, None)),
        ("june of 1999", (1999, 6, None)),
    ],
)
def test_dates_are_read_as_far_as_they_are_told(
    text: str, told: tuple[int | None, int, int | None]
) -> None:
    (found,) = dates(f"It was {text}.")
    assert (found.year, found.month, found.day) == told


def test_what_no_calendar_has_is_no_date() -> None:
    assert dates("2016-14-07, 39 May, May 0, 2016-02-39") == []


def test_dates_agree_where_nothing_differs() -> None:
    full, month, other = dates("7 April 2016; April 2016; 8 April 2016")
    assert full.agrees(month)
    assert month.agrees(full)
    assert not full.agrees(other)
