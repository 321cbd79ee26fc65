"""Which calls an evaluator judges: one draw for each trace or session, shared by all evaluators."""

from __future__ import annotations

import hashlib

from clearspan.assess.evaluator import Rate
from clearspan.record import Invocation

__all__ = ["drawn"]


def drawn(rate: Rate, call: Invocation) -> bool:
    """Whether `call` is judged at this rate; all calls of a session, or of a trace, are drawn alike.

    A rate that says what is no number between 0 and 1 raises `ValueError`.
    """
    share = rate(call) if callable(rate) else rate
    if not 0 <= share <= 1:
        raise ValueError(f"clearspan: a sample rate must be 0 to 1, not {share!r}")
    return share >= 1 or _place(call) < share


def _place(call: Invocation) -> float:
    """Where the call's session or trace stands between 0 and 1: a hash, so that processes agree."""
    name = call.context.session or (call.trace.trace_id if call.trace is not None else "")
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=7).digest(), "big") / 2**56
