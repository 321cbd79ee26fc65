"""The times of an operation, from clock readings."""

from __future__ import annotations

from typing import Any

import pytest

from clearspan.pace import Pace, streamed
from clearspan.record import Gaps


def paced(*stamps: tuple[float, bool], started: float = 10.0) -> Pace:
    made = Pace()
    made.started_at = started
    for at, content in stamps:
        made.stamp(at, content=content)
    return made


def test_what_is_no_stream_has_no_times() -> None:
    timing = Pace().timing(5, 9, 100)
    assert (timing.start_ns, timing.end_ns, timing.chunks) == (5, 9, 0)
    assert (timing.first_chunk, timing.first_content, timing.gaps) == (None, None, Gaps())
    assert (timing.decode_rate, timing.output_rate) == (None, None)


def test_pauses_between_chunks() -> None:
    timing = paced((11.0, False), (11.5, True), (12.0, True), (15.0, False)).timing(0, 0)
    assert (timing.first_chunk, timing.first_content, timing.chunks) == (1.0, 1.5, 4)
    assert timing.gaps == Gaps(0.5, 3.0, 3.0, ((0.5, 2), (3.0, 1)))


def test_a_single_chunk_has_no_pause() -> None:
    assert paced((11.0, True)).timing(0, 0).gaps == Gaps()


@pytest.mark.parametrize(
    ("stamps", "tokens", "rate"),
    [
        ([(11.0, True), (13.0, True)], 5, 2.0),
        ([(11.0, False), (12.0, True), (14.0, True), (19.0, False)], 5, 2.0),
        ([(11.0, True), (13.0, True)], 2, 0.5),
        ([(11.0, True), (13.0, True)], 1, None),
        ([(11.0, True), (13.0, True)], 0, None),
        ([(11.0, True), (13.0, True)], None, None),
        ([(11.0, True)], 5, None),  # all at once: nothing to divide by
        ([(11.0, False), (13.0, False)], 5, None),
    ],
)
def test_the_rate_of_the_output(stamps: Any, tokens: int | None, rate: float | None) -> None:
    assert paced(*stamps).timing(0, 0, tokens).output_rate == rate


def test_the_times_of_an_inner_record_count_from_the_outer_one_s_start() -> None:
    outer = Pace()
    outer.started_at = 9.0
    outer.phase("load", 1.0)
    inner = paced((11.0, False), (12.0, True), (14.0, True))
    inner.phase("load", 2.0)
    inner.phase("decode", 4.0)
    inner.decoded = 8
    outer.absorb(inner)
    timing = outer.timing(0, 0, 5)
    assert (timing.first_chunk, timing.first_content, timing.chunks) == (2.0, 3.0, 3)
    assert (timing.output_rate, timing.decode_rate) == (2.0, 2.0)
    assert timing.phases == {"load": 1.0, "decode": 4.0}


def test_a_phase_adds_up_and_is_never_negative() -> None:
    pace = Pace()
    for seconds in (1.0, 2.0, None, -1.0):
        pace.phase("queue", seconds)
    assert pace.phases == {"queue": 3.0}


@pytest.mark.parametrize(
    ("counts", "kinds", "extras", "tokens"),
    [
        ({}, {"text"}, {}, None),
        ({"output": 7}, None, {}, 7),
        ({"output": 7, "reasoning": 0}, None, {}, 7),
        ({"output": 7, "reasoning": 4}, {"text"}, {}, 3),
        ({"output": 7, "reasoning": 4}, {"text", "reasoning"}, {}, 7),
        ({"output": 7, "reasoning": 4}, {"reasoning"}, {"openai.api.type": "responses"}, None),
        ({"output": 7, "reasoning": 4}, None, {}, None),
    ],
)
def test_tokens_that_came_as_chunks(
    counts: Any, kinds: Any, extras: Any, tokens: int | None
) -> None:
    assert streamed(counts, kinds, extras) == tokens
