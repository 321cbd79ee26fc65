"""Guard: which evaluator stands where, and what happens when a text does not pass it."""

from __future__ import annotations

import inspect
import os
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeAlias, get_args

from clearspan import registry
from clearspan.assess.breaker import Breaker
from clearspan.assess.evaluator import Evaluator, seated
from clearspan.assess.finding import Detector
from clearspan.score import Score

__all__ = ["Action", "Blocked", "Guard", "Phase"]

Phase: TypeAlias = Literal["input", "output"]
"""Before the model is asked, or before the program sees the answer."""

Action: TypeAlias = Literal["allow", "warn", "redact", "block"]
"""What a guard did."""

_PHASES = ("input", "output", "both")
_ACTIONS = tuple(action for action in get_args(Action) if action != "allow")
_ANSWER = frozenset({"output", "tool_calls", "confidence"})
_TRUSTED = ("system", "developer")
_LONGEST_WHY = 500  # characters


class Blocked(Exception):
    """A guard stopped a call: `guard` is its name, `phase` where it stood, `score` why, `why` in words.

    Its message, its arguments and its `repr` hold nothing of the call's text: `why` comes only from evaluators that
    are `raw`, which never tell it. `score` is as the evaluator made it.
    """

    __module__ = "clearspan"  # where programs know it from

    def __init__(self, guard: str, phase: Phase, score: Score, why: str | None = None) -> None:
        super().__init__(guard, phase)
        self.guard = guard
        self.phase = phase
        self.score = score
        self.why = why

    def __reduce__(self) -> Any:
        """All of it goes to other processes."""
        return type(self), (self.guard, self.phase, self.score, self.why)

    def __str__(self) -> str:
        said = f"clearspan: guard {self.guard!r} blocked the {self.phase}"
        if self.score.error:
            return f"{said} ({self.score.error}, and it does not fail open)"
        return f"{said}: {self.why}" if self.why else f"{said} (did not pass)"


