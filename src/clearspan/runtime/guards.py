"""From Settings to the guards that stand around calls, and who hears what they did."""

from __future__ import annotations

import dataclasses
import logging
from collections import Counter
from typing import TYPE_CHECKING, Any

from clearspan import registry
from clearspan.capture import inlet
from clearspan.core.loading import load
from clearspan.core.rarely import Rarely
from clearspan.draft import Draft
from clearspan.emit import redact
from clearspan.record import TraceRef
from clearspan.settings import SettingError, Settings

if TYPE_CHECKING:
    from clearspan.assess.guard import Action, Guard, Warden
    from clearspan.score import Score, Target

__all__ = ["counted", "named", "warden_of"]

_log = logging.getLogger("clearspan")
_rarely = Rarely()


def warden_of(settings: Settings) -> Warden | None:
    """Who keeps the guards that `settings` name; `None` where there are none.

    Raises `SettingError` for a name that nobody has, and for what cannot be a guard.
    """
    if not settings.guards:
        return None
    try:
        made: Warden = _guarding().Warden([_guard(given) for given in settings.guards], _told)
    except (ValueError, registry.NotFound) as error:
        said = str(error).removeprefix("clearspan: ")
        raise SettingError(f"clearspan: guards: {said}") from None
    return made


def _guarding() -> Any:
    """What most programs do without."""
    return load("clearspan.assess.guard")


def named(warden: Warden) -> str:
    """Which guards stand there, and what they do, in words."""
    return ", ".join(f"{guard.name} ({guard.on_fail})" for guard in warden.guards)


def counted(warden: Warden | None) -> dict[str, dict[str, int]]:
    """How often guards did what, by their names: several of one name together."""
    counts: dict[str, Counter[str]] = {}
    for guard in () if warden is None else warden.guards:
        counts.setdefault(guard.name, Counter()).update(guard.counts.copy())
    return {name: dict(count) for name, count in counts.items()}


def _guard(given: Any) -> Guard:
    """A guard as it is, or one by `evaluator[:action[:phase]]`, such as `secrets:redact:output`."""
    if not isinstance(given, str):
        checked: Guard = given
        return checked
    name, _, rest = given.partition(":")
    action, _, phase = rest.partition(":")
    try:
        made: Guard = _guarding().Guard(name, phase or "both", action or "block")
    except (ValueError, registry.NotFound):
        raise
    except Exception as error:  # a plug-in is anybody's code and may fail in any way
        raise SettingError(
            f"clearspan: guards: {name!r} cannot be used ({type(error).__name__}: {error}); "
            "repair or uninstall the package that brings it"
        ) from error
    return made


def _told(draft: Draft | None, score: Score, action: Action) -> None:
    if score.error is not None and _rarely.due(score.name):
        done = "passed" if action == "allow" else "was blocked"
        _log.warning(
            "clearspan: guard %r could not check a text (%s); it %s", score.name, score.error, done
        )
    listener = inlet.current()
    if listener is not None:
        target = _target(draft, listener.here(), score.target)
        listener.tell(dataclasses.replace(score, target=target, action=action))


def _target(draft: Draft | None, here: TraceRef | None, told: Target | None) -> Target | None:
    """The call: by its record, where there is one, else by the span that it stands in."""
    from clearspan.score import Target  # what programs without guards do without

    known = told or Target()
    if draft is None:
        return None if here is None else dataclasses.replace(known, trace=here, level="call")
    return Target(
        trace=draft.trace,
        session=None if draft.context is None else draft.context.session,
        level="call",
        operation=draft.operation,
        provider=draft.provider or known.provider,
        model=redact.scrub_name(draft.model) if draft.model else known.model,
    )
