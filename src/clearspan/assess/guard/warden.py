"""Warden: the guards of a program, as capture sees them, and how long a call waits for each."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias, TypeVar

from clearspan.assess.evaluator import Evaluator
from clearspan.assess.guard.crew import Crew, Job, judging
from clearspan.assess.guard.guard import Action, Guard, Phase
from clearspan.assess.guard.hold import Chain
from clearspan.assess.guard.judge import Check, Judgement, judge, overdue, undone
from clearspan.assess.guard.plan import Case, Plan, Ruling, Stop, Text, screened
from clearspan.core.fence import caught, fenced
from clearspan.score import Score, Target

__all__ = ["Told", "Warden"]

T = TypeVar("T")
Told: TypeAlias = Callable[[Any, Score, Action], None]
"""Who is told what a guard did: the record of the call (`None` where there is none), the score, the action."""

_crew = Crew()
_GRACE = 1.0  # seconds


class Warden:
    """Guards in the order in which they stand; `told` hears what each did at each call.

    Making one lets every evaluator get ready, on threads of their own: what is not ready in a second gets so
    meanwhile, and calls wait for it as for any check. Raises `ValueError` for what is no `Guard`.
    """

    def __init__(self, guards: Iterable[Any], told: Told | None = None) -> None:
        given = tuple(guards)
        for guard in given:
            if not isinstance(guard, Guard):
                raise ValueError(  # noqa: TRY004 -- as every wrong setting
                    f"clearspan: {guard!r} is no guard: give a clearspan.guards.Guard"
                )
        _prepare(given)
        self.guards: tuple[Guard, ...] = given
        self._told = told

    def close(self, timeout: float | None = None) -> None:
        """Let the evaluators go, and the threads that judged; by `timeout` seconds. What is under way still passes."""
        _crew.close()
        if not any(_own(guard.evaluator, "close") for guard in self.guards):
            return
        hand = threading.Thread(target=self._let_go, name="clearspan-guard-close", daemon=True)
        try:
            hand.start()
        except RuntimeError:  # the interpreter ends, and starts none any more
            self._let_go()
        else:
            hand.join(timeout)

    def _let_go(self) -> None:
        for evaluator in {id(guard.evaluator): guard.evaluator for guard in self.guards}.values():
            try:
                fenced("guard.close", evaluator.close)
            except SystemExit as error:
                caught("guard.close", RuntimeError(repr(error)))

    def withholds(self) -> bool:
        """Whether a guard may keep something of an answer from the program."""
        return any(guard.stands("output") and guard.on_fail != "warn" for guard in self.guards)

    def failed(self, case: Case | None, operation: str, phase: Phase) -> Stop | None:
        """We could not do our part at a call: told of every guard that stands there, a stop where one fails closed."""
        if judging():
            return None
        case = case or self._case(None, Target(operation=operation))
        guards = [guard for guard in self.guards if guard.stands(phase)]
        return case.fail(guards, phase, "internal")

    def refused(self, case: Case, phase: Phase) -> Stop:
        """What a guard wants taken out cannot be."""
        guards = [guard for guard in self.guards if guard.stands(phase)]
        redacting = [guard for guard in guards if guard.on_fail == "redact"]
        return case.refuse((redacting or guards)[0], phase, "put_failed")

    def case(
        self, operation: str, draft: Any, provider: str | None = None, model: str | None = None
    ) -> Case | None:
        """One call to be guarded; `None` where it is a guard's own evaluator that asks.

        Who is told has the score's target say which operation it was, of which provider and model.
        """
        if judging():
            return None
        return self._case(draft, Target(operation=operation, provider=provider, model=model))

    def _case(self, draft: Any, target: Target) -> Case:
        def told(score: Score, action: Action) -> None:
            if self._told is not None:
                told_of = replace(score, target=target)
                fenced("guard.told", self._told, draft, told_of, action)

        return Case(self.guards, target.operation or "", told, _later)

    def asked(self, case: Case, slots: Sequence[Text]) -> Plan[Ruling]:
        """What becomes of a request."""
        return screened(case, "input", slots)

    def answered(self, case: Case, slots: Sequence[Text]) -> Plan[Ruling]:
        """What becomes of an answer."""
        return screened(case, "output", slots)

    def streamed(self, case: Case, read: Callable[[Any], Sequence[Any]], put: Callable[[Any, Any, str], Any]) -> Chain:  # fmt: skip
        """What becomes of a stream's elements, one by one."""
        return Chain(case, read, put)

    def settle(self, plan: Generator[Check, Judgement, T]) -> T:
        """Go through a plan, waiting on this thread for every judgement."""
        judged: Judgement | None = None
        while True:
            try:
                check = next(plan) if judged is None else plan.send(judged)
            except StopIteration as stop:
                done: T = stop.value
                return done
            job = _begun(check)
            in_time = isinstance(job, Job) and job.wait(check.guard.deadline)
            judged = _ended(check, job, in_time=in_time)

    async def asettle(self, plan: Generator[Check, Judgement, T]) -> T:
        """The same without holding up the event loop."""
        judged: Judgement | None = None
        while True:
            try:
                check = next(plan) if judged is None else plan.send(judged)
            except StopIteration as stop:
                done: T = stop.value
                return done
            job = _begun(check)
            in_time = isinstance(job, Job) and await job.arrives(check.guard.deadline)
            judged = _ended(check, job, in_time=in_time)


def _own(made: Evaluator, method: str) -> bool:
    """Whether the evaluator has something to do there."""
    return getattr(getattr(made, method), "__func__", None) is not getattr(Evaluator, method)


def _prepare(guards: Iterable[Guard]) -> None:
    """Let evaluators get ready, and wait for them a little."""
    until = time.monotonic() + _GRACE
    busy = [guard for guard in guards if _own(guard.evaluator, "setup")]
    for job in [fenced("guard.setup", _crew.do, guard.ready) for guard in busy]:
        if job is not None:
            job.wait(max(0.0, until - time.monotonic()))


def _later(work: Callable[[], None]) -> None:
    fenced("guard.later", _crew.do, work)


def _begun(check: Check) -> Job | str:
    """The check, being done; why not, where it is not."""
    if not check.guard.breaker.admits():
        return "breaker_open"
    try:
        return _crew.do(lambda: judge(check))
    except RuntimeError:
        return "no_thread"


def _ended(check: Check, job: Job | str, *, in_time: bool) -> Judgement:
    """What came of it."""
    if isinstance(job, str):
        return undone(check, job)
    if not in_time:
        check.guard.breaker.failed()
        return overdue(check)
    check.guard.breaker.succeeded()
    judged: Judgement | None = job.result
    return undone(check, "internal") if judged is None else judged