class Guard:
    """An evaluator inline: a text that does not pass it is blocked, redacted or only warned of.

    `evaluator` is a registered name, a callable, or an `Evaluator`. `phase` is `"input"` (before the model is
    asked), `"output"` or `"both"`. `on_fail` is `"block"` (raise `Blocked`), `"redact"` (take out what was
    found; needs an evaluator with `find`) or `"warn"` (change nothing). `reply` is an answer to give
    instead of raising. A check may take `deadline` seconds; when it takes longer, or raises, the text passes, or is
    blocked where `fail_open` is false. Messages of role `system` and `developer` are the
    application's own words and only looked at with `trusted=True`. `window` is how much of a stream, in characters,
    an evaluator without `find` sees at a time: a sentence, or so much where none ends; `None` holds the whole answer
    back. An evaluator that asks a model itself must be allowed to, by `allow_llm=True`.

    Raises `ValueError` for an option that cannot be, `registry.NotFound` for an unknown name.
    """

    def __init__(
        self,
        evaluator: Any,
        phase: str = "both",
        on_fail: str = "block",
        *,
        deadline: float = 0.05,
        fail_open: bool = True,
        reply: str | None = None,
        trusted: bool = False,
        window: int | None = 400,
        allow_llm: bool = False,
    ) -> None:
        self.evaluator = _seat(evaluator)
        self.phase = phase
        self.on_fail = on_fail
        self.deadline = deadline
        self.fail_open = fail_open
        self.reply = reply
        self.trusted = trusted
        self.window = window
        self.counts: Counter[str] = Counter()
        self._failure: str | None = None
        self._ready = False
        self._locks = _Locks()
        self.breaker = Breaker()
        self._check(allow_llm=allow_llm)

    def _check(self, *, allow_llm: bool) -> None:
        said = f"clearspan: guard {self.name!r}:"
        if self.phase not in _PHASES:
            raise ValueError(f"{said} phase must be one of {', '.join(_PHASES)}, not {self.phase!r}")  # fmt: skip
        if self.on_fail not in _ACTIONS:
            raise ValueError(f"{said} on_fail must be one of {', '.join(_ACTIONS)}, not {self.on_fail!r}")  # fmt: skip
        if self.on_fail == "redact" and self.detector is None:
            raise ValueError(f"{said} on_fail='redact' needs an evaluator that can say where (find and reach)")  # fmt: skip
        if not self.deadline > 0:
            raise ValueError(f"{said} deadline must be more than 0 seconds, not {self.deadline!r}")
        if self.window is not None and self.window < 1:
            raise ValueError(f"{said} window must be 1 character or more, or None, not {self.window!r}")  # fmt: skip
        if self.evaluator.level != "call":
            raise ValueError(f"{said} an evaluator of level {self.evaluator.level!r} has no single call to stop")  # fmt: skip
        if self.phase == "input" and self._of_answers and not self.undemanding:
            raise ValueError(f"{said} its evaluator judges answers, and before the model is asked there is none")  # fmt: skip
        if self.evaluator.kind == "llm" and not allow_llm:
            raise ValueError(f"{said} its evaluator asks a model at every call; say allow_llm=True if that is meant")  # fmt: skip
        if self.detector is None and self.evaluator.threshold is None and _numbers(self.evaluator):
            raise ValueError(f"{said} its evaluator answers with a number, and without a threshold none of them stops anything")  # fmt: skip

    @property
    def name(self) -> str:
        """The evaluator's name."""
        return self.evaluator.name

    @property
    def detector(self) -> Detector | None:
        """The evaluator, where it can say where in a text it found something."""
        made: Any = self.evaluator
        return made if isinstance(made, Detector) and callable(made.find) else None

    @property
    def undemanding(self) -> bool:
        """Whether the evaluator never said what it requires: then it takes what its guard is put in front of."""
        return self.evaluator.requires is Evaluator.requires

    @property
    def _of_answers(self) -> bool:
        """Whether the evaluator can only judge an answer."""
        return self.detector is None and any(
            _ANSWER.issuperset(wanted.split("|")) for wanted in self.evaluator.requires
        )

    def stands(self, phase: Phase) -> bool:
        """Whether it looks at texts of this phase; at both, one that judges answers does so at the output."""
        return self.phase == phase or (
            self.phase == "both" and not (phase == "input" and self._of_answers)
        )

    def sees(self, phase: Phase, role: str) -> bool:
        """Whether it looks at what `role` says."""
        return self.stands(phase) and (self.trusted or phase == "output" or role not in _TRUSTED)

    def ready(self, timeout: float = -1) -> bool:
        """Let the evaluator get ready, once; whether it is. What it raises then is what every check of it ends with.

        Where that is under way on another thread, wait up to `timeout` seconds (-1: as long as it takes).
        """
        setting = self._locks.setting()
        if self._ready or not setting.acquire(timeout=timeout):
            return self._ready
        try:
            if not self._ready:
                self.evaluator.setup()
        except BaseException as error:  # noqa: BLE001 -- the application's code; told by every score
            self._failure = type(error).__name__
        finally:
            self._ready = True
            setting.release()
        return True

    @property
    def failure(self) -> str | None:
        """What kept the evaluator from getting ready: the exception's name."""
        return self._failure

    def count(self, what: str) -> None:
        """One more of it, from whichever thread."""
        with self._locks.counting():
            self.counts[what] += 1

    def why(self, score: Score) -> str | None:
        """What `score` says in words, where its evaluator is known to tell nothing of the call's text."""
        if not self.evaluator.raw:
            return None
        more = score.explanation or ", ".join(dict.fromkeys(_kinds(score)))
        said = f"{score.label} ({more})" if score.label and more else score.label or more
        return said[:_LONGEST_WHY] or None

    def action(self, score: Score) -> Action:
        """What is done about a text with this score."""
        if score.error is not None:
            return "allow" if self.fail_open else "block"
        return "allow" if score.passed is not False else _ACTION[self.on_fail]


class _Locks:
    """The locks of this process: one that another thread of the parent held stays held in a forked child."""

    def __init__(self) -> None:
        self._renew()

    def _renew(self) -> None:
        self._setting, self._counting = threading.Lock(), threading.Lock()
        self._pid = os.getpid()

    def setting(self) -> threading.Lock:
        """Held while the evaluator gets ready."""
        self._current()
        return self._setting

    def counting(self) -> threading.Lock:
        """Held while something is counted."""
        self._current()
        return self._counting

    def _current(self) -> None:
        if os.getpid() != self._pid:
            self._renew()


def _numbers(made: Evaluator) -> bool:
    """Whether the evaluator says that it answers with a number."""
    function: Any = getattr(made, "_function", made.evaluate)
    said = getattr(inspect.unwrap(function), "__annotations__", {}).get("return")
    return said in (float, int, "float", "int")


_ACTION: dict[str, Action] = {"block": "block", "redact": "redact", "warn": "warn"}


def _kinds(score: Score) -> Iterator[str]:
    """The types of what was found, where a detector says so as ours do."""
    found = score.metadata.get("entities")
    for each in found if isinstance(found, (list, tuple)) else ():  # pyright: ignore[reportUnknownVariableType]
        kind: Any = each.get("type") if isinstance(each, Mapping) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        if isinstance(kind, str):
            yield kind


def _seat(given: Any) -> Evaluator:
    if isinstance(given, str):
        given = registry.load(registry.EVALUATORS, given)
    return seated(given)
