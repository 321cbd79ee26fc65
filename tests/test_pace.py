"""The times of an operation, from clock readings."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import pytest
from hypothesis import given, strategies as st

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
        ([(11.0, True), (12.0, True), (13.0, True), (15.0, True), (16.0, True)], 5, 0.8),
        ([(11.0, False), (12.0, True), (14.0, True), (19.0, False)], 2, 0.5),
        ([(11.0, True), (13.0, True)], 6, 1.5),  # three a chunk: the first three start the clock
        ([(11.0, True), (13.0, True)], 8, 2.0),
        ([(11.0, True), (13.0, True)], 9, None),  # held back, and let go all at once
        ([(11.0, True), (13.0, True)], 1, None),
        ([(11.0, True), (13.0, True)], 0, None),
        ([(11.0, True), (13.0, True)], None, None),
        ([(11.0, True)], 2, None),  # all at once: nothing to divide by
        ([(11.0, False), (13.0, False)], 2, None),
    ],
)
def test_the_rate_of_the_output(stamps: Any, tokens: int | None, rate: float | None) -> None:
    assert paced(*stamps).timing(0, 0, tokens).output_rate == rate


def test_what_came_together_is_one_arrival() -> None:
    """Twice two tokens: the first two start the clock, however they were cut into chunks."""
    together = paced((11.0, True), (11.0005, True), (13.0, True), (13.0, True))
    assert together.timing(0, 0, 4).output_rate == 1.0


@pytest.mark.parametrize(
    ("stamps", "tokens"),
    [
        ([(11.0 + index * 0.0002, True) for index in range(300)], 300),  # all at once
        ([(11.0, True), (12.0, True), (13.0, True)], 1200),  # three long pieces
        ([(11.0 + index // 100, True) for index in range(300)], 300),  # the same in small chunks
    ],
)
def test_the_pace_of_a_server_that_held_tokens_back_is_not_theirs(stamps: Any, tokens: int) -> None:
    assert paced(*stamps).timing(0, 0, tokens).output_rate is None


def test_the_times_of_an_inner_record_count_from_the_outer_one_s_start() -> None:
    outer = Pace()
    outer.started_at = 9.0
    outer.phase("load", 1.0)
    inner = paced((11.0, False), (12.0, True), (14.0, True))
    inner.phase("load", 2.0)
    inner.phase("decode", 4.0)
    inner.decoded = 8
    outer.absorb(inner)
    timing = outer.timing(0, 0, 6)
    assert (timing.first_chunk, timing.first_content, timing.chunks) == (2.0, 3.0, 3)
    assert (timing.output_rate, timing.decode_rate) == (1.5, 2.0)
    assert timing.phases == {"load": 1.0, "decode": 4.0}


def test_of_a_stream_of_which_chunks_were_missed_only_their_number_is_known() -> None:
    inner = paced((11.0, True), (12.0, True), (13.0, True))
    inner.missed = 100
    inner.phase("decode", 2.0)
    inner.decoded = 8
    timing = inner.timing(0, 0, 3)
    assert (timing.chunks, timing.decode_rate) == (103, 4.0)
    assert (timing.first_chunk, timing.first_content, timing.output_rate) == (None, None, None)
    assert timing.gaps == Gaps()
    outer = Pace()
    outer.absorb(inner)
    assert outer.timing(0, 0, 3) == timing


def test_a_phase_adds_up_and_is_never_negative() -> None:
    pace = Pace()
    for seconds in (1.0, 2.0, None, -1.0):
        pace.phase("queue", seconds)
    assert pace.phases == {"queue": 3.0}


# -- chunks of content that are noted together -------------------------------------------------------------


def noted(pace: Pace) -> dict[str, Any]:
    found = {name: getattr(pace, name) for name in Pace.__slots__ if name != "gaps"}
    return {**found, "gaps": (pace.gaps.count, pace.gaps.largest, pace.gaps.values())}


def run_after(before: list[tuple[float, bool]], *runs: list[float]) -> Pace:
    """A pace to which these runs were told at once, which is as if each chunk had been."""
    together, alone = paced(*before), paced(*before)
    for times in runs:
        together.run(times)
        for at in times:
            alone.stamp(at, content=True)
    assert noted(together) == noted(alone)
    assert together.timing(0, 0, 9) == alone.timing(0, 0, 9)
    return together


def test_a_run_of_one_chunk_is_that_chunk() -> None:
    made = run_after([], [11.0])
    assert (made.first_chunk, made.first_content, made.last_chunk) == (1.0, 1.0, 11.0)
    assert (made.chunks, made.contents, made.arrivals, made.first_arrival) == (1, 1, 1, 1)
    assert made.gaps.count == 0


def test_a_run_that_came_together_is_one_arrival() -> None:
    made = run_after([], [11.0, 11.0, 11.0005, 11.001])
    assert (made.arrivals, made.first_arrival, made.contents) == (1, 4, 4)
    assert (made.last_content, made.last_chunk, made.chunks) == (11.001, 11.001, 4)
    assert made.gaps.count == 3


def test_a_run_with_a_pause_is_several_arrivals() -> None:
    made = run_after([], [11.0, 11.0005, 12.0, 13.0])
    assert (made.arrivals, made.first_arrival, made.contents) == (3, 2, 4)
    assert (made.last_content, made.chunks) == (13.0, 4)


def test_a_pause_of_a_thousandth_parts_two_arrivals() -> None:
    assert run_after([], [0.0, 0.001]).arrivals == 2
    assert run_after([], [0.0, 0.000999]).arrivals == 1


@pytest.mark.parametrize(
    ("before", "arrivals", "first"),
    [
        ([(11.0, False)], 1, 3),
        ([(11.9999, True)], 1, 4),
        ([(11.0, True)], 2, 1),
        ([(11.0, True), (11.9999, False)], 2, 1),
        ([(10.5, True), (11.0, True), (11.9999, True)], 3, 1),
    ],
)
def test_a_run_after_other_chunks(
    before: list[tuple[float, bool]], arrivals: int, first: int
) -> None:
    made = run_after(before, [12.0, 12.0002, 12.0004])
    assert (made.arrivals, made.first_arrival) == (arrivals, first)
    assert made.chunks == made.gaps.count + 1 == len(before) + 3


waits = st.sampled_from((0.0, 0.0, 1e-6, 0.0005, 0.001, 0.0011, 0.5, -0.25)) | st.floats(0, 1)


@given(
    st.lists(st.tuples(waits, st.booleans()), max_size=4), st.lists(st.lists(waits, min_size=1, max_size=7), max_size=4),
)  # fmt: skip
def test_runs_have_the_numbers_of_their_chunks_one_by_one(
    before: list[tuple[float, bool]], runs: list[list[float]]
) -> None:
    known = list(accumulate((wait for wait, _ in before), initial=10.0))
    stamps = [(at, content) for at, (_, content) in zip(known[1:], before, strict=True)]
    times = accumulate((wait for run in runs for wait in run), initial=known[-1])
    next(times)
    run_after(stamps, *([next(times) for _ in run] for run in runs))


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
@pytest.mark.parametrize("provider", [None, "deepseek"])
def test_tokens_that_came_as_chunks(
    provider: str | None, counts: Any, kinds: Any, extras: Any, tokens: int | None
) -> None:
    assert streamed(counts, kinds, extras, provider) == tokens


@pytest.mark.parametrize("provider", ["openai", "azure.ai.openai", "openrouter"])
def test_what_may_be_a_summary_of_reasoning_has_no_number_of_tokens(provider: str) -> None:
    counts = {"output": 7, "reasoning": 4}
    assert streamed(counts, {"text", "reasoning"}, {}, provider) is None
    assert streamed(counts, {"text"}, {}, provider) == 3
    assert streamed({"output": 7}, {"text", "reasoning"}, {}, provider) == 7
