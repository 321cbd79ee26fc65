from __future__ import annotations

import asyncio
import functools
from typing import Any

import pytest

from clearspan.assess.evaluator import (
    FIELDS,
    INFERENCE,
    Evaluator,
    evaluator,
    missing,
    named_apart,
    seated,
)
from clearspan.conversation import Conversation
from clearspan.record import Confidence, Invocation
from tests.assess.calls import call, said


class LengthOfAnswer(Evaluator):
    version = "3"
    range = None

    def evaluate(self, call: Any) -> float:
        return float(len(call.output_text))


def test_a_class_is_named_after_itself_and_has_defaults() -> None:
    made = LengthOfAnswer()
    assert made.name == "length_of_answer"
    assert made.requires == {"output"}
    assert made.state() is None
    made.load_state({})
    made.setup()
    made.close()


def test_options_are_given_when_it_is_made() -> None:
    made = LengthOfAnswer(name="len", threshold=3, sample_rate=0.5, timeout=1, concurrency=2)
    assert (made.name, made.threshold, made.sample_rate, made.timeout, made.concurrency) == (
        "len", 3, 0.5, 1, 2,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"sample_rate": 2}, "sample_rate must be 0 to 1"),
        ({"sample_rate": "all"}, "sample_rate must be 0 to 1"),
        ({"timeout": 0}, "timeout must be more than 0"),
        ({"concurrency": 0}, "concurrency must be 1 or more"),
        ({"level": "galaxy"}, "level must be"),
        ({"direction": "up"}, "direction must be"),
        ({"threshold": "high"}, "threshold must be a number, not 'high'"),
        ({"threshold": True}, "threshold must be a number, not True"),
        ({"threshold": float("nan")}, "threshold must be a number, not nan"),
        ({"threshold": 1.5, "range": (0, 1)}, "threshold must be 0 to 1, not 1.5"),
        ({"threshold": -2, "range": (-1, 10)}, "threshold must be -1 to 10, not -2"),
        ({"range": (1, 0)}, r"range must be \(least, greatest\), not \(1, 0\)"),
        ({"range": (0, "one")}, r"range must be \(least, greatest\)"),
        ({"range": (0, 1, 2)}, r"range must be \(least, greatest\)"),
        ({"operations": "chat"}, "operations is a set of names, such as {'chat'}"),
        ({"requires": {"soul"}}, "requires soul, which is none of"),
        ({"requires": "output"}, "requires is a set of names"),
        ({"raw": True, "level": "trace"}, "only single calls are kept as they were"),
    ],
)
def test_an_option_that_cannot_be_is_refused_where_it_stands(
    options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        evaluator(**options)(lambda call: True)


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no option 'colour'$"):
        evaluator(colour="red")(lambda call: True)  # type: ignore[call-overload]


def test_an_option_that_reads_like_another_is_told() -> None:
    with pytest.raises(ValueError, match="no option 'treshold'; did you mean 'threshold'"):
        evaluator(treshold=1)(lambda call: True)  # type: ignore[call-overload]
    with pytest.raises(
        TypeError,
        match=r"^clearspan: LengthOfAnswer has no option 'treshold'; did you mean 'threshold'",
    ):
        LengthOfAnswer(treshold=3)  # type: ignore[arg-type]
    with pytest.raises(
        TypeError, match="LengthOfAnswer has no option 'xyz'; it has concurrency, name, "
    ):
        LengthOfAnswer(xyz=3)  # type: ignore[arg-type]


def test_a_threshold_may_be_any_number_where_there_is_no_range() -> None:
    assert LengthOfAnswer(threshold=500).threshold == 500


def test_which_operations_are_judged_is_an_option() -> None:
    assert LengthOfAnswer(operations=["chat", "task"]).operations == {"chat", "task"}
    assert LengthOfAnswer().operations == INFERENCE
    with pytest.raises(ValueError, match="operations is a set of names"):
        LengthOfAnswer(operations="chat")


def test_a_decorated_function_stays_what_it_is() -> None:
    @evaluator(name="short", requires={"input", "output"}, threshold=0.5)
    def is_short(call: Invocation) -> bool:
        return len(call.output_text) < 10

    assert is_short(call()) is True
    made = seated(is_short)
    assert (made.name, made.requires, made.threshold) == ("short", {"input", "output"}, 0.5)
    assert made.evaluate(call()) is True


def test_a_bare_decorator_takes_the_functions_name() -> None:
    @evaluator
    def polite(call: Invocation) -> str:
        return "yes"

    assert seated(polite).name == "polite"


class Judge:
    """Somebody's own class, derived from nothing of ours."""

    requires = ("input",)
    timeout = 2.5

    def __init__(self) -> None:
        self.told: list[str] = []

    def evaluate(self, call: Invocation) -> float:
        return 0.5

    def setup(self) -> None:
        self.told.append("setup")


def test_an_object_with_evaluate_will_do() -> None:
    given = Judge()
    made = seated(given)
    assert (made.name, made.requires, made.timeout) == ("judge", {"input"}, 2.5)
    assert made.evaluate(call()) == 0.5
    made.setup()
    assert given.told == ["setup"]


def test_methods_and_callable_objects_will_do() -> None:
    class Callable:
        def __call__(self, call: Invocation) -> bool:
            return True

        def method(self, call: Invocation) -> bool:
            return False

    assert seated(Callable()).name == "callable"
    assert seated(Callable().method).name == "method"


def test_an_evaluators_class_is_made_and_an_evaluator_is_itself() -> None:
    assert isinstance(seated(LengthOfAnswer), LengthOfAnswer)
    made = LengthOfAnswer()
    assert seated(made) is made


@pytest.mark.parametrize("given", [3, "pii", dict, None])
def test_what_is_no_evaluator_is_refused(given: Any) -> None:
    with pytest.raises(ValueError, match="is no evaluator"):
        seated(given)


def test_evaluate_has_to_be_written() -> None:
    with pytest.raises(TypeError, match=r"Bare must define evaluate"):
        type("Bare", (Evaluator,), {})().evaluate(call())


TOOL_CALL = ({"role": "assistant", "parts": [{"type": "tool_call", "name": "look"}]},)


@pytest.mark.parametrize(
    ("field", "there", "lacking"),
    [
        ("input", call("hello"), call("")),
        ("input", call("", input_value={"q": 1}), call("")),
        ("output", call(answer="hi"), call(answer="")),
        ("output", call(answer="", output_value=[1]), call(answer="")),
        ("messages", call("hello"), call("")),
        ("context", call(documents=("it is",)), call()),
        ("reference", call(references=("it is",)), call()),
        ("system", call(system=({"type": "text", "content": "Be kind."},)), call()),
        ("tools", call(tools=({"name": "look"},)), call()),
        ("confidence", call(confidence=Confidence(3)), call()),
        ("session", call(session="s"), call()),
        ("tool_calls", Conversation("t", "trace", (call(answer=""),)), None),
    ],
)
def test_what_a_call_has_is_known(field: str, there: Any, lacking: Any) -> None:
    wanting = LengthOfAnswer()
    wanting.requires = frozenset({field})
    if lacking is None:
        assert missing(wanting, there) == field
        return
    assert missing(wanting, there) is None
    assert missing(wanting, lacking) == field


def test_tool_calls_are_found_in_a_call_and_in_a_conversation() -> None:
    asked = Invocation(operation="chat", timing=call().timing, output=TOOL_CALL)  # type: ignore[arg-type]
    assert FIELDS["tool_calls"](asked)
    assert FIELDS["tool_calls"](Conversation("t", "trace", (asked,)))
    assert not FIELDS["tool_calls"](call())


def test_either_of_two_fields_will_do() -> None:
    wanting = LengthOfAnswer()
    wanting.requires = frozenset({"input|output"})
    assert missing(wanting, call("", "answer")) is None
    assert missing(wanting, call("question", "")) is None
    assert missing(wanting, call("", "")) == "input|output"


def test_messages_of_a_conversation_are_its_calls() -> None:
    assert FIELDS["messages"](Conversation("t", "trace", (call(),)))
    assert not FIELDS["messages"](Conversation("t", "trace", ()))
    assert said("user", "") == ()


def test_functions_without_a_name_of_their_own_get_one_each() -> None:
    made = [seated(each) for each in (lambda _: 1, functools.partial(plain, 1), lambda _: 0, functools.partial(plain, 2))]  # fmt: skip
    assert named_apart(made) == []
    assert [each.name for each in made] == ["lambda", "plain", "lambda_2", "plain_2"]
    third = seated(lambda _: 2)
    assert named_apart([*made, third]) == []
    assert third.name == "lambda_3"


def test_of_those_that_have_one_two_alike_are_told() -> None:
    assert named_apart([seated(plain), seated(plain)]) == ["plain"]


def plain(limit: int, call: Any = None) -> bool:
    return bool(limit)


class Later(Evaluator):
    async def aevaluate(self, call: Any) -> float:
        return 0.5


class Many(Evaluator):
    def evaluate_batch(self, calls: Any) -> list[float]:
        return [0.25 for _ in calls]


class LaterMany:
    async def evaluate_batch(self, calls: Any) -> list[float]:
        return [0.75 for _ in calls]


def test_other_ways_to_judge() -> None:
    assert asyncio.run(seated(Later).evaluate(None)) == 0.5  # type: ignore[arg-type]  # it is a coroutine
    assert seated(Many).evaluate(None) == 0.25
    made = seated(LaterMany())
    assert made.name == "later_many"
    assert asyncio.run(made.evaluate(None)) == 0.75  # type: ignore[arg-type]  # as above


def test_all_operations_are_none_named() -> None:
    @evaluator(operations=None)
    def every(call: Any) -> bool:
        return True

    assert seated(every).operations is None
    assert Later(operations=None).operations is None
    assert Later().operations == INFERENCE
    with pytest.raises(
        ValueError, match="operations: there is none called chatt; did you mean 'chat'"
    ):
        Later(operations={"chatt"})
