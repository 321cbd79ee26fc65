"""Feedback: what people say of a call, told as any score is; from this process or another, now or later."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from clearspan import runtime
from clearspan.assess.feedback import DEFAULT_NAME, Scale, Source, feedback_score, target_of
from clearspan.capture import inlet
from clearspan.capture.context import current
from clearspan.record import TraceRef
from clearspan.score import Score, Target

__all__ = ["feedback"]

_log = logging.getLogger("clearspan")
_NOT_GIVEN: Any = type("NotGiven", (), {"__repr__": lambda self: "not given"})()


def feedback(
    value: bool | float | str | Score,  # noqa: FBT001 -- a thumb up or down is one
    *,
    response_id: str | None = _NOT_GIVEN,
    trace_id: str | int | None = _NOT_GIVEN,
    span_id: str | int | None = _NOT_GIVEN,
    traceparent: str | None = _NOT_GIVEN,
    session: str | None = _NOT_GIVEN,
    key: str | None = _NOT_GIVEN,
    name: str = DEFAULT_NAME,
    comment: str | None = None,
    user: str | None = None,
    source: Source = "end_user",
    scale: Scale | None = None,
    secret: str | bytes | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Score:
    """Tell what somebody thinks of a call: as an event in the call's span, as metrics, and in the store.

    The call is named by what was kept of it; without any of that it is the span that the program is in, else the
    last model call of this context. A later feedback of the same target, name and user takes the place of an
    earlier one. Where clearspan is not running it is started by its environment, until the program's own `init`.

    Args:
        value: `up`, `down` and the like, a bool, a number in [0, 1], a number or word on `scale`, or a signal's score.
        response_id: The provider's id of the answer.
        trace_id: 32 hexadecimal digits, or a number; `span_id` 16.
        span_id: See `trace_id`. `traceparent` is both, as W3C Trace Context writes them.
        traceparent: See `span_id`.
        session: All of a session.
        key: The application's own name for the call.
        name: What was asked for; one of few.
        comment: What was said in words. It is content, and kept where content is; so is `metadata`.
        user: Who said it; only a pseudonym of that is kept, made with `secret` where there is one.
        source: `end_user`, `annotator` or `implicit`.
        scale: `(worst, best)`, or words from worst to best.
        secret: See `user`.
        metadata: What else to keep.

    Raises `ValueError` for an argument that cannot be, or when nothing says which call is meant: an id that was
    lost on its way (`None`, an empty text) must not make it another call.
    """
    target = _target(
        response_id=response_id, trace_id=trace_id, span_id=span_id, traceparent=traceparent,
        session=session, key=key,
    )  # fmt: skip
    score = feedback_score(
        value, name=name, comment=comment, user=user, source=source, scale=scale, secret=secret,
        metadata=metadata, target=target,
    )  # fmt: skip
    if inlet.current() is None:
        _start()
    listener = inlet.current()
    if listener is not None:
        listener.tell(score)
    return score


def _target(**named: Any) -> Target:
    given = {name: value for name, value in named.items() if value is not _NOT_GIVEN}
    if not given:
        return target_of(current=_here())
    if all(value is None or value == "" for value in given.values()):
        raise ValueError(
            f"clearspan: feedback: {', '.join(given)} is empty: hand it out with the answer and back with the rating "
            "(clearspan.current() has it), or leave it out for the call that the program is at"
        )
    return target_of(**{name: value or None for name, value in given.items()})


def _start() -> None:
    """Feedback has to go somewhere; what is started for it gives way to the program's own `init`."""
    started = runtime.stand_in(providers=())
    _log.warning(
        "clearspan: feedback was given before clearspan.init(); it goes to %s", started.destination
    )


def _here() -> Target:
    """What the program is at: its span, or the last model call where it is in none."""
    here = current()
    trace, span = here.trace_id, here.span_id
    if trace is None or span is None:
        trace, span = here.last_trace_id, here.last_span_id
    if trace is None or span is None:
        return Target(response_id=here.response_id)
    # The last answer is another's where it was given in another trace.
    response_id = here.response_id if here.last_trace_id in (None, trace) else None
    return Target(trace=TraceRef(trace, span), response_id=response_id)
