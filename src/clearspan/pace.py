"""Pace: when the pieces of an answer came, while they come."""

from __future__ import annotations

import operator
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from clearspan.core.sketch import Sketch
from clearspan.record import Gaps, Timing
from clearspan.semconv import OPENAI_API_TYPE

__all__ = ["Pace", "streamed", "unpaced"]

_APART = 0.001
"""Seconds from which on two chunks did not come together: a client needs less to read what is there."""
# Who may show a summary where others show the reasoning itself.
_SUMMARIZING = ("openai", "azure.ai.openai", "openrouter")
_BUNDLE = 4
"""Tokens that come together, on average, at the most: some servers send two or three to a chunk."""


class Pace:
    """The times of one operation. Clock readings are monotonic seconds, as `started_at` is.

    `missed` is how many chunks came and were not kept to be read; the caller's thread alone counts
    them. With one of them missing nobody knows which was the first, nor how long the pauses were.
    """

    __slots__ = (
        "arrivals", "chunks", "contents", "decoded", "first_arrival", "first_chunk", "first_content", "gaps",
        "last_chunk", "last_content", "missed", "phases", "started_at",
    )  # fmt: skip

    def __init__(self, started_at: float = 0.0) -> None:
        self.started_at = started_at
        self.first_chunk: float | None = None
        self.first_content: float | None = None
        self.last_chunk: float | None = None
        self.last_content: float | None = None
        self.chunks = 0
        self.missed = 0
        self.contents = 0  # chunks with content
        self.arrivals = 0  # how often such came, those that came together being one
        self.first_arrival = 0  # how many came together, as the first
        self.gaps = Sketch()
        self.phases: dict[str, float] = {}
        self.decoded: int | None = None

    def stamp(self, at: float, *, content: bool) -> None:
        """A chunk arrived at `at`, with content or without."""
        if self.last_chunk is None:
            self.first_chunk = at - self.started_at
        else:
            self.gaps.add(at - self.last_chunk)
        if content:
            self._content(at)
        self.last_chunk = at
        self.chunks += 1

    def run(self, times: Sequence[float]) -> None:
        """Chunks with content arrived at these times."""
        self.stamp(times[0], content=True)
        later = times[1:]
        if not later:
            return
        pauses = list(map(operator.sub, later, times))
        self.gaps.extend(pauses)
        if max(pauses) < _APART:
            self.contents += len(later)
            if self.arrivals == 1:
                self.first_arrival = self.contents
            self.last_content = later[-1]
        else:
            for at in later:
                self._content(at)
        self.last_chunk = later[-1]
        self.chunks += len(later)

    def _content(self, at: float) -> None:
        if self.first_content is None:
            self.first_content = at - self.started_at
        if self.last_content is None or at - self.last_content >= _APART:
            self.arrivals += 1
        self.last_content = at
        self.contents += 1
        if self.arrivals == 1:
            self.first_arrival = self.contents

    def phase(self, name: str, seconds: float | None) -> None:
        """So much of the work went into `name`; adds up."""
        if seconds is not None and seconds >= 0:
            self.phases[name] = self.phases.get(name, 0.0) + seconds

    def absorb(self, inner: Pace) -> None:
        """Take over the times of an inner record of the same inference; phases known here win."""
        self.phases = {**inner.phases, **self.phases}
        self.decoded = inner.decoded if self.decoded is None else self.decoded
        if inner.last_chunk is not None:
            offset = inner.started_at - self.started_at
            self.first_chunk = None if inner.first_chunk is None else inner.first_chunk + offset
            self.first_content = (
                None if inner.first_content is None else inner.first_content + offset
            )
            self.last_chunk, self.last_content = inner.last_chunk, inner.last_content
            self.chunks, self.contents, self.gaps = inner.chunks, inner.contents, inner.gaps
            self.arrivals, self.first_arrival = inner.arrivals, inner.first_arrival
        self.missed += inner.missed

    def timing(self, start_ns: int, end_ns: int, streamed: int | None = None) -> Timing:
        """The sealed times; `streamed` is how many tokens the stream brought, where that is known.

        Of a stream of which chunks were missed, their number is known and no time of any.
        """
        decoding = self.phases.get("decode")
        decoded = self.decoded / decoding if self.decoded and decoding else None
        chunks = self.chunks + self.missed
        if self.missed:
            return Timing(start_ns, end_ns, chunks=chunks, phases=self.phases, decode_rate=decoded)
        return Timing(
            start_ns,
            end_ns,
            self.first_chunk,
            self.first_content,
            chunks,
            self._gaps() if self.gaps.count else _NO_GAPS,
            self.phases,
            decoded,
            self._rate(streamed),
        )

    def _gaps(self) -> Gaps:
        median, p95 = self.gaps.quantiles((0.5, 0.95))
        return Gaps(median, p95, self.gaps.largest, self.gaps.values())

    def _rate(self, tokens: int | None) -> float | None:
        """Tokens a second after the first arrival of content, which only starts the clock.

        Its tokens are its share of the chunks. Where more than `_BUNDLE` come with an arrival, or all
        with one, somebody held them back, and the pace of the chunks is not theirs.
        """
        if tokens is None or self.first_content is None or self.last_content is None:
            return None
        if self.arrivals < 2 or not 1 < tokens <= _BUNDLE * self.arrivals:
            return None
        took = self.last_content - self.started_at - self.first_content
        return tokens * (self.contents - self.first_arrival) / self.contents / took


_NO_GAPS = Gaps()


def unpaced(start_ns: int, end_ns: int) -> Timing:
    """The sealed times of what has a beginning and an end and nothing between them."""
    return Timing(start_ns, end_ns, None, None, 0, _NO_GAPS, {})


def streamed(
    counts: Mapping[str, Any],
    kinds: Collection[str] | None,
    extras: Mapping[str, Any],
    provider: str | None = None,
) -> int | None:
    """The output tokens that came as chunks; `kinds` are the types of parts that did, if known.

    Reasoning that is not shown is over before the first content. What the Responses API and OpenAI's models
    show of it is a summary, whose tokens nobody counts, so that nothing is said then.
    """
    output, reasoning = counts.get("output"), counts.get("reasoning")
    if output is None or not reasoning:
        return output
    if kinds is None:
        return None
    if "reasoning" not in kinds:
        return int(output - reasoning)
    summary = extras.get(OPENAI_API_TYPE) == "responses" or provider in _SUMMARIZING
    return None if summary else int(output)
