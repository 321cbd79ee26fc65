"""Values that a hostile tester hands in: graphs, circles, matrices, lies, and words of five million letters."""

from __future__ import annotations

import collections
import dataclasses
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pydantic
import pytest

import clearspan
from clearspan.core.copying import Copier
from clearspan.testing import Json, ModelServer, captured
from tests.faults.kit import line

LONG = "y" * 5_000_000


@pytest.fixture(autouse=True)
def lenient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("CLEARSPAN_STRICT", raising=False)
    yield
    clearspan.shutdown()


@clearspan.task
def echo(given: Any) -> Any:
    return given


def told(span: Any) -> str:
    return str(span.attributes["clearspan.input"])


# -- values without end ---------------------------------------------------------------------------


def graph() -> Any:
    nodes = [{"id": number, "edges": list[Any]()} for number in range(180)]
    for node in nodes:
        node["edges"].extend(nodes)  # type: ignore[attr-defined]
    return nodes


def circle() -> Any:
    made: list[Any] = []
    made.extend([made] * 4)
    return made


def models() -> Any:
    made = Node()
    made.nodes.extend([made] * 20)
    return made


class Node(pydantic.BaseModel):
    nodes: list[Any] = []


ENDLESS: dict[str, Callable[[], Any]] = {
    "graph": graph,
    "circle": circle,
    "models": models,
    "matrix": lambda: [[0.1] * 1_000 for _ in range(3_000)],
    "matrix of integers": lambda: tuple([tuple(range(500))] * 5_000),
    "dictionaries": lambda: [{"a": number, "b": [number]} for number in range(100_000)],
    "mapping": lambda: {number: [number] for number in range(100_000)},
    "texts": lambda: ["word"] * 300_000,
    "set": lambda: set(range(300_000)),
}


@pytest.mark.parametrize("make", ENDLESS.values(), ids=ENDLESS)
def test_F31_a_value_without_end_is_copied_and_told_in_part(make: Callable[[], Any]) -> None:
    """A call takes in so much and no more, so that nobody waits; the others behind it are told as ever."""
    value = make()
    copier = Copier()
    copier.of(value, 16)
    assert copier._left > -15_000
    with captured() as seen:
        assert echo(value) is value
        echo("another")
        first, second = seen.spans
    assert told(second) == '{"given":"another"}'
    assert 0 < len(told(first).encode()) <= 131_072
    assert told(first) == "…[too large]" or json.loads(told(first))["given"]


def test_F31_clients_arguments_without_end(server: ModelServer) -> None:
    how = line("openai-chat")
    client = how.make(server, False)
    messages = [{"role": "user", "content": f"question {number}"} for number in range(9_000)]
    with captured(count_tokens="spans") as seen:
        client.chat.completions.create(model="m", messages=messages)
        (span,) = seen.spans
    asked = json.loads(span.attributes["gen_ai.input.messages"])
    assert asked[0]["parts"][0]["content"] == "question 0"
    assert asked[-1]["parts"][0]["content"] == "question 8999"
    assert span.attributes["clearspan.content.lost"] >= 1
    how.release(client)


# -- what the program does with it afterwards -----------------------------------------------------


