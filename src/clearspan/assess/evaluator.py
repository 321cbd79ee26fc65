"""What an evaluator is: any callable, or a class of its own where settings or state are needed."""

from __future__ import annotations

import functools
import inspect
import math
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn, TypeAlias, TypeVar, overload

from clearspan.assess.options import options_of, refuse
from clearspan.conversation import Conversation
from clearspan.core.spelling import meant
from clearspan.record import Invocation, Operation
from clearspan.score import Direction, Kind, Level, Score

__all__ = ["FIELDS", "INFERENCE", "Evaluator", "Rate", "Result", "Subject", "evaluator", "is_evaluator", "missing", "named_apart", "seated"]  # fmt: skip

Subject: TypeAlias = Invocation | Conversation
"""What is judged: a call, or a conversation where the evaluator's `level` says so."""

Result: TypeAlias = "Score | bool | float | str | Mapping[str, Any] | tuple[Any, ...] | None"
"""What an evaluator may answer. A bool is `passed`, a number the value, a text the label; a mapping has fields
of `Score` (or `score` for its value); a tuple is (value, explanation) or (value, label, explanation);
`None` means that there is nothing to judge.
"""

Rate: TypeAlias = "float | Callable[[Invocation], float]"
"""The share of traces that are judged, 0 to 1; or who says that of a call."""

INFERENCE = frozenset({Operation.CHAT, Operation.TEXT_COMPLETION, Operation.GENERATE_CONTENT})

_OPERATIONS = tuple(str(each) for each in Operation)

F = TypeVar("F", bound=Callable[..., Any])
_SPEC = "__clearspan_evaluator__"
_LAMBDA = "lambda"
_JUDGING = ("evaluate", "aevaluate", "evaluate_batch")
_UNSAID: Any = INFERENCE | frozenset()
"""Stands for `operations` that nobody spoke of: `None` means all."""


