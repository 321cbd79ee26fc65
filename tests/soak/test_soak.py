"""What the soak makes of its figures."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.soak.length import seconds
from tests.soak.run import Sample, slope, verdicts


@pytest.mark.parametrize(
    ("text", "expected"), [("90", 90.0), ("90s", 90.0), ("2m", 120.0), ("0.5h", 1_800.0)]
)
def test_how_long(text: str, expected: float) -> None:
    assert seconds(text) == expected


def test_what_is_no_length_is_refused() -> None:
    with pytest.raises(SystemExit, match="how long"):
        seconds("soon")


def test_a_slope_is_that_of_the_line() -> None:
    assert slope([(0, 1), (1, 3), (2, 5)]) == 2.0
    assert slope([(0, 4), (1, 4), (2, 4)]) == 0.0
    assert slope([(3, 4)]) == 0.0


@dataclass
class Growth:
    """What each reading rises by in a second."""

    rss: float = 0.0
    traced: float = 0.0
    threads: int = 0
    files: int = 0


def read(growth: Growth, minutes: int = 30) -> dict[str, bool]:
    samples = [
        Sample(
            at, 100 + growth.rss * at, 10 + growth.traced * at,
            20 + growth.threads * int(at / 60), 30 + growth.files * int(at / 60), int(at),
        )
        for at in range(0, minutes * 60, 10)
    ]  # fmt: skip
    return {name: kept for name, _, kept in verdicts(samples)}


LEVEL = {"rss": True, "traced": True, "threads": True, "files": True}


def test_what_stays_level_is_well() -> None:
    assert read(Growth()) == LEVEL


@pytest.mark.parametrize(
    ("growth", "name"),
    [
        (Growth(rss=0.02), "rss"),
        (Growth(traced=0.01), "traced"),
        (Growth(threads=1), "threads"),
        (Growth(files=1), "files"),
    ],
)
def test_what_rises_is_named(growth: Growth, name: str) -> None:
    assert read(growth) == {**LEVEL, name: False}


def test_the_unrest_of_a_short_run_is_no_leak() -> None:
    assert read(Growth(rss=0.02), minutes=2) == LEVEL
