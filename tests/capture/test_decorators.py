"""`observe` and its kinds: what is recorded of a call, and what is not."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import inspect
import json
import threading
from typing import Any

import pytest
from pydantic import BaseModel

import clearspan
from clearspan import semconv as sc
from clearspan.core import fence
from clearspan.record import Outcome
from clearspan.testing import Captured, captured

KINDS = {
    "workflow": ("invoke_workflow", "INTERNAL", sc.WORKFLOW_NAME),
    "agent": ("invoke_agent", "INTERNAL", sc.AGENT_NAME),
    "task": ("task", "INTERNAL", sc.STEP_NAME),
    "tool": ("execute_tool", "INTERNAL", sc.TOOL_NAME),
    "model": ("chat", "CLIENT", sc.STEP_NAME),
    "embedding": ("embeddings", "CLIENT", sc.STEP_NAME),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_the_operation_of_the_conventions(kind: str, seen: Captured) -> None:
    def work() -> str:
        return "done"

    by_observe = clearspan.observe(kind=kind)(work)
    by_name = getattr(clearspan, kind)(work)
    assert by_observe() == by_name() == "done"
    operation, side, name = KINDS[kind]
    for span in seen.spans:
        assert span.attributes[sc.OPERATION_NAME] == operation
        assert span.kind == side
        assert span.attributes[name] == "work"
        assert span.attributes[sc.CODE_FUNCTION_NAME].endswith(".work")
        assert span.name == ("work" if kind == "task" else f"{operation} work")


def test_a_retrieval_has_a_data_source_only_when_it_is_told(seen: Captured) -> None:
    @clearspan.retrieval
    def search(query: str) -> list[str]:
        return [query]

    @clearspan.retrieval(name="handbook")
    def consult(query: str) -> list[str]:
        return [query]

    search("a")
    consult("b")
    unnamed, named = seen.spans
    assert unnamed.name == "retrieval"
    assert sc.DATA_SOURCE_ID not in unnamed.attributes
    assert named.name == "retrieval handbook"
    assert named.attributes[sc.DATA_SOURCE_ID] == "handbook"


def test_bare_called_and_named_forms(seen: Captured) -> None:
    @clearspan.observe
    def bare() -> int:
        return 1

    @clearspan.observe()
    def called() -> int:
        return 2

    @clearspan.tool(name="look_up")
    def named() -> int:
        return 3

    assert (bare(), called(), named()) == (1, 2, 3)
    assert [span.name for span in seen.spans] == ["bare", "called", "execute_tool look_up"]


def test_nothing_happens_while_clearspan_is_off() -> None:
    given: list[object] = []

    @clearspan.tool(capture={"inputs": given.append, "output": given.append})
    def work(value: object) -> object:
        return value

    thing = object()
    assert work(thing) is thing
    assert given == []


def test_arguments_are_captured_by_name(seen: Captured) -> None:
    @clearspan.task
    def work(a: int, /, b: int, *rest: int, c: int = 3, d: int = 4, **more: int) -> None:
        """Every kind of parameter."""

    work(1, 2, 10, 11, c=30, e=50)
    (span,) = seen.spans
    assert json.loads(span.attributes[sc.INPUT]) == {
        "a": 1, "b": 2, "rest": [10, 11], "c": 30, "e": 50,
    }  # fmt: skip
    assert sc.OUTPUT not in span.attributes


def test_an_argument_named_as_a_parameter_of_ours_is_no_trouble(seen: Captured) -> None:
    @clearspan.task
    def work(**more: int) -> dict[str, int]:
        return more

    names = ("fn", "self", "wrapped", "instance", "args", "kwargs", "kind", "name", "target", "cls")
    given = {name: number for number, name in enumerate(names)}
    assert work(**given) == given
    (span,) = seen.spans
    assert json.loads(span.attributes[sc.INPUT]) == given


def test_tool_arguments_and_result_stand_where_the_conventions_put_them(seen: Captured) -> None:
    @clearspan.tool
    def add(left: int, right: int) -> dict[str, int]:
        return {"sum": left + right}

    add(1, right=2)
    (span,) = seen.spans
    assert json.loads(span.attributes[sc.TOOL_CALL_ARGUMENTS]) == {"left": 1, "right": 2}
    assert json.loads(span.attributes[sc.TOOL_CALL_RESULT]) == {"sum": 3}
    assert span.attributes[sc.TOOL_TYPE] == "function"


class Page(BaseModel):
    page_content: str
    page: int


@dataclasses.dataclass
class Note:
    page_content: str
    author: str


class Opaque:
    pass


def test_documents_of_a_retrieval_take_the_conventions_form(seen: Captured) -> None:
    @clearspan.retrieval
    def search(question: str, limit: int = 3) -> list[Any]:
        return ["plain", Page(page_content="one", page=1), Note("two", "me"), {"id": 3}, Opaque()]

    search("where?", limit=5)
    (span,) = seen.spans
    assert span.attributes[sc.RETRIEVAL_QUERY_TEXT] == "where?"
    assert json.loads(span.attributes[sc.RETRIEVAL_DOCUMENTS]) == [
        {"content": "plain"},
        {"page": 1, "content": "one"},
        {"author": "me", "content": "two"},
        {"id": 3},
        f"<{__name__}.Opaque>",
    ]


@pytest.mark.parametrize(
    ("given", "query"),
    [
        ({"words": "only text", "limit": 3}, "only text"),
        ({"a": "one", "b": "two"}, '{"a":"one","b":"two"}'),
        ({"other": "x", "query": "this"}, "this"),
    ],
)
def test_the_query_of_a_retrieval_is_found_where_it_can_be(
    given: dict[str, Any], query: str, seen: Captured
) -> None:
    @clearspan.retrieval
    def search(**named: Any) -> str:
        return "no list"

    search(**given)
    (span,) = seen.spans
    assert span.attributes[sc.RETRIEVAL_QUERY_TEXT] == query
    assert span.attributes[sc.RETRIEVAL_DOCUMENTS] == "no list"


def test_the_model_argument_names_the_model(seen: Captured) -> None:
    @clearspan.model
    def ask(prompt: str, *, model: object = None) -> str:
        return prompt

    ask("a", model="m-1")
    ask("b", model="")
    ask("c", model=7)
    ask("d")
    assert [span.name for span in seen.spans] == ["chat m-1", "chat ask", "chat ask", "chat ask"]
    assert seen.spans[0].attributes[sc.REQUEST_MODEL] == "m-1"
    assert sc.REQUEST_MODEL not in seen.spans[1].attributes


@pytest.mark.parametrize(
    ("capture", "inputs", "output"),
    [
        (True, True, True),
        (False, False, False),
        ({}, True, True),
        ({"inputs": False}, False, True),
        ({"output": False}, True, False),
        ({"inputs": False, "output": False}, False, False),
    ],
)
def test_capture_turns_inputs_and_output_off(
    capture: Any, inputs: bool, output: bool, seen: Captured
) -> None:
    @clearspan.task(capture=capture)
    def work(secret: str) -> str:
        return secret * 2

    @clearspan.task(capture=capture)
    def steps(secret: str) -> Any:
        yield secret * 2

    assert work("hush") == "hushhush"
    assert list(steps("hush")) == ["hushhush"]
    for span in seen.spans:
        assert (sc.INPUT in span.attributes) is inputs
        assert (sc.OUTPUT in span.attributes) is output


def test_capture_functions_answer_what_is_kept(seen: Captured) -> None:
    @clearspan.task(capture={"inputs": sorted, "output": lambda page: page.page})
    def work(page: Page, more: int) -> Page:
        return page

    page = Page(page_content="x", page=9)
    assert work(page, more=1) is page
    (span,) = seen.spans
    assert json.loads(span.attributes[sc.INPUT]) == ["more", "page"]
    assert json.loads(span.attributes[sc.OUTPUT]) == 9


def test_a_capture_function_sees_a_generators_output_as_a_whole(seen: Captured) -> None:
    @clearspan.task(capture={"output": str.upper})
    def letters() -> Any:
        yield "a"
        yield "b"

    @clearspan.task(capture={"output": len})
    async def numbers() -> Any:
        yield 1
        yield 2

    async def read() -> list[int]:
        return [item async for item in numbers()]

    assert list(letters()) == ["a", "b"]
    assert asyncio.run(read()) == [1, 2]
    assert [span.attributes[sc.OUTPUT] for span in seen.spans] == ["AB", "2"]


def test_a_retrievals_capture_function_may_answer_text_or_documents(seen: Captured) -> None:
    @clearspan.retrieval(capture={"inputs": lambda named: named["words"], "output": list})
    def search(words: str) -> Any:
        yield words

    list(search("abc"))
    (span,) = seen.spans
    assert span.attributes[sc.RETRIEVAL_QUERY_TEXT] == "abc"
    assert json.loads(span.attributes[sc.RETRIEVAL_DOCUMENTS]) == [
        {"content": "a"},
        {"content": "b"},
        {"content": "c"},
    ]


@pytest.mark.parametrize("side", ["inputs", "output"])
def test_F33_a_failing_capture_function_keeps_nothing_and_harms_nobody(
    side: str, seen: Captured, lenient: None
) -> None:
    def fail(value: object) -> object:
        raise RuntimeError("no")

    @clearspan.task(capture={side: fail})
    def work(secret: str) -> str:
        return secret

    @clearspan.task(capture={side: fail})
    def steps(secret: str) -> Any:
        yield secret

    fence.reset()
    assert work("hush") == "hush"
    assert list(steps("hush")) == ["hush"]
    lost = sc.INPUT if side == "inputs" else sc.OUTPUT
    assert len(seen.spans) == 2
    for span in seen.spans:
        assert lost not in span.attributes
    assert sum(fence.failures().values()) == 2
    fence.reset()


@pytest.mark.parametrize(
    "capture", ["yes", 1, None, {"input": False}, {"inputs": "no"}, [("inputs", False)]]
)
def test_a_capture_of_another_form_is_told_at_once(capture: Any) -> None:
    with pytest.raises(TypeError, match="capture must be True, False, or a mapping"):
        clearspan.observe(capture=capture)
    with pytest.raises(TypeError, match="capture must be"):
        clearspan.tool(capture=capture)


def test_an_unknown_kind_is_told_at_once() -> None:
    with pytest.raises(ValueError, match="unknown kind 'chain'; use one of workflow, agent"):
        clearspan.observe(kind="chain")


@pytest.mark.parametrize("target", [3, "text", object()])
def test_what_cannot_be_called_cannot_be_observed(target: Any) -> None:
    with pytest.raises(TypeError, match="it is not a function, method or class"):
        clearspan.observe(target)


def test_F25_no_code_of_a_value_runs(seen: Captured) -> None:
    touched: list[str] = []

    class Hostile:
        def __getattr__(self, name: str) -> Any:
            touched.append(name)
            raise RuntimeError(name)

        def __iter__(self) -> Any:
            touched.append("iter")
            raise RuntimeError

        def __bool__(self) -> bool:
            touched.append("bool")
            raise RuntimeError

        def __len__(self) -> int:
            touched.append("len")
            raise RuntimeError

        def __eq__(self, other: object) -> bool:
            touched.append("eq")
            raise RuntimeError

        def __hash__(self) -> int:
            touched.append("hash")
            raise RuntimeError

        def __repr__(self) -> str:
            touched.append("repr")
            raise RuntimeError

        __str__ = __repr__

    @clearspan.tool
    def work(value: Hostile) -> Hostile:
        return value

    thing = Hostile()
    assert work(thing) is thing
    assert work(value=thing) is thing
    named = f"<{__name__}.test_F25_no_code_of_a_value_runs.<locals>.Hostile>"
    for span in seen.spans:
        assert named.rpartition(".")[2] in span.attributes[sc.TOOL_CALL_RESULT]
    assert touched == []


def test_nothing_is_consumed(seen: Captured) -> None:
    @clearspan.task
    def work(numbers: Any, lines: Any) -> list[Any]:
        return [list(numbers), next(lines)]

    assert work(iter([1, 2]), (line for line in "ab")) == [[1, 2], "a"]
    (span,) = seen.spans
    assert json.loads(span.attributes[sc.INPUT]) == {
        "numbers": "<builtins.list_iterator>",
        "lines": "<builtins.generator>",
    }


def test_F30_later_changes_of_the_caller_are_not_seen_and_nothing_of_its_is_changed(
    seen: Captured,
) -> None:
    @clearspan.tool
    def work(rows: list[Any]) -> dict[str, Any]:
        return {"rows": rows, "more": [1]}

    given = [{"a": [1]}]
    kept = [{"a": [1]}]
    result = work(given)
    assert result["rows"] is given
    assert given == kept
    given[0]["a"].append(2)
    result["more"].append(2)
    (span,) = seen.spans
    assert json.loads(span.attributes[sc.TOOL_CALL_ARGUMENTS]) == {"rows": [{"a": [1]}]}
    assert json.loads(span.attributes[sc.TOOL_CALL_RESULT]) == {"rows": [{"a": [1]}], "more": [1]}


def test_F30_what_a_generator_gave_is_kept_as_it_was_given(seen: Captured) -> None:
    @clearspan.task
    def work() -> Any:
        row: dict[str, int] = {}
        for number in range(3):
            row["n"] = number
            yield row

    rows = list(work())
    assert rows[0] is rows[1] is rows[2]
    (span,) = seen.spans
    assert json.loads(span.attributes[sc.OUTPUT]) == [{"n": 0}, {"n": 1}, {"n": 2}]


def test_text_from_a_generator_is_one_text(seen: Captured) -> None:
    @clearspan.task
    def words() -> Any:
        yield "one "
        yield "two"

    @clearspan.task
    def mixed() -> Any:
        yield "one"
        yield 2

    @clearspan.task
    def none() -> Any:
        yield from ()

    list(words()), list(mixed()), list(none())
    texts = [span.attributes.get(sc.OUTPUT) for span in seen.spans]
    assert texts == ["one two", '["one",2]', None]


def test_a_long_generator_is_kept_up_to_a_bound(seen: Captured) -> None:
    @clearspan.task
    def numbers() -> Any:
        yield from range(1_500)

    assert sum(numbers()) == sum(range(1_500))
    (span,) = seen.spans
    assert json.loads(span.attributes[sc.OUTPUT]) == [*range(1_000), "... 500 more"]


def test_a_long_text_of_short_pieces_is_whole(seen: Captured) -> None:
    @clearspan.model
    def tokens() -> Any:
        for number in range(3_000):
            yield f"w{number} "

    said = "".join(tokens())
    (span,) = seen.spans
    assert span.attributes[sc.OUTPUT] == said


def test_a_capture_function_gets_names_while_another_thread_looks_them_up(
    seen: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Any] = []

    @clearspan.task(capture={"inputs": given.append})
    def work(question: str) -> str:
        return question

    real, others = inspect.signature, [threading.Thread(target=work, args=("second",))]

    def meanwhile(function: Any) -> inspect.Signature:
        while others:
            other = others.pop()
            other.start()
            other.join(60)
        return real(function)

    monkeypatch.setattr(inspect, "signature", meanwhile)
    work("first")
    assert given == [{"question": "second"}, {"question": "first"}]


def too_wide(number: int) -> list[Any]:
    """More than is copied of one value."""
    return [{"number": each} for each in range(number)]


def test_what_is_left_out_of_a_copy_is_counted(seen: Captured) -> None:
    @clearspan.task(capture={"inputs": True, "output": False})
    def asked(rows: list[Any]) -> list[Any]:
        return rows

    @clearspan.task(capture={"inputs": lambda named: named["rows"], "output": False})
    def asked_by_a_function(rows: list[Any]) -> list[Any]:
        return rows

    @clearspan.task
    def answered(number: int) -> list[Any]:
        return too_wide(number)

    @clearspan.task
    def given(number: int) -> Any:
        yield too_wide(number)
        yield too_wide(number)

    for number in (20_000, 3):
        asked(too_wide(number))
        asked_by_a_function(too_wide(number))
        answered(number)
        list(given(number))
    lost = [span.attributes.get(sc.CONTENT_LOST) for span in seen.spans]
    assert lost == [1, 1, 1, 2, None, None, None, None]


def test_F64_no_content_work_is_done_when_content_is_off_or_the_call_unsampled() -> None:
    called: list[str] = []

    def note(value: object) -> object:
        called.append("capture function")
        return value

    @clearspan.tool(capture={"inputs": note, "output": note})
    def work(rows: list[int]) -> list[int]:
        return rows

    @clearspan.tool(capture={"output": note})
    def steps(rows: list[int]) -> Any:
        yield rows

    for settings in ({"content": "off"}, {"sample_rate": 0}):
        with captured(providers=(), **settings) as seen:
            work([1])
            list(steps([1]))
            for record in seen.invocations:
                assert record.input_value is None
                assert record.output_value is None
            assert len(seen.invocations) == 2
    assert called == []


def test_F71_content_off_means_no_content(monkeypatch: pytest.MonkeyPatch) -> None:
    @clearspan.tool
    def work(secret: str) -> str:
        raise ValueError(secret)

    with captured(providers=(), content="off") as seen:
        with pytest.raises(ValueError, match="canary"):
            work("canary")
        (span,) = seen.spans
        assert span.status == "ERROR"
        assert "canary" not in repr((span, seen.events, seen.metrics, seen.invocations))


def test_exceptions_pass_unchanged_and_are_told(seen: Captured) -> None:
    raised = LookupError("gone")
    cause = OSError("disk")

    @clearspan.task
    def work() -> None:
        raise raised from cause

    with pytest.raises(LookupError) as caught:
        work()
    assert caught.value is raised
    assert raised.__cause__ is cause
    assert raised.__context__ is None
    names = [entry.name for entry in caught.traceback]
    assert names[0] == "test_exceptions_pass_unchanged_and_are_told"
    assert names[-1] == "work"
    (span,) = seen.spans
    assert (span.status, span.error) == ("ERROR", "gone")
    assert span.attributes[sc.ERROR_TYPE] == "LookupError"
    (exception,) = span.exceptions
    assert exception[sc.EXCEPTION_TYPE] == "LookupError"
    assert exception[sc.EXCEPTION_STACKTRACE].splitlines()[-2].endswith("in work")


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
def test_F2_every_exit_ends_the_span(error: type[BaseException], seen: Captured) -> None:
    @clearspan.task
    def work() -> None:
        raise error

    with pytest.raises(error):
        work()
    (record,) = seen.invocations
    cancelled = error is asyncio.CancelledError
    assert record.outcome is (Outcome.CANCELLED if cancelled else Outcome.FAILED)
    assert (record.error is None) is cancelled


def test_F34_only_the_failing_step_fails(seen: Captured) -> None:
    @clearspan.tool
    def child() -> None:
        raise ValueError("bad")

    @clearspan.agent
    def parent() -> str:
        try:
            child()
        except ValueError:
            return "recovered"
        return "never"

    assert parent() == "recovered"
    below, above = seen.spans  # as they ended
    assert (below.status, above.status) == ("ERROR", "UNSET")
    assert below.parent_id == above.span_id


def test_recursion_nests(seen: Captured) -> None:
    @clearspan.task
    def down(number: int) -> int:
        return 0 if number == 0 else 1 + down(number - 1)

    assert down(3) == 3
    spans = seen.spans
    assert [span.parent_id for span in spans] == [span.span_id for span in spans[1:]] + [None]


def test_endless_recursion_raises_as_it_would(seen: Captured) -> None:
    @clearspan.task(capture=False)
    def down() -> None:
        down()

    with pytest.raises(RecursionError):
        down()
    assert all(span.attributes[sc.ERROR_TYPE] == "RecursionError" for span in seen.spans)


def test_partials_callable_objects_and_lambdas(seen: Captured) -> None:
    def add(left: int, right: int) -> int:
        return left + right

    class Adder:
        def __call__(self, left: int, right: int) -> int:
            return left + right

    class Awaited:
        async def __call__(self, number: int) -> int:
            await asyncio.sleep(0)
            return number

    assert clearspan.task(functools.partial(functools.partial(add, 1), 2))() == 3
    assert clearspan.task(Adder())(1, 2) == 3
    assert asyncio.run(clearspan.task(Awaited())(4)) == 4
    assert clearspan.task(lambda number: number)(5) == 5
    partial, adder, awaited, anonymous = seen.spans
    assert partial.name == "add"
    assert partial.attributes[sc.CODE_FUNCTION_NAME] == f"{__name__}.add"
    assert adder.name == "Adder"
    assert json.loads(adder.attributes[sc.INPUT]) == {"left": 1, "right": 2}
    assert json.loads(awaited.attributes[sc.OUTPUT]) == 4
    assert json.loads(anonymous.attributes[sc.INPUT]) == {"number": 5}


def test_functions_written_in_c(seen: Captured) -> None:
    rows: list[int] = []
    clearspan.task(rows.append)(3)
    assert clearspan.task(len)([1, 2]) == 2
    assert clearspan.task(max)(1, 2) == 2
    assert rows == [3]
    appended, counted, greatest = seen.spans
    assert json.loads(appended.attributes[sc.INPUT]) == {"object": 3}
    assert json.loads(counted.attributes[sc.INPUT]) == {"obj": [1, 2]}
    assert json.loads(greatest.attributes[sc.INPUT]) == {"args": [1, 2]}


def test_stacked_decorators_record_each(seen: Captured) -> None:
    @clearspan.agent
    @clearspan.tool
    def work(number: int) -> int:
        return number

    assert work(2) == 2
    inner, outer = seen.spans
    assert (inner.name, outer.name) == ("execute_tool work", "invoke_agent work")
    assert inner.parent_id == outer.span_id
    assert json.loads(outer.attributes[sc.INPUT]) == {"number": 2}


def test_F33_an_inlet_that_fails_to_begin_leaves_the_call_alone(
    monkeypatch: pytest.MonkeyPatch, lenient: None
) -> None:
    from clearspan.capture import inlet
    from clearspan.pipeline import Pipeline

    @clearspan.task
    def work(number: int) -> int:
        return number + 1

    def fail(*given: object) -> bool:
        raise RuntimeError("broken")

    with captured(providers=()) as seen:
        monkeypatch.setattr(Pipeline, "open", fail)
        assert inlet.current() is not None
        assert work(1) == 2
        assert seen.spans == []
    fence.reset()


def test_F33_an_inlet_that_fails_to_close_leaves_the_answer_alone(
    monkeypatch: pytest.MonkeyPatch, lenient: None
) -> None:
    from clearspan.pipeline import Pipeline

    @clearspan.task
    def work(number: int) -> int:
        return number + 1

    def fail(*given: object) -> None:
        raise RuntimeError("broken")

    fence.reset()
    with captured(providers=()):
        monkeypatch.setattr(Pipeline, "close", fail)
        assert work(1) == 2
    assert fence.failures() == {"inlet.close": 1, "pipeline.end_open": 1}
    fence.reset()


def test_F33_arguments_that_cannot_be_copied_cost_the_content_only(
    monkeypatch: pytest.MonkeyPatch, seen: Captured, lenient: None
) -> None:
    from clearspan.core.copying import Copier

    def fail(*given: object) -> None:
        raise RuntimeError("dictionary changed size during iteration")

    @clearspan.task
    def work(number: int) -> int:
        return number + 1

    monkeypatch.setattr(Copier, "of", fail)
    assert work(1) == 2
    (span,) = seen.spans
    assert sc.INPUT not in span.attributes
    assert sc.OUTPUT not in span.attributes
    fence.reset()
