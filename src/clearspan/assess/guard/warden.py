"""Warden: the guards of a program, as capture sees them, and how long a call waits for each."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any, TypeAlias, TypeVar

from clearspan.assess.guard.crew import Crew, judging
from clearspan.assess.guard.guard import Action, Guard
from clearspan.assess.guard.hold import Chain
from clearspan.assess.guard.judge import Check, Judgement, judge, overdue
from clearspan.assess.guard.plan import Case, Plan, Ruling, Text, screened
from clearspan.core.fence import fenced
from clearspan.score import Score

__all__ = ["Told", "Warden"]

T = TypeVar("T")
Told: TypeAlias = Callable[[Any, Score, Action], None]
"""Who is told what a guard did: the record of the call (`None` where there is none), the score, the action."""

_crew = Crew()


class Warden:
    """Guards in the order in which they stand; `told` hears what each did at each call.

    Making one lets every evaluator get ready. Raises `ValueError` for what is no `Guard`.
    """

    def __init__(self, guards: Iterable[Any], told: Told | None = None) -> None:
        given = tuple(guards)
        for guard in given:
            if not isinstance(guard, Guard):
                raise ValueError(  # noqa: TRY004 -- as every wrong setting
                    f"clearspan: {guard!r} is no guard: give a clearspan.guards.Guard"
                )
            guard.ready()
        self.guards: tuple[Guard, ...] = given
        self._told = told

    def close(self) -> None:
        """Let the evaluators go, and the threads that judged. What is under way still passes."""
        for evaluator in {id(guard.evaluator): guard.evaluator for guard in self.guards}.values():
            fenced("guard.close", evaluator.close)
        _crew.close()

    def withholds(self) -> bool:
        """Whether a guard may keep something of an answer from the program."""
        return any(guard.stands("output") and guard.on_fail != "warn" for guard in self.guards)

    def case(self, operation: str, draft: Any) -> Case | None:
        """One call to be guarded; `None` where it is a guard's own evaluator that asks."""
        if judging():
            return None

        def told(score: Score, action: Action) -> None:
            if self._told is not None:
                fenced("guard.told", self._told, draft, score, action)

        return Case(self.guards, operation, told)

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
            job = _crew.do(lambda check=check: judge(check))  # type: ignore[misc]  # bound at once
            judged = job.result if job.wait(check.guard.deadline) else overdue(check)

    async def asettle(self, plan: Generator[Check, Judgement, T]) -> T:
        """The same without holding up the event loop."""
        judged: Judgement | None = None
        while True:
            try:
                check = next(plan) if judged is None else plan.send(judged)
            except StopIteration as stop:
                done: T = stop.value
                return done
            job = _crew.do(lambda check=check: judge(check))  # type: ignore[misc]  # bound at once
            judged = job.result if await job.arrives(check.guard.deadline) else overdue(check)
