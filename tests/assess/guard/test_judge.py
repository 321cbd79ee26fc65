"""What evaluators are shown of a call, and what is made of their answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from clearspan.assess.evaluator import Evaluator
from clearspan.assess.finding import Finding
from clearspan.assess.guard import Guard
from clearspan.assess.guard.judge import Check, Said, judge, overdue
from clearspan.evaluators.pii import PII
from clearspan.evaluators.secrets import Secrets
from clearspan.evaluators.toxicity import Toxicity
from clearspan.record import Invocation
from tests.assess.guard.kit import Keys, guard

TOKEN = "ghp_" + "aB3dE5gH7j" * 3 + "aB3dE5"
ASKED = [Said("Be kind.", "system"), Said("Where is Rome?"), Said("In Italy.", "tool")]


class Spy(Evaluator):
    requires = frozenset({"output"})

    def __init__(self, *requires: str) -> None:
        super().__init__()
        self.seen: list[Invocation] = []
        if requires:
            self.requires = frozenset(requires)

    def evaluate(self, call: Invocation) -> Any:
        self.seen.append(call)
        return True


def check(evaluator: Any, phase: Any, said: list[Said]) -> Check:
    return Check(Guard(evaluator), phase, said, ASKED, "chat")


def test_a_request_is_shown_by_role() -> None:
    spy = Spy("input")
    assert judge(check(spy, "input", ASKED[1:])).score.passed is True
    (call,) = spy.seen
    assert [message.get("role") for message in call.input] == ["user", "tool"]
    assert (call.question, call.output_text, call.operation) == ("Where is Rome?", "", "chat")


def test_an_answer_is_shown_alone() -> None:
    spy = Spy("input|output")
    judge(check(spy, "output", [Said("There.", "assistant")]))
    assert (spy.seen[0].input, spy.seen[0].output_text) == ((), "There.")


def test_those_who_compare_see_the_request_too() -> None:
    spy = Spy("input", "output")
    judge(check(spy, "output", [Said("There.", "assistant")]))
    assert spy.seen[0].question == "Where is Rome?"
    assert spy.seen[0].system == ({"type": "text", "content": "Be kind."},)


def test_a_function_before_the_model_sees_the_request() -> None:
    def polite(call: Invocation) -> bool:
        return "blast" not in call.input_text

    asked = Check(Guard(polite, "input"), "input", [Said("blast it")], (), "chat")
    assert judge(asked).score.passed is False


def test_what_is_missing_is_skipped() -> None:
    score = judge(check(Spy("reference"), "output", [Said("There.")])).score
    assert score.skipped == "missing:reference"


def test_a_coroutine_is_awaited() -> None:
    class Slow(Evaluator):
        async def evaluate(self, call: Invocation) -> bool:
            return False

    assert judge(check(Slow(), "output", [Said("x")])).score.passed is False

    class Odd(Evaluator):
        def evaluate(self, call: Invocation) -> Awaitable[bool]:
            class Later:
                def __await__(self) -> Any:
                    yield from ()
                    return True

            return Later()

    assert judge(check(Odd(), "output", [Said("x")])).score.passed is True


def test_what_it_raises_is_its_score() -> None:
    def broken(call: Invocation) -> bool:
        raise LookupError(call.output_text)

    score = judge(check(broken, "output", [Said("secret")])).score
    assert (score.error, score.explanation, score.name) == ("LookupError", None, "broken")
    assert score.duration is not None
    assert overdue(check(broken, "output", [])).score.error == "timeout"


def test_one_that_did_not_get_ready_is_not_asked() -> None:
    class Broken(Keys):
        def setup(self) -> None:
            raise LookupError

    asked = check(Broken(), "output", [Said("sk-1")])
    asked.guard.ready()
    assert judge(asked).score.error == "LookupError"


def test_a_detector_says_where() -> None:
    judged = judge(check(Keys(), "input", [Said("a sk-1 b"), Said("none"), Said("sk-2")]))
    assert judged.found == ((Finding("KEY", 2, 6),), (), (Finding("KEY", 0, 4),))
    assert (judged.score.value, judged.score.passed) == (1.0, False)
    clean = judge(check(Keys(), "input", [Said("none")]))
    assert (clean.found, clean.score.passed) == ((), True)


def test_a_detector_under_its_threshold_passes() -> None:
    class Counted(Keys):
        range = None

    judged = judge(check(Counted(threshold=2.0), "input", [Said("sk-1")]))
    assert (judged.score.passed, judged.found) == (True, ())


def test_a_detector_without_an_opinion_goes_by_what_it_found() -> None:
    class Shy(Keys):
        def evaluate(self, call: Invocation) -> Any:
            raise LookupError

    class Mute(Keys):
        def evaluate(self, call: Invocation) -> Any:
            return None

    assert judge(check(Shy(), "output", [Said("sk-1")])).score.error == "LookupError"
    judged = judge(check(Mute(), "output", [Said("sk-1")]))
    assert (judged.score.passed, len(judged.found)) == (False, 1)


def test_findings_are_put_in_order() -> None:
    class Messy(Keys):
        def find(self, text: str) -> list[Finding]:
            return [Finding("B", 3, 6), Finding("A", 0, 4), Finding("C", 4, 5), Finding("D", 7, 99), Finding("E", 8, 8)]  # fmt: skip

    judged = judge(check(Messy(), "output", [Said("sk-1 5678 9")]))
    assert [(one.start, one.end) for one in judged.found[0]] == [(0, 4), (4, 6), (7, 11)]


@pytest.mark.parametrize("raised", [SystemExit, asyncio.CancelledError, KeyboardInterrupt])
def test_not_even_its_exit_is_more_than_its_score(raised: type[BaseException]) -> None:
    def leaves(call: Invocation) -> bool:
        raise raised

    score = judge(check(leaves, "output", [Said("x")])).score
    assert score.error == raised.__name__


def test_a_number_that_nothing_calls_good_or_bad_is_an_error() -> None:
    score = judge(check(lambda call: 0.5, "output", [Said("x")])).score
    assert (score.error, score.value, score.passed) == ("no_threshold", None, None)


def test_one_that_is_still_getting_ready_is_late() -> None:
    asked = Check(Guard(Keys(), deadline=0.01), "output", [Said("x")], (), "chat")
    with asked.guard._locks.setting():
        assert judge(asked).score.error == "timeout"
    assert judge(asked).score.passed is True


@pytest.mark.parametrize("role", ["system", "developer"])
@pytest.mark.parametrize(
    ("evaluator", "text"), [(PII(), "Write to jane.doe@acme.org."), (Secrets(), f"Use {TOKEN}."), (Toxicity(), "You are a fucking idiot.")]
)  # fmt: skip
def test_instructions_that_are_to_be_looked_at_are(evaluator: Any, text: str, role: str) -> None:
    made = guard(evaluator, "input", trusted=True)
    found = judge(Check(made, "input", [Said(text, role), Said("hi")], [], "chat"))
    assert found.score.passed is False


class Vague(Keys):
    """Knows that a key is there, and not where."""

    def find(self, text: str) -> list[Finding]:
        return super().find(text) if "place" in text else []

    def evaluate(self, call: Any) -> float:
        return float("sk-" in call.output_text)


def test_what_is_there_and_cannot_be_placed_is_not_taken_for_clean() -> None:
    made = guard(Vague(), "output", "redact")
    there, placed, clean = Said("sk-1", "assistant"), Said("its place: sk-1", "assistant"), Said("no", "assistant")  # fmt: skip
    for said in ([there], [placed, there], [clean, there]):
        assert judge(Check(made, "output", said, [], "chat")).score.error == "no_place"
    assert judge(Check(made, "output", [clean], [], "chat")).score.passed is True
    found = judge(Check(made, "output", [clean, placed], [], "chat"))
    assert (found.score.passed, [len(each) for each in found.found]) == (False, [0, 1])
