"""From Settings to the bench: which evaluators there are, and who hears of their scores."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from clearspan import registry
from clearspan.assess.bench import Bench
from clearspan.assess.evaluator import Evaluator, seated
from clearspan.emit.content import ContentPolicy
from clearspan.emit.telemetry import Telemetry
from clearspan.runtime.queues import quiet
from clearspan.score import Score
from clearspan.settings import SettingError, Settings

__all__ = ["Heard", "evaluators_of", "make_bench"]

_log = logging.getLogger("clearspan")

Heard = Callable[[Score], object]
"""Is told each score as telemetry tells it, skipped ones too."""


class _Broken(Evaluator):
    """Stands for an evaluator that cannot be had, so that it is seen that it judges nothing."""

    requires: frozenset[str] = frozenset()
    operations = None

    def __init__(self, name: str, why: str) -> None:
        super().__init__(name=name)
        self.why = why


def evaluators_of(settings: Settings) -> list[Evaluator]:
    """The evaluators that `settings` name.

    One whose package is broken stands there as broken. Raises `SettingError` for a name that nobody has,
    for what is no evaluator, and for two of one name.
    """
    made = [_evaluator(given) for given in settings.evaluators]
    names = [each.name for each in made]
    for name in names:
        if names.count(name) > 1:
            raise SettingError(
                f"clearspan: evaluators: two are named {name!r}; give one of them another name=..."
            )
    return made


def _evaluator(given: Any) -> Evaluator:
    if not isinstance(given, str):
        try:
            return seated(given)
        except (ValueError, TypeError) as error:
            raise SettingError(f"clearspan: evaluators: {error}") from None
    try:
        return seated(registry.load(registry.EVALUATORS, given))
    except registry.NotFound as error:
        raise SettingError(f"clearspan: evaluators: {error}") from None
    except Exception as error:  # noqa: BLE001 -- a plug-in is anybody's code and may fail in any way
        why = f"{type(error).__name__}: {error}"
        _log.warning("clearspan: evaluator %r cannot be used and judges nothing: %s", given, why)
        return _Broken(given, why)


def make_bench(
    settings: Settings,
    telemetry: Telemetry,
    policy: ContentPolicy,
    heard: Sequence[Heard] = (),
) -> Bench | None:
    """The bench with the evaluators that `settings` name; `None` where there are none."""
    made = evaluators_of(settings)
    if not made:
        return None

    def told(score: Score, by: Evaluator) -> None:
        clean = policy.score(score, plain=by.raw)
        telemetry.judge(clean)
        for each in heard:
            each(clean)

    bench = Bench(
        made,
        told,
        max_bytes=settings.queue_bytes,
        idle=settings.session_idle,
        setup=quiet,
    )
    for seat in bench.seats:
        if isinstance(seat.made, _Broken):
            seat.broken = seat.made.why
    return bench