@dataclasses.dataclass
class Data:
    items: list[Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Slotted:
    items: list[Any]


class Rows(list[Any]):
    """A list of the program's own."""


class Named(NamedTuple):
    items: list[Any]
    more: int


def down(levels: int, end: Any) -> Any:
    for _ in range(levels):
        end = {"k": end}
    return end


KEPT: dict[str, Callable[[list[Any]], Any]] = {
    "OrderedDict": lambda inner: collections.OrderedDict(items=inner),
    "defaultdict": lambda inner: collections.defaultdict(list, items=inner),
    "dataclass": Data,
    "slots": Slotted,
    "list of its own": lambda inner: Rows([inner]),
    "namedtuple": lambda inner: Named(inner, 2),
    "model": lambda inner: Node.model_construct(nodes=inner),
    "deep": lambda inner: down(9, inner),
    "after numbers": lambda inner: [*range(200), inner],
    "long": lambda inner: [inner] * 5_000,
}


@pytest.mark.parametrize("make", KEPT.values(), ids=KEPT)
@pytest.mark.parametrize("where", ["argument", "result", "piece", "block"])
def test_F30_nothing_that_is_changed_afterwards_is_seen(
    make: Callable[[list[Any]], Any], where: str
) -> None:
    inner: list[Any] = ["first"]
    value = make(inner)

    @clearspan.task
    def taking(given: Any) -> None:
        inner.append("LATER")

    @clearspan.task
    def stepping() -> Any:
        yield value
        inner.append("LATER")
        yield 1

    with captured() as seen:
        if where == "argument":
            taking(value)
        elif where == "result":
            echo(value)
        elif where == "piece":
            list(stepping())
        else:
            with clearspan.span("step", input=value):
                inner.append("LATER")
        inner.append("LATER")
        (span,) = seen.spans
    assert "LATER" not in repr(span.attributes)
    assert "first" in repr(span.attributes) or where == "block" or len(repr(value)) > 50_000


def test_F30_sets_too() -> None:
    given = {"first"}

    @clearspan.task
    def adding(given: set[str]) -> None:
        given.add("LATER")

    with captured() as seen:
        adding(given)
        (span,) = seen.spans
    assert told(span) == '{"given":["first"]}'


def test_F30_a_thread_that_goes_on_changing_an_argument_costs_no_record() -> None:
    inner: dict[int, Any] = {number: number for number in range(20_000)}
    state = down(9, inner)
    over = threading.Event()

    def change() -> None:
        number = 20_000
        while not over.is_set():
            inner[number] = number
            inner.pop(number - 15_000, None)
            number += 1

    changing = threading.Thread(target=change)
    changing.start()
    try:
        with captured() as seen:
            for _ in range(30):
                echo(state)
            assert len([span for span in seen.spans if "clearspan.input" in span.attributes]) == 30
    finally:
        over.set()
        changing.join()


# -- exceptions that bite -------------------------------------------------------------------------


class Repr:
    def __repr__(self) -> str:
        raise SystemExit(5)


def raising(what: type[BaseException] | None) -> type[Exception]:
    class Biting(Exception):
        asked = 0

        def __str__(self) -> str:
            type(self).asked += 1
            if what is None:
                time.sleep(3_600)
            raise what or ValueError

    return Biting


@pytest.mark.parametrize(
    "what",
    [SystemExit, KeyboardInterrupt, GeneratorExit, RuntimeError, None],
    ids=["exits", "interrupts", "closes", "fails", "sleeps"],
)
def test_F25_an_exception_reaches_the_program_whatever_its_text_does(
    what: type[BaseException] | None,
) -> None:
    kind = raising(what)
    error = kind("what it was raised with", Repr())

    @clearspan.task
    def failing() -> None:
        raise error

    @clearspan.task
    def stepping() -> Any:
        yield 1
        raise error

    with captured() as seen:
        with pytest.raises(kind) as caught:
            failing()
        assert caught.value is error
        with pytest.raises(kind):
            list(stepping())
        with pytest.raises(kind), clearspan.span("step"):
            raise error
        spans = seen.spans
    assert [span.error for span in spans].count(None) == 0
    assert len(spans) == 3
    assert all("what it was raised with" in str(span.error) for span in spans)
    assert kind.asked == 0  # type: ignore[attr-defined]
    assert clearspan.status().internal_errors == {}


# -- words that are none --------------------------------------------------------------------------


def weight(seen: Any) -> int:
    return sum(
        len(span.name) + len(span.error or "") + len(repr(dict(span.attributes)))
        for span in seen.spans
    )


def called_long() -> None:
    def named() -> None:
        """Nothing."""

    named.__qualname__ = LONG
    clearspan.task(named)()


def failing_long() -> None:
    kind: Any = type("E" * 100_000, (Exception,), {})

    @clearspan.task
    def failing() -> None:
        raise kind(LONG)

    with pytest.raises(kind):
        failing()


def stepped(name: str = "s", **given: Any) -> None:
    with clearspan.span(name, **given):
        pass


def among(**given: Any) -> None:
    with clearspan.context(**given):
        echo(1)


WIDE: dict[str, Callable[[], Any]] = {
    "name-of-a-step": lambda: stepped(LONG),
    "name-of-an-attribute": lambda: stepped(**{LONG: 1}),
    "attribute-of-many-texts": lambda: stepped(note=["a" * 100] * 100_000),
    "name-of-a-function": called_long,
    "exception": failing_long,
    "tags": lambda: among(tags=["t" * 50] * 100_000),
    "name-of-metadata": lambda: among(metadata={LONG: "v"}),
    "session": lambda: among(session=LONG),
}


@pytest.mark.parametrize("run", WIDE.values(), ids=WIDE)
def test_F28_every_word_of_a_record_has_a_cap(run: Callable[[], Any]) -> None:
    with captured(content_target="both") as seen:
        run()
        assert len(seen.spans) == 1
        assert weight(seen) < 600_000


ANSWERED = {
    "id": "c", "object": "chat.completion", "created": 1, "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}],
}  # fmt: skip


@pytest.mark.parametrize("name", ["id", "model", "system_fingerprint", "service_tier", "choices"])
def test_F28_every_word_of_a_server_has_a_cap(name: str, server: ModelServer) -> None:
    many = [
        {"index": at, "message": {"role": "assistant", "content": "x"}, "finish_reason": "z" * 100}
        for at in range(9_000)
    ]
    server.respond(Json({**ANSWERED, name: many if name == "choices" else LONG}))
    how = line("openai-chat")
    client = how.make(server, False)
    with captured() as seen:
        how.ask(client, "a")
        assert weight(seen) < 600_000
    how.release(client)


@pytest.mark.parametrize(
    "asked",
    [{"model": LONG}, {"stop": ["s" * 1_000] * 10_000}, {"stop": LONG}, {"service_tier": LONG}],
    ids=lambda asked: next(iter(asked)),
)
def test_F28_every_word_of_a_request_has_a_cap(asked: dict[str, Any], server: ModelServer) -> None:
    how = line("openai-chat")
    client = how.make(server, False)
    given: Any = {"model": "m", "messages": [{"role": "user", "content": "a"}], **asked}
    with captured() as seen:
        client.chat.completions.create(**given)
        assert weight(seen) < 600_000
    how.release(client)


@pytest.mark.parametrize(
    "value",
    [10**5_000, -(10**5_000), [10**5_000], {"a": 10**5_000}],
    ids=["large", "negative", "listed", "inside"],
)
def test_F26_a_number_that_python_will_not_print_costs_only_itself(value: Any) -> None:
    with captured() as seen:
        with clearspan.span("step", good="kept", extra=value) as step:
            step.set(input=value, output="made")
        (span,) = seen.spans
    assert "kept" in span.attributes.values()
    assert "made" in span.attributes.values()
    assert clearspan.status().internal_errors == {}


@pytest.mark.parametrize("declared", [5, None, ["x"], {1: 2, None: 3}])
def test_F25_a_class_that_only_looks_like_a_dataclass(declared: Any) -> None:
    odd = type("Odd", (), {"__dataclass_fields__": declared})
    with captured() as seen:
        echo({"good": "kept", "odd": odd()})
        (span,) = seen.spans
    assert "kept" in told(span)
    assert "Odd" in told(span)
