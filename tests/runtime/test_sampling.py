"""Answers that are made in advance: each is the one that OpenTelemetry's own sampler gives."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, strategies as st
from opentelemetry.context import Context, attach, detach
from opentelemetry.sdk.trace.sampling import (
    DEFAULT_ON,
    ParentBased,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from clearspan.runtime.sampling import Foreseen, sampler_looks, sampler_of
from clearspan.settings import load


def below(
    trace: int = 1, span: int = 2, *, remote: bool, flags: int, state: TraceState | None = None
) -> Context:
    """A context in which a span is current; with a trace of zero, one that is not valid."""
    found = SpanContext(trace, span, remote, TraceFlags(flags), state)
    return set_span_in_context(NonRecordingSpan(found), Context())


STATE = TraceState([("vendor", "x")])
ABOVE = [
    None,
    Context(),
    Context({"somebody's": "own"}),
    *(
        below(trace, remote=remote, flags=flags, state=state)
        for trace in (0, 1)
        for remote in (True, False)
        for flags in (0, 1, 3)
        for state in (None, STATE)
    ),
]
KEPT, LEFT, AT, FAR = 1, 2**64 - 1, 2**63, 1 << 64  # ids of traces, for a share of a half


def told(result: SamplingResult) -> Any:
    """All that a span takes from an answer; no state and an empty one make the same span."""
    return result.decision, dict(result.attributes or {}), result.trace_state or None


@given(
    st.floats(0, 1) | st.sampled_from([0.0, 1.0]),
    st.integers(1, 2**128 - 1),
    st.sampled_from(ABOVE),
    st.sampled_from(ABOVE),
    st.none() | st.dictionaries(st.text(), st.integers()),
)
@example(0.5, KEPT, Context(), None, None)
@example(0.5, LEFT, Context(), None, None)
@example(0.5, AT, Context(), None, None)
@example(0.5, FAR + KEPT, Context(), None, None)
@example(0.5, FAR + LEFT, Context(), None, None)
@example(0.0, FAR, Context(), None, None)
@example(1.0, LEFT, Context(), None, None)
@example(0.5, LEFT, Context({"somebody's": "own"}), None, None)
@example(0.5, LEFT, Context(), None, {"a": 1})
@example(0.5, KEPT, Context(), None, {"a": 1})
@example(0.0, KEPT, below(remote=True, flags=1), None, None)
@example(1.0, KEPT, below(remote=False, flags=0), None, None)
@example(1.0, KEPT, below(remote=False, flags=1, state=STATE), None, None)
@example(1.0, KEPT, None, below(remote=False, flags=0), None)
def test_it_answers_as_the_sampler_that_it_stands_for(
    share: float, trace: int, above: Context | None, current: Context | None, attributes: Any
) -> None:
    asked = ParentBased(TraceIdRatioBased(share))
    token = attach(current or Context())
    try:
        found, wanted = (
            sampler.should_sample(above, trace, "chat", attributes=attributes)
            for sampler in (Foreseen(share), asked)
        )
    finally:
        detach(token)
    assert told(found) == told(wanted)


@pytest.mark.parametrize("above", [Context(), below(remote=True, flags=1)])
def test_without_a_share_all_is_kept_and_the_answer_made_once(above: Context) -> None:
    sampler = Foreseen()
    first, second = (sampler.should_sample(above, trace, "chat") for trace in (KEPT, FAR + LEFT))
    assert first is second
    assert told(first) == told(DEFAULT_ON.should_sample(above, KEPT, "chat"))


@pytest.mark.parametrize(
    ("named", "rate", "description", "looks"),
    [
        ("", None, "ParentBased{root:AlwaysOnSampler,", False),
        (" ParentBased_Always_On", None, "ParentBased{root:AlwaysOnSampler,", False),
        ("always_off", None, None, False),
        ("parentbased_traceidratio", None, None, False),
        ("somebody's", None, None, True),
        ("somebody's", 0.25, "ParentBased{root:TraceIdRatioBased{0.25},", False),
    ],
)
def test_the_sampler_is_the_one_that_was_set(
    monkeypatch: pytest.MonkeyPatch,
    named: str,
    rate: float | None,
    description: str | None,
    looks: bool,
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", named)
    settings = load({} if rate is None else {"sample_rate": rate}, environ={})
    made = sampler_of(settings)
    assert (made is None) is (description is None)
    assert made is None or made.get_description().startswith(str(description))
    kept = [made.should_sample(Context(), trace, "x").decision.is_sampled() for trace in (KEPT, AT)] if made else None  # fmt: skip
    assert kept == (None if made is None else [True, rate is None])
    assert sampler_looks(settings) is looks