class Evaluator:
    """Judges calls. Derive from it and write `evaluate`; everything else has a default.

    `requires` names what a call must have for it to be judged, of `FIELDS` (`"input|output"`: either will do);
    a call without it is skipped, visibly. `operations` are the kinds of calls that are judged at all (`None`
    for all), `level` whether that is each call, each trace or each session. `sample_rate` is the share of traces,
    `timeout` in seconds, `concurrency` how many may be judged at once.
    `direction`, `range` and `threshold` say what its values mean.

    An evaluator sees what telemetry may keep of a call, so that it can do with it what it likes. With `raw`
    it sees the call as it was, before redaction and whatever the content mode: for those that look for what
    redaction takes out, tell nobody what they saw, and send it nowhere.

    Raises `ValueError` for an option that cannot be, `TypeError` for one that there is none of.
    """

    name: str = ""
    version: str = "1"
    kind: Kind = "code"
    level: Level = "call"
    requires: frozenset[str] = frozenset({"output"})
    operations: frozenset[str] | None = INFERENCE
    direction: Direction = "maximize"
    range: tuple[float, float] | None = (0.0, 1.0)
    threshold: float | None = None
    sample_rate: Rate = 1.0
    timeout: float = 5.0
    concurrency: int = 1
    raw: bool = False

    def __init__(
        self,
        *,
        name: str | None = None,
        threshold: float | None = None,
        sample_rate: Rate | None = None,
        timeout: float | None = None,
        concurrency: int | None = None,
        operations: Iterable[str] | None = _UNSAID,
        **unknown: NoReturn,
    ) -> None:
        if unknown:
            refuse(type(self).__name__, unknown, options_of(type(self)))
        given = {
            "name": name, "threshold": threshold, "sample_rate": sample_rate, "timeout": timeout,
            "concurrency": concurrency,
        }  # fmt: skip
        for option, value in given.items():
            if value is not None:
                setattr(self, option, value)
        if operations is not _UNSAID:
            self.operations = _names("operations", operations)
        self.name = self.name or _snake(type(self).__name__)
        check(self)

    def evaluate(self, call: Any) -> Result | Awaitable[Result]:
        """Judge one call (a `Conversation` for the other levels); may be a coroutine function.

        Instead of it `aevaluate(call)` may be defined, or `evaluate_batch(calls)`, which is given one at a time.
        """
        answer: Result | Awaitable[Result] = _ask(self, call)
        return answer

    def setup(self) -> None:
        """Get ready: called once, on the thread that judges, before the first call."""

    def close(self) -> None:
        """Let go: called once, when no more calls will come."""

    def state(self) -> Mapping[str, Any] | None:
        """What it has learned, as JSON; `None` when there is nothing to keep."""
        return None

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` answered once."""


def _ask(thing: Any, call: Any) -> Any:
    """What `aevaluate` or `evaluate_batch` answers, where there is no `evaluate` of its own."""
    if callable(getattr(thing, "aevaluate", None)):
        return thing.aevaluate(call)
    if callable(getattr(thing, "evaluate_batch", None)):
        answers = thing.evaluate_batch([call])
        return _first_of(answers) if inspect.isawaitable(answers) else next(iter(answers))
    raise TypeError(f"{type(thing).__name__} must define evaluate(call)")


async def _first_of(answers: Awaitable[Iterable[Any]]) -> Any:
    return next(iter(await answers))


class _Function(Evaluator):
    """A callable of the application's as an evaluator."""

    range = None
    anonymous = False
    """Whether nobody gave it a name, and its own is not its alone: of a lambda, or of what a partial is of."""

    def __init__(self, function: Callable[[Any], Any], options: Mapping[str, Any]) -> None:
        self._function = function
        for option, value in options.items():
            setattr(self, option, value)
        self.anonymous = not self.name and (isinstance(function, functools.partial) or _called(function) == _LAMBDA)  # fmt: skip
        super().__init__(name=self.name or _called(function))

    def evaluate(self, call: Any) -> Result | Awaitable[Result]:
        answer: Result | Awaitable[Result] = self._function(call)
        return answer


class _Object(_Function):
    """An object that has the attributes of an evaluator and is not derived from it."""

    def __init__(self, given: Any) -> None:
        self._given = given
        known = {option: getattr(given, option) for option in OPTIONS if hasattr(given, option)}
        known.setdefault("name", _snake(type(given).__name__))
        judges = getattr(given, "evaluate", None) or functools.partial(_ask, given)
        super().__init__(judges, _options(**known))
        for method in ("setup", "close", "state", "load_state"):
            if callable(getattr(given, method, None)):
                setattr(self, method, getattr(given, method))


def _called(function: Any) -> str:
    """The name of a function, of the one that a partial is of, else of the object's class."""
    while isinstance(function, functools.partial):
        function = function.func
    owner = getattr(function, "__func__", function)
    name = getattr(owner, "__name__", None) or _snake(type(owner).__name__)
    return _LAMBDA if name == "<lambda>" else str(name)


OPTIONS = (
    "name", "version", "kind", "level", "requires", "operations", "direction", "range", "threshold", "sample_rate",
    "timeout", "concurrency", "raw",
)  # fmt: skip


@overload
def evaluator(function: F, /) -> F: ...
@overload
def evaluator(
    *,
    name: str | None = None,
    version: str | None = None,
    level: Level | None = None,
    requires: Iterable[str] | None = None,
    operations: Iterable[str] | None = _UNSAID,
    direction: Direction | None = None,
    range: tuple[float, float] | None = None,
    threshold: float | None = None,
    sample_rate: Rate | None = None,
    timeout: float | None = None,
    concurrency: int | None = None,
    raw: bool | None = None,
) -> Callable[[F], F]: ...
def evaluator(function: Any = None, /, **options: Any) -> Any:
    """Say of a function that it is an evaluator, and how it wants to be run; the function stays what it is.

    The options are those of `Evaluator`. Raises `ValueError` for one that cannot be.
    """
    if function is None:
        return lambda decorated: _marked(decorated, options)
    return _marked(function, options)


def _marked(function: F, options: Mapping[str, Any]) -> F:
    setattr(function, _SPEC, _options(**options))
    seated(function)  # what is wrong is said where it stands
    return function


def _options(**options: Any) -> dict[str, Any]:
    for name in options:
        if name not in OPTIONS:
            raise ValueError(f"clearspan: an evaluator has no option {name!r}{meant(name, OPTIONS)}")  # fmt: skip
    kept = {name: value for name, value in options.items() if value is not None or name == "operations"}  # fmt: skip
    return kept | {name: _names(name, kept[name]) for name in ("requires", "operations") if name in kept}  # fmt: skip


def _names(option: str, given: Iterable[str] | None) -> frozenset[str] | None:
    if isinstance(given, str):
        raise ValueError(f"clearspan: evaluator: {option} is a set of names, such as {{{given!r}}}")  # fmt: skip  # noqa: TRY004 -- as every wrong option
    return None if given is None else frozenset(given)


def is_evaluator(given: Any) -> bool:
    """Whether it can be one: an evaluator, a class of such, a callable, or an object that can judge."""
    if isinstance(given, type):
        return issubclass(given, Evaluator)
    return callable(given) or _judges(given)


def _judges(given: Any) -> bool:
    return any(callable(getattr(given, method, None)) for method in _JUDGING)


def named_apart(made: Sequence[Evaluator]) -> list[str]:
    """Give functions without a name of their own one each (`lambda_2`); answers the names that are there twice."""
    names = [each.name for each in made]
    for at, each in enumerate(made):
        if isinstance(each, _Function) and each.anonymous and each.name in names[:at]:
            number = 2
            while f"{each.name}_{number}" in names:
                number += 1
            names[at] = each.name = f"{each.name}_{number}"
    return sorted({name for name in names if names.count(name) > 1})


def seated(given: Any) -> Evaluator:
    """The evaluator that `given` is: an `Evaluator`, a class of such, a callable, an object with `evaluate`.

    Raises `ValueError` for what is none.
    """
    if isinstance(given, type) and issubclass(given, Evaluator):
        return given()
    if isinstance(given, Evaluator):
        check(given)
        return given
    if _judges(given) and not isinstance(given, type):
        return _Object(given)
    if callable(given) and not isinstance(given, type):
        owner = getattr(given, "__func__", given)
        return _Function(given, getattr(owner, _SPEC, {}))
    raise ValueError(f"clearspan: {given!r} is no evaluator: give a name, a callable, or an object with evaluate(call)")  # fmt: skip


def check(made: Evaluator) -> None:
    """Raise `ValueError` for an option of `made` that cannot be."""
    said = f"clearspan: evaluator {made.name!r}:"
    rate: Any = made.sample_rate
    if not callable(rate) and not (isinstance(rate, (int, float)) and 0 <= rate <= 1):
        raise ValueError(f"{said} sample_rate must be 0 to 1, or a callable, not {rate!r}")
    if not made.timeout > 0:
        raise ValueError(f"{said} timeout must be more than 0 seconds, not {made.timeout!r}")
    if made.concurrency < 1:
        raise ValueError(f"{said} concurrency must be 1 or more, not {made.concurrency!r}")
    if made.level not in ("call", "trace", "session"):
        raise ValueError(f"{said} level must be call, trace or session, not {made.level!r}")
    if made.direction not in ("maximize", "minimize", "neutral"):
        raise ValueError(f"{said} direction must be maximize, minimize or neutral, not {made.direction!r}")  # fmt: skip
    if strange := sorted(set(made.operations or ()) - set(_OPERATIONS)):
        raise ValueError(f"{said} operations: there is none called {', '.join(strange)}{meant(strange[0], _OPERATIONS)}; known are {', '.join(_OPERATIONS)}")  # fmt: skip
    _check_range(said, made)
    _check_threshold(said, made)
    if made.raw and made.level != "call":
        raise ValueError(f"{said} only single calls are kept as they were (raw), not a whole {made.level}")  # fmt: skip
    for wanted in made.requires:
        if unknown := set(wanted.split("|")) - set(FIELDS):
            raise ValueError(f"{said} requires {', '.join(sorted(unknown))}, which is none of {', '.join(FIELDS)}")  # fmt: skip


def _check_range(said: str, made: Evaluator) -> None:
    given: Any = made.range
    if given is None:
        return
    numbers = isinstance(given, (tuple, list)) and all(isinstance(each, (int, float)) for each in given)  # fmt: skip
    if not numbers or len(given) != 2 or not given[0] < given[1]:
        raise ValueError(f"{said} range must be (least, greatest), not {given!r}")


def _check_threshold(said: str, made: Evaluator) -> None:
    """One that no value can reach, or every value does, is a slip of the pen."""
    limit: Any = made.threshold
    if limit is None:
        return
    if isinstance(limit, bool) or not isinstance(limit, (int, float)) or math.isnan(limit):
        raise ValueError(f"{said} threshold must be a number, not {limit!r}")
    if made.range is not None and not made.range[0] <= limit <= made.range[1]:
        low, high = made.range
        raise ValueError(f"{said} threshold must be {low:g} to {high:g}, not {limit!r}")


def _input(call: Subject) -> bool:
    return bool(call.input_text) or getattr(call, "input_value", None) is not None


def _output(call: Subject) -> bool:
    return bool(call.output_text) or getattr(call, "output_value", None) is not None


def _tool_calls(call: Subject) -> bool:
    if isinstance(call, Conversation):
        return bool(call.tool_calls)
    parts = (part for message in call.output for part in message.get("parts", ()))
    return any(part.get("type") == "tool_call" for part in parts)


FIELDS: Mapping[str, Callable[[Any], bool]] = {
    "input": _input,
    "output": _output,
    "messages": lambda call: bool(getattr(call, "input", None) or getattr(call, "calls", None)),
    "context": lambda call: bool(call.documents),
    "reference": lambda call: bool(call.references),
    "system": lambda call: bool(getattr(call, "system", None)),
    "tools": lambda call: bool(getattr(call, "tools", None)),
    "tool_calls": _tool_calls,
    "confidence": lambda call: getattr(call, "confidence", None) is not None,
    "session": lambda call: call.context.session is not None,
}
"""What an evaluator may require of a call, and how it is told whether it is there."""


def missing(made: Evaluator, call: Subject) -> str | None:
    """The first thing that `made` requires and `call` has not, by name; `None` when nothing is missing."""
    for wanted in sorted(made.requires):
        if not any(FIELDS[field](call) for field in wanted.split("|")):
            return wanted
    return None


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
