"""From Settings to the bench: which evaluators there are, and who hears of their scores."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from clearspan import registry
from clearspan.assess.bench import Bench
from clearspan.assess.evaluator import Evaluator, seated
from clearspan.assess.keeping import Keeping
from clearspan.core.loading import load
from clearspan.emit.content import ContentPolicy
from clearspan.emit.telemetry import Telemetry
from clearspan.runtime.queues import quiet
from clearspan.score import Score
from clearspan.settings import SettingError, Settings

__all__ = ["Heard", "evaluators_of", "judge_by", "make_bench", "teller"]

_log = logging.getLogger("clearspan")
_DEFAULTS = "clearspan.assess.judge.defaults"

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
            said = str(error).removeprefix("clearspan: ")
            raise SettingError(f"clearspan: evaluators: {said}") from None
    try:
        found = registry.load(registry.EVALUATORS, given)
    except registry.NotFound as error:
        raise SettingError(f"clearspan: evaluators: {error}") from None
    except Exception as error:  # noqa: BLE001 -- a plug-in is anybody's code and may fail to load in any way
        return _broken(given, error)
    try:
        return seated(found)
    except (TypeError, ValueError) as error:
        said = str(error).removeprefix("clearspan: ")
        raise SettingError(
            f"clearspan: evaluators: {given!r} cannot be had by its name alone ({said}); "
            "give an object that is made with its options"
        ) from None
    except Exception as error:  # noqa: BLE001 -- or to be made
        return _broken(given, error)


def _broken(name: str, error: Exception) -> Evaluator:
    why = f"{type(error).__name__}: {error}"
    _log.warning("clearspan: evaluator %r cannot be used and judges nothing: %s", name, why)
    return _Broken(name, why)


def judge_by(judge: Any) -> None:
    """Let judges that were given no model ask this one; `None`: the one that the environment names, if any.

    Raises `SettingError` for what is none.
    """
    if judge is None and _DEFAULTS not in sys.modules:
        return
    judging: Any = load(_DEFAULTS)
    try:
        judging.use(judge)
    except (TypeError, ValueError) as error:
        said = str(error).removeprefix("clearspan: ")
        raise SettingError(f"clearspan: judge: {said}") from None


def teller(
    telemetry: Telemetry, policy: ContentPolicy, heard: Sequence[Heard]
) -> Callable[[Score, bool], None]:
    """What tells a score: to telemetry, cleaned as content is unless it is plain, and to those who hear it."""

    def tell(score: Score, plain: bool) -> None:  # noqa: FBT001 -- it is called by position
        clean = policy.score(score, plain=plain)
        telemetry.judge(clean)
        for each in heard:
            each(clean)

    return tell


def _tells_no_text(made: Evaluator) -> bool:
    """Of ours that see calls as they were that is known; of others it is only their word."""
    return made.raw and type(made).__module__.startswith("clearspan.")


def make_bench(
    settings: Settings,
    made: Sequence[Evaluator],
    tell: Callable[[Score, bool], None],
    store: str | int | None = None,
) -> Bench | None:
    """The bench with the evaluators that were `made`; `None` where there are none.

    What they learn is kept where the settings say, else beside the `store`, if there is one.
    """
    if not made:
        return None
    folder = settings.evaluator_state
    if folder is None and isinstance(store, str):
        folder = str(Path(store).with_name("evaluators"))
    bench = Bench(
        made,
        lambda score, by: tell(score, _tells_no_text(by)),
        max_bytes=settings.queue_bytes,
        idle=settings.session_idle,
        keeping=None if folder is None else Keeping(folder),
        setup=quiet,
    )
    for seat in bench.seats:
        if isinstance(seat.made, _Broken):
            seat.broken = seat.made.why
    return bench
