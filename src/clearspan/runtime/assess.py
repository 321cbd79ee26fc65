"""From Settings to the bench: which evaluators there are, and who hears of their scores."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from clearspan import registry
from clearspan.core.loading import load
from clearspan.emit.content import ContentPolicy
from clearspan.emit.telemetry import Telemetry
from clearspan.runtime.queues import quiet
from clearspan.settings import SettingError, Settings

if TYPE_CHECKING:
    from clearspan.assess.bench import Bench
    from clearspan.assess.evaluator import Evaluator
    from clearspan.score import Score

__all__ = ["Heard", "evaluators_of", "judge_by", "make_bench", "teller"]

_log = logging.getLogger("clearspan")
_DEFAULTS = "clearspan.assess.judge.defaults"

Heard: TypeAlias = "Callable[[Score], object]"
"""Is told each score as telemetry tells it, skipped ones too."""


def evaluators_of(settings: Settings) -> list[Evaluator]:
    """The evaluators that `settings` name.

    One whose package is broken stands there as broken. Raises `SettingError` for a name that nobody has,
    for what is no evaluator, and for two of one name.
    """
    if not settings.evaluators:
        return []
    evaluator: Any = load("clearspan.assess.evaluator")
    made = [_evaluator(given, evaluator) for given in settings.evaluators]
    if twice := evaluator.named_apart(made):
        raise SettingError(f"clearspan: evaluators: two are named {twice[0]!r}; give one of them another name=...")  # fmt: skip
    return made


def _evaluator(given: Any, evaluator: Any) -> Evaluator:
    registering: Any = load("clearspan.assess.registered")
    try:
        made: Any = registering.registered(given) if isinstance(given, str) else evaluator.seated(given)  # fmt: skip
    except (ValueError, TypeError, registry.NotFound) as error:
        said = str(error).removeprefix("clearspan: ")
        raise SettingError(f"clearspan: evaluators: {said}") from None
    if isinstance(made, registering.Broken):
        _log.warning("clearspan: evaluator %r cannot be used and judges nothing: %s", made.name, made.why)  # fmt: skip
    seated: Evaluator = made
    return seated


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
    # A function of the application's is seated in a class of ours, which is none of these.
    return made.raw and type(made).__module__.startswith("clearspan.evaluators.")


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
    modules: Any = [load(f"clearspan.assess.{name}") for name in ("bench", "keeping", "registered")]
    benches, keeping, registering = modules
    bench: Bench = benches.Bench(
        made,
        lambda score, by: tell(score, _tells_no_text(by)),
        max_bytes=settings.queue_bytes,
        idle=settings.session_idle,
        keeping=None if folder is None else keeping.Keeping(folder),
        setup=quiet,
    )
    seats: Any = bench.seats
    for seat in seats:
        if isinstance(seat.made, registering.Broken):
            seat.broken = seat.made.why
    return bench
