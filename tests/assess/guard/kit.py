"""Guards for tests: a detector of keys, a judge of words, and what they told."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from clearspan.assess.evaluator import Evaluator
from clearspan.assess.finding import Finding
from clearspan.assess.guard import Blocked, Guard, Warden
from clearspan.capture import guarding
from clearspan.record import Invocation

SECRET = "sk-1234567"
SAYS_SECRET = f"The key is {SECRET} and that is all there is to say about it."
PATIENT = 10.0  # seconds: tests of what is found do not depend on the machine's speed


class Keys(Evaluator):
    """Finds keys: `sk-` and one to nine digits."""

    requires = frozenset({"input|output"})
    direction = "minimize"
    threshold = 0.5
    reach = 12

    def find(self, text: str) -> list[Finding]:
        return [Finding("KEY", *match.span()) for match in re.finditer(r"(?<!\w)sk-\d{1,9}", text)]

    def evaluate(self, call: Invocation) -> float:
        return 1.0 if self.find(call.output_text or call.input_text) else 0.0


class Rude(Evaluator):
    """Fails a text with a certain word; it cannot say where."""

    requires = frozenset({"input|output"})
    direction = "minimize"
    threshold = 0.5

    def evaluate(self, call: Invocation) -> float:
        return float("blast" in (call.output_text or call.input_text))


class Told(list[tuple[Any, str, str, str | None]]):
    """What guards told: the draft, the guard, the action, the error."""

    def __call__(self, draft: Any, score: Any, action: str) -> None:
        self.append((draft, score.name, action, score.error))

    @property
    def actions(self) -> list[str]:
        return [action for _, _, action, _ in self]


def guard(evaluator: Any, *given: Any, **options: Any) -> Guard:
    return Guard(evaluator, *given, **{"deadline": PATIENT, **options})


@contextmanager
def guarded(*guards: Guard) -> Generator[Told]:
    """These guards around every call in the block."""
    told = Told()
    warden = Warden(guards, told)
    guarding.lend(warden)
    try:
        yield told
    finally:
        guarding.give_back(warden)
        warden.close()


def telemetry(seen: Any) -> str:
    """All that was told: spans with their exceptions, events, metrics, scores."""
    return repr((seen.spans, seen.events, seen.metrics, seen.scores))


def at_output(action: str) -> Guard:
    """A guard of answers that finds keys, and what it does about them."""
    return guard(Keys(), "output", action)


def passing(call: Any) -> Any:
    """The result of `call()`, or that it was blocked."""
    try:
        return call()
    except Blocked as blocked:
        return blocked
