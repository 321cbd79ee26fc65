"""One evaluator's turn at one subject. All that is the evaluator's own runs here, where nothing it does gets out.

That is more than its code: an answer may be an object that fails when it is looked at, and so may an exception.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable
from typing import Any

from clearspan.assess import outcome
from clearspan.assess.evaluator import Evaluator, Subject
from clearspan.assess.sampling import drawn
from clearspan.assess.subjects import first_of, own, target_of
from clearspan.score import Score

__all__ = ["failure", "take"]


def take(made: Evaluator, subject: Subject) -> Score | Awaitable[Score]:
    """Ask `made` what it says of `subject`: its score, or what to await for it. Raises nothing."""
    try:
        first, rate = first_of(subject), made.sample_rate
        if callable(rate) and first is not None and not drawn(rate, first):
            return outcome.skipped(made, "not_sampled", target_of(subject))
        answer: Any = made.evaluate(own(subject))
        if inspect.isawaitable(answer):
            return _later(made, subject, answer)
        return outcome.scored(answer, made, target_of(subject))
    except BaseException as error:  # noqa: BLE001 -- whatever it is, a `sys.exit` too, is this evaluator's alone
        return failure(made, subject, error)


async def _later(made: Evaluator, subject: Subject, answer: Awaitable[Any]) -> Score:
    try:
        return outcome.scored(await answer, made, target_of(subject))
    except asyncio.CancelledError:
        raise  # nobody waits any more, or it gave itself up
    except BaseException as error:  # noqa: BLE001 -- as above; out of a task it would end the loop
        return failure(made, subject, error)


def failure(made: Evaluator, subject: Subject, error: BaseException) -> Score:
    """The score of a turn that ended with `error`."""
    kind = "timeout" if isinstance(error, TimeoutError) else type(error).__qualname__
    return outcome.failed(made, kind, _said(error), target_of(subject))


def _said(error: BaseException) -> str | None:
    try:
        return str(error) or None
    except BaseException:  # noqa: BLE001 -- an exception may fail at telling what it is
        return None
