"""Feedback: what people say of a call, as a Score of kind `human`, and which call they mean. Pure.

It may come much later and from another process, so a target is whatever the application kept of the call: the
response's id, trace and span ids, a `traceparent` (W3C Trace Context, level 1), or a key of its own.
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import math
import numbers
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NoReturn, TypeAlias

from clearspan.record import TraceRef
from clearspan.score import Score, Target

__all__ = [
    "Scale",
    "Source",
    "feedback_score",
    "identity",
    "parse_traceparent",
    "pseudonym",
    "target_of",
]

Source: TypeAlias = Literal["end_user", "annotator", "implicit"]
"""Who says so: the person who asked, somebody who judges answers, or what a person did says it."""

Scale: TypeAlias = "Sequence[float] | Sequence[str]"
"""`(worst, best)` for numbers, or all words from the worst to the best."""

DEFAULT_NAME: Final = "user_rating"

_SOURCES: Final = ("end_user", "annotator", "implicit")
_LONGEST_NAME, _LONGEST_ID, _LONGEST_COMMENT = 100, 256, 10_000
_WORDS: Final[Mapping[str, float]] = {
    **dict.fromkeys(
        ("up", "thumbs up", "thumbsup", "like", "liked", "good", "positive", "yes", "+1", "👍"), 1.0
    ),
    **dict.fromkeys(("neutral", "mixed", "so so"), 0.5),
    **dict.fromkeys(
        ("down", "thumbs down", "thumbsdown", "dislike", "disliked", "bad", "negative", "no", "-1", "👎"), 0.0
    ),
}  # fmt: skip
_SKIN: Final = re.compile("[\U0001f3fb-\U0001f3ff\ufe0f]")
_GAPS: Final = re.compile(r"[\s_-]+")
_PARENT: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_TRACE_DIGITS, _SPAN_DIGITS = 32, 16
_NO_SPAN: Final = "0" * _SPAN_DIGITS


def feedback_score(
    value: object,
    *,
    name: str = DEFAULT_NAME,
    comment: str | None = None,
    user: str | None = None,
    source: Source = "end_user",
    scale: Scale | None = None,
    secret: str | bytes | None = None,
    metadata: Mapping[str, Any] | None = None,
    target: Target | None = None,
) -> Score:
    """What somebody said as a score in [0, 1], more being better, labelled `positive`, `neutral` or `negative`.

    Args:
        value: A bool, a word (`up`, `thumbs_down`, `like`, `neutral`, ...), a number in [0, 1], a number or a word on
            `scale`, or a `Score` such as those of `assess.signals`, which keeps its name, value and source.
        name: What was asked for; one of few.
        comment: What was said in words; becomes the explanation.
        user: The application's id of who said it. Only a pseudonym of it is kept.
        source: Who says so.
        scale: `(worst, best)`, so `(1, 5)` for stars and `(6, 1)` where one is best; or words from worst to best.
        secret: The key that the pseudonym is made with; without it whoever can guess an id can find it.
        metadata: What else to keep, as JSON.
        target: What it is about.

    The value as it was given and its scale are in the metadata as `raw` and `scale`. `passed` is True for what is
    positive, False for what is negative, and unknown between. With a target the score has its `identity`.

    Raises:
        ValueError: an argument cannot be; the message names it.
    """
    _check_name(name)
    comment = _text("comment", comment, _LONGEST_COMMENT)
    if source not in _SOURCES:
        _refuse("source", f"must be {', '.join(_SOURCES[:-1])} or {_SOURCES[-1]}, not {source!r}")
    who = None if user is None else pseudonym(user, secret)
    kept = {**_mapping(metadata), "source": source, **({} if who is None else {"user": who})}
    made = value if isinstance(value, Score) else _rated(value, scale)
    made = dataclasses.replace(
        made,
        name=made.name or name,
        kind="human",
        explanation=comment or made.explanation,
        metadata={**kept, **made.metadata},
        target=target or made.target,
    )
    if made.target is None:
        return made
    return dataclasses.replace(
        made, identity=identity(made.target, made.name, who, str(made.metadata["source"]))
    )


def _rated(value: object, scale: Scale | None) -> Score:
    known = _normal(value, scale)
    return Score(
        value=known,
        label="neutral" if known == 0.5 else "positive" if known > 0.5 else "negative",
        passed=None if known == 0.5 else known > 0.5,
        direction="maximize",
        range=(0.0, 1.0),
        metadata={"raw": _raw(value), **({} if scale is None else {"scale": list(scale)})},
    )


def pseudonym(user: str, secret: str | bytes | None = None) -> str:
    """A name for `user` that is always the same and does not tell who it is: HMAC-SHA256 with `secret`.

    Without a secret it is a SHA-256 hash: enough to tell users apart, and no protection of ids that can be guessed.

    Raises:
        ValueError: `user` is no text, or empty.
    """
    known = _text("user", user, _LONGEST_ID)
    if known is None:
        _refuse("user", "must not be empty")
    written = known.encode("utf-8", "surrogatepass")
    key = secret.encode("utf-8", "surrogatepass") if isinstance(secret, str) else secret
    made = hmac.new(key, written, "sha256") if key else hashlib.sha256(written)
    return made.hexdigest()[:32]


def identity(target: Target, name: str, user: str | None = None, source: str = "end_user") -> str:
    """What two scores share of which the later replaces the earlier: target, name, user (a pseudonym) and source.

    Of a target the surest part counts alone: response, else span, trace, key, session. The same in every
    process.

    Raises:
        ValueError: the target is empty.
    """
    parts = (*_reference(target), name, user or "", source)
    written = "".join(f"{len(part)}:{part}" for part in parts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(written).hexdigest()[:32]


def target_of(
    *,
    response_id: str | None = None,
    trace_id: str | int | None = None,
    span_id: str | int | None = None,
    traceparent: str | None = None,
    session: str | None = None,
    key: str | None = None,
    current: Target | None = None,
) -> Target:
    """What feedback is about: all that is given; nothing given, `current`.

    Args:
        response_id: The provider's id of the answer, `clearspan.current().response_id`.
        trace_id: 32 hexadecimal digits, or a number as OpenTelemetry has it.
        span_id: 16 hexadecimal digits, or a number; it needs the trace's. Without it the whole trace is meant, and the
            span's id is all zeros.
        traceparent: Both in one, as W3C Trace Context writes them.
        session: All of a session.
        key: The application's own name for the call.
        current: Where the program is.

    Raises:
        ValueError: nothing is known, an id is none, or two contradict each other.
    """
    told = Target(
        trace=_place(trace_id, span_id, traceparent),
        response_id=_text("response_id", response_id, _LONGEST_ID),
        session=_text("session", session, _LONGEST_ID),
        key=_text("key", key, _LONGEST_ID),
    )
    if told == Target():
        if current is None or current == Target():
            raise ValueError(
                "clearspan: feedback needs to know what it is about: give response_id, trace_id, traceparent, key or "
                "session, or call it inside a span"
            )
        return current
    return told


def parse_traceparent(text: str) -> TraceRef:
    """The ids of a `traceparent` header (W3C Trace Context): of version 00, or of a later one as far as it is known.

    Raises:
        ValueError: it is none.
    """
    found = _PARENT.fullmatch(_text("traceparent", text, _LONGEST_ID) or "")
    if found is None:
        _refuse("traceparent", f"must be like 00-<32 digits>-<16 digits>-01, not {text!r}")
    version, trace, span, flags, more = found.groups()
    if version == "ff" or (version == "00" and more):
        _refuse("traceparent", f"is of no known version: {text!r}")
    return TraceRef(
        _hex("traceparent", trace, _TRACE_DIGITS),
        _hex("traceparent", span, _SPAN_DIGITS),
        sampled=bool(int(flags, 16) & 1),
    )


def _place(
    trace_id: str | int | None, span_id: str | int | None, traceparent: str | None
) -> TraceRef | None:
    trace = None if trace_id is None else _hex("trace_id", trace_id, _TRACE_DIGITS)
    span = None if span_id is None else _hex("span_id", span_id, _SPAN_DIGITS)
    if traceparent is None:
        if span is not None and trace is None:
            _refuse("span_id", "needs trace_id beside it")
        return None if trace is None else TraceRef(trace, span or _NO_SPAN)
    parent = parse_traceparent(traceparent)
    if trace not in (None, parent.trace_id):
        _refuse("trace_id", "is another than that of traceparent")
    if span not in (None, parent.span_id):
        _refuse("span_id", "is another than that of traceparent")
    return parent


def _hex(argument: str, value: object, digits: int) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        value = f"{value:0{digits}x}"
    written = value.strip().lower() if isinstance(value, str) else ""
    if not re.fullmatch(f"[0-9a-f]{{{digits}}}", written) or not written.strip("0"):
        _refuse(argument, f"must have {digits} hexadecimal digits, not all of them 0: {value!r}")
    return written


def _reference(target: Target) -> tuple[str, ...]:
    trace = target.trace
    if target.response_id:
        return ("response", target.response_id)
    if trace is not None:
        return ("span", trace.trace_id, trace.span_id)
    if target.key:
        return ("key", target.key)
    if target.session:
        return ("session", target.session)
    raise ValueError("clearspan: a score without a target has no identity")


def _normal(value: object, scale: Scale | None) -> float:
    """`value` in [0, 1]."""
    steps = None if scale is None else _steps(scale)
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):  # numpy's is no bool
        return 1.0 if value else 0.0
    if isinstance(value, str):
        return _word(value, steps)
    if not isinstance(value, numbers.Real):
        _refuse("value", f"must be a bool, a number or a word, not a {type(value).__name__}")
    if steps is not None and isinstance(steps[0], str):
        _refuse("value", f"must be one of the words of scale, not {value!r}")
    worst, best = (0.0, 1.0) if steps is None else (float(step) for step in steps)
    number = float(value)
    if not min(worst, best) <= number <= max(worst, best):
        more = "" if steps is not None else ": for another scale give scale=(worst, best)"
        _refuse("value", f"must lie between {worst:g} and {best:g}, not {value!r}{more}")
    return _rounded((number - worst) / (best - worst))


def _word(value: str, steps: tuple[float, ...] | tuple[str, ...] | None) -> float:
    if steps is None:
        plain = _SKIN.sub("", value).strip(" :").lower()
        known = _WORDS.get(plain, _WORDS.get(_GAPS.sub(" ", plain)))
        if known is None:
            _refuse("value", f"{value[:40]!r} is no known word: give scale=(worst, ..., best)")
        return known
    if value not in steps:
        _refuse("value", f"{value[:40]!r} is not on the scale {steps!r}")
    return _rounded(list(steps).index(value) / (len(steps) - 1))


def _steps(scale: Scale) -> tuple[float, ...] | tuple[str, ...]:
    given: Any = scale
    if isinstance(given, str) or not isinstance(given, Sequence):
        given = ()
    steps: tuple[Any, ...] = tuple(given)
    if len(steps) > 1 and all(isinstance(step, str) and step for step in steps):
        if len(set(steps)) == len(steps):
            return steps
        _refuse("scale", f"has a word twice: {steps!r}")
    numeric = all(isinstance(step, numbers.Real) and math.isfinite(step) for step in steps)
    if not numeric or len(steps) != 2 or len(set(steps)) != 2:
        _refuse("scale", f"must be (worst, best), or words from worst to best, not {scale!r}")
    return steps


def _rounded(share: float) -> float:
    # 0.15 of 0.3 is the middle, whatever binary fractions make of it
    return 0.5 if math.isclose(share, 0.5, abs_tol=1e-12) else min(1.0, max(0.0, share))


def _raw(value: Any) -> bool | int | float | str:
    if isinstance(value, (bool, int, str)):
        return value
    if type(value).__name__ in ("bool_", "bool"):
        return bool(value)
    return int(value) if isinstance(value, numbers.Integral) else float(value)


def _check_name(name: object) -> None:
    if not isinstance(name, str) or not 0 < len(name.strip()) <= _LONGEST_NAME:
        _refuse("name", f"must be a text of 1 to {_LONGEST_NAME} characters, not {name!r}")


def _mapping(given: object) -> dict[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
        _refuse("metadata", f"must be a mapping with names for keys, not {given!r}")
    return dict(given)


def _text(argument: str, value: object, longest: int) -> str | None:
    """`value` without space around it; `None` for what is empty."""
    if value is None:
        return None
    if not isinstance(value, str):
        _refuse(argument, f"must be a text, not a {type(value).__name__}")
    if len(value) > longest:
        _refuse(argument, f"must have at most {longest:,} characters, not {len(value):,}")
    return value.strip() or None


def _refuse(argument: str, why: str) -> NoReturn:
    raise ValueError(f"clearspan: feedback: {argument} {why}")
